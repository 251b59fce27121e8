-- The days from which forecasts look ahead: as_of, and earlier ones that show how well they did.
-- grain: one day
-- key: origin_on
-- origin_at: its last second, for as_of's own day as_of itself
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
        cast(moment.as_of as date) - back.days_back as origin_on,
        least(
            cast(cast(moment.as_of as date) - back.days_back as timestamp) + interval 86399 second,
            moment.as_of
        ) as origin_at
    from back
    cross join moment

)

select * from final
