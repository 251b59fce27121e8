-- Responses on full minutes where reports are not: times that look written down later.
-- grain: one response on a full minute, in a month where these stand out
-- A month stands out with twenty responses or more, over half of them on a full minute, while less
-- than half of its reports are: a log that knows no seconds at all shows nothing.
-- alike: such responses of the contract in the month
with

ticket as (

    select
        *,
        substr(cast(arose_on as varchar), 1, 7) as month,
        case when second(responded_at) = 0 then 1 else 0 end as full_response,
        case when second(reported_at) = 0 then 1 else 0 end as full_report
    from fact_ticket
    where
        reading = 0
        and responded_at is not null
        and responded_latest_at is null
        and reported_latest_at is null

),

month as (

    select contract_id, month, cast(sum(full_response) as bigint) as alike
    from ticket
    group by contract_id, month
    having count(*) >= 20 and 2 * sum(full_response) > count(*) and 2 * sum(full_report) < count(*)

),

final as (

    select
        ticket.contract_id, ticket.ticket_id as subject, ticket.department, ticket.equipment_id,
        ticket.engineer_id, ticket.responded_at as found_at, month.alike
    from ticket
    join month
        on ticket.contract_id = month.contract_id
        and ticket.month = month.month
    where ticket.full_response = 1

)

select * from final
