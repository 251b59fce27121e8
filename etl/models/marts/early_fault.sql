-- Faults of units in their first 90 days: 消除设备的早期故障隐患
-- grain: one fault of a unit in these days; for a unit that had none, one row without a ticket
-- key: equipment_id, ticket_id
-- until_on: the 90th day after acceptance, or the unit's retirement where that is earlier; a fault
--   on the day of acceptance counts
-- watched: the ticket log is through until_on, so that no ticket means no fault, and none of the
--   faults may be one that counts nowhere
with

unit as (

    select *, least(accepted_on + 90, retired_on) as until_on
    from fact_unit
    where accepted_on is not null

),

ticket as (select * from fact_ticket where reading = 0 and is_fault),

through as (select * from log_through where log = 'tickets'),

final as (

    select
        unit.contract_id, unit.equipment_id, unit.department, unit.category, unit.accepted_on,
        unit.until_on,
        through.loaded
        and coalesce(
            through.through_at >= cast(unit.until_on as timestamp) + interval 86399 second, false
        )
        and max(case when ticket.in_doubt then 1 else 0 end) over (
            partition by unit.equipment_id
        ) = 0 as watched,
        ticket.ticket_id, ticket.reported_at, ticket.reported_latest_at, ticket.end_at,
        ticket.end_latest_at, ticket.outcome
    from unit
    join through
        on unit.contract_id = through.contract_id
    left join ticket
        on unit.equipment_id = ticket.equipment_id
        and ticket.arose_on between unit.accepted_on and unit.until_on

)

select * from final
