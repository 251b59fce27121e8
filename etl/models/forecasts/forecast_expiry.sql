-- Warranties that end in the months ahead, from what was known on each origin day.
-- grain: origin day, contract, department, month ahead
-- key: origin_on, contract_id, department, month
-- units: whose term, as extended so far, ends in the month
-- expected: of these, those not extended once more before, at the contract's rate of extensions over
--   the year before the origin; variance: of that number
-- possible_units: whose term ends in the month if every silent event was an extension
-- actual_units: of units, those that ended in it after all; empty while the month is not over
with

origin as (select * from forecast_origin),

moment as (select * from moment),

unit as (select * from fact_warranty where accepted_on is not null),

event as (select * from fact_extension),

known as (

    select
        origin.origin_on, unit.contract_id, unit.department, unit.equipment_id,
        unit.accepted_on, unit.retired_on, unit.base_expires_on, unit.extension_days,
        unit.expires_on as expires_at_last,
        cast(count(*) filter (
            where event.counts and cast(event.reported_at as date) <= origin.origin_on
        ) as integer) as extensions,
        cast(count(*) filter (
            where event.may_count and cast(event.reported_at as date) <= origin.origin_on
        ) as integer) as possible_extensions
    from origin
    join unit
        on unit.accepted_on <= origin.origin_on
    left join event
        on unit.equipment_id = event.equipment_id
    where unit.retired_on is null or unit.retired_on > origin.origin_on
    group by
        origin.origin_on, unit.contract_id, unit.department, unit.equipment_id,
        unit.accepted_on, unit.retired_on, unit.base_expires_on, unit.extension_days,
        unit.expires_on

),

dated as (

    select
        *,
        base_expires_on + cast(extension_days * extensions as integer) as expires_on,
        base_expires_on + cast(extension_days * possible_extensions as integer)
            as possible_expires_on
    from known

),

-- Days under warranty in the year before the origin, over which extensions are counted.
exposed as (

    select
        origin_on, contract_id,
        sum(
            greatest(
                0,
                date_diff(
                    'day',
                    greatest(accepted_on, cast(origin_on - 365 as date)),
                    least(expires_on, origin_on)
                )
            )
        ) as unit_days
    from dated
    group by origin_on, contract_id

),

happened as (

    select origin.origin_on, event.contract_id, count(*) as events
    from origin
    join event
        on event.counts
        and cast(event.reported_at as date) <= origin.origin_on
        and cast(event.reported_at as date) > origin.origin_on - 365
    group by origin.origin_on, event.contract_id

),

rated as (

    select
        dated.*,
        1 - exp(
            -cast(coalesce(happened.events, 0) as double)
            / nullif(exposed.unit_days, 0)
            * (date_diff('day', dated.origin_on, dated.expires_on) + 1)
        ) as chance_moved
    from dated
    join exposed
        on dated.origin_on = exposed.origin_on
        and dated.contract_id = exposed.contract_id
    left join happened
        on dated.origin_on = happened.origin_on
        and dated.contract_id = happened.contract_id

),

ended as (

    select
        origin_on, contract_id, department,
        substr(cast(expires_on as varchar), 1, 7) as month,
        1 as units, 0 as possible_units,
        1 - coalesce(chance_moved, 0) as expected,
        coalesce(chance_moved, 0) * (1 - coalesce(chance_moved, 0)) as variance,
        case when expires_at_last = expires_on and coalesce(retired_on > expires_on, true)
            then 1 else 0 end as stayed
    from rated
    where expires_on >= origin_on
    union all
    select
        origin_on, contract_id, department,
        substr(cast(possible_expires_on as varchar), 1, 7) as month,
        0 as units, 1 as possible_units, 0 as expected, 0 as variance, 0 as stayed
    from rated
    where possible_expires_on >= origin_on

),

final as (

    select
        ended.origin_on, ended.contract_id, ended.department, ended.month,
        cast(sum(ended.units) as bigint) as units,
        cast(sum(ended.possible_units) as bigint) as possible_units,
        round(sum(ended.expected), 6) as expected,
        round(sum(ended.variance), 6) as variance,
        case
            when ended.month < substr(cast(cast(moment.as_of as date) as varchar), 1, 7)
                then cast(sum(ended.stayed) as bigint)
        end as actual_units
    from ended
    cross join moment
    group by
        ended.origin_on, ended.contract_id, ended.department, ended.month, moment.as_of

)

select * from final
