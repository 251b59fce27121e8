-- inspection.half_yearly: 季度巡检时间安排在每年一月和七月的中旬进行
-- grain: one department in one of these windows under warranty
-- due: the window's last day; done: the first half-yearly visit inside it
with

period as (select * from fact_inspection_period where kind = 'half_yearly'),

final as (

    select
        contract_id, department || '|' || month as subject, department,
        first_on as arose_on,
        last_on as due_on,
        visited_on as done_on
    from period

)

select * from final
