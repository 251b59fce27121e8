-- Spare units on hand against the units in service, day by day.
-- grain: one contract and day with a unit in service, from its first acceptance to as_of
-- key: contract_id, day
-- on_hand: at local; perhaps_on_hand: with what lies at no named place; both empty before the
--   contract's first movement
-- ends_at: the day's last second, on the last day as_of
with

unit as (select * from fact_unit where accepted_on is not null),

moment as (select * from moment),

turn as (

    select contract_id, accepted_on as day, 1 as units from unit
    union all
    select contract_id, retired_on as day, -1 as units from unit where retired_on is not null

),

turned as (

    select contract_id, day, sum(units) as units
    from turn
    group by contract_id, day

),

first_movement as (

    select contract_id, cast(min(moved_at) as date) as day
    from base_parts
    group by contract_id

),

start as (select contract_id, min(accepted_on) as day from unit group by contract_id),

spine as (

    select start.contract_id, calendar.day
    from calendar
    join start
        on calendar.day >= start.day

),

moved as (

    select
        stock.contract_id, greatest(stock.day, start.day) as day,
        sum(case when stock.place = 'local' then stock.change else 0 end) as change,
        sum(stock.change) as perhaps_change
    from fact_stock as stock
    join start
        on stock.contract_id = start.contract_id
    group by stock.contract_id, greatest(stock.day, start.day)

),

summed as (

    select
        spine.contract_id, spine.day,
        sum(coalesce(turned.units, 0)) over (
            partition by spine.contract_id order by spine.day
            rows between unbounded preceding and current row
        ) as units_in_service,
        sum(coalesce(moved.change, 0)) over (
            partition by spine.contract_id order by spine.day
            rows between unbounded preceding and current row
        ) as on_hand,
        sum(coalesce(moved.perhaps_change, 0)) over (
            partition by spine.contract_id order by spine.day
            rows between unbounded preceding and current row
        ) as perhaps_on_hand
    from spine
    left join turned
        on spine.contract_id = turned.contract_id
        and spine.day = turned.day
    left join moved
        on spine.contract_id = moved.contract_id
        and spine.day = moved.day

),

final as (

    select
        summed.contract_id, summed.day,
        least(cast(summed.day as timestamp) + interval 86399 second, moment.as_of) as ends_at,
        cast(summed.units_in_service as integer) as units_in_service,
        case when first_movement.day <= summed.day then summed.on_hand end as on_hand,
        case when first_movement.day <= summed.day then summed.perhaps_on_hand end
            as perhaps_on_hand
    from summed
    cross join moment
    left join first_movement
        on summed.contract_id = first_movement.contract_id
    where summed.units_in_service > 0

)

select * from final
