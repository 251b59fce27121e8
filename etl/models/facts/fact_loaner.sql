-- Loaners standing in for a unit.
-- grain: one loaner of one ticket
-- key: ticket_id
-- to_at: returned, else the end of the ticket, else as_of
with

ticket as (select * from fact_ticket where loaner_provided_at is not null),

moment as (select * from moment),

final as (

    select
        ticket.contract_id, ticket.equipment_id, ticket.ticket_id,
        ticket.loaner_provided_at as from_at,
        coalesce(ticket.loaner_returned_at, ticket.end_at, moment.as_of) as to_at,
        ticket.loaner_returned_at is null and ticket.end_at is null as open
    from ticket
    cross join moment

)

select * from final
