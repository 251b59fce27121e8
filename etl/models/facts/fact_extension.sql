-- Faults that extend a unit's warranty, or may: 因不可排除故障而影响工作.
-- grain: one fault that stopped work and could not be removed, or about which the log is silent
-- key: ticket_id
-- certain: the log states both, and the ticket's standing is not in doubt; number: its place among the unit's certain events
-- counts: it and every certain event before it was reported within the term as extended so far
-- may_count: the same among all events, certain or not
with

ticket as (
    select * from fact_ticket
    where
        reading = 0
        and is_fault
        and coalesce(work_stopped, true)
        and coalesce(unrecoverable, finished and coalesce(outcome, '') = 'not_fixed')
),

unit as (select * from fact_unit),

event as (

    select
        ticket.contract_id, ticket.equipment_id, ticket.ticket_id,
        ticket.reported_at, ticket.arose_on,
        unit.base_expires_on, unit.extension_days,
        coalesce(ticket.work_stopped, false)
            and coalesce(ticket.unrecoverable, false)
            and not ticket.in_doubt as certain
    from ticket
    join unit
        on ticket.equipment_id = unit.equipment_id
        and ticket.arose_on >= unit.accepted_on

),

numbered as (

    select
        *,
        row_number() over (
            partition by equipment_id, certain order by reported_at, ticket_id
        ) as certain_number,
        row_number() over (
            partition by equipment_id order by reported_at, ticket_id
        ) as possible_number
    from event

),

timed as (

    select
        *,
        case
            when arose_on <= base_expires_on + cast(extension_days * (certain_number - 1) as integer)
                then 1 else 0
        end as in_certain_term,
        case
            when
                arose_on
                <= base_expires_on + cast(extension_days * (possible_number - 1) as integer)
                then 1 else 0
        end as in_possible_term
    from numbered

),

final as (

    select
        contract_id, equipment_id, ticket_id, reported_at, certain,
        case when certain then certain_number end as number,
        certain and min(in_certain_term) over (
            partition by equipment_id, certain order by certain_number
        ) = 1 as counts,
        min(in_possible_term) over (
            partition by equipment_id order by possible_number
        ) = 1 as may_count
    from timed

)

select * from final
