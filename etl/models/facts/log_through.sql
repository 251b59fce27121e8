-- Up to when each log is complete, never after as_of; empty where it says nothing.
-- grain: one log of one contract
-- key: log, contract_id
-- through_at: the coverage for the contract, else for all contracts, else the latest event of the
--   files that the contract's rows came from; registers are complete at as_of
with

contract as (select * from base_contracts),

log as (select * from catalogue_log),

moment as (select * from moment),

coverage as (select * from base_coverage),

last_event as (select * from log_last_event),

stated as (

    select
        contract.contract_id,
        log.log,
        log.loaded,
        case
            when log.register then moment.as_of
            else coalesce(own.through_at, common.through_at, last_event.last_at)
        end as through_at,
        moment.as_of
    from contract
    cross join log
    cross join moment
    left join coverage as own
        on contract.contract_id = own.contract_id
        and log.log = own.log
    left join coverage as common
        on common.contract_id is null
        and log.log = common.log
    left join last_event
        on log.log = last_event.log
        and contract.contract_id = last_event.contract_id

),

final as (

    select
        log, contract_id, loaded,
        case when through_at > as_of then as_of else through_at end as through_at
    from stated

)

select * from final
