-- The rows of the ledger that speak against the vendor, or may: those that people look up first.
-- grain: an obligation that was breached, or whose state is unknown
-- the columns of obligation; in the order of clause, then of the day it arose
with

obligation as (select * from obligation),

final as (

    select * from obligation
    where state in ('breached', 'unknown')
    order by clause, arose_on, contract_id, subject

)

select * from final
