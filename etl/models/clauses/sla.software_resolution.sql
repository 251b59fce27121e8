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

due as (

    select
        ticket.*,
        ticket.reported_at
            + interval '1 second' * term.seconds
            + interval '1 microsecond' * term.microseconds as due_at
    from ticket
    join term
        on ticket.contract_id = term.contract_id

),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id,
        category, service_type, channel,
        arose_on, reported_at as began_at,
        due_at,
        end_at as done_at,
        finished,
        case
            when finished and outcome = 'not_fixed' then 'breached'
            when resolved_at is null and closed_at > due_at then 'unknown'
        end as stated
    from due

)

select * from final
