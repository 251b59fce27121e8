-- When a unit may have stood still, though the log leaves open from when or until when.
-- grain: one fault
-- key: ticket_id, from_at, to_at
with

stop as (select * from fact_stop where open_from_at < until_at),

final as (

    select distinct contract_id, equipment_id, ticket_id, open_from_at as from_at, until_at as to_at
    from stop

)

select * from final
