-- Rates by clause and month.
-- grain: contract, clause, month of arising (empty for what has not arisen)
-- rate: met / (met + breached + unknown); rate_upper counts the unknown as met; empty if none due
with

department as (select * from compliance_department),

counted as (

    select
        contract_id, clause, month,
        cast(sum(met) as bigint) as met,
        cast(sum(breached) as bigint) as breached,
        cast(sum(unknown) as bigint) as unknown,
        cast(sum(pending) as bigint) as pending,
        cast(sum(excluded) as bigint) as excluded
    from department
    group by contract_id, clause, month

),

final as (

    select
        *,
        cast(met as double) / nullif(met + breached + unknown, 0) as rate,
        cast(met + unknown as double) / nullif(met + breached + unknown, 0) as rate_upper
    from counted

)

select * from final
