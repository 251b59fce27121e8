-- delivery.intact: 每件设备和器材配件齐全、包装完整、完好未拆封
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
            when not accessories_complete or not packaging_sealed then 'breached'
            when accessories_complete and packaging_sealed then 'met'
            else 'unknown'
        end as stated
    from unit

)

select * from final
