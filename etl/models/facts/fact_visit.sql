-- Visits of inspection, planned or performed.
-- grain: one visit in the log
-- key: inspection_id
-- performed_on: empty while it is only planned
-- report_due_on: the last day for its report
-- listed: whether a unit of that contract and department is in the equipment register
with

visit as (select * from base_inspections),

term as (
    select contract_id, cast(value as integer) as report_days
    from contract_term
    where term = 'report_days'
),

place as (select distinct contract_id, department from base_equipment),

final as (

    select
        visit.contract_id, visit.inspection_id, visit.department, visit.kind,
        visit.planned_on, visit.plan_approved_on, visit.performed_on, visit.inspector_id,
        visit.interviewed, visit.problems_checked, visit.maintained, visit.client_maintained,
        visit.feedback_heard, visit.report_delivered_on, visit.findings,
        visit.performed_on + term.report_days as report_due_on,
        place.department is not null as listed
    from visit
    join term
        on visit.contract_id = term.contract_id
    left join place
        on visit.contract_id = place.contract_id
        and visit.department = place.department

)

select * from final
