-- aftercare.labour_free: 质保期外,…免收维修费
-- grain: one fault reported after the warranty
with

ticket as (select * from fact_ticket_warranty where is_fault and in_warranty = false),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id,
        category, service_type, channel,
        arose_on, finished, reading, readings, in_doubt,
        case
            when not finished then 'pending'
            when labour_charge = 0 then 'met'
            when labour_charge > 0 then 'breached'
            else 'unknown'
        end as stated
    from ticket

)

select * from final
