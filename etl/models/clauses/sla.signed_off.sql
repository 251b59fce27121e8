-- sla.signed_off: 必须将实施现场清理干净,并经客户检查后方可离开
-- grain: one finished fault with a site visit
with

ticket as (select * from fact_ticket where is_fault and finished and onsite_at is not null),

final as (

    select
        contract_id, ticket_id as subject, department, equipment_id,
        category, service_type, channel,
        arose_on, finished, reading, readings, in_doubt,
        case
            when coalesce(customer_signoff_latest_at, customer_signoff_at) <= left_site_at
                then 'met'
            when customer_signoff_at > coalesce(left_site_latest_at, left_site_at) then 'breached'
            else 'unknown'
        end as stated
    from ticket

)

select * from final
