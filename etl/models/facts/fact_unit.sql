-- Units with the term of their warranty before any extension.
-- grain: one unit
-- key: equipment_id
-- base_expires_on: accepted_on + the longer of the contract's and the maker's months; the last day
--   is inside, and a month without that day ends with its last (Civil Code arts. 201-202)
-- extension_days: days by which each event extends it
with

unit as (select * from base_equipment),

term as (
    select
        contract_id,
        max(value) filter (where term = 'warranty_months') as warranty_months,
        max(value) filter (where term = 'extension_days') as extension_days
    from contract_term
    group by contract_id
),

final as (

    select
        unit.contract_id, unit.equipment_id, unit.department, unit.category,
        unit.brand, unit.model, unit.serial_no, unit.site,
        unit.delivered_on, unit.accepted_on, unit.retired_on, unit.replaces_equipment_id,
        unit.warranty_until,
        cast(
            unit.accepted_on + interval '1 month' * cast(
                greatest(term.warranty_months, unit.manufacturer_warranty_months) as integer
            ) as date
        ) as base_expires_on,
        cast(term.extension_days as integer) as extension_days
    from unit
    join term
        on unit.contract_id = term.contract_id

)

select * from final
