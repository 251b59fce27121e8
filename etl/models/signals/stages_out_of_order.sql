-- Tickets whose stages contradict their own order.
-- grain: one ticket: answered after the visit began, a visit that began after it ended, or an
--   answer or a visit after the end
with

ticket as (

    select
        *,
        least(
            coalesce(resolved_latest_at, resolved_at), coalesce(closed_latest_at, closed_at)
        ) as ended_at
    from fact_ticket
    where reading = 0

),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id, engineer_id,
        coalesce(responded_at, onsite_at) as found_at
    from ticket
    where
        responded_at > coalesce(onsite_latest_at, onsite_at)
        or onsite_at > coalesce(left_site_latest_at, left_site_at)
        or responded_at > ended_at
        or onsite_at > ended_at

)

select * from final
