-- Tickets whose status says cancelled or duplicate, and whether that is beyond doubt.
-- grain: one such ticket
-- key: ticket_id
-- lapsed: no work is stated and it was closed (else last updated) before any of its limits had
--   passed: it counts nowhere; otherwise its obligations are in doubt
-- late: it was not closed in time, or nobody knows when
-- The rows are those of the log, not of as_of: a cancelled ticket is cancelled at every as_of.
with

ticket as (select * from log_tickets where status in ('cancelled', 'duplicate')),

contract as (select * from fact_contract),

unit as (select * from fact_unit),

term as (

    select
        contract_id,
        max(case when term = 'phone_minutes' then value * 60 end) as phone_seconds,
        max(case when term = 'response_minutes' then value * 60 end) as response_seconds,
        max(case when term = 'onsite_minutes' then value * 60 end) as onsite_seconds,
        max(case when term = 'resolution_hours' then value * 3600 end) as resolution_seconds,
        max(case when term = 'repair_days' then value end) as repair_days,
        max(case when term = 'development_days' then value end) as development_days,
        max(case when term = 'warranty_months' then value end) as warranty_months,
        max(case when term = 'sla.phone_support.applies' then value end) as phone_applies,
        max(case when term = 'sla.response.applies' then value end) as response_applies,
        max(case when term = 'aftercare.served.applies' then value end) as served_applies,
        max(case when term = 'sla.onsite.applies' then value end) as onsite_applies,
        max(case when term = 'sla.software_resolution.applies' then value end)
            as resolution_applies,
        max(case when term in ('sla.hardware_repair.applies', 'sla.loaner.applies') then value end)
            as repair_applies,
        max(case when term = 'sla.development_support.applies' then value end)
            as development_applies
    from contract_term
    group by contract_id

),

limited as (

    select
        ticket.ticket_id, ticket.contract_id, ticket.status, ticket.reported_at,
        case
            when strpos(ticket.days, ';closed_at;') > 0 then ticket.closed_at + interval 86399 second
            when ticket.closed_at is not null then ticket.closed_at
            when strpos(ticket.days, ';updated_at;') > 0
                then ticket.updated_at + interval 86399 second
            else ticket.updated_at
        end as ended_at,
        ticket.responded_at is not null
            or ticket.onsite_at is not null
            or ticket.left_site_at is not null
            or ticket.resolved_at is not null
            or ticket.loaner_provided_at is not null
            or coalesce(ticket.labour_charge, 0) > 0
            or coalesce(ticket.parts_charge, 0) > 0
            or coalesce(ticket.loaner_charge, 0) > 0 as worked_on,
        least(
            case
                when
                    term.phone_applies = 1
                    and ticket.channel = 'phone' and ticket.service_type = 'consultation'
                    then term.phone_seconds
            end,
            case
                when
                    term.response_applies = 1
                    and (
                        ticket.service_type in ('software_fault', 'hardware_fault')
                        or ticket.channel in ('email', 'fax', 'web')
                    )
                    then term.response_seconds
                when
                    term.served_applies = 1
                    and ticket.service_type in ('software_fault', 'hardware_fault')
                    and cast(ticket.reported_at as date) > coalesce(
                        unit.base_expires_on,
                        cast(
                            contract.accepted_on
                            + interval '1 month' * cast(floor(term.warranty_months) as integer)
                            as date
                        )
                    )
                    then term.response_seconds
            end,
            case
                when
                    term.onsite_applies = 1
                    and ticket.service_type in ('software_fault', 'hardware_fault')
                    and coalesce(ticket.remote_resolved, false) = false
                    then term.onsite_seconds
            end,
            case
                when term.resolution_applies = 1 and ticket.service_type = 'software_fault'
                    then term.resolution_seconds
            end
        ) as allowed_seconds,
        case
            when term.repair_applies = 1 and ticket.service_type = 'hardware_fault'
                then term.repair_days
            when term.development_applies = 1 and ticket.service_type = 'development_support'
                then term.development_days
        end as allowed_days
    from ticket
    join term
        on ticket.contract_id = term.contract_id
    left join contract
        on ticket.contract_id = contract.contract_id
    left join unit
        on ticket.equipment_id = unit.equipment_id

),

due as (

    select
        *,
        least(
            wall(
                timeline_first(reported_at)
                + interval '1 second' * cast(floor(allowed_seconds) as integer)
                + interval '1 microsecond'
                    * cast(floor((allowed_seconds - floor(allowed_seconds)) * 1000000) as integer)
            ),
            cast(cast(reported_at as date) + cast(floor(allowed_days) as integer) as timestamp)
                + interval 86399 second
        ) as due_at
    from limited

),

final as (

    select
        ticket_id, contract_id, status, reported_at,
        not worked_on and (due_at is null or coalesce(ended_at <= due_at, false)) as lapsed,
        due_at is not null and coalesce(ended_at > due_at, true) as late
    from due

)

select * from final
