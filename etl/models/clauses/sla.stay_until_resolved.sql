-- sla.stay_until_resolved: 故障不解决,技术人员不撤离
-- grain: one fault with a site visit
-- Kept by leaving after the repair, or after a loaner stands in its place. Left with neither,
-- the ticket still open: the log itself says so.
with

ticket as (select * from fact_ticket where is_fault and onsite_at is not null),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id,
        category, service_type, channel,
        arose_on, finished,
        case
            when left_site_at is null and finished then 'unknown'
            when left_site_at is null then 'pending'
            when left_site_at >= least(resolved_at, loaner_provided_at) then 'met'
            when left_site_at < least(resolved_at, loaner_provided_at) then 'breached'
            when closed_at is null then 'breached'
            when closed_at <= left_site_at then 'met'
            else 'unknown'
        end as stated
    from ticket

)

select * from final
