-- What was charged for parts after the warranty.
-- grain: one part issued to a fault out of warranty
-- key: movement_id
-- over: unit_price less unit_cost; empty where either is
-- state, department: those of its obligation
with

obligation as (select * from obligation where clause = 'aftercare.parts_at_cost'),

movement as (select * from fact_movement where kind = 'issue'),

final as (

    select
        obligation.contract_id, movement.movement_id, obligation.department,
        obligation.arose_on, obligation.state, movement.moved_at, movement.part_no,
        movement.part_name, movement.quantity, movement.unit_cost, movement.unit_price,
        movement.unit_price - movement.unit_cost as over, movement.ticket_id
    from obligation
    join movement
        on obligation.subject = movement.movement_id

)

select * from final
