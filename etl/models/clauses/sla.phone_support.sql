-- sla.phone_support: 对电话服务请求进行实时响应
-- grain: one consultation by phone
-- due: phone_minutes after the report; done: the response, bounded by any later stage
with

ticket as (select * from fact_ticket),

term as (
    select contract_id, seconds, microseconds
    from contract_term
    where term = 'phone_minutes'
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
    where ticket.channel = 'phone' and ticket.service_type = 'consultation'

)

select * from final
