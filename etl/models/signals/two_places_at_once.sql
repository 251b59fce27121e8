-- Visits that began while the same engineer was still on site in another department.
-- grain: one visit
-- beside: the ticket of the engineer's visit before
with

visit as (

    select * from fact_ticket
    where
        reading = 0
        and engineer_id is not null
        and onsite_at is not null
        and left_site_at is not null
        and onsite_latest_at is null
        and left_site_latest_at is null

),

followed as (

    select
        contract_id, ticket_id, department, equipment_id, engineer_id, onsite_at,
        lag(ticket_id) over (partition by engineer_id order by onsite_at, ticket_id) as beside,
        lag(contract_id) over (partition by engineer_id order by onsite_at, ticket_id)
            as contract_before,
        lag(department) over (partition by engineer_id order by onsite_at, ticket_id)
            as department_before,
        lag(left_site_at) over (partition by engineer_id order by onsite_at, ticket_id)
            as left_before_at
    from visit

),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id, engineer_id,
        onsite_at as found_at, beside
    from followed
    where
        left_before_at > onsite_at
        and (contract_id <> contract_before or coalesce(department <> department_before, false))

)

select * from final
