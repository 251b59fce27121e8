-- delivery.checked_before_shipping: 在向用户发送货物前,均由技术人员确认设备无任何故障
-- grain: one unit
-- due: its delivery; done: the check
-- The check is shown before the delivery too, though it is not judged until then.
with

unit as (select * from base_equipment),

final as (

    select
        contract_id, equipment_id as subject, department, equipment_id, category,
        delivered_on as arose_on, delivered_on as due_on,
        pre_shipment_check_on as done_on,
        delivered_on is not null as finished,
        case when delivered_on is null then 'pending' end as stated
    from unit

)

select * from final
