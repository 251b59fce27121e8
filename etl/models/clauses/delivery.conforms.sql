-- delivery.conforms: 提供的设备符合投标文件承诺和所签合同规定的技术要求
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
            when acceptance_result = 'pass' then 'met'
            when acceptance_result = 'fail' then 'breached'
            else 'unknown'
        end as stated
    from unit

)

select * from final
