-- Tickets that were not over when they ended: reported again, or marked as reopened.
-- grain: one ticket: the one that did not hold, not the one that reported it again
-- key: ticket_id
-- marked: its own status says so, at as_of
-- again_id, again_at: the first ticket that reported it again within seven days; see the signal
--   reported_again
with

ticket as (select * from fact_ticket where reading = 0),

numbered as (

    select
        beside as ticket_id, subject as again_id, found_at as again_at,
        row_number() over (partition by beside order by found_at, subject) as place
    from reported_again

),

again as (select * from numbered where place = 1),

final as (

    select
        ticket.contract_id, ticket.ticket_id, ticket.equipment_id, ticket.department,
        ticket.category, ticket.service_type, ticket.arose_on, ticket.reported_at, ticket.end_at,
        coalesce(ticket.status = 'reopened', false) as marked,
        again.again_id, again.again_at
    from ticket
    left join again
        on ticket.ticket_id = again.ticket_id
    where coalesce(ticket.status = 'reopened', false) or again.ticket_id is not null

)

select * from final
