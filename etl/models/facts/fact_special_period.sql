-- The buyer's important meetings, past and ahead.
-- grain: one special period
-- key: period_id
with

period as (select * from base_special_periods),

final as (

    select contract_id, period_id, name, starts_at, ends_at, plan_filed_on
    from period

)

select * from final
