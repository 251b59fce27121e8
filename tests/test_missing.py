"""What would decide an unknown obligation: the record and its empty cells."""

import pytest

from etl.evidence.missing import CELL, DOUBT, LATER, NO_COLUMN, NO_RECORD, missing_in
from tests.ledger_case import ledger

WANTED = ("retention", "spares", "warranty")
TICKET = "ticket_id | equipment_id | channel | service_type | reported_at"


def found(
    given: dict[str, str], as_of: str, clause: str, absent: dict[str, list[str]] | None = None
) -> list[tuple[object, ...]]:
    """Subject, kind, log, key, columns and obligations of what the clause lacks."""
    with ledger(given, as_of, (*WANTED, clause), absent) as con:
        return [
            (one.subject, one.kind, one.log, one.key, one.columns, one.obligations)
            for one in missing_in(con, "logs", "HT-1")
            if one.clause == clause
        ]


def test_an_empty_place_decides_the_days_that_it_could_save():
    given = {
        "parts": """
            movement_id | part_no | location | moved_at | kind | quantity
            M-1 | P | · | 2025-03-15 08:00 | count | 1
            M-2 | P | local | 2025-03-20 08:00 | receipt | 1
        """,
        "coverage": "log | contract_id | through_at\nparts | · | 2025-03-31",
    }

    # One unit asks for 0.03 parts; from the 15th to the 19th only M-1, of no place, may be there.
    assert found(given, "2025-03-31", "spares.ratio") == [
        ("2025-03-19", CELL, "parts", ("M-1",), ("location",), 5)
    ]


def test_silence_about_a_fault_decides_a_term_between_two_expiries():
    given = {
        "equipment": (
            "equipment_id | contract_id | department | accepted_on | warranty_until\n"
            "U-1 | HT-1 | ICU | 2025-03-15 | 2026-03-15"
        ),
        "tickets": f"""
            {TICKET} | resolved_at | work_stopped | unrecoverable
            T-1 | U-1 | phone | hardware_fault | 2025-05-01 08:00 | 2025-05-01 09:00 | · | yes
            T-2 | U-1 | phone | hardware_fault | 2025-05-02 08:00 | 2025-05-02 09:00 | no | ·
        """,
    }

    assert found(given, "2025-06-01", "warranty.term") == [
        ("U-1", CELL, "tickets", ("T-1",), ("work_stopped",), 1)
    ]


def test_a_new_device_without_a_day_decides_a_replacement():
    repair = "U-1 | phone | hardware_fault"
    given = {
        "equipment": """
            equipment_id | contract_id | department | accepted_on | replaces_equipment_id
            U-1 | HT-1 | ICU | 2025-03-15 | ·
            U-2 | HT-1 | ICU | · | U-1
        """,
        "tickets": f"""
            {TICKET} | resolved_at | outcome | problem_code
            T-1 | {repair} | 2025-05-01 08:00 | 2025-05-01 09:00 | not_fixed | P
            T-2 | {repair} | 2025-05-02 08:00 | 2025-05-02 09:00 | not_fixed | P
            T-3 | {repair} | 2025-05-03 08:00 | 2025-05-03 09:00 | replaced | P
        """,
    }

    assert found(given, "2025-06-01", "warranty.replacement") == [
        ("U-1|P", CELL, "equipment", ("U-2",), ("delivered_on",), 1)
    ]


def test_a_planned_visit_without_its_day_decides_the_month():
    given = {
        "inspections": """
            inspection_id | department | kind | planned_on | performed_on
            V-1 | 内科 | monthly | 2025-04-20 | ·
            V-2 | 内科 | monthly | 2025-05-20 | 2025-05-20
        """,
    }

    assert found(given, "2025-05-31", "inspection.monthly") == []
    ends = {**given, "coverage": "log | contract_id | through_at\ninspections | · | 2025-04-15"}
    assert found(ends, "2025-05-25", "inspection.monthly") == [
        ("内科|2025-04", CELL, "inspections", ("V-1",), ("performed_on",), 1)
    ]


@pytest.mark.parametrize(
    ("cells", "columns"),
    [
        ("· | 2025-05-01 12:00", ("left_site_at",)),
        ("2025-05-01 10:00 | ·", ("resolved_at", "loaner_provided_at")),
    ],
)
def test_who_left_when_comes_before_what_was_done_by_then(cells, columns):
    given = {
        "tickets": f"""
            {TICKET} | onsite_at | left_site_at | resolved_at | closed_at | loaner_provided_at
            T-1 | U-1 | phone | hardware_fault | 2025-05-01 08:00 | 2025-05-01 09:00 | {cells}\
 | 2025-05-01 13:00 | ·
        """,
    }

    assert found(given, "2025-06-01", "sla.stay_until_resolved") == [
        ("T-1", CELL, "tickets", ("T-1",), columns, 1)
    ]


@pytest.mark.parametrize(
    ("charges", "columns"),
    [
        ("· | · | ·", ("labour_charge", "parts_charge")),
        ("80 | · | ·", ("cause",)),
        ("· | 0.5 | ·", ("cause",)),
    ],
)
def test_a_cause_decides_only_what_was_charged(charges, columns):
    given = {
        "tickets": f"""
            {TICKET} | resolved_at | labour_charge | parts_charge | cause
            T-1 | U-1 | phone | hardware_fault | 2025-05-01 08:00 | 2025-05-01 09:00 | {charges}
        """,
    }

    assert found(given, "2025-06-01", "warranty.free_repair") == [
        ("T-1", CELL, "tickets", ("T-1",), columns, 1)
    ]


