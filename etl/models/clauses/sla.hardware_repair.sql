-- sla.hardware_repair: 设备维修时间不超过两天
-- grain: one hardware fault
-- due: the end of the day repair_days after the report (days, not hours); done: its end
-- A ticket closed after due without saying when it was resolved shows neither.
with

ticket as (select * from fact_repair),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id,
        category, service_type, channel,
        arose_on, reported_at as began_at,
        repair_due_at as due_at,
        end_at as done_at,
        finished,
        case
            when finished and outcome = 'not_fixed' then 'breached'
            when resolved_at is null and closed_at > repair_due_at then 'unknown'
        end as stated
    from ticket

)

select * from final
