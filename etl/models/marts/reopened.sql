-- How many tickets were reported again or marked as reopened, by the month of their own report.
-- grain: contract, month, department
-- tickets: reported in the month; reopened: those of them that fact_reopened holds
with

ticket as (select * from fact_ticket where reading = 0),

reopened as (select ticket_id from fact_reopened),

final as (

    select
        ticket.contract_id, substr(cast(ticket.arose_on as varchar), 1, 7) as month,
        ticket.department,
        count(*) as tickets,
        count(reopened.ticket_id) as reopened
    from ticket
    left join reopened
        on ticket.ticket_id = reopened.ticket_id
    group by ticket.contract_id, month, ticket.department

)

select * from final
