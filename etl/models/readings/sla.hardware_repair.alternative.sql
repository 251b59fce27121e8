-- sla.hardware_repair, the other reading: two days are 48 hours from the report.
-- grain: one hardware fault
with

ticket as (select * from fact_ticket where service_type = 'hardware_fault'),

term as (select contract_id, value as repair_days from contract_term where term = 'repair_days'),

timed as (

    select
        ticket.*,
        ticket.reported_at + interval '1 day' * cast(term.repair_days as integer) as due_at
    from ticket
    join term
        on ticket.contract_id = term.contract_id

),

final as (

    select
        contract_id, ticket_id as subject, arose_on, reported_at as began_at, due_at,
        end_at as done_at, finished,
        case
            when finished and outcome = 'not_fixed' then 'breached'
            when resolved_at is null and closed_at > due_at then 'unknown'
        end as stated
    from timed

)

select * from final
