"""Inspections: who visited which department when, and which months were forgotten."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random

from etl.sample.files import Sheet
from etl.sample.people import Team
from etl.sample.story import EPOCH, FINDINGS, LAST_DAY, Contract, day
from etl.sample.units import Fleet, months_later

_WINDOW = (10, 19)
_OUTSIDE_WINDOW = 23


def write_visits(sheet: Sheet, contract: Contract, fleet: Fleet, team: Team, rng: Random) -> None:
    """Write one visit a department and month, save those the story forgets."""
    covered = fleet.covered_until()
    number = 0
    for first in _months(contract):
        month = (EPOCH + timedelta(days=first)).month
        kind = "quarterly" if month % 3 == 0 else "half_yearly" if month in (1, 7) else "monthly"
        for department in fleet.departments:
            if first > covered.get(department, 0) or _forgotten(contract, department, first, rng):
                continue
            on = _visit_day(first, kind, contract.habits.miss_visit, rng)
            if on > contract.visits_until:
                continue
            number += 1
            report = on + 1 + int(4 * rng.random())
            if rng.random() < contract.habits.late_report:
                report += 9
            thorough = kind == "monthly" or rng.random() >= contract.habits.late_report * 0.5
            named = department if (contract.code, number) != ("YY", 71) else f"{department}楼"
            sheet.add(
                inspection_id=f"XJ{contract.code}{number:06d}",
                contract_id=contract.contract_id,
                department=named,
                kind=kind,
                planned_on=first + (_WINDOW[0] if kind != "monthly" else 4),
                plan_approved_on=_approved(kind, first, contract, rng),
                performed_on=on,
                inspector_id=team.draw(rng, on).engineer_id,
                interviewed=True,
                problems_checked=True,
                maintained=True,
                client_maintained=thorough,
                feedback_heard=True,
                report_delivered_on=report if report <= LAST_DAY else None,
                findings=FINDINGS[int(len(FINDINGS) * rng.random())],
            )
    for department in contract.departments:
        if covered.get(department, 0) > LAST_DAY:
            number += 1
            sheet.add(
                inspection_id=f"XJ{contract.code}{number:06d}",
                contract_id=contract.contract_id,
                department=department,
                kind="monthly",
                planned_on=day("2026-10-14"),
            )


def _months(contract: Contract) -> Iterator[int]:
    """The first days of the months from the acceptance to the horizon."""
    for months in range(24):
        first = months_later(0, months)
        if contract.accepted <= first <= LAST_DAY:
            yield first


def _forgotten(contract: Contract, department: str, first: int, rng: Random) -> bool:
    planned = any(
        department == gap.department and gap.first <= first <= gap.last
        for gap in contract.forgotten
    )
    return planned or rng.random() < contract.habits.miss_visit


def _visit_day(first: int, kind: str, slip: float, rng: Random) -> int:
    """A working day: in the middle of the month where the kind asks for it, mostly."""
    if kind == "monthly":
        on = first + 2 + int(22 * rng.random())
    elif rng.random() < slip:
        on = first + _OUTSIDE_WINDOW
    else:
        on = first + _WINDOW[0] + 2 + int(6 * rng.random())
    weekday = (EPOCH + timedelta(days=on)).weekday()
    if weekday < 5:
        return on
    return on + 7 - weekday if on + 7 - weekday <= first + _WINDOW[1] else on - weekday + 4


def _approved(kind: str, first: int, contract: Contract, rng: Random) -> int | None:
    if kind == "monthly":
        return None
    chance = rng.random()
    if chance < contract.habits.no_document:
        return None
    if chance < 2 * contract.habits.no_document:
        return first + _OUTSIDE_WINDOW + 3
    return first + 1 + int(5 * rng.random())
