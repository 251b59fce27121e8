-- people.confidentiality: 我公司均与其签订保密协议
-- grain: one engineer on one day on duty
with

duty as (select * from fact_duty),

engineer as (select * from base_personnel),

final as (

    select
        duty.contract_id,
        duty.engineer_id || '|' || cast(duty.day as varchar) as subject,
        duty.day as arose_on,
        case
            when engineer.nda_signed_on <= duty.day then 'met'
            when engineer.nda_signed_on > duty.day then 'breached'
            else 'unknown'
        end as stated,
        duty.in_doubt
    from duty
    left join engineer
        on duty.engineer_id = engineer.engineer_id

)

select * from final
