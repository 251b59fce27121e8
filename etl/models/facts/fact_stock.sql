-- What lay in stock of each part, after each day on which it moved.
-- grain: one part at one place on one day with a movement
-- key: contract_id, place, part_no, day
-- place: local, or open where the log names no location (it may be local)
-- on_hand: the last count plus the movements since, never below nothing
-- change: against the part's day before
with

movement as (

    select
        contract_id, part_no, movement_id, moved_at, kind,
        cast(moved_at as date) as day,
        coalesce(location, 'open') as place,
        case when kind = 'issue' then -quantity else quantity end as quantity
    from base_parts
    where coalesce(location, 'local') = 'local'

),

counted as (

    select
        *,
        sum(case when kind = 'count' then 1 else 0 end) over (
            partition by contract_id, place, part_no
            order by moved_at, movement_id
            rows between unbounded preceding and current row
        ) as stocktake
    from movement

),

balanced as (

    select
        *,
        sum(quantity) over (
            partition by contract_id, place, part_no, stocktake
            order by moved_at, movement_id
            rows between unbounded preceding and current row
        ) as balance,
        row_number() over (
            partition by contract_id, place, part_no, day
            order by moved_at desc, movement_id desc
        ) as from_last
    from counted

),

closed as (

    select
        contract_id, place, part_no, day,
        case when balance < 0 then 0 else balance end as on_hand
    from balanced
    where from_last = 1

),

final as (

    select
        *,
        on_hand - coalesce(
            lag(on_hand) over (partition by contract_id, place, part_no order by day), 0
        ) as change
    from closed

)

select * from final
