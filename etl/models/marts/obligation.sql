-- The obligation ledger: what was promised, to whom, until when, and whether it was kept.
-- grain: one obligation
-- key: contract_id, clause, subject
-- due_at: its latest reading; due_on: set where the promise counts in days, and due_at is then the
--   day's last second
-- began_at, done_at: the earliest reading; began_on, done_on: set where it is a day
-- recorded: the files had a column that shows the deed, be it empty; empty where none is asked for
-- bucket: how long it took in twentieths of what was allowed: 0-19 within, 60 three times or more;
--   empty where a day without a time is involved
-- state: met, breached, unknown, pending or excluded; decided here and nowhere else
with

claim as (select * from claim_evidence),

waiver as (

    select distinct contract_id, clause, subject
    from base_waivers
    where
        approved_on is not null
        and approved_by is not null
        and requested_by is not null
        and approved_by <> requested_by

),

-- What may have several readings: tickets whose end is in doubt or that were paused, and repairs.
several as (

    select ticket_id as subject from fact_ticket where readings > 1
    union distinct
    select ticket_id as subject from base_pauses
    union distinct
    select equipment_id || '|' || problem_code as subject from fact_repair_run where readings > 1

),

-- What all readings say, and nothing where one of them makes no obligation.
agreed as (

    select
        claim.contract_id, claim.clause, claim.subject,
        case
            when
                min(claim.evidence) = max(claim.evidence)
                and min(claim.arose_on) = max(claim.arose_on)
                then min(claim.evidence)
            else 'unknown'
        end as evidence
    from claim_evidence as claim
    join several
        on claim.subject = several.subject
    where claim.readings > 1
    group by claim.contract_id, claim.clause, claim.subject
    having count(*) = max(claim.readings)

),

decided as (

    select
        claim.*,
        coalesce(agreed.evidence, claim.evidence) as shown
    from claim
    left join agreed
        on claim.contract_id = agreed.contract_id
        and claim.clause = agreed.clause
        and claim.subject = agreed.subject
    where claim.reading = 0 and (claim.readings = 1 or agreed.evidence is not null)

),

final as (

    select
        decided.contract_id, decided.clause, decided.subject, decided.department,
        decided.equipment_id, decided.arose_on, decided.due_latest_at as due_at, decided.done_at,
        decided.due_on, decided.done_on,
        case
            when decided.shown in ('breached', 'unknown') and waiver.subject is not null
                then 'excluded'
            else decided.shown
        end as state,
        decided.shown as evidence, decided.category, decided.service_type, decided.channel,
        decided.recorded, decided.began_at,
        case when decided.began_latest_at is not null then cast(decided.began_at as date) end
            as began_on,
        case
            when
                decided.done_at = decided.done_latest_at
                and decided.began_latest_at is null
                and decided.due_latest_at > decided.began_at
                then
                cast(
                    greatest(
                        0,
                        least(
                            60,
                            ceil(
                                cast(
                                    20 * date_diff(
                                        'microsecond',
                                        timeline_last(decided.began_at),
                                        timeline_last(decided.done_at)
                                    )
                                    as double
                                )
                                / nullif(
                                    date_diff(
                                        'microsecond',
                                        timeline_last(decided.began_at),
                                        decided.due_latest_line
                                    ), 0
                                )
                            ) - 1
                        )
                    ) as integer
                )
        end as bucket
    from decided
    left join waiver
        on decided.contract_id = waiver.contract_id
        and decided.clause = waiver.clause
        and decided.subject = waiver.subject

)

select * from final
