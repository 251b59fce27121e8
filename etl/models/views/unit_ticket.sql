-- The tickets of each unit under each of its readings.
-- grain: one ticket and reading of its unit
-- key: ticket_id, unit_reading
-- unit_readings: how many readings the unit has
with

ticket as (select * from fact_ticket_warranty where equipment_id is not null),

unit as (select * from fact_unit_reading),

final as (

    select ticket.*, unit.reading as unit_reading, unit.readings as unit_readings
    from ticket
    join unit
        on ticket.equipment_id = unit.equipment_id
        and ticket.reading = case when unit.ends_left_out and ticket.readings = 2 then 1 else 0 end
    where not (ticket.in_doubt and unit.doubts_left_out)

)

select * from final
