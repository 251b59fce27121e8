-- complaint.opinion_sought: 主动征询客户意见
-- grain: one round of a complaint that was handled
-- A customer whose satisfaction is on record was asked.
with

complaint_round as (select * from base_complaints where handled_at is not null),

final as (

    select
        contract_id, complaint_id || '/' || cast(round as varchar) as subject,
        department, channel,
        cast(received_at as date) as arose_on,
        closed_at is not null as finished,
        case when feedback_sought_at is not null or satisfied is not null then 'met' end as stated,
        recorded_set
    from complaint_round

)

select * from final
