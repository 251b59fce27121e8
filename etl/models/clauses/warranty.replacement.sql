-- warranty.replacement: 同一设备、同一质量问题连续两次维修仍无法正常使用,无条件免费更换
-- grain: one unit and problem whose repairs failed failed_repairs times in a row
-- due: replacement_days after the last of them; done: the first unit that replaces this one
-- A new unit of another brand or model breaks the promise; a ticket that says "replaced" without
-- any such unit leaves open which device came.
with

repair as (select * from fact_repair_run),

unit as (select * from fact_unit),

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
        repair.contract_id, repair.equipment_id, repair.problem_code,
        min(cast(repair.end_at as date)) as arose_on
    from repair
    join term
        on repair.contract_id = term.contract_id
    where repair.failed and repair.run >= term.failed_repairs
    group by repair.contract_id, repair.equipment_id, repair.problem_code

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

    select equipment_id, max(cast(end_at as date)) as last_replaced_on
    from fact_ticket
    where finished and outcome = 'replaced'
    group by equipment_id

),

final as (

    select
        opened.contract_id,
        opened.equipment_id || '|' || opened.problem_code as subject,
        unit.department, opened.equipment_id, unit.category,
        opened.arose_on,
        opened.arose_on + term.replacement_days as due_on,
        replacing.came_on as done_on,
        false as finished,
        case
            when replacing.brand <> unit.brand or replacing.model <> unit.model then 'breached'
            when replacing.came_on is null and said.last_replaced_on >= opened.arose_on
                then 'unknown'
        end as stated
    from opened
    join unit
        on opened.equipment_id = unit.equipment_id
    join term
        on opened.contract_id = term.contract_id
    left join replacing
        on opened.equipment_id = replacing.replaces_equipment_id
        and replacing.place = 1
    left join said
        on opened.equipment_id = said.equipment_id

)

select * from final
