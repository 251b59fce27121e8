-- Tickets with whether they were reported under warranty.
-- grain: one ticket and reading of its end
-- key: ticket_id, reading
-- in_warranty: on the day of the report the unit was accepted and its term not over; false once it
--   is over; empty before or without acceptance. Without a unit the contract's own term holds
with

ticket as (select * from fact_ticket),

unit as (select * from fact_warranty),

contract as (

    select
        contract.contract_id,
        contract.accepted_on,
        cast(
            contract.accepted_on + interval '1 month' * cast(term.value as integer) as date
        ) as expires_on
    from fact_contract as contract
    join contract_term as term
        on contract.contract_id = term.contract_id
        and term.term = 'warranty_months'

),

dated as (

    select
        ticket.*,
        case
            when ticket.equipment_id is null then contract.accepted_on else unit.accepted_on
        end as accepted_on,
        case
            when ticket.equipment_id is null then contract.expires_on else unit.expires_on
        end as expires_on
    from ticket
    join contract
        on ticket.contract_id = contract.contract_id
    left join unit
        on ticket.equipment_id = unit.equipment_id

),

final as (

    select
        *,
        case when arose_on >= accepted_on then arose_on <= expires_on end as in_warranty
    from dated

)

select * from final
