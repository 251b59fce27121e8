-- When each fault stopped its unit in service, as far as its row tells.
-- grain: one fault that stopped a unit, in one reading of the unit
-- key: ticket_id, reading
-- A unit is stopped by a hardware fault unless the log says that work went on, and by a software
-- fault if it says that work stopped. After a repair that failed it stays so until the next end of
-- a fault that was not a failed repair.
-- from_at, to_at: the earliest readings; to_at is the end, else the unit's retirement or as_of
-- until_at: the latest that to_at can be
-- open_from_at: since when the row leaves open whether the unit stood still, else empty
-- known: false where nobody can tell whether it has ended: no end was exported, or the status says
--   it is over without saying when
with

ticket as (select * from unit_ticket where is_fault),

unit as (select * from fact_unit where accepted_on is not null),

moment as (select * from moment),

repaired as (

    select
        *,
        min(case when coalesce(outcome, '') <> 'not_fixed' then end_at end) over (
            partition by equipment_id, unit_reading, finished
            order by end_at nulls last
            range between current row and unbounded following
        ) as repaired_at
    from ticket

),

-- The next repair after a failed one that ended on a day: on that day, or later.
later as (

    select failed.ticket_id, failed.unit_reading, min(good.end_at) as repaired_at
    from ticket as failed
    join ticket as good
        on failed.equipment_id = good.equipment_id
        and failed.unit_reading = good.unit_reading
        and good.end_at > failed.end_latest_at
        and coalesce(good.outcome, '') <> 'not_fixed'
    where failed.outcome = 'not_fixed' and failed.end_latest_at is not null
    group by failed.ticket_id, failed.unit_reading

),

-- Of the repairs that a failed one waits for, those that ended on a day, or nobody knows when.
vague as (

    select distinct equipment_id, unit_reading, end_at, end_latest_at
    from ticket
    where end_latest_at is not null and coalesce(outcome, '') <> 'not_fixed'

),

endless as (

    select equipment_id, unit_reading, min(reported_at) as reported_at
    from ticket
    where finished and end_at is null and coalesce(outcome, '') <> 'not_fixed'
    group by equipment_id, unit_reading

),

ended as (

    select
        one.contract_id, one.equipment_id, one.unit_reading, one.unit_readings, one.ticket_id,
        one.reported_at, coalesce(one.reported_latest_at, one.reported_at) as reported_latest_at,
        case when one.outcome = 'not_fixed' then one.repaired_at else one.end_at end as end_at,
        case
            when one.outcome = 'not_fixed' and one.end_latest_at is not null
                then later.repaired_at
            when one.outcome = 'not_fixed' then coalesce(vague.end_latest_at, one.repaired_at)
            else coalesce(one.end_latest_at, one.end_at)
        end as end_latest_at,
        one.end_at is not null or (not one.finished and one.ends_recorded) as known,
        case
            when
                one.outcome = 'not_fixed'
                and one.end_at is not null
                and (one.repaired_at is null or endless.reported_at < one.repaired_at)
                then endless.reported_at
        end as perhaps_over_at
    from repaired as one
    left join later
        on one.ticket_id = later.ticket_id
        and one.unit_reading = later.unit_reading
    left join vague
        on one.equipment_id = vague.equipment_id
        and one.unit_reading = vague.unit_reading
        and one.outcome = 'not_fixed'
        and one.repaired_at = vague.end_at
    left join endless
        on one.equipment_id = endless.equipment_id
        and one.unit_reading = endless.unit_reading
    where coalesce(one.work_stopped, one.service_type = 'hardware_fault')

),

placed as (

    select
        unit.contract_id, unit.equipment_id, ended.unit_reading as reading,
        ended.unit_readings as readings, ended.ticket_id, ended.known, ended.perhaps_over_at,
        greatest(ended.reported_at, cast(unit.accepted_on as timestamp)) as from_at,
        greatest(ended.reported_latest_at, cast(unit.accepted_on as timestamp)) as from_latest_at,
        least(ended.end_at, cast(unit.retired_on as timestamp), moment.as_of) as to_at,
        least(ended.end_latest_at, cast(unit.retired_on as timestamp), moment.as_of) as until_at
    from ended
    cross join moment
    join unit
        on ended.equipment_id = unit.equipment_id

),

final as (

    select
        contract_id, equipment_id, reading, readings, ticket_id, from_at, to_at,
        greatest(to_at, until_at) as until_at, known,
        case
            when not known or from_at <> from_latest_at or to_at <> until_at then from_at
            when perhaps_over_at is not null then greatest(perhaps_over_at, from_at)
        end as open_from_at
    from placed

)

select * from final
