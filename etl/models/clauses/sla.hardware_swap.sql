-- sla.hardware_swap: 用备品对故障设备进行更换
-- grain: one hardware fault not repaired when the first visit ends
-- due: swap_hours after arrival (else after leaving)
-- done: the loaner or, where the unit was replaced, the end, whichever came first
-- A replacement known only by closing after due shows neither. Without an end in the export nobody
-- knows whether the repair went on.
with

ticket as (
    select
        *,
        case when outcome = 'replaced' then end_at end as replaced_at,
        case when outcome = 'replaced' then coalesce(end_latest_at, end_at) end
            as replaced_latest_at,
        coalesce(loaner_provided_latest_at, loaner_provided_at) as lent_latest_at
    from fact_ticket
    where
        service_type = 'hardware_fault'
        and left_site_at is not null
        and ends_recorded
        and (
            (end_at is null and not finished)
            or end_at > coalesce(left_site_latest_at, left_site_at)
        )
),

term as (
    select contract_id, seconds, microseconds
    from contract_term
    where term = 'swap_hours'
),

final as (

    select
        ticket.contract_id, ticket.ticket_id as subject, ticket.department, ticket.equipment_id,
        ticket.category, ticket.service_type, ticket.channel,
        ticket.arose_on, coalesce(ticket.onsite_at, ticket.left_site_at) as began_at,
        case
            when ticket.onsite_at is null then ticket.left_site_latest_at
            else ticket.onsite_latest_at
        end as began_latest_at,
        term.seconds as allowed_seconds, term.microseconds as allowed_microseconds,
        least(ticket.loaner_provided_at, ticket.replaced_at) as done_at,
        least(ticket.lent_latest_at, ticket.replaced_latest_at) as done_latest_at,
        ticket.resolved_at is null
            and ticket.replaced_at is not null
            and (ticket.lent_latest_at is null or ticket.replaced_at < ticket.lent_latest_at)
            as done_is_bound,
        ticket.finished,
        ticket.reading, ticket.readings, ticket.in_doubt, ticket.recorded_set
    from ticket
    join term
        on ticket.contract_id = term.contract_id

)

select * from final
