-- people.service_manager: 指定专职服务经理来负责本项目的…统一协调工作
-- grain: one accepted contract
with

contract as (select * from fact_contract where accepted_on is not null),

final as (

    select
        contract_id, contract_id as subject, accepted_on as arose_on,
        case when service_manager is not null then 'met' else 'unknown' end as stated
    from contract

)

select * from final
