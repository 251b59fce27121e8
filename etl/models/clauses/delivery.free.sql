-- delivery.free: 我公司所投产品均免费送货上门、安装调试
-- grain: one unit
-- due: its acceptance
with

unit as (select * from base_equipment),

final as (

    select
        contract_id, equipment_id as subject, department, equipment_id, category,
        accepted_on as arose_on, accepted_on as due_on,
        case
            when accepted_on is null then 'pending'
            when delivery_charge = 0 then 'met'
            when delivery_charge > 0 then 'breached'
            else 'unknown'
        end as stated
    from unit

)

select * from final
