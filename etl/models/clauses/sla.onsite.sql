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
        ticket.arose_on, ticket.reported_at as began_at,
        ticket.reported_at
            + interval '1 second' * term.seconds
            + interval '1 microsecond' * term.microseconds as due_at,
        ticket.onsite_at as done_at,
        least(ticket.resolved_at, ticket.closed_at) as bound_at,
        ticket.finished
    from ticket
    join term
        on ticket.contract_id = term.contract_id
    where ticket.is_fault and coalesce(ticket.remote_resolved, false) = false

)

select * from final
