-- The retention money of each contract: 质量保证金为合同总价的 5%.
-- grain: one contract
-- key: contract_id
-- retention_amount: exact, half a cent upwards; in the contract's currency
-- due_on: retention_months after acceptance; empty without one, and then nothing is counted
-- verdict: breaches, evidence_missing, open_items or clean; before due_on it is provisional
with

contract as (select * from fact_contract),

rate as (
    select contract_id, value as retention_rate
    from contract_term
    where term = 'retention_rate'
),

open_row as (select contract_id, count(*) as open_rows from open_row group by contract_id),

summed as (

    select
        contract_id,
        min(due_on) as due_on,
        cast(sum(met) as bigint) as met,
        cast(sum(breached) as bigint) as breached,
        cast(sum(unknown) as bigint) as unknown,
        cast(sum(pending) as bigint) as pending,
        cast(sum(excluded) as bigint) as excluded,
        count(*) filter (where verdict = 'broken' and not assumed) as broken,
        count(*) filter (
            where verdict in ('undecided', 'no_evidence') or (verdict = 'broken' and assumed)
        ) as open_clauses
    from clause_verdict
    group by contract_id

),

final as (

    select
        contract.contract_id, contract.name, contract.vendor, contract.buyer, contract.currency,
        contract.amount,
        cast(
            round(cast(contract.amount as decimal(20, 6)) * rate.retention_rate, 2)
            as decimal(18, 2)
        ) as retention_amount,
        contract.accepted_on, summed.due_on,
        case
            when contract.accepted_on is null then 'open_items'
            when summed.broken > 0 then 'breaches'
            when summed.open_clauses > 0 or open_row.open_rows > 0 then 'evidence_missing'
            when summed.pending > 0 then 'open_items'
            else 'clean'
        end as verdict,
        summed.met, summed.breached, summed.unknown, summed.pending, summed.excluded
    from contract
    join rate
        on contract.contract_id = rate.contract_id
    join summed
        on contract.contract_id = summed.contract_id
    left join open_row
        on contract.contract_id = open_row.contract_id

)

select * from final
