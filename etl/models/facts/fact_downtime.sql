-- When a unit in service stood still: the union, never the sum, of its faults.
-- grain: one unbroken stretch of one unit
-- key: equipment_id, from_at
-- Down is a hardware fault unless the log says that work went on, and a software fault if it says
-- that work stopped. After a repair that failed the unit stays down until the next that did not.
with

ticket as (select * from fact_ticket where is_fault and equipment_id is not null),

unit as (select * from fact_unit where accepted_on is not null),

moment as (select * from moment),

ended as (

    select
        *,
        min(case when coalesce(outcome, '') <> 'not_fixed' then end_at end) over (
            partition by equipment_id, finished
            order by end_at nulls last
            range between current row and unbounded following
        ) as repaired_at
    from ticket

),

stopped as (

    select
        unit.contract_id, unit.equipment_id,
        greatest(ended.reported_at, cast(unit.accepted_on as timestamp)) as from_at,
        least(
            case when ended.outcome = 'not_fixed' then ended.repaired_at else ended.end_at end,
            cast(unit.retired_on as timestamp),
            moment.as_of
        ) as to_at
    from ended
    cross join moment
    join unit
        on ended.equipment_id = unit.equipment_id
    where coalesce(ended.work_stopped, ended.service_type = 'hardware_fault')

),

reached as (

    select
        *,
        max(to_at) over (
            partition by equipment_id
            order by from_at, to_at
            rows between unbounded preceding and 1 preceding
        ) as before_at
    from stopped
    where from_at < to_at

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

final as (

    select contract_id, equipment_id, min(from_at) as from_at, max(to_at) as to_at
    from numbered
    group by contract_id, equipment_id, stretch

)

select * from final
