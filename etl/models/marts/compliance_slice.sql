-- Obligations counted by all that the pages filter and slice by.
-- grain: contract, clause, month, department, category, channel, service type
-- month: of arose_on, like 2026-03; empty for obligations that have not arisen
with

obligation as (select * from obligation),

final as (

    select
        contract_id, clause, substr(cast(arose_on as varchar), 1, 7) as month,
        department, category, channel, service_type,
        count(*) filter (where state = 'met') as met,
        count(*) filter (where state = 'breached') as breached,
        count(*) filter (where state = 'unknown') as unknown,
        count(*) filter (where state = 'pending') as pending,
        count(*) filter (where state = 'excluded') as excluded
    from obligation
    group by
        contract_id, clause, substr(cast(arose_on as varchar), 1, 7),
        department, category, channel, service_type

)

select * from final
