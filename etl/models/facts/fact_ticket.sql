-- Tickets with what every ticket clause asks of them.
-- grain: one ticket and reading of its end
-- key: ticket_id, reading
-- reading: 0 as the record states; 1 without its end, where the status says that work goes on
-- readings: how many readings the ticket has; a clause compares them, all else takes reading 0
-- in_doubt: cancelled or a duplicate, but worked on or not closed in time; or a status nobody knows
-- end_at: resolved, else closed; finished: it has an end, or its status says so
-- ends_recorded: the file of the row had resolved_at or closed_at
-- …_latest_at: the last second of the day where the cell states a day alone, else empty
-- department: the ticket's, else its unit's
-- A ticket that was cancelled in time is not here: it counts nowhere.
with

ticket as (select * from base_tickets),

unit as (select * from base_equipment),

lapsed as (select * from fact_ticket_lapsed),

known as (

    select
        ticket.*,
        unit.department as unit_department,
        unit.category,
        unit.brand,
        unit.model,
        coalesce(ticket.status = 'unknown', false) or lapsed.ticket_id is not null as in_doubt,
        coalesce(ticket.status in ('open', 'in_progress', 'waiting', 'reopened'), false)
            and (ticket.resolved_at is not null or ticket.closed_at is not null) as end_in_doubt
    from ticket
    left join unit
        on ticket.equipment_id = unit.equipment_id
    left join lapsed
        on ticket.ticket_id = lapsed.ticket_id
    where coalesce(lapsed.lapsed, false) = false

),

reading as (

    select 0 as reading
    union all
    select 1 as reading

),

final as (

    select
        known.ticket_id, reading.reading, case when end_in_doubt then 2 else 1 end as readings,
        in_doubt, recorded_set,
        resolved_at_recorded or closed_at_recorded as ends_recorded,
        resolved_at_recorded and loaner_provided_at_recorded as leaving_recorded,
        labour_charge_recorded, parts_charge_recorded,
        contract_id, equipment_id,
        coalesce(department, unit_department) as department,
        category, brand, model, channel, service_type,
        service_type in ('software_fault', 'hardware_fault') as is_fault,
        cast(reported_at as date) as arose_on,
        reported_at, reported_latest_at, responded_at, responded_latest_at, remote_resolved,
        onsite_at, onsite_latest_at, left_site_at, left_site_latest_at,
        case when reading.reading = 0 then resolved_at end as resolved_at,
        case when reading.reading = 0 then resolved_latest_at end as resolved_latest_at,
        case when reading.reading = 0 then closed_at end as closed_at,
        case when reading.reading = 0 then closed_latest_at end as closed_latest_at,
        case when reading.reading = 0 then coalesce(resolved_at, closed_at) end as end_at,
        case
            when reading.reading = 1 then null
            when resolved_at is not null then resolved_latest_at
            else closed_latest_at
        end as end_latest_at,
        reading.reading = 0
            and (
                resolved_at is not null
                or closed_at is not null
                or coalesce(status in ('resolved', 'closed'), false)
            ) as finished,
        status, outcome, problem_code, fault_class, cause, work_stopped, unrecoverable,
        loaner_provided_at, loaner_provided_latest_at, loaner_returned_at,
        loaner_returned_latest_at, engineer_id, knowledge_ref, customer_signoff_at,
        customer_signoff_latest_at, labour_charge, parts_charge, loaner_charge, description
    from known
    join reading
        on reading.reading = 0 or known.end_in_doubt

)

select * from final
