-- Parts as they lie in stock at as_of.
-- grain: one part of one contract that ever moved
-- key: contract_id, part_no
-- part_name, category, unit_cost: as last stated
-- on_hand: at local; open_on_hand: where the log names no location
-- cost_value: on_hand at unit_cost, empty where no cost was ever stated
with

movement as (select * from fact_movement),

stock as (select * from fact_stock),

latest as (

    select
        contract_id, part_no,
        max(case when part_name is not null then moved_at end) as name_at,
        max(case when category is not null then moved_at end) as category_at,
        max(case when unit_cost is not null then moved_at end) as cost_at,
        max(moved_at) as last_moved_at,
        count(*) as movements
    from movement
    group by contract_id, part_no

),

-- Of two statements of one instant the greater holds, as good as any and always the same.
stated as (

    select
        latest.contract_id, latest.part_no, latest.last_moved_at, latest.movements,
        max(case when movement.moved_at = latest.name_at then movement.part_name end)
            as part_name,
        max(case when movement.moved_at = latest.category_at then movement.category end)
            as category,
        max(case when movement.moved_at = latest.cost_at then movement.unit_cost end)
            as unit_cost
    from latest
    join movement
        on latest.contract_id = movement.contract_id
        and latest.part_no = movement.part_no
    group by latest.contract_id, latest.part_no, latest.last_moved_at, latest.movements

),

held as (

    select
        contract_id, part_no,
        sum(case when place = 'local' then change else 0 end) as on_hand,
        sum(case when place = 'open' then change else 0 end) as open_on_hand
    from stock
    group by contract_id, part_no

),

final as (

    select
        stated.contract_id, stated.part_no, stated.part_name, stated.category,
        coalesce(held.on_hand, 0) as on_hand,
        coalesce(held.open_on_hand, 0) as open_on_hand,
        stated.movements, stated.last_moved_at, stated.unit_cost,
        cast(round(held.on_hand * stated.unit_cost, 2) as decimal(18, 2)) as cost_value
    from stated
    left join held
        on stated.contract_id = held.contract_id
        and stated.part_no = held.part_no

)

select * from final
