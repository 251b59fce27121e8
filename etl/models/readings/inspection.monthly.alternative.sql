-- inspection.monthly, the other reading: only a monthly visit is a month's visit.
-- grain: one department in one calendar month under warranty
with

period as (select * from fact_inspection_period where kind = 'monthly'),

visit as (select * from base_inspections where kind = 'monthly'),

final as (

    select
        period.contract_id, period.department || '|' || period.month as subject,
        period.first_on as arose_on, period.last_on as due_on,
        min(visit.performed_on) as done_on
    from period
    left join visit
        on period.contract_id = visit.contract_id
        and period.department = visit.department
        and visit.performed_on between period.first_on and period.last_on
    group by
        period.contract_id, period.department, period.month, period.first_on, period.last_on

)

select * from final
