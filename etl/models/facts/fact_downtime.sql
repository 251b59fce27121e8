-- When a unit in service stood still: the union, never the sum, of its faults.
-- grain: one unbroken stretch of one unit, in one reading of it
-- key: equipment_id, reading, from_at
-- Faults of which nobody can tell whether they are over are left out: see fact_downtime_open.
with

stop as (select * from fact_stop where known and from_at < to_at),

reached as (

    select
        *,
        max(to_at) over (
            partition by equipment_id, reading
            order by from_at, to_at
            rows between unbounded preceding and 1 preceding
        ) as before_at
    from stop

),

numbered as (

    select
        *,
        sum(case when from_at <= before_at then 0 else 1 end) over (
            partition by equipment_id, reading
            order by from_at, to_at
            rows between unbounded preceding and current row
        ) as stretch
    from reached

),

final as (

    select
        contract_id, equipment_id, reading, readings, min(from_at) as from_at, max(to_at) as to_at
    from numbered
    group by contract_id, equipment_id, reading, readings, stretch

)

select * from final
