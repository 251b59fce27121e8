-- The faults that extended a warranty, may have, or came too late for it.
-- grain: one event of fact_extension
-- key: ticket_id
-- effect: counts, may_count or too_late; expires_on: the unit's
with

event as (select * from fact_extension),

unit as (select * from warranty),

term as (select * from fact_unit),

final as (

    select
        event.ticket_id, event.equipment_id, event.contract_id, unit.department,
        event.reported_at, term.extension_days, unit.expires_on,
        case when event.counts then 'counts' when event.may_count then 'may_count' else 'too_late' end
            as effect
    from event
    join unit
        on event.equipment_id = unit.equipment_id
    join term
        on event.equipment_id = term.equipment_id

)

select * from final
