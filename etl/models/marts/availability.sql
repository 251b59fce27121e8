-- How long each unit served, stood still, and had a loaner in its place.
-- grain: one unit and month with any service
-- key: equipment_id, month
-- covered_seconds: the part of down_seconds with a loaner in its place
-- availability: 1 - down / service; with loaner: 1 - (down - covered) / service
-- A figure is empty where the log leaves it open: a fault that may have touched the month ended
-- nobody knows when, or the readings of a ticket give other figures.
-- What stood still lies first, and each part in order of the units: the worst units, or one of
-- them, are found without reading them all.
with

unit as (select * from fact_unit where accepted_on is not null),

month as (select * from fact_month),

moment as (select * from moment),

served as (

    select
        unit.contract_id, unit.equipment_id, unit.department, unit.category, month.month,
        greatest(cast(unit.accepted_on as timestamp), cast(month.first_on as timestamp))
            as from_at,
        least(
            cast(unit.retired_on as timestamp),
            cast(month.last_on as timestamp) + interval '1 day',
            moment.as_of
        ) as to_at
    from unit
    cross join month
    cross join moment
    where unit.accepted_on <= month.last_on

),

service as (

    select
        contract_id, equipment_id, department, category, month,
        date_diff('microsecond', timeline_last(from_at), timeline_last(to_at)) as service
    from served
    where from_at < to_at

),

stopped as (

    select
        stretch.equipment_id, stretch.reading, month.month,
        sum(
            date_diff(
                'microsecond',
                timeline_last(greatest(stretch.from_at, cast(month.first_on as timestamp))),
                timeline_last(
                    least(stretch.to_at, cast(month.last_on as timestamp) + interval '1 day')
                )
            )
        ) as duration
    from fact_downtime as stretch
    join month
        on stretch.from_at < cast(month.last_on as timestamp) + interval '1 day'
        and cast(month.first_on as timestamp) < stretch.to_at
    group by stretch.equipment_id, stretch.reading, month.month

),

stood_in as (

    select
        stretch.equipment_id, stretch.reading, stretch.reach, month.month,
        sum(
            date_diff(
                'microsecond',
                timeline_last(greatest(stretch.from_at, cast(month.first_on as timestamp))),
                timeline_last(
                    least(stretch.to_at, cast(month.last_on as timestamp) + interval '1 day')
                )
            )
        ) as duration
    from fact_cover as stretch
    join month
        on stretch.from_at < cast(month.last_on as timestamp) + interval '1 day'
        and cast(month.first_on as timestamp) < stretch.to_at
    group by stretch.equipment_id, stretch.reading, stretch.reach, month.month

),

vague as (

    select distinct equipment_id
    from fact_loaner
    where from_at <> from_latest_at or to_at <> to_latest_at

),

reach as (

    select equipment_id, 'most' as reach from fact_unit_reading where readings > 1
    union distinct
    select equipment_id, 'most' as reach from vague
    union distinct
    select equipment_id, 'least' as reach from vague

),

-- The readings of the units that have several, with the reach of their loaners.
variant as (

    select reading.equipment_id, reading.reading, reach.reach
    from fact_unit_reading as reading
    join reach
        on reading.equipment_id = reach.equipment_id

),

differing as (

    select
        service.equipment_id, service.month,
        max(coalesce(stopped.duration, 0)) <> min(coalesce(stopped.duration, 0)) as down_open,
        max(coalesce(stood_in.duration, 0)) <> min(coalesce(stood_in.duration, 0)) as covered_open
    from service
    join variant
        on service.equipment_id = variant.equipment_id
    left join stopped
        on service.equipment_id = stopped.equipment_id
        and service.month = stopped.month
        and variant.reading = stopped.reading
    left join stood_in
        on service.equipment_id = stood_in.equipment_id
        and service.month = stood_in.month
        and variant.reading = stood_in.reading
        and variant.reach = stood_in.reach
    group by service.equipment_id, service.month

),

touched as (

    select distinct stretch.equipment_id, month.month
    from fact_downtime_open as stretch
    join month
        on stretch.from_at < cast(month.last_on as timestamp) + interval '1 day'
        and cast(month.first_on as timestamp) < stretch.to_at

),

measured as (

    select
        service.contract_id, service.equipment_id, service.department, service.category,
        service.month,
        cast(floor(cast(service.service as double) / 1000000) as bigint) as service_seconds,
        case
            when touched.month is null and not coalesce(differing.down_open, false)
                then cast(floor(cast(coalesce(stopped.duration, 0) as double) / 1000000) as bigint)
        end as down_seconds,
        case
            when
                touched.month is null
                and not coalesce(differing.down_open or differing.covered_open, false)
                then cast(floor(cast(coalesce(stood_in.duration, 0) as double) / 1000000) as bigint)
        end as covered_seconds
    from service
    left join stopped
        on service.equipment_id = stopped.equipment_id
        and service.month = stopped.month
        and stopped.reading = 0
    left join stood_in
        on service.equipment_id = stood_in.equipment_id
        and service.month = stood_in.month
        and stood_in.reading = 0
        and stood_in.reach = 'most'
    left join differing
        on service.equipment_id = differing.equipment_id
        and service.month = differing.month
    left join touched
        on service.equipment_id = touched.equipment_id
        and service.month = touched.month

),

final as (

    select
        *,
        cast(service_seconds - down_seconds as double) / nullif(service_seconds, 0)
            as availability,
        cast(service_seconds - down_seconds + covered_seconds as double)
            / nullif(service_seconds, 0) as availability_with_loaner
    from measured
    order by case when down_seconds > 0 then 0 else 1 end, equipment_id, month

)

select * from final
