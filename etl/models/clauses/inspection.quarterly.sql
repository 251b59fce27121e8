-- inspection.quarterly: 季度巡检时间安排在每年三月、六月、九月和十二月的中旬进行
-- grain: one department in one of these windows under warranty
-- due: the window's last day; done: the first quarterly visit inside it
with

period as (select * from fact_inspection_period where kind = 'quarterly'),

final as (

    select
        contract_id, department || '|' || month as subject, department,
        first_on as arose_on,
        last_on as due_on,
        visited_on as done_on
    from period

)

select * from final
