-- sla.hardware_swap: 用备品对故障设备进行更换
-- grain: one hardware fault not repaired when the first visit ends
-- due: swap_hours after arrival (else after leaving)
-- done: the loaner or, where the unit was replaced, the end, whichever came first
-- A replacement known only by closing after due shows neither.
with

ticket as (
    select *
    from fact_ticket
    where
        service_type = 'hardware_fault'
        and left_site_at is not null
        and (end_at is null or end_at > left_site_at)
),

term as (
    select contract_id, seconds, microseconds
    from contract_term
    where term = 'swap_hours'
),

swapped as (

    select
        ticket.*,
        case when ticket.outcome = 'replaced' then ticket.end_at end as replaced_at,
        coalesce(ticket.onsite_at, ticket.left_site_at)
            + interval '1 second' * term.seconds
            + interval '1 microsecond' * term.microseconds as due_at
    from ticket
    join term
        on ticket.contract_id = term.contract_id

),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id,
        category, service_type, channel,
        arose_on, coalesce(onsite_at, left_site_at) as began_at,
        due_at,
        least(loaner_provided_at, replaced_at) as done_at,
        finished,
        case
            when
                resolved_at is null
                and replaced_at > due_at
                and (loaner_provided_at is null or replaced_at < loaner_provided_at)
                then 'unknown'
        end as stated
    from swapped

)

select * from final
