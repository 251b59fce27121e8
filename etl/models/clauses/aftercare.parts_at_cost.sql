-- aftercare.parts_at_cost: 市场价格按照成本价收取费用
-- grain: one part issued to a fault reported after the warranty
with

movement as (select * from base_parts where kind = 'issue'),

ticket as (select * from fact_ticket_warranty where is_fault and in_warranty = false and reading = 0),

final as (

    select
        movement.contract_id, movement.movement_id as subject,
        ticket.department, ticket.equipment_id,
        ticket.category, ticket.service_type, ticket.channel,
        cast(movement.moved_at as date) as arose_on,
        case
            when movement.unit_price <= movement.unit_cost then 'met'
            when movement.unit_price > movement.unit_cost then 'breached'
            else 'unknown'
        end as stated,
        ticket.in_doubt
    from movement
    join ticket
        on movement.ticket_id = ticket.ticket_id

)

select * from final
