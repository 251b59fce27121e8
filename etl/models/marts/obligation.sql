-- The obligation ledger: what was promised, to whom, until when, and whether it was kept.
-- grain: one obligation
-- key: contract_id, clause, subject
-- due_on, done_on: set where the promise counts in days; then due_at is the day's last second
-- bucket: how long it took in twentieths of what was allowed: 0-19 within, 60 three times or more
-- state: met, breached, unknown, pending or excluded; decided here and nowhere else
with

claim as (

    select
        clause, log, contract_id, subject, department, equipment_id,
        category, service_type, channel, arose_on, began_at,
        coalesce(due_at, cast(due_on as timestamp) + interval 86399 second) as due_at,
        coalesce(done_at, cast(done_on as timestamp)) as done_at,
        due_on, done_on, bound_at, finished, stated
    from clause_row

),

through as (select * from log_through),

moment as (select * from moment),

waiver as (

    select distinct contract_id, clause, subject
    from base_waivers
    where
        approved_on is not null
        and approved_by is not null
        and requested_by is not null
        and approved_by <> requested_by

),

evident as (

    select
        claim.*,
        case
            when claim.stated is not null then claim.stated
            when claim.done_at is not null and claim.due_at is null then 'met'
            when claim.done_at <= claim.due_at then 'met'
            when claim.done_at > claim.due_at then 'breached'
            when claim.bound_at <= claim.due_at then 'met'
            when claim.bound_at is not null or claim.finished then 'unknown'
            when not through.loaded then 'unknown'
            when claim.due_at is null or claim.due_at >= moment.as_of then 'pending'
            when through.through_at >= claim.due_at then 'breached'
            else 'unknown'
        end as evidence
    from claim
    cross join moment
    left join through
        on claim.contract_id = through.contract_id
        and claim.log = through.log

),

final as (

    select
        evident.contract_id, evident.clause, evident.subject, evident.department,
        evident.equipment_id, evident.arose_on, evident.due_at, evident.done_at,
        evident.due_on, evident.done_on,
        case
            when evident.evidence in ('breached', 'unknown') and waiver.subject is not null
                then 'excluded'
            else evident.evidence
        end as state,
        evident.evidence, evident.category, evident.service_type, evident.channel,
        evident.began_at,
        case
            when evident.done_at is not null and evident.due_at > evident.began_at then
                cast(
                    greatest(
                        0,
                        least(
                            60,
                            ceil(
                                cast(
                                    20 * date_diff(
                                        'microsecond', evident.began_at, evident.done_at
                                    )
                                    as double
                                )
                                / nullif(
                                    date_diff('microsecond', evident.began_at, evident.due_at), 0
                                )
                            ) - 1
                        )
                    ) as integer
                )
        end as bucket
    from evident
    left join waiver
        on evident.contract_id = waiver.contract_id
        and evident.clause = waiver.clause
        and evident.subject = waiver.subject

)

select * from final
