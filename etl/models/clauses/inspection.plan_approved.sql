-- inspection.plan_approved: 制定巡检计划,报招标人审核同意后
-- grain: one quarterly or half-yearly visit
with

visit as (
    select *
    from base_inspections
    where kind in ('quarterly', 'half_yearly') and performed_on is not null
),

final as (

    select
        contract_id, inspection_id as subject, department,
        performed_on as arose_on,
        case
            when plan_approved_on <= performed_on then 'met'
            when plan_approved_on > performed_on then 'breached'
            else 'unknown'
        end as stated
    from visit

)

select * from final
