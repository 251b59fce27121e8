-- sla.stay_until_resolved, the other reading: a loaner is no leave to go.
-- grain: one fault with a site visit
with

ticket as (
    select
        *,
        coalesce(left_site_latest_at, left_site_at) as left_latest_at,
        coalesce(resolved_latest_at, resolved_at) as served_latest_at
    from fact_ticket
    where is_fault and onsite_at is not null
),

final as (

    select
        contract_id, ticket_id as subject, arose_on, finished,
        case
            when left_site_at is null then null
            when left_site_at >= served_latest_at then 'met'
            when left_latest_at < resolved_at then 'breached'
            when resolved_at is not null then 'unknown'
            when coalesce(closed_latest_at, closed_at) <= left_site_at then 'met'
            when closed_at is not null or finished then 'unknown'
            when leaving_recorded and ends_recorded then 'breached'
            else 'unknown'
        end as stated,
        reading, readings, in_doubt, recorded_set
    from ticket

)

select * from final
