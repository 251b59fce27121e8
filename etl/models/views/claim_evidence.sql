-- What the logs show of each obligation, in each reading of its record.
-- grain: one obligation and reading
-- key: contract_id, clause, subject, reading
-- due_latest_at: the latest reading of the due; done_at, done_latest_at: the earliest and latest
--   of the deed
-- due_on, done_on: set where the due or the deed is a day
-- reading: 0 as the record states; readings: how many readings the obligation has
-- recorded: the files had a column that shows the deed, be it empty; empty where none is asked for
-- evidence: met, breached, unknown or pending, before any waiver
-- Time is measured and compared on the timeline, where an hour is an hour (…_line).
with

clause as (select * from catalogue_clause),

agreed as (select contract_id, term, value from contract_term),

moment as (select * from moment),

through as (select * from log_through),

-- Clauses that the contract does not promise.
declined as (

    select agreed.contract_id, clause.clause
    from agreed
    join clause
        on agreed.term = clause.applies_term
    where agreed.value = 0

),

-- Clauses whose clock pauses move, where the pauses were never exported: lateness shows nothing.
unpaused as (

    select agreed.contract_id, clause.clause
    from agreed
    cross join clause
    cross join catalogue_log as log
    where
        agreed.term = 'pauses_count' and agreed.value = 1
        and clause.paused and log.log = 'pauses' and not log.loaded

),

-- The pauses that both sides agreed, of the tickets of contracts that count them.
pause as (

    select
        pause.ticket_id, pause.paused_at,
        coalesce(pause.resumed_latest_at, pause.resumed_at, moment.as_of) as resumed_at,
        pause.resumed_at is null as open,
        pause.paused_latest_at is not null or pause.resumed_latest_at is not null as vague
    from base_pauses as pause
    cross join moment
    join fact_ticket as ticket
        on pause.ticket_id = ticket.ticket_id
        and ticket.reading = 0
    join agreed
        on ticket.contract_id = agreed.contract_id
        and agreed.term = 'pauses_count'
        and agreed.value = 1
    where
        pause.reason in ('customer', 'access', 'force_majeure')
        and pause.requested_by <> pause.agreed_by

),

clocked as (

    select
        claim.clause, claim.subject, coalesce(claim.reading, 0) as reading,
        timeline_last(pause.paused_at) as paused_at, timeline_last(pause.resumed_at) as resumed_at,
        timeline_last(claim.began_at) as began_at,
        coalesce(
            timeline_last(claim.due_at),
            timeline_last(claim.began_at)
                + interval '1 second' * claim.allowed_seconds
                + interval '1 microsecond' * claim.allowed_microseconds
        ) as due_at,
        pause.vague or claim.began_latest_at is not null or (pause.open and claim.finished)
            as vague
    from pause
    join paused_row as claim
        on pause.ticket_id = claim.subject
    join clause
        on claim.clause = clause.clause
        and clause.paused

),

-- Without the pauses whose length is open, and with them at their longest.
length as (

    select 0 as longest
    union all
    select 1 as longest

),

clipped as (

    select
        clocked.clause, clocked.subject, clocked.reading, length.longest, clocked.due_at,
        case
            when clocked.vague and length.longest = 0 then clocked.began_at
            else greatest(clocked.paused_at, clocked.began_at)
        end as from_at,
        case
            when clocked.vague and length.longest = 0 then clocked.began_at
            else greatest(clocked.resumed_at, clocked.began_at)
        end as to_at,
        max(case when clocked.vague then 1 else 0 end) over (
            partition by clocked.clause, clocked.subject, clocked.reading
        ) as vague
    from clocked
    cross join length

),

reached as (

    select
        *,
        max(to_at) over (
            partition by clause, subject, reading, longest
            order by from_at, to_at
            rows between unbounded preceding and 1 preceding
        ) as before_at
    from clipped
    where longest <= vague

),

numbered as (

    select
        *,
        sum(case when from_at <= before_at then 0 else 1 end) over (
            partition by clause, subject, reading, longest
            order by from_at, to_at
            rows between unbounded preceding and current row
        ) as stretch
    from reached

),

stretched as (

    select
        clause, subject, reading, longest, due_at, vague,
        min(from_at) as from_at,
        date_diff('microsecond', min(from_at), max(to_at)) as microseconds
    from numbered
    group by clause, subject, reading, longest, due_at, vague, stretch

),

