-- warranty.user_damage_labour_free: 由于用户原因造成的零部件损环,我方有偿提供备件,并免费更换
-- grain: one ticket reported under warranty, caused by the user
with

ticket as (select * from fact_ticket_warranty where in_warranty and cause = 'user'),

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
