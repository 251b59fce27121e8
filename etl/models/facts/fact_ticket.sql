-- Tickets with what every ticket clause asks of them.
-- grain: one ticket
-- key: ticket_id
-- end_at: resolved, else closed; finished: it has an end; department: the ticket's, else its unit's
with

ticket as (select * from base_tickets),

unit as (select * from base_equipment),

known as (

    select
        ticket.*,
        unit.department as unit_department,
        unit.category,
        unit.brand,
        unit.model
    from ticket
    left join unit
        on ticket.equipment_id = unit.equipment_id

),

final as (

    select
        ticket_id, contract_id, equipment_id,
        coalesce(department, unit_department) as department,
        category, brand, model, channel, service_type,
        service_type in ('software_fault', 'hardware_fault') as is_fault,
        cast(reported_at as date) as arose_on,
        reported_at, responded_at, remote_resolved, onsite_at, left_site_at, resolved_at, closed_at,
        coalesce(resolved_at, closed_at) as end_at,
        resolved_at is not null or closed_at is not null as finished,
        outcome, problem_code, fault_class, cause, work_stopped, unrecoverable,
        loaner_provided_at, loaner_returned_at, engineer_id, knowledge_ref, customer_signoff_at,
        labour_charge, parts_charge, loaner_charge, description
    from known

)

select * from final
