-- spares.ratio, the other reading: the service total is every unit accepted so far, retired or not.
-- grain: one contract and day with a unit in service
with

day as (select * from fact_spares_day),

unit as (
    select contract_id, accepted_on, count(*) as units
    from fact_unit
    where accepted_on is not null
    group by contract_id, accepted_on
),

term as (select contract_id, value as spares_ratio from contract_term where term = 'spares_ratio'),

through as (select * from log_through where log = 'parts'),

counted as (

    select
        day.contract_id, day.day, day.ends_at, day.on_hand, day.perhaps_on_hand,
        sum(unit.units) as units
    from day
    join unit
        on day.contract_id = unit.contract_id
        and unit.accepted_on <= day.day
    group by day.contract_id, day.day, day.ends_at, day.on_hand, day.perhaps_on_hand

),

final as (

    select
        counted.contract_id, cast(counted.day as varchar) as subject, counted.day as arose_on,
        case
            when not through.loaded or counted.on_hand is null then 'unknown'
            when through.through_at is null or through.through_at < counted.ends_at then 'unknown'
            when counted.on_hand >= term.spares_ratio * counted.units then 'met'
            when counted.perhaps_on_hand < term.spares_ratio * counted.units then 'breached'
            else 'unknown'
        end as stated
    from counted
    join through
        on counted.contract_id = through.contract_id
    join term
        on counted.contract_id = term.contract_id

)

select * from final
