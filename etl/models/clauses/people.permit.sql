-- people.permit: 均须通过招标人的审查并通过岗前考核后,持招标人核发的上岗证上岗工作
-- grain: one engineer on one day on duty
-- A stated date that fails is a breach whatever else is missing; a permit without an end lasts.
with

duty as (select * from fact_duty),

engineer as (select * from base_personnel),

final as (

    select
        duty.contract_id,
        duty.engineer_id || '|' || cast(duty.day as varchar) as subject,
        duty.day as arose_on,
        case
            when
                engineer.approved_on > duty.day
                or engineer.assessed_on > duty.day
                or engineer.permit_from > duty.day
                or engineer.permit_until < duty.day
                then 'breached'
            when
                engineer.approved_on is not null
                and engineer.assessed_on is not null
                and engineer.permit_from is not null
                and engineer.permit_no is not null
                then 'met'
            else 'unknown'
        end as stated,
        duty.in_doubt
    from duty
    left join engineer
        on duty.engineer_id = engineer.engineer_id

)

select * from final
