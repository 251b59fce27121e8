-- Obligations with a clock, counted by the hour of the week in which it started.
-- grain: contract, clause, month, department, weekday (1 = Monday), hour (0-23)
-- weekday and hour are empty where it started on a day of which the log states no time
-- rows lie in the order of clause and month, by which they are asked
with

obligation as (select * from obligation where began_at is not null),

timed as (

    select
        *,
        substr(cast(arose_on as varchar), 1, 7) as month,
        case
            when began_on is null
                then cast(
                    date_diff('day', date '1900-01-01', cast(began_at as date)) % 7 + 1 as integer
                )
        end as weekday,
        case when began_on is null then cast(hour(began_at) as integer) end as hour
    from obligation

),

final as (

    select
        contract_id, clause, month, department, weekday, hour,
        count(*) filter (where state = 'met') as met,
        count(*) filter (where state = 'breached') as breached,
        count(*) filter (where state = 'unknown') as unknown,
        count(*) filter (where state = 'pending') as pending,
        count(*) filter (where state = 'excluded') as excluded
    from timed
    group by contract_id, clause, month, department, weekday, hour
    order by clause, month, contract_id, department, weekday, hour

)

select * from final
