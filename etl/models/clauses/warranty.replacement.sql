-- warranty.replacement: 同一设备、同一质量问题连续两次维修仍无法正常使用,无条件免费更换
-- grain: one unit and problem whose repairs failed failed_repairs times in a row
-- due: replacement_days after the last of them; done: the first unit that replaces this one
-- A new unit of another brand or model breaks the promise; a ticket that says "replaced" without
-- any such unit leaves open which device came. Repairs without a problem code may have been of
-- different problems, and a repair that ended nobody knows when may have broken the run: such a
-- case can be kept, not broken.
with

repair as (select * from fact_repair_run),

ticket as (select * from fact_ticket where reading = 0 and finished),

unit as (select * from fact_unit),

reading as (select * from fact_unit_reading),

term as (
    select
        contract_id,
        max(value) filter (where term = 'failed_repairs') as failed_repairs,
        cast(max(value) filter (where term = 'replacement_days') as integer) as replacement_days
    from contract_term
    group by contract_id
),

opened as (

    select
        repair.contract_id, repair.equipment_id, repair.problem_code, repair.reading,
        min(cast(repair.end_at as date)) as arose_on
    from repair
    join term
        on repair.contract_id = term.contract_id
    where repair.failed and repair.run >= term.failed_repairs
    group by repair.contract_id, repair.equipment_id, repair.problem_code, repair.reading

),

-- A case that only a ticket in doubt makes, or prevents, is open; one that only an end in doubt
-- makes is none.
perhaps as (

    select
        opened.contract_id, opened.equipment_id, opened.problem_code, reading.ends_left_out,
        min(opened.arose_on) as arose_on
    from opened
    join reading
        on opened.equipment_id = reading.equipment_id
        and opened.reading = reading.reading
    group by
        opened.contract_id, opened.equipment_id, opened.problem_code, reading.ends_left_out

),

looked_at as (

    select
        perhaps.contract_id, perhaps.equipment_id, perhaps.problem_code, reading.reading,
        reading.readings,
        coalesce(opened.arose_on, perhaps.arose_on) as arose_on,
        opened.equipment_id is not null as made
    from perhaps
    join reading
        on perhaps.equipment_id = reading.equipment_id
        and perhaps.ends_left_out = reading.ends_left_out
    left join opened
        on perhaps.equipment_id = opened.equipment_id
        and perhaps.problem_code = opened.problem_code
        and reading.reading = opened.reading

),

endless as (

    select distinct equipment_id, problem_code
    from ticket
    where is_fault and end_at is null and equipment_id is not null and problem_code is not null

),

replacing as (

    select
        *,
        coalesce(delivered_on, accepted_on) as came_on,
        row_number() over (
            partition by replaces_equipment_id
            order by coalesce(delivered_on, accepted_on), equipment_id
        ) as place
    from unit
    where replaces_equipment_id is not null and coalesce(delivered_on, accepted_on) is not null

),

said as (

    select
        equipment_id,
        max(cast(end_at as date)) as last_replaced_on,
        max(case when end_at is null then 1 else 0 end) = 1 as replaced_some_day
    from ticket
    where outcome = 'replaced'
    group by equipment_id

),

judged as (

    select
        looked_at.contract_id, looked_at.equipment_id, looked_at.problem_code, looked_at.reading,
        looked_at.readings, looked_at.arose_on, looked_at.made,
        unit.department, unit.category,
        looked_at.arose_on + term.replacement_days as due_on,
        replacing.came_on,
        looked_at.problem_code = '' or endless.equipment_id is not null as never_broken,
        coalesce(replacing.brand <> unit.brand, false)
            or coalesce(replacing.model <> unit.model, false) as differs,
        coalesce(said.last_replaced_on >= looked_at.arose_on, false)
            or coalesce(said.replaced_some_day, false) as said_replaced
    from looked_at
    join unit
        on looked_at.equipment_id = unit.equipment_id
    join term
        on looked_at.contract_id = term.contract_id
    left join endless
        on looked_at.equipment_id = endless.equipment_id
        and looked_at.problem_code = endless.problem_code
    left join replacing
        on looked_at.equipment_id = replacing.replaces_equipment_id
        and replacing.place = 1
    left join said
        on looked_at.equipment_id = said.equipment_id

),

final as (

    select
        contract_id, equipment_id || '|' || problem_code as subject, department, equipment_id,
        category, arose_on, due_on, came_on as done_on,
        false as finished,
        case
            when not made then 'unknown'
            when never_broken and not differs and came_on <= due_on then 'met'
            when never_broken then 'unknown'
            when differs then 'breached'
            when came_on is null and said_replaced then 'unknown'
        end as stated,
        reading, readings
    from judged

)

select * from final