def test_what_came_to_light_later_is_not_asked_for_again():
    given = {
        "equipment": (
            "equipment_id | contract_id | department | accepted_on | commissioned_on\n"
            "U-1 | HT-1 | ICU | 2025-03-15 | 2025-04-01"
        ),
    }

    assert found(given, "2025-03-20", "delivery.commissioned") == [
        ("U-1", LATER, "equipment", ("U-1",), (), 1)
    ]
    assert found(given, "2025-04-20", "delivery.commissioned") == []


def test_an_engineer_in_no_register_has_no_record():
    given = {
        "tickets": f"""
            {TICKET} | onsite_at | engineer_id
            T-1 | U-1 | phone | upgrade | 2025-05-01 08:00 | 2025-05-01 09:00 | E-9
            T-2 | U-1 | phone | upgrade | 2025-05-02 08:00 | 2025-05-02 09:00 | E-1
        """,
        "personnel": "engineer_id | nda_signed_on | permit_no\nE-1 | 2025-01-01 | P-1",
    }

    assert found(given, "2025-06-01", "people.confidentiality") == [
        ("E-9|2025-05-01", NO_RECORD, "personnel", (), (), 1)
    ]
    assert found(given, "2025-06-01", "people.permit")[0][4] == (
        "approved_on", "assessed_on", "permit_from",
    )  # fmt: skip


TWO = f"""
    {TICKET} | closed_at
    T-1 | U-1 | phone | hardware_fault | 2025-05-01 08:00 | 2025-05-01 12:00
    T-2 | U-1 | phone | hardware_fault | 2025-05-02 08:00 | 2025-05-02 12:00
"""


def test_a_column_that_was_never_exported_is_asked_for_once():
    lacks = {"tickets": ["responded_at"]}
    assert found({"tickets": TWO}, "2025-06-01", "sla.response", lacks) == [
        ("T-1", NO_COLUMN, "tickets", (), ("responded_at",), 2)
    ]
    assert found({"tickets": TWO}, "2025-06-01", "sla.response") == [
        ("T-1", CELL, "tickets", ("T-1",), ("responded_at",), 1),
        ("T-2", CELL, "tickets", ("T-2",), ("responded_at",), 1),
    ]


def test_cells_that_the_export_has_are_asked_for_beside_columns_that_it_lacks():
    given = {
        "tickets": f"""
            {TICKET} | resolved_at | labour_charge | parts_charge
            T-1 | U-1 | phone | hardware_fault | 2025-05-01 08:00 | 2025-05-01 09:00 | 80 | ·
            T-2 | U-1 | phone | hardware_fault | 2025-05-02 08:00 | 2025-05-02 09:00 | 80 | ·
        """,
    }

    lacks = {"tickets": ["cause"]}
    assert found(given, "2025-06-01", "warranty.free_repair", lacks) == [
        ("T-1", NO_COLUMN, "tickets", (), ("cause",), 2)
    ]


@pytest.mark.parametrize(
    ("log", "text", "clause", "column", "subject", "count"),
    [
        (
            "inspections",
            "inspection_id | department | kind\nV-1 | 内科 | monthly",
            "inspection.monthly", "performed_on", "内科|2025-04", 2,
        ),
        (
            "complaints",
            "complaint_id | received_at | closed_at | satisfied\n"
            "K-1 | 2025-05-01 08:00 | 2025-05-02 08:00 | no",
            "complaint.restarted", "round", "K-1/1", 1,
        ),
    ],
)  # fmt: skip
def test_so_is_one_that_shows_what_no_row_is_about(log, text, clause, column, subject, count):
    given = {log: text, "coverage": f"log | contract_id | through_at\n{log} | · | 2025-06-30"}
    (one,) = found(given, "2025-05-31", clause, {log: [column]})
    assert one == (subject, NO_COLUMN, log, (), (column,), count)


def test_a_day_is_asked_for_its_hour_where_the_hour_decides():
    given = {
        "tickets": f"""
            {TICKET} | responded_at | resolved_at
            T-1 | U-1 | phone | hardware_fault | 2025-05-01 | 2025-05-01 | 2025-05-01
        """,
    }

    assert found(given, "2025-06-01", "sla.response") == [
        ("T-1", CELL, "tickets", ("T-1",), ("reported_at", "responded_at"), 1)
    ]
    assert found(given, "2025-06-01", "sla.hardware_repair") == []


def test_a_status_without_meaning_is_asked_for():
    given = {
        "tickets": f"""
            {TICKET} | responded_at | status
            T-1 | U-1 | phone | hardware_fault | 2025-05-01 08:00 | 2025-05-01 08:10 | 已驳回
        """,
    }

    assert found(given, "2025-06-01", "sla.response") == [
        ("T-1", CELL, "tickets", ("T-1",), ("status",), 1)
    ]


def test_a_record_that_leaves_it_open_is_to_be_checked():
    given = {
        "tickets": f"""
            {TICKET} | responded_at | closed_at | status
            T-1 | U-1 | phone | hardware_fault | 2025-05-01 08:00 | 2025-05-01 08:50\
 | 2025-05-01 09:00 | cancelled
        """,
    }

    assert found(given, "2025-06-01", "sla.response") == [
        ("T-1", DOUBT, "tickets", ("T-1",), (), 1)
    ]
