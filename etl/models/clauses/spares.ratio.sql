-- spares.ratio: 本地库存不少于服务总量 3% 的备品备件
-- grain: one contract and day with a unit in service
-- Stock at no named place may be local: it can save a day, it cannot keep it.
with

day as (select * from fact_spares_day),

through as (select * from log_through where log = 'parts'),

term as (select contract_id, value as spares_ratio from contract_term where term = 'spares_ratio'),

final as (

    select
        day.contract_id, cast(day.day as varchar) as subject, day.day as arose_on,
        case
            when not through.loaded or day.on_hand is null then 'unknown'
            when through.through_at is null or through.through_at < day.ends_at then 'unknown'
            when day.on_hand >= term.spares_ratio * day.units_in_service then 'met'
            when day.perhaps_on_hand < term.spares_ratio * day.units_in_service then 'breached'
            else 'unknown'
        end as stated
    from day
    join through
        on day.contract_id = through.contract_id
    join term
        on day.contract_id = term.contract_id

)

select * from final
