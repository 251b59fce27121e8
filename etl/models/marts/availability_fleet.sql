-- Availability summed over units, for every figure that no department narrows.
-- grain: contract, month, category
-- the columns of availability_slice
with

slice as (select * from availability_slice),

final as (

    select
        contract_id, month, category,
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
    from slice
    group by contract_id, month, category

)

select * from final
