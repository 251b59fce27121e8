-- Complaints as they began, and how far they have come.
-- grain: one complaint whose first round has been received
-- key: complaint_id
-- routed: a round names the department in charge; last_satisfied: in the last round
-- finished: the last round is closed
with

complaint_round as (

    select
        *,
        count(assigned_to) over (partition by complaint_id) > 0 as routed,
        max(round) over (partition by complaint_id) as last_round
    from base_complaints

),

opened as (select * from complaint_round where round = 1),

latest as (select * from complaint_round where round = last_round),

final as (

    select
        opened.contract_id, opened.complaint_id, opened.department, opened.channel,
        cast(opened.received_at as date) as arose_on,
        opened.received_at, opened.received_latest_at,
        opened.acknowledged_at, opened.acknowledged_latest_at,
        opened.handled_at, opened.handled_latest_at,
        opened.recorded_set, latest.recorded_set as last_recorded_set,
        opened.routed,
        latest.satisfied as last_satisfied,
        latest.closed_at is not null as finished
    from opened
    join latest
        on opened.complaint_id = latest.complaint_id

)

select * from final