summed as (

    select
        *,
        cast(
            coalesce(
                sum(microseconds) over (
                    partition by clause, subject, reading, longest
                    order by from_at
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as bigint
        ) as earlier_microseconds
    from stretched

),

lengthened as (

    select
        clause, subject, reading, longest, vague,
        cast(
            sum(
                case
                    when
                        from_at
                        <= due_at
                            + interval '1 second' * cast(
                                floor(cast(earlier_microseconds as double) / 1000000) as integer
                            )
                            + interval '1 microsecond' * cast(
                                earlier_microseconds % 1000000 as integer
                            )
                        then microseconds
                    else 0
                end
            ) as bigint
        ) as microseconds
    from summed
    group by clause, subject, reading, longest, vague

),

counted as (

    select
        clause, subject, reading, longest,
        cast(floor(cast(microseconds as double) / 1000000) as integer) as seconds,
        cast(microseconds % 1000000 as integer) as microseconds,
        cast(
            sum(case when longest = 0 and vague = 1 then 1 else 0 end) over (
                partition by clause, subject
            ) as integer
        ) as further_readings
    from lengthened

),

claim as (

    select
        claim.clause, claim.log, claim.contract_id, claim.subject, claim.department,
        claim.equipment_id, claim.category, claim.service_type, claim.channel, claim.arose_on,
        claim.began_at, claim.began_latest_at,
        coalesce(
            timeline_first(claim.due_at),
            timeline_first(cast(claim.due_on as timestamp) + interval 86399 second),
            timeline_first(claim.began_at)
                + interval '1 second' * claim.allowed_seconds
                + interval '1 microsecond' * claim.allowed_microseconds
        )
            + interval '1 second' * coalesce(counted.seconds, 0)
            + interval '1 microsecond' * coalesce(counted.microseconds, 0) as due_line,
        coalesce(
            timeline_last(claim.due_latest_at),
            timeline_last(claim.due_at),
            timeline_last(cast(claim.due_on as timestamp) + interval 86399 second),
            timeline_last(coalesce(claim.began_latest_at, claim.began_at))
                + interval '1 second' * claim.allowed_seconds
                + interval '1 microsecond' * claim.allowed_microseconds
        )
            + interval '1 second' * coalesce(counted.seconds, 0)
            + interval '1 microsecond' * coalesce(counted.microseconds, 0) as due_latest_line,
        coalesce(claim.done_at, cast(claim.done_on as timestamp)) as done_at,
        coalesce(claim.done_latest_at, claim.done_at, cast(claim.done_on as timestamp))
            as done_latest_at,
        claim.due_on,
        case
            when claim.done_latest_at > claim.done_at then cast(claim.done_at as date)
            else claim.done_on
        end as done_on,
        coalesce(claim.done_is_bound, false) as done_is_bound,
        claim.bound_at, claim.finished, claim.stated, claim.undone, claim.in_doubt,
        claim.recorded_set,
        coalesce(claim.reading, 0) + 2 * coalesce(counted.longest, 0) as reading,
        coalesce(claim.readings, 1) + coalesce(counted.further_readings, 0) as readings
    from clause_row as claim
    left join declined
        on claim.contract_id = declined.contract_id
        and claim.clause = declined.clause
    left join counted
        on claim.clause = counted.clause
        and claim.subject = counted.subject
        and coalesce(claim.reading, 0) = counted.reading
    where declined.clause is null

),

final as (

    select
        claim.*,
        wall(claim.due_latest_line) as due_latest_at,
        case
            when shown.clause is not null then shown.some_rows
            when clause.shown then silent.clause is null
        end as recorded,
        case
            when claim.in_doubt then 'unknown'
            when claim.stated is not null then claim.stated
            when claim.done_at is not null and claim.due_line is null then 'met'
            when timeline_last(claim.done_latest_at) <= claim.due_line then 'met'
            when claim.done_is_bound and claim.done_at is not null then 'unknown'
            when
                timeline_first(claim.done_at) > claim.due_latest_line
                and (
                    timeline_last(claim.bound_at) <= claim.due_line
                    or unpaused.clause is not null
                )
                then 'unknown'
            when timeline_first(claim.done_at) > claim.due_latest_line then 'breached'
            when claim.done_at is not null then 'unknown'
            when timeline_last(claim.bound_at) <= claim.due_line then 'met'
            when claim.bound_at is not null or claim.finished then 'unknown'
            when not through.loaded then 'unknown'
            when silent.clause is not null or not shown.every_row then 'unknown'
            when claim.undone is not null then claim.undone
            when
                claim.due_line is null
                or claim.due_latest_line >= timeline_last(moment.as_of)
                then 'pending'
            when unpaused.clause is not null then 'unknown'
            when timeline_first(through.through_at) >= claim.due_latest_line then 'breached'
            else 'unknown'
        end as evidence
    from claim
    cross join moment
    join clause
        on claim.clause = clause.clause
    left join through
        on claim.contract_id = through.contract_id
        and claim.log = through.log
    left join unpaused
        on claim.contract_id = unpaused.contract_id
        and claim.clause = unpaused.clause
    left join clause_unrecorded as silent
        on claim.clause = silent.clause
        and claim.recorded_set = silent.recorded_set
    left join contract_recorded as shown
        on claim.contract_id = shown.contract_id
        and claim.clause = shown.clause

)

select * from final
