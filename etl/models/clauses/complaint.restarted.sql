-- complaint.restarted: 如客户对处理结果不满意,将重新启动客户投诉流程
-- grain: one round of a complaint that left the customer unsatisfied
with

complaint_round as (

    select *, max(round) over (partition by complaint_id) as last_round
    from base_complaints

),

final as (

    select
        contract_id, complaint_id || '/' || cast(round as varchar) as subject,
        department, channel,
        cast(received_at as date) as arose_on,
        case when last_round > round then 'met' end as stated,
        case when closed_at is not null then 'breached' else 'pending' end as undone
    from complaint_round
    where satisfied = false

)

select * from final
