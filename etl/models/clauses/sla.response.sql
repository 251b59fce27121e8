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
        ticket.arose_on, ticket.reported_at as began_at, ticket.reported_latest_at as began_latest_at,
        term.seconds as allowed_seconds, term.microseconds as allowed_microseconds,
        ticket.responded_at as done_at, ticket.responded_latest_at as done_latest_at,
        least(
            coalesce(ticket.onsite_latest_at, ticket.onsite_at),
            coalesce(ticket.resolved_latest_at, ticket.resolved_at),
            coalesce(ticket.closed_latest_at, ticket.closed_at)
        ) as bound_at,
        ticket.finished,
        ticket.reading, ticket.readings, ticket.in_doubt, ticket.recorded_set
    from ticket
    join term
        on ticket.contract_id = term.contract_id
    where ticket.is_fault or ticket.channel in ('email', 'fax', 'web')

)

select * from final
