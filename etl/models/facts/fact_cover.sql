-- The part of a unit's downtime during which a loaner stood in for it.
-- grain: one unbroken stretch of one unit, in one reading of it and one reach of its loaners
-- key: equipment_id, reading, reach, from_at
-- reach: most, as long as each loaner can have stood there; least, of units with a loaner that came
--   or went on a day without a time
with

down as (select * from fact_downtime),

loaner as (select * from fact_loaner),

vague as (

    select distinct equipment_id
    from loaner
    where from_at <> from_latest_at or to_at <> to_latest_at

),

reaching as (

    select equipment_id, reading, 'most' as reach, from_at, to_latest_at as to_at
    from loaner
    union all
    select
        loaner.equipment_id, loaner.reading, 'least' as reach,
        loaner.from_latest_at as from_at, loaner.to_at
    from loaner
    join vague
        on loaner.equipment_id = vague.equipment_id

),

reached as (

    select
        *,
        max(to_at) over (
            partition by equipment_id, reading, reach
            order by from_at, to_at
            rows between unbounded preceding and 1 preceding
        ) as before_at
    from reaching
    where from_at < to_at

),

numbered as (

    select
        *,
        sum(case when from_at <= before_at then 0 else 1 end) over (
            partition by equipment_id, reading, reach
            order by from_at, to_at
            rows between unbounded preceding and current row
        ) as stretch
    from reached

),

standing as (

    select equipment_id, reading, reach, min(from_at) as from_at, max(to_at) as to_at
    from numbered
    group by equipment_id, reading, reach, stretch

),

final as (

    select
        down.contract_id, down.equipment_id, down.reading, standing.reach,
        greatest(down.from_at, standing.from_at) as from_at,
        least(down.to_at, standing.to_at) as to_at
    from down
    join standing
        on down.equipment_id = standing.equipment_id
        and down.reading = standing.reading
        and down.from_at < standing.to_at
        and standing.from_at < down.to_at

)

select * from final
