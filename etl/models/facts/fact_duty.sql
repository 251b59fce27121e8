-- Who was on duty: on site for a ticket, or on a visit.
-- grain: one engineer on one day of one contract
-- key: contract_id, engineer_id, day
-- in_doubt: only tickets that may count nowhere say so
with

ticket as (
    select * from fact_ticket
    where reading = 0 and engineer_id is not null and onsite_at is not null
),

visit as (
    select * from base_inspections where inspector_id is not null and performed_on is not null
),

every as (

    select contract_id, engineer_id, cast(onsite_at as date) as day, in_doubt from ticket
    union distinct
    select contract_id, inspector_id as engineer_id, performed_on as day, false as in_doubt
    from visit

),

final as (

    select contract_id, engineer_id, day, min(case when in_doubt then 1 else 0 end) = 1 as in_doubt
    from every
    group by contract_id, engineer_id, day

)

select * from final
