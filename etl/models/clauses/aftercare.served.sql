-- aftercare.served: 质保期外,我公司仍保持质保期内的响应服务
-- grain: one fault reported after the warranty
-- due, done: those of sla.response
with

response as (select * from "sla.response"),

ticket as (select * from fact_ticket_warranty where is_fault and in_warranty = false),

final as (

    select
        response.contract_id, response.subject, response.department, response.equipment_id,
        response.category, response.service_type, response.channel,
        response.arose_on, response.began_at, response.began_latest_at,
        response.allowed_seconds, response.allowed_microseconds,
        response.done_at, response.done_latest_at,
        response.bound_at,
        response.finished,
        response.reading, response.readings, response.in_doubt, response.recorded_set
    from response
    join ticket
        on response.subject = ticket.ticket_id
        and response.reading = ticket.reading

)

select * from final
