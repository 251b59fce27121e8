-- The days from which forecasts look ahead: as_of, and earlier ones that show how well they did.
-- grain: one day
-- key: origin_on
with

moment as (select * from moment),

back as (

    select 0 as days_back
    union all select 30
    union all select 60
    union all select 90
    union all select 120
    union all select 150
    union all select 180

),

final as (

    select
        back.days_back,
        cast(moment.as_of as date) - back.days_back as origin_on
    from back
    cross join moment

)

select * from final
