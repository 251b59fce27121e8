-- people.conduct: 我们制定了相应的技术支持与售后服务行为规范
-- grain: one contract and calendar month that begins on or after its acceptance
-- Seen only through complaints: one that was upheld breaks the month, one not yet ruled on leaves
-- it open, and only a month that the complaint log covers to its end is known to be kept.
with

contract as (select * from fact_contract),

month as (select * from fact_month),

through as (select * from log_through where log = 'complaints'),

moment as (select * from moment),

complained as (

    select
        contract_id,
        substr(cast(received_at as varchar), 1, 7) as month,
        count(*) filter (where category = 'conduct' and upheld) as upheld,
        count(*) filter (where category = 'conduct' and upheld is null) as not_ruled_on,
        count(*) filter (where not category_recorded or not upheld_recorded) as not_recorded
    from base_complaints
    group by contract_id, substr(cast(received_at as varchar), 1, 7)

),

owed as (

    select
        contract.contract_id, month.month, month.first_on,
        cast(month.last_on as timestamp) + interval 86399 second as ends_at
    from contract
    join month
        on month.first_on >= contract.accepted_on

),

final as (

    select
        owed.contract_id, owed.month as subject, owed.first_on as arose_on,
        case
            when not through.loaded then 'unknown'
            when complained.upheld > 0 then 'breached'
            when complained.not_ruled_on > 0 or complained.not_recorded > 0 then 'unknown'
            when moment.as_of <= owed.ends_at then 'pending'
            when through.through_at >= owed.ends_at then 'met'
            else 'unknown'
        end as stated
    from owed
    cross join moment
    join through
        on owed.contract_id = through.contract_id
    left join complained
        on owed.contract_id = complained.contract_id
        and owed.month = complained.month

)

select * from final
