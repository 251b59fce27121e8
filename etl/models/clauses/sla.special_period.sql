-- sla.special_period: 我们制定了用户重要会议期间的特殊服务预案
-- grain: one special period, ahead or past
-- due: its start; done: the day its plan was filed, the day of the start included
with

period as (select * from base_special_periods),

final as (

    select
        contract_id, period_id as subject,
        cast(starts_at as date) as arose_on,
        starts_at as due_at, starts_latest_at as due_latest_at,
        plan_filed_on as done_on,
        recorded_set
    from period

)

select * from final
