-- delivery.commissioned: 保证严格按照国家相关规范进行安装和调试
-- grain: one unit
-- due: its acceptance; done: commissioning
-- Commissioning is shown before the acceptance too, though it is not judged until then.
with

unit as (select * from base_equipment),

final as (

    select
        contract_id, equipment_id as subject, department, equipment_id, category,
        accepted_on as arose_on, accepted_on as due_on,
        commissioned_on as done_on,
        accepted_on is not null as finished,
        case when accepted_on is null then 'pending' end as stated
    from unit

)

select * from final
