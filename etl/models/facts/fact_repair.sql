-- Hardware faults with the day by which they are to be repaired.
-- grain: one hardware fault and reading of its end
-- key: ticket_id, reading
-- repair_due_at: 23:59:59 of the day repair_days after the report
-- repair_seconds: from the report to the end of a finished repair; empty where the log leaves
--   either open
with

ticket as (select * from fact_ticket where service_type = 'hardware_fault'),

term as (select contract_id, value as repair_days from contract_term where term = 'repair_days'),

final as (

    select
        ticket.*,
        cast(ticket.arose_on + cast(term.repair_days as integer) as timestamp)
            + interval 86399 second as repair_due_at,
        case
            when
                ticket.finished
                and ticket.readings = 1
                and not ticket.in_doubt
                and ticket.reported_latest_at is null
                and ticket.end_latest_at is null
                then cast(
                    floor(
                        cast(
                            date_diff(
                                'microsecond',
                                timeline_last(ticket.reported_at), timeline_last(ticket.end_at)
                            ) as double
                        )
                        / 1000000
                    ) as bigint
                )
        end as repair_seconds
    from ticket
    join term
        on ticket.contract_id = term.contract_id

)

select * from final
