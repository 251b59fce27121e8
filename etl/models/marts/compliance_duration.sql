-- How long it took, as a share of what was allowed, for obligations that were done.
-- grain: contract, clause, month, department, bucket
-- bucket: twentieths of the limit, rounded down; 20 is the limit itself, 60 three times or more
with

obligation as (
    select * from obligation where began_at is not null and done_at is not null and due_at > began_at
),

measured as (

    select
        contract_id, clause, department,
        substr(cast(arose_on as varchar), 1, 7) as month,
        date_diff('second', began_at, done_at) as elapsed_seconds,
        date_diff('second', began_at, due_at) as allowed_seconds
    from obligation

),

bucketed as (

    select
        contract_id, clause, department, month,
        cast(
            least(floor(cast(20 * elapsed_seconds as double) / nullif(allowed_seconds, 0)), 60)
            as integer
        ) as bucket
    from measured

),

final as (

    select contract_id, clause, month, department, bucket, count(*) as obligations
    from bucketed
    group by contract_id, clause, month, department, bucket

)

select * from final
