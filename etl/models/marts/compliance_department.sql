-- Obligations counted by department.
-- grain: contract, clause, month, department
-- month: of arose_on, like 2026-03; empty for obligations that have not arisen
-- rows lie in the order of clause and month, by which they are asked
with

slice as (select * from compliance_slice),

final as (

    select
        contract_id, clause, month, department,
        cast(sum(met) as bigint) as met,
        cast(sum(breached) as bigint) as breached,
        cast(sum(unknown) as bigint) as unknown,
        cast(sum(pending) as bigint) as pending,
        cast(sum(excluded) as bigint) as excluded
    from slice
    group by contract_id, clause, month, department
    order by clause, month, contract_id, department

)

select * from final
