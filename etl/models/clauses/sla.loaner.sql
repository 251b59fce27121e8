-- sla.loaner: 维护需要超过两天以上的,由供货商免费提供备品使用
-- grain: one hardware fault whose repair outlasted repair_days, once that has passed
-- due: when the repair was due; done: the loaner
-- Without an end in the export nobody knows whether the repair went on.
with

ticket as (select * from fact_repair),

moment as (select * from moment),

final as (

    select
        ticket.contract_id, ticket.ticket_id as subject, ticket.department, ticket.equipment_id,
        ticket.category, ticket.service_type, ticket.channel,
        ticket.arose_on, ticket.reported_at as began_at,
        ticket.reported_latest_at as began_latest_at,
        ticket.repair_due_at as due_at,
        ticket.loaner_provided_at as done_at, ticket.loaner_provided_latest_at as done_latest_at,
        ticket.finished,
        ticket.reading, ticket.readings, ticket.in_doubt, ticket.recorded_set
    from ticket
    cross join moment
    where
        moment.as_of > ticket.repair_due_at
        and ticket.ends_recorded
        and ((ticket.end_at is null and not ticket.finished) or ticket.end_at > ticket.repair_due_at)

)

select * from final
