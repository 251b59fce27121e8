-- What came into stock and went out of it.
-- grain: one movement of a part
-- key: movement_id
-- place: local, remote, or open where the log names no location (it may be local)
-- change: what it adds to its place, less than nothing for an issue; empty for a count, which says
--   what lay there
with

movement as (select * from base_parts),

final as (

    select
        contract_id, movement_id, part_no, part_name, category,
        coalesce(location, 'open') as place,
        moved_at, cast(moved_at as date) as day, kind, quantity,
        case when kind = 'issue' then -quantity when kind <> 'count' then quantity end as change,
        ticket_id, unit_cost, unit_price
    from movement

)

select * from final
