-- Open obligations that fall due within 30 days, and how often such ones broke before.
-- grain: origin day, contract, clause, subject; those of an earlier origin were open then
-- key: origin_on, contract_id, clause, subject
-- alike: decided obligations of the same contract and clause, due in the year before the origin,
--   that were still open when as large a share of their time had passed; broke: of these
-- chance: (broke + 0.5) / (alike + 1); empty where nothing alike was decided
-- broken: whether it broke after all; empty where that is not decided yet
with

origin as (select * from forecast_origin where days_back in (0, 30, 60, 90)),

history as (select * from obligation_history),

obligation as (

    select
        *,
        coalesce(began_at, cast(arose_on as timestamp)) as from_at
    from obligation
    where due_at is not null and arose_on is not null and state in ('met', 'breached', 'pending')

),

open_then as (

    select
        origin.origin_on, origin.days_back,
        obligation.contract_id, obligation.clause, obligation.subject, obligation.department,
        obligation.due_at,
        case
            when obligation.state = 'breached' then 1
            when obligation.state = 'met' then 0
        end as broken,
        least(
            19,
            cast(
                floor(
                    cast(
                        20 * date_diff('microsecond', obligation.from_at, origin.origin_at) as double
                    )
                    / nullif(date_diff('microsecond', obligation.from_at, obligation.due_at), 0)
                ) as integer
            )
        ) as twentieth
    from origin
    join obligation
        on obligation.due_at > origin.origin_at
        and obligation.due_at <= origin.origin_at + interval '30 days'
        and obligation.from_at <= origin.origin_at
    where
        case
            when origin.days_back = 0 then obligation.state = 'pending'
            else
                obligation.state <> 'pending'
                and (
                    obligation.done_at is null
                    or obligation.done_at > origin.origin_at
                )
        end

),

kind as (select distinct origin_on, contract_id, clause, twentieth from open_then),

judged as (

    select
        kind.origin_on, kind.contract_id, kind.clause, kind.twentieth,
        sum(history.obligations) as alike,
        sum(history.broken) as broke
    from kind
    join history
        on kind.contract_id = history.contract_id
        and kind.clause = history.clause
        and history.due_on <= kind.origin_on
        and history.due_on > kind.origin_on - 365
        and history.twentieth >= kind.twentieth
    group by kind.origin_on, kind.contract_id, kind.clause, kind.twentieth

),

final as (

    select
        open_then.origin_on, open_then.days_back, open_then.contract_id, open_then.clause,
        open_then.subject, open_then.department, open_then.due_at, open_then.broken,
        cast(coalesce(judged.alike, 0) as bigint) as alike,
        cast(coalesce(judged.broke, 0) as bigint) as broke,
        round((judged.broke + 0.5) / nullif(judged.alike + 1, 0), 6) as chance
    from open_then
    left join judged
        on open_then.origin_on = judged.origin_on
        and open_then.contract_id = judged.contract_id
        and open_then.clause = judged.clause
        and open_then.twentieth = judged.twentieth

)

select * from final
