-- delivery.supply_proof: 提供厂家的供货证明
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
            when supply_certificate_no is not null then 'met'
            else 'unknown'
        end as stated
    from unit

)

select * from final
