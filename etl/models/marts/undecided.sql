-- How much evidence would decide each undecided clause of the retention money.
-- grain: one contract and undecided clause
-- key: contract_id, clause
-- to_keep: how many of the unknown would have to be met for it to be kept
-- to_break: how many of them breached for it to be broken
with

verdict as (select * from clause_verdict where verdict = 'undecided'),

final as (

    select
        contract_id, clause, met, breached, unknown, target, assumed,
        cast(ceil(target * (met + breached + unknown) - met) as bigint) as to_keep,
        cast(floor(met + unknown - target * (met + breached + unknown)) + 1 as bigint) as to_break
    from verdict

)

select * from final
