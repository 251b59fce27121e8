-- complaint.acknowledged: 我公司指派专人负责 24 小时集中受理客户投诉
-- grain: one complaint
-- due: complaint_hours after it was first received
-- done: its acknowledgement in the first round, bounded by the handling of that round
with

complaint as (select * from fact_complaint),

term as (
    select contract_id, seconds, microseconds
    from contract_term
    where term = 'complaint_hours'
),

final as (

    select
        complaint.contract_id, complaint.complaint_id as subject, complaint.department,
        complaint.channel,
        complaint.arose_on, complaint.received_at as began_at,
        complaint.received_latest_at as began_latest_at,
        term.seconds as allowed_seconds, term.microseconds as allowed_microseconds,
        complaint.acknowledged_at as done_at, complaint.acknowledged_latest_at as done_latest_at,
        coalesce(complaint.handled_latest_at, complaint.handled_at) as bound_at,
        complaint.finished, complaint.recorded_set
    from complaint
    join term
        on complaint.contract_id = term.contract_id

)

select * from final
