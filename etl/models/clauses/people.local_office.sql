-- people.local_office: 在本地长期设有专业售后服务机构
-- grain: one accepted contract
with

contract as (select * from fact_contract where accepted_on is not null),

final as (

    select
        contract_id, contract_id as subject, accepted_on as arose_on,
        case when service_office is not null then 'met' else 'unknown' end as stated
    from contract

)

select * from final
