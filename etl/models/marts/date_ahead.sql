-- Dates that are announced before they come.
-- grain: one date of one contract: of a warranty all units that end on it, of a permit one engineer
-- key: kind, contract_id, subject, due_on
-- kind: retention, guarantee (of a bid that is not awarded yet), permit (of an engineer on duty in
--   the last 90 days), warranty
-- subject: the contract, the engineer, or the unit, empty where several end on the day
-- units: whose warranty ends; empty for the other kinds
-- What the contract does not promise (permits, warranties) is not announced.
with

moment as (select * from moment),

bid as (

    select 'guarantee' as kind, contract_id, contract_id as subject, due_on
    from obligation
    where clause = 'delivery.guarantee_valid' and done_on is null and due_on is not null

),

released as (

    select 'retention' as kind, contract_id, contract_id as subject, due_on
    from retention
    where due_on is not null

),

permit as (

    select distinct
        'permit' as kind, duty.contract_id, duty.engineer_id as subject,
        person.permit_until as due_on
    from fact_duty as duty
    join base_personnel as person
        on duty.engineer_id = person.engineer_id
    cross join moment
    where duty.day > cast(moment.as_of as date) - 90 and person.permit_until is not null

),

ending as (

    select
        'warranty' as kind, contract_id,
        case when count(*) = 1 then min(equipment_id) end as subject,
        expires_on as due_on,
        count(*) as units
    from warranty
    where status in ('in_warranty', 'expired')
    group by contract_id, expires_on

),

every as (

    select kind, cast(null as varchar) as clause, contract_id, subject, due_on,
        cast(null as bigint) as units
    from bid
    union all
    select kind, null, contract_id, subject, due_on, null from released
    union all
    select kind, 'people.permit', contract_id, subject, due_on, null from permit
    union all
    select kind, 'warranty.term', contract_id, subject, due_on, units from ending

),

final as (

    select every.kind, every.contract_id, every.subject, every.due_on, every.units
    from every
    left join clause_evidence as declined
        on every.contract_id = declined.contract_id
        and every.clause = declined.clause
        and declined.evidence = 'not_promised'
    where declined.clause is null

)

select * from final
