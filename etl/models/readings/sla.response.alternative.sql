-- sla.response, the other reading: thirty minutes hold for faults alone; "at once" is no figure.
-- grain: one fault
with

claim as (
    select * from "sla.response" where service_type in ('software_fault', 'hardware_fault')
),

final as (

    select
        contract_id, subject, arose_on, began_at, began_latest_at, allowed_seconds,
        allowed_microseconds, done_at, done_latest_at, bound_at, finished,
        reading, readings, in_doubt, recorded_set
    from claim

)

select * from final
