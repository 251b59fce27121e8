-- The terms in force: the contract's own, else the catalogue's default.
-- grain: one term of one contract
-- key: contract_id, term
-- seconds, microseconds: the span of a term in minutes or hours, exactly
-- assumed: the letter names no figure and the contract sets none
with

contract as (select * from base_contracts),

term as (select * from catalogue_term),

agreed as (select * from base_terms),

in_force as (

    select
        contract.contract_id,
        term.term,
        coalesce(agreed.value, term.value) as value,
        coalesce(agreed.value, term.value)
            * case term.unit when 'minutes' then 60 when 'hours' then 3600 end as seconds,
        term.assumed and agreed.value is null as assumed,
        agreed.value is not null as agreed
    from contract
    cross join term
    left join agreed
        on contract.contract_id = agreed.contract_id
        and term.term = agreed.term

),

final as (

    select
        contract_id, term, value,
        cast(floor(seconds) as integer) as seconds,
        cast(floor((seconds - floor(seconds)) * 1000000) as integer) as microseconds,
        assumed, agreed
    from in_force

)

select * from final
