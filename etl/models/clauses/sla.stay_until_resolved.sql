-- sla.stay_until_resolved: 故障不解决,技术人员不撤离
-- grain: one fault with a site visit
-- Kept by leaving after the repair, or after a loaner stands in its place. Left with neither,
-- the ticket still open: the log itself says so, where its file had a column for the end.
with

ticket as (
    select
        *,
        coalesce(left_site_latest_at, left_site_at) as left_latest_at,
        finished and end_at is null as endless,
        least(resolved_at, loaner_provided_at) as served_at,
        least(
            coalesce(resolved_latest_at, resolved_at),
            coalesce(loaner_provided_latest_at, loaner_provided_at)
        ) as served_latest_at
    from fact_ticket
    where is_fault and onsite_at is not null
),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id,
        category, service_type, channel,
        arose_on, finished,
        case
            when left_site_at is null then null
            when left_site_at >= served_latest_at then 'met'
            when left_latest_at < served_at and leaving_recorded and not endless then 'breached'
            when served_at is not null then 'unknown'
            when coalesce(closed_latest_at, closed_at) <= left_site_at then 'met'
            when closed_at is not null or finished then 'unknown'
            when leaving_recorded and ends_recorded then 'breached'
            else 'unknown'
        end as stated,
        reading, readings, in_doubt, recorded_set
    from ticket

)

select * from final
