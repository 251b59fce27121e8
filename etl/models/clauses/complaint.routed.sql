-- complaint.routed: 把用户投诉转到相关责任部门去处理
-- grain: one complaint
with

complaint as (select * from fact_complaint),

final as (

    select
        contract_id, complaint_id as subject, department, channel,
        arose_on, finished,
        case when routed then 'met' end as stated
    from complaint

)

select * from final
