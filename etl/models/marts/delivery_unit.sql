-- What was handed over with each unit.
-- grain: one unit
-- key: equipment_id
-- new_certified … free: the state of that promise for the unit
-- lacking: how many of the seven are breached or unknown
with

obligation as (
    select *
    from obligation
    where
        clause in (
            'delivery.new_certified', 'delivery.supply_proof', 'delivery.conforms',
            'delivery.intact', 'delivery.checked_before_shipping', 'delivery.commissioned',
            'delivery.free'
        )
),

unit as (select * from fact_unit),

judged as (

    select
        equipment_id,
        max(state) filter (where clause = 'delivery.new_certified') as new_certified,
        max(state) filter (where clause = 'delivery.supply_proof') as supply_proof,
        max(state) filter (where clause = 'delivery.conforms') as conforms,
        max(state) filter (where clause = 'delivery.intact') as intact,
        max(state) filter (where clause = 'delivery.checked_before_shipping')
            as checked_before_shipping,
        max(state) filter (where clause = 'delivery.commissioned') as commissioned,
        max(state) filter (where clause = 'delivery.free') as free,
        count(*) filter (where state in ('breached', 'unknown')) as lacking
    from obligation
    group by equipment_id

),

final as (

    select
        unit.contract_id, unit.equipment_id, unit.department, unit.category,
        unit.delivered_on, unit.accepted_on,
        judged.new_certified, judged.supply_proof, judged.conforms, judged.intact,
        judged.checked_before_shipping, judged.commissioned, judged.free, judged.lacking
    from unit
    join judged
        on unit.equipment_id = judged.equipment_id

)

select * from final
