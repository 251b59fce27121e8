-- sla.onsite: 若无法电话远程解决,将在 2 小时内到达现场
-- grain: one fault not solved remotely
-- due: onsite_minutes after the report; done: arrival, bounded by the end of the ticket
with

ticket as (select * from fact_ticket),

term as (
    select contract_id, seconds, microseconds
    from contract_term
    where term = 'onsite_minutes'
),

final as (

    select
        ticket.contract_id, ticket.ticket_id as subject, ticket.department, ticket.equipment_id,
        ticket.category, ticket.service_type, ticket.channel,
        ticket.arose_on, ticket.reported_at as began_at, ticket.reported_latest_at as began_latest_at,
        term.seconds as allowed_seconds, term.microseconds as allowed_microseconds,
        ticket.onsite_at as done_at, ticket.onsite_latest_at as done_latest_at,
        least(
            coalesce(ticket.resolved_latest_at, ticket.resolved_at),
            coalesce(ticket.closed_latest_at, ticket.closed_at)
        ) as bound_at,
        ticket.finished,
        ticket.reading, ticket.readings, ticket.in_doubt, ticket.recorded_set
    from ticket
    join term
        on ticket.contract_id = term.contract_id
    where ticket.is_fault and coalesce(ticket.remote_resolved, false) = false

)

select * from final
