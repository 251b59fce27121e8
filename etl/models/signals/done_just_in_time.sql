-- Promises kept in the last twentieth of their time, far more often than just before it.
-- grain: one obligation done in that last twentieth
-- A clause stands out in a month with five or more such, and more than three times the mean of the
-- five twentieths before.
-- alike: such obligations of the contract and clause in the month
with

obligation as (

    select
        *,
        substr(cast(arose_on as varchar), 1, 7) as month
    from obligation
    where bucket is not null and clause like 'sla.%'

),

month as (

    select
        contract_id, clause, month,
        count(*) filter (where bucket = 19) as alike,
        count(*) filter (where bucket between 14 and 18) as before_it
    from obligation
    group by contract_id, clause, month

),

final as (

    select
        obligation.contract_id, obligation.subject, obligation.department,
        obligation.equipment_id, obligation.clause as beside,
        obligation.done_at as found_at, month.alike
    from obligation
    join month
        on obligation.contract_id = month.contract_id
        and obligation.clause = month.clause
        and obligation.month = month.month
    where obligation.bucket = 19 and month.alike >= 5 and 5 * month.alike > 3 * month.before_it

)

select * from final
