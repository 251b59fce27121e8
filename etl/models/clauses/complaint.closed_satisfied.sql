-- complaint.closed_satisfied: 直至客户满意关闭投诉
-- grain: one complaint
with

complaint as (select * from fact_complaint),

final as (

    select
        contract_id, complaint_id as subject, department, channel,
        arose_on, finished, last_recorded_set as recorded_set,
        case
            when finished and last_satisfied then 'met'
            when finished and not last_satisfied then 'breached'
        end as stated
    from complaint

)

select * from final
