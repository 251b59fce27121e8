-- The part of a unit's downtime during which a loaner stood in for it.
-- grain: one unbroken stretch of one unit
-- key: equipment_id, from_at
with

down as (select * from fact_downtime),

loaner as (select * from fact_loaner where from_at < to_at),

reached as (

    select
        *,
        max(to_at) over (
            partition by equipment_id
            order by from_at, to_at
            rows between unbounded preceding and 1 preceding
        ) as before_at
    from loaner
    where equipment_id is not null

),

numbered as (

    select
        *,
        sum(case when from_at <= before_at then 0 else 1 end) over (
            partition by equipment_id
            order by from_at, to_at
            rows between unbounded preceding and current row
        ) as stretch
    from reached

),

standing as (

    select equipment_id, min(from_at) as from_at, max(to_at) as to_at
    from numbered
    group by equipment_id, stretch

),

final as (

    select
        down.contract_id, down.equipment_id,
        greatest(down.from_at, standing.from_at) as from_at,
        least(down.to_at, standing.to_at) as to_at
    from down
    join standing
        on down.equipment_id = standing.equipment_id
        and down.from_at < standing.to_at
        and standing.from_at < down.to_at

)

select * from final
