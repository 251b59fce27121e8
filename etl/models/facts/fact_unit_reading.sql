-- The readings under which a unit's downtime and repairs are looked at.
-- grain: one unit and reading
-- key: equipment_id, reading
-- reading: 0 as the records state; others only where a ticket of the unit leaves something open
-- ends_left_out: without the ends of tickets whose status says that work goes on
-- doubts_left_out: without the tickets that may count nowhere
with

unit as (select * from fact_unit),

ticket as (
    select
        equipment_id,
        max(case when readings = 2 then 1 else 0 end) as ends_open,
        max(case when in_doubt then 1 else 0 end) as doubts
    from fact_ticket
    where equipment_id is not null and (readings = 2 or in_doubt)
    group by equipment_id
),

reading as (

    select * from (
        values (0, false, false), (1, true, false), (2, false, true), (3, true, true)
    ) as reading (reading, ends_left_out, doubts_left_out)

),

final as (

    select
        unit.contract_id, unit.equipment_id, reading.reading, reading.ends_left_out,
        reading.doubts_left_out,
        (1 + coalesce(ticket.ends_open, 0)) * (1 + coalesce(ticket.doubts, 0)) as readings
    from unit
    left join ticket
        on unit.equipment_id = ticket.equipment_id
    join reading
        on (not reading.ends_left_out or ticket.ends_open = 1)
        and (not reading.doubts_left_out or ticket.doubts = 1)

)

select * from final
