-- Finished faults that were charged although the log gives no cause.
-- grain: one ticket
with

ticket as (
    select * from fact_ticket where reading = 0 and is_fault and finished and cause is null
),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id, engineer_id,
        end_at as found_at
    from ticket
    where coalesce(labour_charge, 0) + coalesce(parts_charge, 0) > 0

)

select * from final
