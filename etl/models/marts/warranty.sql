-- Until when each unit is under warranty, as computed.
-- grain: one unit
-- key: equipment_id
-- status: retired, not_accepted, in_warranty or expired, whichever comes first in this order
-- days_left: until its last day; negative once over, empty where retired or not accepted
-- extended_days, possible_days: by which extensions move, and further ones may move, its end
-- urgency: sorts those still in warranty first, the next to end before others, then those over
-- short_days: by which the register's date falls short of the computed one
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

told as (

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

),

counted as (

    select
        told.*,
        case
            when status in ('in_warranty', 'expired')
            then date_diff('day', cast(moment.as_of as date), expires_on)
        end as days_left,
        date_diff('day', base_expires_on, expires_on) as extended_days,
        date_diff('day', expires_on, possible_expires_on) as possible_days,
        case
            when warranty_until < expires_on then date_diff('day', warranty_until, expires_on)
        end as short_days
    from told
    cross join moment

),

final as (

    select
        *,
        case
            when days_left is null then 10000000
            when days_left < 0 then 1000000 - days_left
            else days_left
        end as urgency
    from counted

)

select * from final
