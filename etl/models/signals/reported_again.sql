-- Faults closed and reported again within seven days: was it solved?
-- grain: one fault on a unit whose earlier fault ended within the seven days before its report
-- With problem codes on both, only the same problem counts.
-- beside: the earlier ticket, the last to end before
with

ticket as (
    select *, coalesce(end_latest_at, end_at) as ended_at from fact_ticket
    where reading = 0 and is_fault and equipment_id is not null
),

followed as (

    select
        again.contract_id, again.ticket_id, again.department, again.equipment_id,
        again.engineer_id, again.reported_at, earlier.ticket_id as beside,
        row_number() over (
            partition by again.ticket_id order by earlier.end_at desc, earlier.ticket_id
        ) as place
    from ticket as again
    join ticket as earlier
        on again.equipment_id = earlier.equipment_id
        and again.ticket_id <> earlier.ticket_id
        and earlier.ended_at <= again.reported_at
        and earlier.end_at > again.reported_at - interval '7 days'
        and coalesce(again.problem_code = earlier.problem_code, true)
    where earlier.finished and coalesce(earlier.outcome, '') <> 'not_fixed'

),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id, engineer_id,
        reported_at as found_at, beside
    from followed
    where place = 1

)

select * from final
