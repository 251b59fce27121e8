-- Who was on duty: on site for a ticket, or on a visit.
-- grain: one engineer on one day of one contract
-- key: contract_id, engineer_id, day
with

ticket as (select * from fact_ticket where engineer_id is not null and onsite_at is not null),

visit as (
    select * from base_inspections where inspector_id is not null and performed_on is not null
),

final as (

    select contract_id, engineer_id, cast(onsite_at as date) as day from ticket
    union distinct
    select contract_id, inspector_id as engineer_id, performed_on as day from visit

)

select * from final
