-- What a contract's logs can show of each clause at all.
-- grain: one contract and clause
-- key: contract_id, clause
-- evidence: not_promised; no_log, its log was never loaded; no_column, no file had a column that
--   shows the deed; no_end, it is about finished tickets, and no file had a column for the end; else
--   shown
with

contract as (select * from base_contracts),

clause as (select * from catalogue_clause),

log as (select * from catalogue_log),

agreed as (select contract_id, term, value from contract_term where value = 0),

unseen as (select * from clause_unseen),

recorded as (

    select contract_id, clause, max(case when recorded then 1 else 0 end) as some_rows
    from obligation
    where recorded is not null
    group by contract_id, clause

),

final as (

    select
        contract.contract_id, clause.clause,
        case
            when agreed.term is not null then 'not_promised'
            when not log.loaded then 'no_log'
            when recorded.some_rows = 0 then 'no_column'
            when unseen.clause is not null then 'no_end'
            else 'shown'
        end as evidence
    from contract
    cross join clause
    join log
        on clause.log = log.log
    left join agreed
        on contract.contract_id = agreed.contract_id
        and clause.applies_term = agreed.term
    left join unseen
        on contract.contract_id = unseen.contract_id
        and clause.clause = unseen.clause
    left join recorded
        on contract.contract_id = recorded.contract_id
        and clause.clause = recorded.clause

)

select * from final
