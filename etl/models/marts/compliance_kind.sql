-- Obligations counted by what kind of thing they are about, wherever it was.
-- grain: contract, clause, month, category, channel, service type
-- month: of arose_on, like 2026-03; empty for obligations that have not arisen
with

slice as (select * from compliance_slice),

final as (

    select
        contract_id, clause, month, category, channel, service_type,
        cast(sum(met) as bigint) as met,
        cast(sum(breached) as bigint) as breached,
        cast(sum(unknown) as bigint) as unknown,
        cast(sum(pending) as bigint) as pending,
        cast(sum(excluded) as bigint) as excluded
    from slice
    group by contract_id, clause, month, category, channel, service_type

)

select * from final
