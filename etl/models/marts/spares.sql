-- Spare units on hand at local against the units in service.
-- grain: one contract and day with a unit in service
-- key: contract_id, day
-- perhaps_on_hand: with what lies at locations that are not named
-- needed: units in service times the promised ratio
-- ratio: on_hand / units_in_service; empty, like on_hand, before the first movement
-- state: that of the day's obligation
with

day as (select * from fact_spares_day),

obligation as (select * from obligation where clause = 'spares.ratio'),

term as (select * from contract_term where term = 'spares_ratio'),

final as (

    select
        day.contract_id, day.day, day.on_hand, day.units_in_service,
        cast(day.on_hand as double) / nullif(day.units_in_service, 0) as ratio,
        obligation.state, day.perhaps_on_hand,
        term.value as target, term.value * day.units_in_service as needed
    from day
    join obligation
        on day.contract_id = obligation.contract_id
        and day.day = obligation.arose_on
    join term
        on day.contract_id = term.contract_id

)

select * from final
