-- The service staff of the register.
-- grain: one engineer
-- key: engineer_id
-- permit_until: empty where the permit has no end
with

engineer as (select * from base_personnel),

final as (

    select
        engineer_id, name, approved_on, assessed_on,
        permit_no, permit_from, permit_until, nda_signed_on
    from engineer

)

select * from final
