-- Special periods, with what the ledger says of each.
-- grain: one period; key: period_id
with

period as (select * from fact_special_period),

obligation as (select * from obligation where clause = 'sla.special_period'),

final as (

    select period.*, obligation.state
    from period
    join obligation
        on period.contract_id = obligation.contract_id
        and period.period_id = obligation.subject

)

select * from final
