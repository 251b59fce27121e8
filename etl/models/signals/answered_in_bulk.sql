-- Several tickets of a contract with one and the same instant of response.
-- grain: one ticket of such an instant; days without a time show nothing
-- alike: tickets answered at that instant, five or more
with

ticket as (
    select * from fact_ticket
    where reading = 0 and responded_at is not null and responded_latest_at is null
),

instant as (

    select contract_id, responded_at, count(*) as alike
    from ticket
    group by contract_id, responded_at
    having count(*) >= 5

),

final as (

    select
        ticket.contract_id, ticket.ticket_id as subject, ticket.department, ticket.equipment_id,
        ticket.engineer_id, ticket.responded_at as found_at, instant.alike
    from ticket
    join instant
        on ticket.contract_id = instant.contract_id
        and ticket.responded_at = instant.responded_at

)

select * from final
