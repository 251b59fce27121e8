-- What falls due in the 30 days after as_of.
-- grain: one thing that falls due
-- kind: obligation (open, with a due), visit (a month or window yet to begin), permit (of an engineer on duty
--   in the last 90 days), warranty, spares (fewer than a tenth above the floor), retention
-- due_at: an instant for obligations that have one, else the last second of the day
with

moment as (select * from moment),

horizon as (

    select
        as_of,
        cast(as_of as date) as today,
        cast(as_of as date) + 30 as until_on
    from moment

),

unit as (select * from warranty where status = 'in_warranty'),

obligation as (

    select
        'obligation' as kind, obligation.contract_id, obligation.clause, obligation.subject,
        obligation.department, obligation.due_at
    from obligation
    cross join horizon
    where
        obligation.state = 'pending'
        and obligation.due_at > horizon.as_of
        and obligation.due_at < cast(horizon.until_on + 1 as timestamp)

),

month as (

    select cast(date_trunc('month', today) as date) as first_on from horizon
    union all
    select cast(cast(date_trunc('month', today) as date) + interval '1 month' as date) as first_on from horizon

),

term as (
    select
        contract_id,
        cast(max(value) filter (where term = 'window_first_day') as integer) as first_day,
        cast(max(value) filter (where term = 'window_last_day') as integer) as last_day
    from contract_term
    group by contract_id
),

window_ahead as (

    select
        term.contract_id, 'inspection.monthly' as clause, month.first_on as month_on,
        month.first_on,
        cast(month.first_on + interval '1 month' - interval '1 day' as date) as last_on
    from month
    cross join term
    union all
    select
        term.contract_id,
        case
            when month(month.first_on) in (1, 7) then 'inspection.half_yearly'
            else 'inspection.quarterly'
        end as clause,
        month.first_on as month_on,
        month.first_on + (term.first_day - 1) as first_on,
        month.first_on + (term.last_day - 1) as last_on
    from month
    cross join term
    where month(month.first_on) in (1, 3, 6, 7, 9, 12)

),

visit as (

    select distinct
        'visit' as kind, unit.contract_id, window_ahead.clause,
        unit.department || '|' || substr(cast(window_ahead.month_on as varchar), 1, 7) as subject,
        unit.department,
        cast(window_ahead.last_on as timestamp) + interval 86399 second as due_at
    from unit
    join window_ahead
        on unit.contract_id = window_ahead.contract_id
        and unit.accepted_on <= window_ahead.first_on
        and unit.expires_on >= window_ahead.last_on
    cross join horizon
    where window_ahead.first_on > horizon.today and window_ahead.first_on <= horizon.until_on

),

permit as (

    select
        'permit' as kind, duty.contract_id, 'people.permit' as clause,
        duty.engineer_id as subject, cast(null as varchar) as department,
        cast(min(person.permit_until) as timestamp) + interval 86399 second as due_at
    from fact_duty as duty
    join base_personnel as person
        on duty.engineer_id = person.engineer_id
    cross join horizon
    where
        duty.day > horizon.today - 90
        and person.permit_until >= horizon.today
        and person.permit_until <= horizon.until_on
    group by duty.contract_id, duty.engineer_id

),

ending as (

    select
        'warranty' as kind, unit.contract_id, 'warranty.term' as clause,
        unit.equipment_id as subject, unit.department,
        cast(unit.expires_on as timestamp) + interval 86399 second as due_at
    from unit
    cross join horizon
    where unit.expires_on <= horizon.until_on

),

low as (

    select
        'spares' as kind, spares.contract_id, 'spares.ratio' as clause,
        cast(spares.day as varchar) as subject, cast(null as varchar) as department,
        horizon.as_of as due_at
    from spares
    join horizon
        on spares.day = horizon.today
    join contract_term as term
        on spares.contract_id = term.contract_id
        and term.term = 'spares_ratio'
    where spares.on_hand < term.value * spares.units_in_service * 1.1

),

released as (

    select
        'retention' as kind, retention.contract_id, cast(null as varchar) as clause,
        retention.contract_id as subject, cast(null as varchar) as department,
        cast(retention.due_on as timestamp) + interval 86399 second as due_at
    from retention
    cross join horizon
    where retention.due_on >= horizon.today and retention.due_on <= horizon.until_on

),

every as (

    select * from obligation
    union all
    select * from visit
    union all
    select * from permit
    union all
    select * from ending
    union all
    select * from low
    union all
    select * from released

),

final as (

    select every.*
    from every
    left join clause_evidence as declined
        on every.contract_id = declined.contract_id
        and every.clause = declined.clause
        and declined.evidence = 'not_promised'
    where declined.clause is null

)

select * from final
