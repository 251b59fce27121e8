-- sla.software_resolution: 48 小时内解决问题
-- grain: one software fault
-- due: resolution_hours after the report; done: its end
-- A ticket closed after due without saying when it was resolved shows neither.
with

ticket as (select * from fact_ticket where service_type = 'software_fault'),

term as (
    select contract_id, seconds, microseconds
    from contract_term
    where term = 'resolution_hours'
),

final as (

    select
        ticket.contract_id, ticket.ticket_id as subject, ticket.department, ticket.equipment_id,
        ticket.category, ticket.service_type, ticket.channel,
        ticket.arose_on, ticket.reported_at as began_at,
        ticket.reported_latest_at as began_latest_at,
        term.seconds as allowed_seconds, term.microseconds as allowed_microseconds,
        ticket.end_at as done_at, ticket.end_latest_at as done_latest_at,
        ticket.resolved_at is null as done_is_bound,
        ticket.finished,
        case
            when ticket.end_at is not null and ticket.outcome = 'not_fixed' then 'breached'
        end as stated,
        ticket.reading, ticket.readings, ticket.in_doubt, ticket.recorded_set
    from ticket
    join term
        on ticket.contract_id = term.contract_id

)

select * from final
