-- Contracts with the day their goods were accepted.
-- grain: one contract
-- key: contract_id
-- accepted_on: the contract's own; else the last acceptance of its units that replace no other and
--   are not retired, once all of these are accepted
with

contract as (select * from base_contracts),

unit as (select * from base_equipment where replaces_equipment_id is null and retired_on is null),

delivered as (

    select
        contract_id,
        max(accepted_on) as last_accepted_on,
        count(*) filter (where accepted_on is null) as units_not_accepted
    from unit
    group by contract_id

),

final as (

    select
        contract.contract_id, contract.name, contract.vendor, contract.buyer,
        contract.bid_on, contract.awarded_on, contract.signed_on,
        contract.amount, contract.currency,
        coalesce(
            contract.accepted_on,
            case when delivered.units_not_accepted = 0 then delivered.last_accepted_on end
        ) as accepted_on,
        contract.service_manager, contract.service_office
    from contract
    left join delivered
        on contract.contract_id = delivered.contract_id

)

select * from final
