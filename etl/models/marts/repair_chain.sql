-- Problems whose last repairs failed under warranty, and that have opened no replacement yet.
-- grain: one unit and problem
-- key: equipment_id, problem_code
-- run: failed repairs in a row up to the last; missing: how many more open a replacement
-- Only units that a further failed repair could still be counted for: in use and, with every
-- silent extension, under warranty.
with

repair as (select * from fact_repair_run where reading = 0 and problem_code <> ''),

unit as (select * from fact_warranty),

moment as (select * from moment),

opened as (select subject from obligation where clause = 'warranty.replacement'),

term as (
    select contract_id, cast(value as integer) as failed_repairs
    from contract_term
    where term = 'failed_repairs'
),

placed as (

    select
        *,
        row_number() over (
            partition by equipment_id, problem_code order by end_at desc, ticket_id desc
        ) as place
    from repair

),

final as (

    select
        placed.contract_id, placed.equipment_id, unit.department, placed.category,
        placed.problem_code, placed.ticket_id, placed.reported_at, placed.end_at, placed.run,
        term.failed_repairs - placed.run as missing
    from placed
    cross join moment
    join unit
        on placed.equipment_id = unit.equipment_id
        and unit.retired_on is null
        and cast(moment.as_of as date) <= unit.possible_expires_on
    join term
        on placed.contract_id = term.contract_id
    left join opened
        on placed.equipment_id || '|' || placed.problem_code = opened.subject
    where placed.place = 1 and placed.run > 0 and opened.subject is null

)

select * from final
