-- warranty.free_repair: 因设备本身缺陷造成各种故障由我方免费技术服务和维修
-- grain: one fault reported under warranty, its cause not the user
-- An empty charge is none where the file had its column; else nobody knows.
-- Without a cause the fault may have been the user's: a charge then shows no breach.
with

ticket as (
    select
        *,
        coalesce(labour_charge + parts_charge, labour_charge, parts_charge) as charge,
        labour_charge_recorded and parts_charge_recorded as charges_recorded
    from fact_ticket_warranty
    where is_fault and in_warranty and coalesce(cause, '') <> 'user'
),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id,
        category, service_type, channel,
        arose_on, finished, reading, readings, in_doubt,
        case
            when not finished then 'pending'
            when charge = 0 and charges_recorded then 'met'
            when charge > 0 and cause is not null then 'breached'
            else 'unknown'
        end as stated
    from ticket

)

select * from final
