-- Loaners standing in for a unit.
-- grain: one loaner of one ticket, in one reading of the unit
-- key: ticket_id, reading
-- to_at: returned, else the end of the ticket, else as_of; a ticket that ended nobody knows when
--   leaves open whether the loaner stood there at all after it came
with

ticket as (select * from unit_ticket where loaner_provided_at is not null),

moment as (select * from moment),

final as (

    select
        ticket.contract_id, ticket.equipment_id, ticket.ticket_id,
        ticket.unit_reading as reading,
        ticket.loaner_provided_at as from_at,
        coalesce(ticket.loaner_provided_latest_at, ticket.loaner_provided_at) as from_latest_at,
        case
            when
                ticket.loaner_returned_at is null
                and ticket.end_at is null
                and (ticket.finished or not ticket.ends_recorded)
                then ticket.loaner_provided_at
            else coalesce(ticket.loaner_returned_at, ticket.end_at, moment.as_of)
        end as to_at,
        coalesce(
            ticket.loaner_returned_latest_at, ticket.loaner_returned_at,
            ticket.end_latest_at, ticket.end_at, moment.as_of
        ) as to_latest_at,
        ticket.loaner_returned_at is null and ticket.end_at is null as open
    from ticket
    cross join moment

)

select * from final
