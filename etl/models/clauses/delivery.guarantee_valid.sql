-- delivery.guarantee_valid: 自投标日起 60 日内有效,如我方中标则至设备保质期满为止有效
-- grain: one contract
-- due: guarantee_days after the bid; done: the award
-- Awarding is the buyer's act: late or left undone, it shows no breach.
with

contract as (select * from fact_contract),

term as (
    select contract_id, value as guarantee_days
    from contract_term
    where term = 'guarantee_days'
),

moment as (select * from moment),

due as (

    select
        contract.contract_id, contract.bid_on, contract.awarded_on,
        contract.bid_on + cast(term.guarantee_days as integer) as due_on
    from contract
    join term
        on contract.contract_id = term.contract_id

),

final as (

    select
        due.contract_id, due.contract_id as subject,
        due.bid_on as arose_on,
        due.due_on,
        due.awarded_on as done_on,
        case
            when due.bid_on is null or due.awarded_on > due.due_on then 'unknown'
            when
                due.awarded_on is null
                and moment.as_of > cast(due.due_on as timestamp) + interval 86399 second
                then 'unknown'
        end as stated
    from due
    cross join moment

)

select * from final
