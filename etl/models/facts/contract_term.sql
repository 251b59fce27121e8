-- The terms in force: the contract's own, else the catalogue's default.
-- grain: one term of one contract
-- key: contract_id, term
-- assumed: the letter names no figure and the contract sets none
with

contract as (select * from base_contracts),

term as (select * from catalogue_term),

agreed as (select * from base_terms),

final as (

    select
        contract.contract_id,
        term.term,
        coalesce(agreed.value, term.value) as value,
        term.assumed and agreed.value is null as assumed,
        agreed.value is not null as agreed
    from contract
    cross join term
    left join agreed
        on contract.contract_id = agreed.contract_id
        and term.term = agreed.term

)

select * from final
