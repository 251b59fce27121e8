-- Availability summed over units, with the hardware faults reported and repaired.
-- grain: contract, month, department, category
-- units: with any service in the month
-- faults: hardware faults reported in the month; repairs: those of them that are finished
-- repair_seconds: from report to end, over repairs
with

served as (

    select
        contract_id, month, department, category,
        1 as units, service_seconds, down_seconds, covered_seconds,
        0 as faults, 0 as repairs, 0 as repair_seconds
    from availability

),

repaired as (

    select
        contract_id, substr(cast(arose_on as varchar), 1, 7) as month, department, category,
        0 as units, 0 as service_seconds, 0 as down_seconds, 0 as covered_seconds,
        1 as faults,
        case when finished then 1 else 0 end as repairs,
        cast(
            floor(
                cast(coalesce(date_diff('microsecond', reported_at, end_at), 0) as double) / 1000000
            ) as bigint
        ) as repair_seconds
    from fact_repair

),

every as (

    select * from served
    union all
    select * from repaired

),

final as (

    select
        contract_id, month, department, category,
        cast(sum(units) as bigint) as units,
        cast(sum(service_seconds) as bigint) as service_seconds,
        cast(sum(down_seconds) as bigint) as down_seconds,
        cast(sum(covered_seconds) as bigint) as covered_seconds,
        cast(sum(faults) as bigint) as faults,
        cast(sum(repairs) as bigint) as repairs,
        cast(sum(repair_seconds) as bigint) as repair_seconds
    from every
    group by contract_id, month, department, category

)

select * from final
