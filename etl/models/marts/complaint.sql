-- How far each complaint has come, for the pages.
-- grain: one complaint whose first round has been received
-- key: complaint_id
-- acknowledgement: the state of complaint.acknowledged; routed: in any round
-- handled, asked, satisfied, closed: of the last round
-- outcome: open, satisfied, unsatisfied or unknown; ruling: upheld, not_upheld or none
-- category: the first that a round states; upheld: in any round, empty where none was ruled on
-- received_hour: of the day (0-23); empty where the day alone is stated
-- age_days: whole days from the first receipt until the end of the last round, else until as_of
with

complaint as (select * from fact_complaint),

complaint_round as (select * from fact_complaint_round),

acknowledgement as (select * from obligation where clause = 'complaint.acknowledged'),

moment as (select * from moment),

rounds as (

    select
        complaint_id,
        max(round) as rounds,
        max(case when upheld then 1 when not upheld then 0 end) as upheld,
        min(case when category is not null then round end) as category_round
    from complaint_round
    group by complaint_id

),

joined as (

    select
        complaint.contract_id, complaint.complaint_id, complaint.department, complaint.channel,
        named.category, rounds.upheld = 1 as upheld, rounds.rounds, latest.ticket_id,
        complaint.arose_on, complaint.received_at, complaint.received_latest_at,
        acknowledgement.state as acknowledgement,
        complaint.routed,
        latest.handled_at is not null as handled,
        latest.asked,
        latest.satisfied,
        complaint.finished as closed,
        latest.handled_at, latest.closed_at,
        date_diff(
            'microsecond',
            timeline_last(complaint.received_at),
            timeline_last(coalesce(latest.closed_at, moment.as_of))
        ) as age_microseconds
    from complaint
    cross join moment
    join rounds
        on complaint.complaint_id = rounds.complaint_id
    join complaint_round as latest
        on rounds.complaint_id = latest.complaint_id
        and rounds.rounds = latest.round
    left join acknowledgement
        on complaint.contract_id = acknowledgement.contract_id
        and complaint.complaint_id = acknowledgement.subject
    left join complaint_round as named
        on rounds.complaint_id = named.complaint_id
        and rounds.category_round = named.round

),

final as (

    select
        contract_id, complaint_id, department, channel, category, upheld, rounds, ticket_id,
        arose_on, received_at,
        case when received_latest_at is null then hour(received_at) end as received_hour,
        acknowledgement, routed, handled, asked, satisfied, closed,
        handled_at, closed_at,
        case
            when not closed then 'open'
            when satisfied then 'satisfied'
            when not satisfied then 'unsatisfied'
            else 'unknown'
        end as outcome,
        case when upheld then 'upheld' when not upheld then 'not_upheld' else 'none' end as ruling,
        cast(floor(age_microseconds / 86400000000) as integer) as age_days
    from joined

)

select * from final
