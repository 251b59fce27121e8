-- How long each unit served, stood still, and had a loaner in its place.
-- grain: one unit and month with any service
-- key: equipment_id, month
-- covered_seconds: the part of down_seconds with a loaner in its place
-- availability: 1 - down / service; with loaner: 1 - (down - covered) / service
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
        date_diff('microsecond', from_at, to_at) as service
    from served
    where from_at < to_at

),

down as (

    select
        stretch.equipment_id, month.month,
        sum(
            date_diff(
                'microsecond',
                greatest(stretch.from_at, cast(month.first_on as timestamp)),
                least(stretch.to_at, cast(month.last_on as timestamp) + interval '1 day')
            )
        ) as duration
    from fact_downtime as stretch
    join month
        on stretch.from_at < cast(month.last_on as timestamp) + interval '1 day'
        and cast(month.first_on as timestamp) < stretch.to_at
    group by stretch.equipment_id, month.month

),

covered as (

    select
        stretch.equipment_id, month.month,
        sum(
            date_diff(
                'microsecond',
                greatest(stretch.from_at, cast(month.first_on as timestamp)),
                least(stretch.to_at, cast(month.last_on as timestamp) + interval '1 day')
            )
        ) as duration
    from fact_cover as stretch
    join month
        on stretch.from_at < cast(month.last_on as timestamp) + interval '1 day'
        and cast(month.first_on as timestamp) < stretch.to_at
    group by stretch.equipment_id, month.month

),

measured as (

    select
        service.contract_id, service.equipment_id, service.department, service.category,
        service.month,
        cast(floor(cast(service.service as double) / 1000000) as bigint) as service_seconds,
        cast(floor(cast(coalesce(down.duration, 0) as double) / 1000000) as bigint)
            as down_seconds,
        cast(floor(cast(coalesce(covered.duration, 0) as double) / 1000000) as bigint)
            as covered_seconds
    from service
    left join down
        on service.equipment_id = down.equipment_id
        and service.month = down.month
    left join covered
        on service.equipment_id = covered.equipment_id
        and service.month = covered.month

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
