-- inspection.monthly: 对各使用部门 1 次/1 个月
-- grain: one department in one calendar month under warranty
-- due: the month's last day; done: the first visit of any kind in it
with

period as (select * from fact_inspection_period where kind = 'monthly'),

final as (

    select
        contract_id, department || '|' || month as subject, department,
        first_on as arose_on,
        last_on as due_on,
        visited_on as done_on
    from period

)

select * from final
