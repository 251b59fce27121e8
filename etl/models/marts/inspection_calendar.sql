-- The visits owed, with what the log says beside the state: a date planned, a visit made too late.
-- grain: one obligation of inspection.monthly, quarterly or half_yearly
-- key: contract_id, department, kind, month
-- planned_on: the first date inside the period for which a visit was planned and not performed
-- status: done, late, missed, undecided, waived, planned or pending: the state and what is beside it
-- late_on: the first visit after the period that was planned for it or came in its month
with

obligation as (select * from obligation),

period as (
    select
        *,
        'inspection.' || kind as clause,
        department || '|' || month as subject
    from fact_inspection_period
),

visit as (select * from fact_visit),

beside as (

    select
        period.contract_id, period.clause, period.subject,
        min(visit.planned_on) filter (
            where
                visit.performed_on is null
                and visit.planned_on between period.first_on and period.last_on
        ) as planned_on,
        min(visit.performed_on) filter (
            where
                visit.performed_on > period.last_on
                and (
                    visit.planned_on between period.first_on and period.last_on
                    or substr(cast(visit.performed_on as varchar), 1, 7) = period.month
                )
        ) as late_on
    from period
    join visit
        on period.contract_id = visit.contract_id
        and period.department = visit.department
        and (period.kind = 'monthly' or period.kind = visit.kind)
        and (
            substr(cast(visit.planned_on as varchar), 1, 7) = period.month
            or substr(cast(visit.performed_on as varchar), 1, 7) = period.month
        )
    group by period.contract_id, period.clause, period.subject

),

final as (

    select
        period.contract_id, period.department, period.kind, period.clause, period.month,
        period.first_on, period.last_on, period.visited_on,
        beside.planned_on, beside.late_on, obligation.state,
        case
            when obligation.state = 'met' then 'done'
            when obligation.state = 'breached' and beside.late_on is not null then 'late'
            when obligation.state = 'breached' then 'missed'
            when obligation.state = 'unknown' then 'undecided'
            when obligation.state = 'excluded' then 'waived'
            when beside.planned_on is not null then 'planned'
            else 'pending'
        end as status
    from period
    join obligation
        on period.contract_id = obligation.contract_id
        and period.clause = obligation.clause
        and period.subject = obligation.subject
    left join beside
        on period.contract_id = beside.contract_id
        and period.clause = beside.clause
        and period.subject = beside.subject

)

select * from final
