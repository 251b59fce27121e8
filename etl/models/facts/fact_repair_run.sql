-- Repairs of one problem of one unit, and how many in a row have failed under warranty.
-- grain: one finished fault with a unit and an end, in one reading of the unit
-- key: ticket_id, reading
-- problem_code: empty text where the log names none; these repairs are a sequence of their own
-- failed: not fixed, and reported under warranty; any other repair breaks the run
-- run: failed repairs in a row up to and with this one
with

ticket as (select * from unit_ticket where is_fault and end_at is not null),

judged as (

    select
        contract_id, equipment_id, department, category, coalesce(problem_code, '') as problem_code,
        ticket_id, reported_at, end_at, outcome, unit_reading as reading,
        unit_readings as readings,
        coalesce(outcome, '') = 'not_fixed' and coalesce(in_warranty, false) as failed
    from ticket

),

broken as (

    select
        *,
        sum(case when failed then 0 else 1 end) over (
            partition by equipment_id, reading, problem_code
            order by end_at, ticket_id
            rows between unbounded preceding and current row
        ) as breaks
    from judged

),

final as (

    select
        contract_id, equipment_id, department, category, problem_code, ticket_id,
        reported_at, end_at, outcome, reading, readings, failed,
        cast(
            sum(case when failed then 1 else 0 end) over (
                partition by equipment_id, reading, problem_code, breaks
                order by end_at, ticket_id
                rows between unbounded preceding and current row
            ) as integer
        ) as run
    from broken

)

select * from final
