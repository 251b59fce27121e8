-- sla.response: 在 30 分钟内进行响应并提出初步的处理意见
-- grain: one fault on any channel; one request of another kind by e-mail, fax or web
-- due: response_minutes after the report; done: the response, bounded by any later stage
with

ticket as (select * from fact_ticket),

term as (
    select contract_id, seconds, microseconds
    from contract_term
    where term = 'response_minutes'
),

final as (

    select
        ticket.contract_id, ticket.ticket_id as subject, ticket.department, ticket.equipment_id,
        ticket.category, ticket.service_type, ticket.channel,
        ticket.arose_on, ticket.reported_at as began_at,
        ticket.reported_at
            + interval '1 second' * term.seconds
            + interval '1 microsecond' * term.microseconds as due_at,
        ticket.responded_at as done_at,
        least(ticket.onsite_at, ticket.resolved_at, ticket.closed_at) as bound_at,
        ticket.finished
    from ticket
    join term
        on ticket.contract_id = term.contract_id
    where ticket.is_fault or ticket.channel in ('email', 'fax', 'web')

)

select * from final
