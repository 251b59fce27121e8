-- sla.onsite, the other reading: the clock runs from the response, once remote help had been tried.
-- grain: one fault not solved remotely
with

claim as (select * from "sla.onsite"),

ticket as (select ticket_id, responded_at from fact_ticket),

term as (
    select contract_id, seconds, microseconds
    from contract_term
    where term = 'onsite_minutes'
),

final as (

    select
        claim.contract_id, claim.subject, claim.arose_on, claim.began_at,
        coalesce(ticket.responded_at, claim.began_at)
            + interval '1 second' * term.seconds
            + interval '1 microsecond' * term.microseconds as due_at,
        claim.done_at, claim.bound_at, claim.finished
    from claim
    join ticket
        on claim.subject = ticket.ticket_id
    join term
        on claim.contract_id = term.contract_id

)

select * from final
