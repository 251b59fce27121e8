"""The models as a whole: found, ordered; and the rules that stand over all clauses."""

from datetime import datetime

import pytest

from etl.catalogue import catalogue
from etl.ledger import CLAUSE_COLUMNS, computed_clauses, given_columns, models, relations
from tests.ledger_case import KNOWN_AT, ledger


@pytest.mark.parametrize("clause", computed_clauses())
def test_a_clause_gives_the_columns_of_the_ledger_in_their_order(clause: str) -> None:
    with ledger({}, "2025-06-01") as con:
        found = [row[0] for row in con.execute(f'describe "{clause}"').fetchall()]
    assert found == list(CLAUSE_COLUMNS)
    assert set(given_columns(models()[clause])) <= set(CLAUSE_COLUMNS)
    assert clause in catalogue().clauses


def test_models_come_after_what_they_select_from() -> None:
    done: set[str] = set()
    for name, model in models().items():
        assert relations(model.sql) & set(models()) <= done
        done.add(name)


def as_of_and_horizon(given: dict[str, str], as_of: str | None = None) -> tuple[datetime, datetime]:
    with ledger(given, as_of) as con:
        found = con.execute("select as_of, horizon_at from build").fetchone()
    assert found is not None
    return found


TICKETS = """
ticket_id | service_type   | reported_at      | closed_at
T1        | software_fault | 2025-06-01 08:00 | 2025-06-05 10:00
"""


def test_the_horizon_is_the_latest_event_of_tickets_complaints_and_parts() -> None:
    inspections = """
inspection_id | department | kind    | planned_on | performed_on
I1            | 内科       | monthly | 2025-12-31 | 2025-09-09
"""
    complaints = """
complaint_id | received_at
K1           | 2025-06-07 09:00
"""
    assert as_of_and_horizon({"tickets": TICKETS})[0] == datetime(2025, 6, 5, 10)
    both = {"tickets": TICKETS, "inspections": inspections, "complaints": complaints}
    assert as_of_and_horizon(both)[0] == datetime(2025, 6, 7, 9)
    assert as_of_and_horizon({"inspections": inspections})[0] == datetime(2025, 9, 9, 23, 59, 59)
    assert as_of_and_horizon(both, "2025-07-01") == (
        datetime(2025, 7, 1, 23, 59, 59),
        datetime(2025, 6, 7, 9),
    )


def test_nothing_is_known_after_the_moment_of_loading() -> None:
    far = TICKETS.replace("2025-06-05 10:00", "2030-01-01 18:00")
    assert as_of_and_horizon({"tickets": far})[0] == KNOWN_AT


def through(given: dict[str, str], as_of: str | None = None) -> dict[tuple[str, str], object]:
    with ledger(given, as_of) as con:
        rows = con.execute("select log, contract_id, through_at from log_through").fetchall()
    return {(log, contract): at for log, contract, at in rows}


def test_a_log_is_through_its_coverage_else_its_last_event_and_never_after_as_of() -> None:
    contracts = "contract_id | amount\nHT-1 | 1\nHT-2 | 1"
    coverage = """
log     | contract_id | through_at
tickets | HT-2        | 2025-06-10
parts   | ·           | 2025-06-03
"""
    given = {"contracts": contracts, "tickets": TICKETS, "coverage": coverage}
    found = through(given, "2025-06-20")
    assert found["tickets", "HT-1"] == datetime(2025, 6, 5, 10)
    assert found["tickets", "HT-2"] == datetime(2025, 6, 10, 23, 59, 59)
    assert found["parts", "HT-1"] == datetime(2025, 6, 3, 23, 59, 59)
    assert found["equipment", "HT-1"] == datetime(2025, 6, 20, 23, 59, 59)
    assert found["complaints", "HT-1"] is None
    # An event after as_of still says how far the log reaches, though no further than as_of.
    assert through(given, "2025-06-02")["tickets", "HT-1"] == datetime(2025, 6, 2, 23, 59, 59)


def test_a_contract_without_acceptance_takes_the_last_of_its_first_units() -> None:
    equipment = """
equipment_id | department | accepted_on | retired_on | replaces_equipment_id
A            | 内科       | 2025-03-01  | ·          | ·
B            | 内科       | 2025-03-09  | ·          | ·
C            | 内科       | 2025-04-09  | ·          | A
D            | 内科       | ·           | 2025-03-02 | ·
"""
    given = {"contracts": "contract_id | amount\nHT-1 | 1", "equipment": equipment}
    with ledger(given, "2025-06-01") as con:
        assert str(con.execute("select accepted_on from fact_contract").fetchall()[0][0]) == (
            "2025-03-09"
        )
    with ledger(given, "2025-03-05") as con:
        assert con.execute("select accepted_on from fact_contract").fetchall() == [(None,)]


def test_rates_leave_out_the_pending_and_the_excluded() -> None:
    tickets = """
ticket_id | service_type   | reported_at      | responded_at     | closed_at
MET       | software_fault | 2025-06-01 08:00 | 2025-06-01 08:10 | ·
BREACHED  | software_fault | 2025-06-02 08:00 | 2025-06-02 09:10 | ·
UNKNOWN   | software_fault | 2025-06-03 08:00 | ·                | 2025-06-03 09:00
WAIVED    | software_fault | 2025-06-04 08:00 | 2025-06-04 09:10 | ·
PENDING   | software_fault | 2025-07-01 08:00 | ·                | ·
"""
    waivers = """
contract_id | clause       | subject | reason | requested_by | approved_by | approved_on
HT-1        | sla.response | WAIVED  | 停电   | A            | B           | 2025-06-10
"""
    with ledger({"tickets": tickets, "waivers": waivers}, "2025-07-01T08:10:00") as con:
        found = con.execute(
            "select month, met, breached, unknown, pending, excluded, rate, rate_upper "
            "from compliance where clause = 'sla.response' order by month"
        ).fetchall()
        sliced = con.execute(
            "select sum(met + breached + unknown + pending + excluded) from compliance_slice"
        ).fetchone()
        every = con.execute("select count(*) from obligation").fetchone()
    assert found == [
        ("2025-06", 1, 1, 1, 0, 1, 1 / 3, 2 / 3),
        ("2025-07", 0, 0, 0, 1, 0, None, None),
    ]
    assert sliced == every


def test_the_hour_of_the_week_starts_on_monday() -> None:
    with ledger({"tickets": TICKETS}, "2025-07-01") as con:
        found = con.execute(
            "select weekday, hour from compliance_hour where clause = 'sla.response'"
        ).fetchall()
    assert found == [(7, 8)]  # 1 June 2025 was a Sunday


def test_a_bucket_within_the_limit_is_below_twenty() -> None:
    tickets = """
ticket_id | service_type   | reported_at      | responded_at
AT-ONCE   | software_fault | 2025-06-01 08:00 | 2025-06-01 08:00
HALF      | software_fault | 2025-06-01 08:00 | 2025-06-01 08:15
AT-LIMIT  | software_fault | 2025-06-01 08:00 | 2025-06-01 08:30
PAST      | software_fault | 2025-06-01 08:00 | 2025-06-01 08:30:01
NEXT-DAY  | software_fault | 2025-06-01 08:00 | 2025-06-02 08:00
"""
    with ledger({"tickets": tickets}, "2025-07-01") as con:
        found = con.execute(
            "select subject, bucket from obligation where clause = 'sla.response'"
        ).fetchall()
    assert dict(found) == {"AT-ONCE": 0, "HALF": 9, "AT-LIMIT": 19, "PAST": 20, "NEXT-DAY": 60}
