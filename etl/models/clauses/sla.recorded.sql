-- sla.recorded: 对需求内容、处理办法进行汇总,并录入客服中心的技术支持知识库
-- grain: one finished ticket
with

ticket as (select * from fact_ticket where finished),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id,
        category, service_type, channel,
        arose_on, finished, reading, readings, in_doubt,
        case when knowledge_ref is not null then 'met' else 'unknown' end as stated
    from ticket

)

select * from final
