-- delivery.sample_test: 相关检测费用由我方承担。如检测结论与…投标技术参数不符,建议作废标处理
-- grain: one tested parameter
with

test as (select * from base_sample_tests),

final as (

    select
        contract_id, test_id as subject, tested_on as arose_on,
        case
            when not conforms or cost_borne_by = 'buyer' then 'breached'
            when conforms and cost_borne_by = 'vendor' then 'met'
            else 'unknown'
        end as stated
    from test

)

select * from final
