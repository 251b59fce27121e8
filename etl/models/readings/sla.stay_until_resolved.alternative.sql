-- sla.stay_until_resolved, the other reading: a loaner is no leave to go.
-- grain: one fault with a site visit
with

ticket as (select * from fact_ticket where is_fault and onsite_at is not null),

final as (

    select
        contract_id, ticket_id as subject, arose_on, finished,
        case
            when left_site_at is null and finished then 'unknown'
            when left_site_at is null then 'pending'
            when left_site_at >= resolved_at then 'met'
            when left_site_at < resolved_at then 'breached'
            when closed_at is null then 'breached'
            when closed_at <= left_site_at then 'met'
            else 'unknown'
        end as stated
    from ticket

)

select * from final
