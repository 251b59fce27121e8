-- Until when each unit is under warranty, as computed.
-- grain: one unit
-- key: equipment_id
-- status: retired, not_accepted, in_warranty or expired, whichever comes first in this order
-- replacement_due: the earliest due of its replacements that were not made, waived ones included
with

unit as (select * from fact_warranty),

moment as (select * from moment),

owed as (

    select equipment_id, min(due_on) as replacement_due
    from obligation
    where clause = 'warranty.replacement' and state <> 'met'
    group by equipment_id

),

final as (

    select
        unit.contract_id, unit.equipment_id, unit.department, unit.category,
        unit.brand, unit.model, unit.accepted_on, unit.retired_on, unit.base_expires_on,
        unit.extensions, unit.possible_extensions, unit.expires_on, unit.possible_expires_on,
        unit.warranty_until,
        case
            when unit.retired_on is not null then 'retired'
            when unit.accepted_on is null then 'not_accepted'
            when cast(moment.as_of as date) <= unit.expires_on then 'in_warranty'
            else 'expired'
        end as status,
        owed.replacement_due
    from unit
    cross join moment
    left join owed
        on unit.equipment_id = owed.equipment_id

)

select * from final
