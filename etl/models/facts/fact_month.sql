-- The calendar months from the first acceptance to as_of.
-- grain: one month
-- key: month (like 2026-03)
with

day as (

    select distinct
        substr(cast(day as varchar), 1, 7) as month,
        cast(date_trunc('month', day) as date) as first_on
    from calendar

),

final as (

    select
        month, first_on,
        cast(first_on + interval '1 month' - interval '1 day' as date) as last_on
    from day

)

select * from final
