-- inspection.complete: 座谈… 检测… 维护保养… 对客户端软件进行维护; 听取使用人员对产品的意见
-- grain: one quarterly or half-yearly visit
with

visit as (
    select
        *,
        interviewed and problems_checked and maintained and client_maintained and feedback_heard
            as complete
    from base_inspections
    where kind in ('quarterly', 'half_yearly') and performed_on is not null
),

final as (

    select
        contract_id, inspection_id as subject, department,
        performed_on as arose_on,
        case
            when complete then 'met'
            when not complete then 'breached'
            else 'unknown'
        end as stated
    from visit

)

select * from final
