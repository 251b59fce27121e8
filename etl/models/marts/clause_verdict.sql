-- What each clause comes to for the retention money.
-- grain: one contract and clause that counts for it
-- key: contract_id, clause
-- met … excluded: obligations that arose on or before the day the money falls due; 0 without one
-- verdict: not_promised, no_evidence, open, no_activity, kept, broken or undecided
-- assumed: the clause rests on a figure that neither the letter nor the contract names
with

contract as (

    select
        contract.contract_id,
        cast(
            contract.accepted_on + interval '1 month' * cast(term.value as integer) as date
        ) as due_on
    from fact_contract as contract
    join contract_term as term
        on contract.contract_id = term.contract_id
        and term.term = 'retention_months'

),

clause as (select * from catalogue_clause where clause <> 'delivery.guarantee_valid'),

evidence as (select * from clause_evidence),

term as (select * from contract_term),

counted as (

    select
        obligation.contract_id, obligation.clause,
        count(*) filter (where obligation.state = 'met') as met,
        count(*) filter (where obligation.state = 'breached') as breached,
        count(*) filter (where obligation.state = 'unknown') as unknown,
        count(*) filter (where obligation.state = 'pending') as pending,
        count(*) filter (where obligation.state = 'excluded') as excluded,
        count(*) filter (where coalesce(obligation.recorded, true)) as recorded
    from obligation
    join contract
        on obligation.contract_id = contract.contract_id
        and obligation.arose_on <= contract.due_on
    group by obligation.contract_id, obligation.clause

),

joined as (

    select
        contract.contract_id, contract.due_on, clause.clause, evidence.evidence,
        target.value as target,
        coalesce(figure.assumed, false) as assumed,
        coalesce(counted.met, 0) as met,
        coalesce(counted.breached, 0) as breached,
        coalesce(counted.unknown, 0) as unknown,
        coalesce(counted.pending, 0) as pending,
        coalesce(counted.excluded, 0) as excluded,
        coalesce(counted.recorded, 0) as recorded
    from contract
    cross join clause
    join evidence
        on contract.contract_id = evidence.contract_id
        and clause.clause = evidence.clause
    join term as target
        on contract.contract_id = target.contract_id
        and clause.target_term = target.term
    left join term as figure
        on contract.contract_id = figure.contract_id
        and clause.assumed_term = figure.term
    left join counted
        on contract.contract_id = counted.contract_id
        and clause.clause = counted.clause

),

final as (

    select
        contract_id, due_on, clause, assumed, target, met, breached, unknown, pending, excluded,
        case
            when evidence = 'not_promised' then 'not_promised'
            when evidence = 'no_log' then 'no_evidence'
            when evidence = 'no_end' and met + breached + unknown + pending = 0 then 'no_evidence'
            when unknown > 0 and met + breached = 0 and recorded = 0 then 'no_evidence'
            when met + breached + unknown = 0 and pending > 0 then 'open'
            when met + breached + unknown = 0 then 'no_activity'
            when met >= target * (met + breached + unknown) then 'kept'
            when met + unknown < target * (met + breached + unknown) then 'broken'
            else 'undecided'
        end as verdict
    from joined

)

select * from final
