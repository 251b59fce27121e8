-- In which months ahead warranties end: without extensions, with those that count, with all that may.
-- grain: contract, department, month from that of as_of on
-- base_expires_on, expires_on, possible_expires_on: accepted units that end in it, from as_of on
with

unit as (select * from warranty where status in ('in_warranty', 'expired')),

moment as (select * from moment),

every as (

    select contract_id, department, base_expires_on as last_on, 1 as base, 0 as likely, 0 as possible
    from unit
    union all
    select contract_id, department, expires_on as last_on, 0 as base, 1 as likely, 0 as possible
    from unit
    union all
    select
        contract_id, department, possible_expires_on as last_on, 0 as base, 0 as likely,
        1 as possible
    from unit

),

final as (

    select
        every.contract_id, every.department,
        substr(cast(every.last_on as varchar), 1, 7) as month,
        cast(sum(every.base) as bigint) as base_expires_on,
        cast(sum(every.likely) as bigint) as expires_on,
        cast(sum(every.possible) as bigint) as possible_expires_on
    from every
    cross join moment
    where every.last_on >= cast(moment.as_of as date)
    group by every.contract_id, every.department, substr(cast(every.last_on as varchar), 1, 7)

)

select * from final
