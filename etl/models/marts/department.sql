-- The departments that have obligations.
-- grain: one department of one contract
-- key: contract_id, department
with

counted as (select * from compliance_department where department is not null),

final as (

    select contract_id, department
    from counted
    group by contract_id, department

)

select * from final
