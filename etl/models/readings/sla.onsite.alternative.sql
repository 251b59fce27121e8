-- sla.onsite, the other reading: the clock runs from the response, once remote help had been tried.
-- grain: one fault not solved remotely
with

claim as (select * from "sla.onsite"),

ticket as (
    select ticket_id, responded_at, responded_latest_at from fact_ticket where reading = 0
),

term as (
    select contract_id, seconds, microseconds
    from contract_term
    where term = 'onsite_minutes'
),

final as (

    select
        claim.contract_id, claim.subject, claim.arose_on,
        coalesce(ticket.responded_at, claim.began_at) as began_at,
        case
            when ticket.responded_at is null then claim.began_latest_at
            else ticket.responded_latest_at
        end as began_latest_at,
        term.seconds as allowed_seconds, term.microseconds as allowed_microseconds,
        claim.done_at, claim.done_latest_at, claim.bound_at, claim.finished,
        claim.reading, claim.readings, claim.in_doubt, claim.recorded_set
    from claim
    join ticket
        on claim.subject = ticket.ticket_id
    join term
        on claim.contract_id = term.contract_id

)

select * from final
