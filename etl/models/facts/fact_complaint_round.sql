-- Complaints, round by round.
-- grain: one round of a complaint
-- key: complaint_id, round
-- asked: the customer's opinion was sought, or their satisfaction is on record
with

complaint_round as (select * from base_complaints),

final as (

    select
        contract_id, complaint_id, round, department, ticket_id, channel, category, upheld,
        received_at, acknowledged_at, assigned_to, handled_at, feedback_sought_at,
        feedback_sought_at is not null or satisfied is not null as asked,
        satisfied, closed_at
    from complaint_round

)

select * from final
