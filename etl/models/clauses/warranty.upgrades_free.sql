-- warranty.upgrades_free: 包含产品的软件免费升级
-- grain: one upgrade asked for under warranty
-- An empty charge is none where the file had its column; else nobody knows.
with

ticket as (
    select
        *,
        coalesce(labour_charge + parts_charge, labour_charge, parts_charge) as charge,
        labour_charge_recorded and parts_charge_recorded as charges_recorded
    from fact_ticket_warranty
    where service_type = 'upgrade' and in_warranty
),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id,
        category, service_type, channel,
        arose_on, finished, reading, readings, in_doubt,
        case
            when not finished then 'pending'
            when charge = 0 and charges_recorded then 'met'
            when charge > 0 then 'breached'
            else 'unknown'
        end as stated
    from ticket

)

select * from final
