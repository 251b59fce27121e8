-- The terms in force, were the assumed ones half or twice as large.
-- grain: one term of one contract in one scenario
-- key: scenario, contract_id, term
-- Days and months stay whole, half of an odd number going upwards.
with

term as (select * from contract_term),

unit as (select term, unit from catalogue_term),

scenario as (

    select 'half' as scenario, cast(0.5 as decimal(3, 1)) as factor
    union all
    select 'double' as scenario, cast(2 as decimal(3, 1)) as factor

),

scaled as (

    select
        scenario.scenario, term.contract_id, term.term, term.assumed, term.agreed,
        case
            when not term.assumed then term.value
            when unit.unit in ('minutes', 'hours', 'ratio') then cast(term.value * scenario.factor as decimal(18, 6))
            else cast(ceil(term.value * scenario.factor) as decimal(18, 6))
        end as value,
        unit.unit
    from term
    cross join scenario
    join unit
        on term.term = unit.term

),

timed as (

    select
        *,
        value * case unit when 'minutes' then 60 when 'hours' then 3600 end as exact_seconds
    from scaled

),

final as (

    select
        scenario, contract_id, term, value,
        cast(floor(exact_seconds) as integer) as seconds,
        cast(floor((exact_seconds - floor(exact_seconds)) * 1000000) as integer) as microseconds,
        assumed, agreed
    from timed

)

select * from final
