"""Where the rows behind a number came from."""

from dashboard import queries
from dashboard.queries import Selection, sources
from etl.catalogue import catalogue
from etl.config import Settings
from etl.intake.load import load

CONTRACTS = "contract_id,amount,accepted_on\nC-1,1000,2026-01-01\n"
EQUIPMENT = "equipment_id,contract_id,department,accepted_on\nU|1,C-1,ICU,2026-01-01\n"
TICKETS = """\
ticket_id,equipment_id,channel,service_type,reported_at,responded_at,closed_at,outcome,problem_code
T-1,U|1,phone,hardware_fault,2026-05-01 08:00,2026-05-01 08:10,2026-05-01 10:00,not_fixed,P
T-2,U|1,phone,hardware_fault,2026-05-02 08:00,2026-05-02 08:45,2026-05-02 10:00,not_fixed,P
"""
MORE = """\
ticket_id,equipment_id,channel,service_type,reported_at,responded_at,closed_at,outcome,problem_code
T-2,U|1,phone,hardware_fault,2026-05-02 08:00,2026-05-02 08:20,2026-05-02 10:00,not_fixed,P
T-3,U|1,phone,hardware_fault,2026-05-03 08:00,2026-05-03 08:45,2026-05-03 10:00,not_fixed,P
"""
COMPLAINTS = """\
complaint_id,round,contract_id,received_at,handled_at,satisfied,closed_at
K/9,1,C-1,2026-05-01 09:00,2026-05-01 10:00,no,2026-05-02 10:00
K/9,2,C-1,2026-05-03 09:00,2026-05-03 10:00,yes,2026-05-04 10:00
"""


def asked(tmp_path, clause, **narrowed):
    settings = Settings(tmp_path / "warehouse")
    if not settings.warehouse.exists():
        for number, (name, text) in enumerate(
            (
                ("contracts", CONTRACTS), ("equipment", EQUIPMENT), ("tickets", TICKETS),
                ("more_tickets", MORE), ("complaints", COMPLAINTS),
            )
        ):  # fmt: skip
            file = tmp_path / f"{number}-{name}.csv"
            file.write_text(text, encoding="utf-8")
            load(settings, [file], by="Li")
    book = queries.book(settings, **narrowed)
    found = sources.batches(book, Selection(), clause)
    return {row["file"]: row["rows"] for row in found.to_dict("records")}


def test_each_row_is_counted_in_the_batch_that_holds_it(tmp_path):
    # T-2 was loaded again: the later file holds it.
    assert asked(tmp_path, "sla.response") == {"3-more_tickets.csv": 2, "2-tickets.csv": 1}
    assert asked(tmp_path, "warranty.term") == {"1-equipment.csv": 1}
    assert asked(tmp_path, "warranty.replacement") == {"1-equipment.csv": 1}
    assert asked(tmp_path, "complaint.restarted") == {"4-complaints.csv": 1}
    assert asked(tmp_path, "complaint.acknowledged") == {"4-complaints.csv": 1}


def test_every_clause_is_about_a_row_or_said_not_to_be():
    for clause in catalogue().clauses.values():
        rowless = not sources.traceable(clause)
        assert rowless == (
            clause.id.startswith(("inspection.m", "inspection.q", "inspection.h", "spares."))
            or clause.id
            in {"people.permit", "people.confidentiality", "people.training", "people.conduct"}
        )
