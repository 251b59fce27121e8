-- sla.hardware_repair, the other reading: two days are 48 hours from the report.
-- grain: one hardware fault
with

ticket as (select * from fact_ticket where service_type = 'hardware_fault'),

term as (select contract_id, value as repair_days from contract_term where term = 'repair_days'),

timed as (

    select
        ticket.*,
        cast(term.repair_days as integer) * 86400 as allowed_seconds
    from ticket
    join term
        on ticket.contract_id = term.contract_id

),

final as (

    select
        contract_id, ticket_id as subject, arose_on,
        reported_at as began_at, reported_latest_at as began_latest_at, allowed_seconds,
        0 as allowed_microseconds,
        end_at as done_at, end_latest_at as done_latest_at, resolved_at is null as done_is_bound,
        finished,
        case when end_at is not null and outcome = 'not_fixed' then 'breached' end as stated,
        reading, readings, in_doubt, recorded_set
    from timed

)

select * from final
