-- Tests of samples, with what the ledger says of each.
-- grain: one test; key: test_id
with

test as (select * from fact_sample_test),

obligation as (select * from obligation where clause = 'delivery.sample_test'),

final as (

    select test.*, obligation.state
    from test
    join obligation
        on test.contract_id = obligation.contract_id
        and test.test_id = obligation.subject

)

select * from final
