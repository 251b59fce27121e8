-- Clauses about finished tickets of which no ticket of the contract can be known to be finished.
-- grain: one contract and clause
-- key: contract_id, clause
-- That is where no file of a row had a column for the end, rows after as_of included, and there are
-- tickets that the clause would be about.
with

ticket as (select * from fact_ticket where reading = 0),

repair as (select * from fact_repair where reading = 0),

moment as (select * from moment),

endless as (

    select one.contract_id
    from log_tickets as one
    join recorded_tickets as file
        on one.batch = file.batch
        and one.recorded is not distinct from file.recorded
    group by one.contract_id
    having max(case when file.resolved_at or file.closed_at then 1 else 0 end) = 0

),

candidate as (

    select contract_id, 'sla.recorded' as clause from ticket
    union distinct
    select contract_id, 'sla.signed_off' as clause
    from ticket
    where is_fault and onsite_at is not null
    union distinct
    select contract_id, 'sla.hardware_swap' as clause
    from ticket
    where service_type = 'hardware_fault' and left_site_at is not null
    union distinct
    select repair.contract_id, 'sla.loaner' as clause
    from repair
    cross join moment
    where moment.as_of > repair.repair_due_at

),

final as (

    select candidate.contract_id, candidate.clause
    from candidate
    join endless
        on candidate.contract_id = endless.contract_id

)

select * from final
