-- Samples tested against the technical parameters of the bid.
-- grain: one tested parameter
-- key: test_id
with

test as (select * from base_sample_tests),

final as (

    select
        contract_id, test_id, tested_on, parameter, promised, measured, conforms, cost_borne_by
    from test

)

select * from final
