"""The small logs: contracts, training, sample tests, special periods, terms, coverage, waivers."""

from collections.abc import Sequence

from etl.sample.files import Sheet
from etl.sample.story import HORIZON, Contract, day

_TESTS = (
    ("屏幕亮度(cd/m²)", "≥ 350", "372"),
    ("整机功耗(W)", "≤ 60", "54.8"),
    ("开机时间(s)", "≤ 30", "24"),
    ("连续运行(h)", "≥ 72", "72"),
)
_COMPLETE_LOGS = ("工单", "备件出入库", "投诉登记", "培训记录", "巡检记录")


def write_contract(sheet: Sheet, contract: Contract) -> None:
    """Write the contract's row of the contract register."""
    sheet.add(
        contract_id=contract.contract_id,
        name=contract.name,
        vendor=contract.vendor,
        buyer=contract.buyer,
        bid_on=contract.bid,
        awarded_on=contract.awarded,
        signed_on=contract.signed,
        amount=contract.amount,
        currency="CNY",
        accepted_on=contract.accepted,
        service_manager=contract.manager,
        service_office=contract.office,
    )


def write_training(sheet: Sheet, contract: Contract) -> None:
    """Write the training sessions."""
    for number, session in enumerate(contract.training, start=1):
        sheet.add(
            session_id=f"PX{contract.code}{number:02d}",
            contract_id=contract.contract_id,
            held_on=session.held,
            topics=session.topics,
            attendees=session.attendees,
            signed_by=session.signed_by,
        )


def write_sample_tests(sheet: Sheet, contract: Contract) -> None:
    """Write the tests of the samples; the schools paid for one of theirs."""
    for number, (parameter, promised, measured) in enumerate(_TESTS, start=1):
        sheet.add(
            test_id=f"JC{contract.code}{number:02d}",
            contract_id=contract.contract_id,
            parameter=parameter,
            promised=promised,
            measured=measured,
            conforms=True,
            tested_on=contract.awarded + 9,
            cost_borne_by="buyer" if (contract.code, number) == ("JY", 3) else "vendor",
        )


def write_meetings(sheet: Sheet, contract: Contract) -> None:
    """Write the special periods."""
    for number, meeting in enumerate(contract.meetings, start=1):
        sheet.add(
            period_id=f"HY{contract.code}{number:02d}",
            contract_id=contract.contract_id,
            name=meeting.name,
            starts_at=meeting.starts,
            ends_at=meeting.ends,
            plan_filed_on=meeting.plan_filed,
        )


def write_terms(sheet: Sheet, contract: Contract) -> None:
    """Write the terms in which the contract differs from the letter."""
    for term, value in contract.terms:
        sheet.add(contract_id=contract.contract_id, term=term, value=value)


def write_coverage(sheet: Sheet) -> None:
    """Write up to when the exports are complete; one inspection log ends a month early."""
    for log in _COMPLETE_LOGS:
        sheet.add(log=log, through_at=HORIZON)
    sheet.add(log="巡检记录", contract_id="HT-2025-067", through_at=day("2026-09-01") * 86_400 - 1)


def write_waivers(sheet: Sheet, contract: Contract, breached: Sequence[str]) -> None:
    """Waive the first breach properly, the second by the one who asked, and a closed department."""
    rows = (
        ("sla.response", breached[0], "全院停电检修,电话中断", "陈经理", "信息科何主任"),
        ("sla.response", breached[1], "工程师途中遇堵", "陈经理", "陈经理"),
        ("inspection.monthly", "体检中心|2025-12", "体检中心装修停业", "陈经理", "信息科何主任"),
    )
    for clause, subject, reason, requested, approved in rows:
        sheet.add(
            contract_id=contract.contract_id,
            clause=clause,
            subject=subject,
            reason=reason,
            requested_by=requested,
            approved_by=approved,
            approved_on=day("2026-02-10"),
        )
