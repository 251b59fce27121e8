-- warranty.loaner_free: 由供货商免费提供备品使用
-- grain: one ticket with a loaner, under warranty or not
with

ticket as (select * from fact_ticket where loaner_provided_at is not null),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id,
        category, service_type, channel,
        arose_on, finished, reading, readings, in_doubt,
        case
            when not finished then 'pending'
            when loaner_charge = 0 then 'met'
            when loaner_charge > 0 then 'breached'
            else 'unknown'
        end as stated
    from ticket

)

select * from final
