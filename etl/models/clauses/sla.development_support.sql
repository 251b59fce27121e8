-- sla.development_support: 负责协调厂家无条件提供后台管理系统开发的技术支持
-- grain: one request for development support
-- due: the end of the day development_days after the request; done: its end
-- A ticket closed after due without saying when it was resolved shows neither.
with

ticket as (select * from fact_ticket where service_type = 'development_support'),

term as (
    select contract_id, value as development_days
    from contract_term
    where term = 'development_days'
),

due as (

    select
        ticket.*,
        cast(ticket.arose_on + cast(term.development_days as integer) as timestamp)
            + interval 86399 second as due_at
    from ticket
    join term
        on ticket.contract_id = term.contract_id

),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id,
        category, service_type, channel,
        arose_on, reported_at as began_at, reported_latest_at as began_latest_at,
        due_at,
        end_at as done_at, end_latest_at as done_latest_at,
        resolved_at is null as done_is_bound,
        finished,
        case when end_at is not null and outcome = 'not_fixed' then 'breached' end as stated,
        reading, readings, in_doubt, recorded_set
    from due

)

select * from final
