-- warranty.term: 质保期 1 年,从货物验收之日起算;厂家保修期延长的均按厂家标准
-- grain: one unit
-- Kept when the register's date reaches the computed expiry, even if every silent event counts.
with

unit as (select * from fact_warranty),

final as (

    select
        contract_id, equipment_id as subject, department, equipment_id, category,
        accepted_on as arose_on,
        case
            when accepted_on is null then 'pending'
            when warranty_until >= possible_expires_on then 'met'
            when warranty_until < expires_on then 'breached'
            else 'unknown'
        end as stated
    from unit

)

select * from final
