-- Availability summed over units, with the hardware faults reported and repaired.
-- grain: contract, month, department, category
-- units: with any service in the month
-- open_units, open_seconds: those whose downtime the log leaves open, and their service; the other
--   sums leave them out
-- cover_service_seconds, cover_down_seconds: service and downtime of the unit-months whose
--   covered_seconds is known; covered_seconds sums over the same
-- faults: hardware faults reported in the month; counted_faults: those without a unit, or of a unit
--   whose downtime in the month is known
-- repairs: finished ones whose time from the report to the end is known; repair_seconds over them
with

served as (

    select
        contract_id, month, department, category,
        1 as units,
        case when down_seconds is null then 1 else 0 end as open_units,
        case when down_seconds is null then service_seconds else 0 end as open_seconds,
        case when down_seconds is null then 0 else service_seconds end as service_seconds,
        coalesce(down_seconds, 0) as down_seconds, coalesce(covered_seconds, 0) as covered_seconds,
        case when covered_seconds is null then 0 else service_seconds end as cover_service_seconds,
        case when covered_seconds is null then 0 else down_seconds end as cover_down_seconds,
        0 as faults, 0 as counted_faults, 0 as repairs, 0 as repair_seconds
    from availability

),

fault as (

    select *, substr(cast(arose_on as varchar), 1, 7) as month
    from fact_repair
    where reading = 0

),

repaired as (

    select
        fault.contract_id, fault.month, fault.department, fault.category,
        0 as units, 0 as open_units, 0 as open_seconds, 0 as service_seconds, 0 as down_seconds,
        0 as covered_seconds, 0 as cover_service_seconds, 0 as cover_down_seconds,
        1 as faults,
        case when unknown_month.month is null then 1 else 0 end as counted_faults,
        case when fault.repair_seconds is null then 0 else 1 end as repairs,
        coalesce(fault.repair_seconds, 0) as repair_seconds
    from fault
    left join availability as unknown_month
        on fault.equipment_id = unknown_month.equipment_id
        and fault.month = unknown_month.month
        and unknown_month.down_seconds is null

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
        cast(sum(open_units) as bigint) as open_units,
        cast(sum(open_seconds) as bigint) as open_seconds,
        cast(sum(service_seconds) as bigint) as service_seconds,
        cast(sum(down_seconds) as bigint) as down_seconds,
        cast(sum(covered_seconds) as bigint) as covered_seconds,
        cast(sum(cover_service_seconds) as bigint) as cover_service_seconds,
        cast(sum(cover_down_seconds) as bigint) as cover_down_seconds,
        cast(sum(faults) as bigint) as faults,
        cast(sum(counted_faults) as bigint) as counted_faults,
        cast(sum(repairs) as bigint) as repairs,
        cast(sum(repair_seconds) as bigint) as repair_seconds
    from every
    group by contract_id, month, department, category

)

select * from final
