"""Contracts whose retention money can be reckoned by hand, with a gap of every kind."""

from pathlib import Path

from etl.intake.load import load
from tests.dashboard_data import settings

FILES = {
    "contracts.csv": """\
contract_id,name,vendor,buyer,amount,accepted_on,service_manager,service_office
C-1,Imaging *and* _more_,Alpha,City,100000,2025-06-01,Li,
C-2,Monitors,Beta,City,50000,2026-03-01,Wu,Main Street 1
C-3,Not accepted,Beta,City,1000,,,
""",
    "equipment.csv": """\
equipment_id,contract_id,department,brand,accepted_on,delivered_on,warranty_until,brand_new,\
quality_certificate_no,supply_certificate_no,acceptance_result,accessories_complete,\
packaging_sealed,pre_shipment_check_on,commissioned_on,delivery_charge
U-1,C-1,ICU,=Acme,2025-06-01,2025-05-20,2026-06-01,yes,,S-1,pass,yes,yes,2025-05-18,2025-05-30,0
U-2,C-2,Ward,Acme,2026-03-01,2026-02-20,2027-03-01,yes,Q-2,S-2,pass,yes,yes,2026-02-18,2026-02-25,0
""",
    "terms.csv": """\
contract_id,term,value
C-1,sla.response.penalty_per_breach,500
C-1,penalty_cap,1200
""",
    "tickets.csv": """\
ticket_id,contract_id,equipment_id,channel,service_type,reported_at,responded_at,onsite_at,\
left_site_at,resolved_at,closed_at,outcome,remote_resolved,labour_charge,parts_charge,cause,\
knowledge_ref,customer_signoff_at,work_stopped,unrecoverable,engineer_id,description
T-1,C-1,U-1,phone,software_fault,2025-07-01 08:00,2025-07-01 08:45,,,2025-07-01 12:00,\
2025-07-01 13:00,fixed,yes,0,0,equipment,KB-1,,no,no,,
T-2,C-1,U-1,phone,software_fault,2025-07-02 08:00,2025-07-02 08:45,,,2025-07-02 12:00,,\
fixed,yes,0,0,equipment,KB-1,,no,no,,
T-3,C-1,U-1,phone,software_fault,2025-07-03 08:00,2025-07-03 08:45,,,2025-07-03 12:00,,\
fixed,yes,0,0,equipment,KB-1,,no,no,,
T-4,C-1,U-1,phone,software_fault,2025-07-04 08:00,,,,2025-07-04 12:00:07.250,,\
fixed,yes,0.50,,,KB-1,,no,no,,"=1+1, ""cited"", _x0041_ \x01\r\nsecond line"
T-5,,U-1,email,software_fault,2025-07-05 08:00,2025-07-05 08:10,2025-07-05 09:00,\
2025-07-05 13:00,2025-07-05 12:00,,fixed,no,0,0,equipment,KB-1,2025-07-05 12:30,no,no,E-9,
T-6,C-2,U-2,phone,software_fault,2026-04-01 08:00,2026-04-01 08:10,,,2026-04-01 12:00,,\
fixed,yes,0,0,equipment,KB-1,,no,no,,
T-7,C-1,U-1,phone,consultation,2026-07-01 08:00,2026-07-01 08:02,,,2026-07-01 08:10,,\
fixed,yes,,,,KB-2,,,,,
T-BAD,C-1,U-1,phone,software_fault,2025-13-01 08:00,,,,,,,,,,,,,,,,
T-WAIT,C-1,U-9,phone,software_fault,2025-08-01 08:00,,,,,,,,,,,,,,,,
""",
    "inspections.csv": """\
inspection_id,contract_id,department,kind,performed_on,plan_approved_on,interviewed,\
problems_checked,maintained,client_maintained,feedback_heard,report_delivered_on
V-1,C-1,ICU,quarterly,2025-09-15,,yes,yes,yes,yes,,2025-09-16
""",
    "complaints.csv": """\
complaint_id,round,contract_id,category,upheld,received_at,acknowledged_at,assigned_to,\
handled_at,feedback_sought_at,satisfied,closed_at
K-1,1,C-1,conduct,,2025-10-02 09:00,,Service,2025-10-04 09:00,2025-10-05 09:00,no,\
2025-10-05 10:00
K-1,2,C-1,conduct,no,2025-10-06 09:00,2025-10-06 10:00,Service,2025-10-07 09:00,,,\
2025-10-08 10:00
""",
    "personnel.csv": "engineer_id,name\nE-2,Wu\n",
    "coverage.csv": """\
log,contract_id,through_at
tickets,,2026-07-01
complaints,,2026-07-01
""",
    "waivers.csv": """\
contract_id,clause,subject,reason,requested_by,approved_by,approved_on
C-1,sla.response,T-3,Power cut in the building,Chen,He,2025-07-10
C-1,sla.response,T-2,Late without a reason,Chen,Chen,2025-07-10
""",
}


def make_warehouse(folder: Path) -> Path:
    """The warehouse, loaded: C-1 was due on 2026-06-01, the data ends on 2026-07-01."""
    exports = folder / "exports"
    exports.mkdir(parents=True)
    for name, text in FILES.items():
        (exports / name).write_text(text, encoding="utf-8")
    load(settings(folder / "warehouse"), [exports])
    return folder / "warehouse"
