-- When the local spares fall short if nothing is added, at the rate of use of the last 90 days.
-- grain: origin day, contract
-- key: origin_on, contract_id
-- needed: spares_ratio x units in service; used_per_day: issued less returned, at local
-- days_left: until on_hand falls below needed; days_low, days_high: its 95 % interval; empty where
--   nothing was used
-- expected_use, use_low, use_high: over the 30 days after the origin; actual_use: what it came to
with

origin as (select * from forecast_origin),

moment as (select * from moment),

stock as (select * from fact_spares_day where on_hand is not null),

term as (select contract_id, value as spares_ratio from contract_term where term = 'spares_ratio'),

used as (

    select
        contract_id, cast(moved_at as date) as day,
        cast(sum(case when kind = 'issue' then quantity else -quantity end) as double) as quantity
    from base_parts
    where kind in ('issue', 'return') and coalesce(location, '') = 'local'
    group by contract_id, cast(moved_at as date)

),

recent as (

    select
        origin.origin_on, used.contract_id,
        sum(used.quantity) / 90 as used_per_day,
        sum(used.quantity * used.quantity) / 90 as mean_square
    from origin
    join used
        on used.day <= origin.origin_on
        and used.day > origin.origin_on - 90
    group by origin.origin_on, used.contract_id

),

after as (

    select origin.origin_on, used.contract_id, sum(used.quantity) as quantity
    from origin
    join used
        on used.day > origin.origin_on
        and used.day <= origin.origin_on + 30
    group by origin.origin_on, used.contract_id

),

standing as (

    select
        origin.origin_on, origin.days_back, stock.contract_id,
        stock.on_hand, stock.units_in_service,
        term.spares_ratio * stock.units_in_service as needed,
        greatest(cast(0 as double), coalesce(recent.used_per_day, 0)) as used_per_day,
        sqrt(
            greatest(
                cast(0 as double),
                coalesce(recent.mean_square - recent.used_per_day * recent.used_per_day, 0)
            )
        ) as deviation,
        case when origin.days_back >= 30 then coalesce(after.quantity, 0) end as actual_use
    from origin
    join stock
        on origin.origin_on = stock.day
    join term
        on stock.contract_id = term.contract_id
    left join recent
        on origin.origin_on = recent.origin_on
        and stock.contract_id = recent.contract_id
    left join after
        on origin.origin_on = after.origin_on
        and stock.contract_id = after.contract_id

),

-- Stock after d days is surplus - use * d, give or take 1.96 * deviation * sqrt(d).
solved as (

    select
        *,
        greatest(cast(0 as double), cast(on_hand - needed as double)) as surplus,
        1.96 * deviation as spread
    from standing

),

final as (

    select
        origin_on, contract_id, on_hand, units_in_service, needed,
        round(used_per_day, 6) as used_per_day,
        cast(floor(surplus / nullif(used_per_day, 0)) as bigint) as days_left,
        cast(
            floor(
                power(
                    (-spread + sqrt(spread * spread + 4 * used_per_day * surplus))
                    / nullif(2 * used_per_day, 0), 2
                )
            ) as bigint
        ) as days_low,
        cast(
            floor(
                power(
                    (spread + sqrt(spread * spread + 4 * used_per_day * surplus))
                    / nullif(2 * used_per_day, 0), 2
                )
            ) as bigint
        ) as days_high,
        round(30 * used_per_day, 3) as expected_use,
        round(greatest(cast(0 as double), 30 * used_per_day - spread * sqrt(30)), 3) as use_low,
        round(30 * used_per_day + spread * sqrt(30), 3) as use_high,
        actual_use
    from solved

)

select * from final
