-- people.training: 培训内容包括运行操作、维修保养,及设备简易故障的判别、排除
-- grain: one contract and topic
-- due: training_days after the contract's acceptance; done: the first session with the topic
-- topics: codes joined by semicolons
with

contract as (select * from fact_contract where accepted_on is not null),

term as (
    select contract_id, value as training_days
    from contract_term
    where term = 'training_days'
),

topic as (
    select * from (values ('operation'), ('maintenance'), ('troubleshooting')) as topic (topic)
),

taught as (

    select session.contract_id, topic.topic, min(session.held_on) as taught_on
    from base_training as session
    join topic
        on ';' || session.topics || ';' like '%;' || topic.topic || ';%'
    group by session.contract_id, topic.topic

),

final as (

    select
        contract.contract_id, topic.topic as subject,
        contract.accepted_on as arose_on,
        contract.accepted_on + cast(term.training_days as integer) as due_on,
        taught.taught_on as done_on
    from contract
    cross join topic
    join term
        on contract.contract_id = term.contract_id
    left join taught
        on contract.contract_id = taught.contract_id
        and topic.topic = taught.topic

)

select * from final
