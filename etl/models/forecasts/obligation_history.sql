-- How long decided obligations stayed open, as a share of what was allowed, and which broke.
-- grain: contract, clause, day of the due, twentieth of the allowed time in which it was done
-- twentieth: 0-19 within, 20 later or never done
with

obligation as (

    select * from obligation
    where due_at is not null and arose_on is not null and state in ('met', 'breached')

),

timed as (

    select
        contract_id, clause, state, cast(due_at as date) as due_on,
        coalesce(began_at, cast(arose_on as timestamp)) as from_at, due_at, done_at
    from obligation

),

final as (

    select
        contract_id, clause, due_on,
        case
            when done_at is null and state = 'met' then 0
            when done_at is null or done_at > due_at then 20
            when done_at <= from_at then 0
            else cast(
                least(
                    19,
                    floor(
                        cast(20 * date_diff('microsecond', from_at, done_at) as double)
                        / nullif(date_diff('microsecond', from_at, due_at), 0)
                    )
                ) as integer
            )
        end as twentieth,
        count(*) as obligations,
        count(*) filter (where state = 'breached') as broken
    from timed
    group by 1, 2, 3, 4

)

select * from final
