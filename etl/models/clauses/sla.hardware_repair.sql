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
        arose_on, reported_at as began_at, reported_latest_at as began_latest_at,
        repair_due_at as due_at,
        end_at as done_at, end_latest_at as done_latest_at,
        resolved_at is null as done_is_bound,
        finished,
        case when end_at is not null and outcome = 'not_fixed' then 'breached' end as stated,
        reading, readings, in_doubt, recorded_set
    from ticket

)

select * from final
