-- How long it took, as a share of what was allowed, for obligations that were done.
-- grain: contract, clause, month, department, bucket
-- bucket: as in the ledger; (k/20, (k + 1)/20] of the limit, so 0-19 are within it; empty where
--   the log states no time of the start or of the deed
-- rows lie in the order of clause and month, by which they are asked
with

obligation as (select * from obligation where done_at is not null and due_at > began_at),

final as (

    select
        contract_id, clause, substr(cast(arose_on as varchar), 1, 7) as month,
        department, bucket, count(*) as obligations
    from obligation
    group by contract_id, clause, substr(cast(arose_on as varchar), 1, 7), department, bucket
    order by clause, month, contract_id, department, bucket

)

select * from final
