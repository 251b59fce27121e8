"""Elapsed time where clocks are moved: an hour is missing in spring, one comes twice in autumn."""

import pytest

from etl.timeline import has_summer_time, in_zone
from tests.ledger_case import ledger

TICKETS = "ticket_id | service_type | reported_at | responded_at\n"
COVERAGE = "log | contract_id | through_at\ntickets | · | 2026-12-31"


def answered(timezone: str, *rows: str) -> dict[str, tuple[str, str]]:
    """What becomes of sla.response (30 minutes) of tickets: subject → due, state."""
    with ledger(
        {"tickets": TICKETS + "\n".join(rows), "coverage": COVERAGE},
        "2026-12-31",
        {"sla.response", "obligation"},
        timezone=timezone,
    ) as con:
        found = con.execute(
            "select subject, cast(due_at as varchar), state from obligation "
            "where clause = 'sla.response'"
        ).fetchall()
    return {subject: (due, state) for subject, due, state in found}


def test_the_hour_that_is_missing_in_spring_has_not_passed() -> None:
    found = answered(
        "Europe/Berlin",
        "LIMIT | software_fault | 2026-03-29 01:45:00 | 2026-03-29 03:15:00",
        "LATE | software_fault | 2026-03-29 01:45:00 | 2026-03-29 03:15:01",
    )
    assert found == {
        "LIMIT": ("2026-03-29 03:15:00", "met"),
        "LATE": ("2026-03-29 03:15:00", "breached"),
    }


def test_the_hour_that_is_there_twice_in_autumn_has_passed_twice() -> None:
    found = answered(
        "America/New_York",
        "LATE | software_fault | 2026-11-01 00:45:00 | 2026-11-01 02:10:00",
        "LIMIT | software_fault | 2026-11-01 02:45:00 | 2026-11-01 03:15:00",
    )
    assert found == {
        "LATE": ("2026-11-01 01:15:00", "breached"),
        "LIMIT": ("2026-11-01 03:15:00", "met"),
    }


def test_an_instant_of_the_hour_shown_twice_is_both_until_told_apart() -> None:
    found = answered(
        "Europe/Berlin",
        "EITHER | software_fault | 2026-10-25 01:45:00 | 2026-10-25T02:10:00+02:00",
        "LATE | software_fault | 2026-10-25 01:45:00 | 2026-10-25T02:20:00+02:00",
    )
    assert found["EITHER"][1] == "unknown"
    assert found["LATE"][1] == "breached"


@pytest.mark.parametrize(
    ("timezone", "moved"),
    [("Europe/Berlin", True), ("America/New_York", True), ("Asia/Shanghai", False)],
)
def test_a_zone_without_summer_time_pays_nothing(timezone: str, moved: bool) -> None:
    assert has_summer_time(timezone) is moved
    written = in_zone("select wall(timeline_first(a.b) + (c)) from d", timezone)
    assert ("timezone(" in written) is moved
