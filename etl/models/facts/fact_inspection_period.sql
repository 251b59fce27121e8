-- The visits that a department is owed, and when it had them.
-- grain: one department of one contract, one kind of visit, one month
-- key: contract_id, department, kind, month
-- A month or window counts while some one unit is under warranty and in use on every day of it,
-- from the day it begins.
-- first_on, last_on: the month's days; for quarterly and half_yearly the window's
-- visited_on: the first visit of the kind in it; for monthly of any kind
with

unit as (select * from fact_warranty),

month as (select * from fact_month),

visit as (select * from base_inspections),

moment as (select * from moment),

term as (
    select
        contract_id,
        cast(max(value) filter (where term = 'window_first_day') as integer) as first_day,
        cast(max(value) filter (where term = 'window_last_day') as integer) as last_day
    from contract_term
    group by contract_id
),

period as (

    select term.contract_id, 'monthly' as kind, month.month, month.first_on, month.last_on
    from month
    cross join term
    union all
    select
        term.contract_id,
        case when substr(month.month, 6) in ('01', '07') then 'half_yearly' else 'quarterly' end
            as kind,
        month.month,
        month.first_on + (term.first_day - 1) as first_on,
        month.first_on + (term.last_day - 1) as last_on
    from month
    cross join term
    where substr(month.month, 6) in ('01', '03', '06', '07', '09', '12')

),

owed as (

    select distinct
        period.contract_id, unit.department,
        period.kind, period.month, period.first_on, period.last_on
    from period
    cross join moment
    join unit
        on period.contract_id = unit.contract_id
        and unit.accepted_on <= period.first_on
        and unit.expires_on >= period.last_on
        and (unit.retired_on is null or unit.retired_on > period.last_on)
    where period.first_on <= cast(moment.as_of as date)

),

final as (

    select
        owed.contract_id, owed.department, owed.kind, owed.month, owed.first_on, owed.last_on,
        min(visit.performed_on) as visited_on
    from owed
    left join visit
        on owed.contract_id = visit.contract_id
        and owed.department = visit.department
        and visit.performed_on between owed.first_on and owed.last_on
        and (owed.kind = 'monthly' or owed.kind = visit.kind)
    group by
        owed.contract_id, owed.department, owed.kind, owed.month, owed.first_on, owed.last_on

)

select * from final
