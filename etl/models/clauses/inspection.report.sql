-- inspection.report: 每次巡检结束后,…巡检报告,编制成册后交由招标人的负责人保存
-- grain: one visit
-- due: report_days after the visit; done: the report
with

visit as (select * from base_inspections where performed_on is not null),

term as (
    select contract_id, cast(value as integer) as report_days
    from contract_term
    where term = 'report_days'
),

final as (

    select
        visit.contract_id, visit.inspection_id as subject, visit.department,
        visit.performed_on as arose_on,
        visit.performed_on + term.report_days as due_on,
        visit.report_delivered_on as done_on,
        visit.recorded_set
    from visit
    join term
        on visit.contract_id = term.contract_id

)

select * from final
