-- Until when each unit is under warranty, every extension counted.
-- grain: one unit
-- key: equipment_id
-- possible_expires_on: as far as it may reach if every silent event was one
with

unit as (select * from fact_unit),

event as (

    select
        equipment_id,
        count(*) filter (where counts) as extensions,
        count(*) filter (where may_count) as possible_extensions
    from fact_extension
    group by equipment_id

),

counted as (

    select
        unit.*,
        cast(coalesce(event.extensions, 0) as integer) as extensions,
        cast(coalesce(event.possible_extensions, 0) as integer) as possible_extensions
    from unit
    left join event
        on unit.equipment_id = event.equipment_id

),

final as (

    select
        *,
        base_expires_on + extension_days * extensions as expires_on,
        base_expires_on + extension_days * possible_extensions as possible_expires_on
    from counted

)

select * from final
