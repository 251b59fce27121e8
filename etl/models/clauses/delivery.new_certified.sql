-- delivery.new_certified: 提供的设备是全新的…具有制造商质量保证书(或合格证明)
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
            when not brand_new then 'breached'
            when brand_new and quality_certificate_no is not null then 'met'
            else 'unknown'
        end as stated
    from unit

)

select * from final
