-- Days on duty, counted by what the register shows for them.
-- grain: one promise (people.permit or people.confidentiality), contract, engineer, month
-- key: clause, contract_id, engineer_id, month
-- listed: whether the engineer is in the personnel register
with

obligation as (
    select * from obligation where clause in ('people.permit', 'people.confidentiality')
),

engineer as (select * from fact_engineer),

on_duty as (

    -- The subject is the engineer, a bar, and the day in ten characters.
    select
        *,
        substr(subject, 1, length(subject) - 11) as engineer_id,
        substr(cast(arose_on as varchar), 1, 7) as month
    from obligation

),

counted as (

    select
        clause, contract_id, engineer_id, month,
        count(*) filter (where state = 'met') as met,
        count(*) filter (where state = 'breached') as breached,
        count(*) filter (where state = 'unknown') as unknown,
        count(*) filter (where state = 'pending') as pending,
        count(*) filter (where state = 'excluded') as excluded,
        min(arose_on) as first_on,
        max(arose_on) as last_on
    from on_duty
    group by clause, contract_id, engineer_id, month

),

final as (

    select
        counted.*,
        engineer.name,
        engineer.engineer_id is not null as listed
    from counted
    left join engineer
        on counted.engineer_id = engineer.engineer_id

)

select * from final
