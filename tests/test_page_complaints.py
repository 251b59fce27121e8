"""The page of complaints: its figures, on six complaints one can count, and what they open."""

# ruff: noqa: E501 - the rows of the log are as wide as the log.

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import navigation, queries
from dashboard.charts import complaints as figures
from dashboard.components import aside, complaints_opened, drawer
from dashboard.queries import Book, Selection, complaints
from dashboard.queries.complaints import (
    CLAUSES,
    DAY_ALONE,
    OUTCOMES,
    RULINGS,
    SHARES,
    STEPS,
    Complaints,
)
from dashboard.texts import words
from dashboard.theme import DARK, LIGHT
from etl.intake.load import load
from tests import dashboard_data
from tests.dashboard_data import checked

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
CONTRACTS = """contract_id,amount,accepted_on
C-1,1000000,2026-01-01
C-2,500000,2026-01-01
"""
EQUIPMENT = """equipment_id,contract_id,department,category,accepted_on
U-1,C-1,Ward,Scanner,2026-01-01
"""
TICKETS = """ticket_id,equipment_id,service_type,reported_at
T-1,U-1,hardware_fault,2026-01-09 08:00
"""
# K1 satisfied; K2 satisfied in its second round; K3 closed unsatisfied; K4 closed, nobody asked;
# K5 open and never acknowledged; K6 open in its third round, received before the quarter.
COMPLAINTS = """\
complaint_id,round,contract_id,department,ticket_id,channel,category,upheld,received_at,acknowledged_at,assigned_to,handled_at,feedback_sought_at,satisfied,closed_at
K1,1,C-1,Ward,T-1,phone,service,yes,2026-01-10 08:00,2026-01-10 09:00,Desk <b>,2026-01-11 08:00,2026-01-12 08:00,yes,2026-01-12 09:00
K2,1,C-1,Ward,,email,quality,no,2026-01-20 08:00,2026-01-20 09:00,Desk,2026-01-21 08:00,2026-01-22 08:00,no,2026-01-22 09:00
K2,2,C-1,Ward,,email,quality,no,2026-01-23 09:00,2026-01-23 10:00,Desk,2026-01-24 08:00,2026-01-25 08:00,yes,2026-01-25 09:00
K3,1,C-1,=Lab,,phone,conduct,,2026-02-01 08:00,2026-02-01 09:00,Desk,2026-02-02 08:00,2026-02-03 08:00,no,2026-02-03 09:00
K4,1,C-2,Ward,,phone,service,yes,2026-02-10 08:00,2026-02-10 09:00,,2026-02-11 08:00,,,2026-02-12 09:00
K5,1,C-2,,,web,,,2026-03-20 12:00,,,,,,
K6,1,C-1,Ward,,phone,other,no,2025-12-30 12:00,2025-12-30 13:00,Desk,2025-12-31 08:00,2025-12-31 09:00,no,2025-12-31 10:00
K6,2,C-1,Ward,,phone,other,no,2026-01-02 12:00,2026-01-02 13:00,Desk,2026-01-03 08:00,2026-01-03 09:00,no,2026-01-03 10:00
K6,3,C-1,Ward,,phone,other,,2026-03-31 12:00,,,,,,
"""
FILES = {"contracts": CONTRACTS, "equipment": EQUIPMENT, "tickets": TICKETS}
QUARTER = Selection(first="2026-01", last="2026-03")
INSIDE = Complaints(first="2026-01", last="2026-03")


def make(folder: Path, files: dict[str, str]) -> Path:
    (folder / "exports").mkdir()
    for name, text in files.items():
        (folder / "exports" / f"{name}.csv").write_text(text, encoding="utf-8")
    load(dashboard_data.settings(folder / "warehouse"), [folder / "exports"])
    return folder / "warehouse"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("complaints"), {**FILES, "complaints": COMPLAINTS})


@pytest.fixture(scope="module")
def book(warehouse: Path) -> Iterator[Book]:
    yield queries.book(dashboard_data.settings(warehouse))
    st.cache_resource.clear()


def opened(monkeypatch: pytest.MonkeyPatch, warehouse: Path, **query: str) -> AppTest:
    entry = next(entry for entry in navigation.PAGES if entry.path == "complaints")
    monkeypatch.setattr(navigation, "chosen", lambda _words: entry)
    monkeypatch.setenv("KEPT_WAREHOUSE", str(warehouse))
    app = AppTest.from_file(str(APP), default_timeout=60)
    for name, value in {"lang": "en", "period": "3m", **query}.items():
        app.query_params[name] = value
    return app.run()


def html(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def ids(book: Book, which: Complaints) -> list[str]:
    return sorted(complaints.listed(book, which)["complaint_id"])


@pytest.mark.parametrize(
    ("step", "reached", "missed", "still"),
    [
        ("received", ["K1", "K2", "K3", "K4", "K5"], [], []),
        ("acknowledged", ["K1", "K2", "K3", "K4"], ["K5"], []),
        ("routed", ["K1", "K2", "K3"], ["K4"], ["K5"]),
        ("handled", ["K1", "K2", "K3", "K4"], [], ["K5"]),
        ("asked", ["K1", "K2", "K3"], ["K4"], ["K5"]),
        ("satisfied", ["K1", "K2"], ["K3", "K4"], ["K5"]),
        ("closed", ["K1", "K2", "K3", "K4"], [], ["K5"]),
    ],
)
def test_the_funnel_counts_and_opens_those_that_took_a_step(book, step, reached, missed, still):
    counted = complaints.funnel(book, INSIDE).set_index("step")

    for share, expected in zip(SHARES, (reached, missed, still), strict=True):
        assert counted.loc[step, share] == len(expected)
        assert ids(book, INSIDE.but(step=step, share=share)) == expected
    assert list(counted.index) == list(STEPS)


def test_rounds_are_those_needed_and_three_or_more_are_one(book):
    counted = complaints.by_rounds(book, Complaints()).set_index("key")

    assert dict(counted["n"]) == {1: 4, 2: 1, 3: 1}
    assert list(counted.loc[1, list(OUTCOMES)]) == [1, 1, 1, 1]
    assert ids(book, Complaints(rounds=3)) == ["K6"]


@pytest.mark.parametrize(
    ("asked", "dimension", "names", "narrow"),
    [
        (complaints.by_rounds, "rounds", OUTCOMES, "outcomes"),
        (complaints.by_department, "department", OUTCOMES, "outcomes"),
        (complaints.by_category, "category", RULINGS, "ruling"),
    ],
)
@pytest.mark.parametrize(
    "which", [Complaints(), INSIDE, Complaints(contract="C-1"), Complaints(department="Ward")]
)
def test_every_part_of_a_bar_opens_exactly_its_complaints(
    book, asked, dimension, names, narrow, which
):
    for row in asked(book, which).to_dict("records"):
        inside = which.but(**{dimension: row["key"]})
        assert complaints.count(book, inside) == row["n"]
        for name in names:
            one = inside.but(**{narrow: (name,) if narrow == "outcomes" else name})
            assert complaints.count(book, one) == len(ids(book, one)) == row[name]


def test_hours_of_the_day_are_those_of_the_first_receipt_and_open_their_complaints(book):
    found = complaints.by_hour(book, INSIDE)

    # K1 to K4 came at eight and were taken within the hour; K5 came at noon and never was.
    assert list(found["key"]) == list(range(24))
    assert found[found["n"] > 0].values.tolist() == [[8, 4, 4, 0, 0], [12, 1, 0, 1, 0]]
    for row in found.to_dict("records"):
        for share in SHARES:
            one = INSIDE.but(hour=row["key"], step="acknowledged", share=share)
            assert len(complaints.listed(book, one)) == complaints.count(book, one) == row[share]


def test_a_complaint_of_which_only_the_day_is_logged_has_no_hour(tmp_path):
    rows = "complaint_id,contract_id,received_at\nD1,C-1,2026-01-10\nD2,C-1,2026-01-10 09:30\n"
    book = queries.book(dashboard_data.settings(make(tmp_path, {**FILES, "complaints": rows})))
    found = complaints.by_hour(book, Complaints())

    assert found[found["n"] > 0][["key", "n"]].values.tolist() == [[9, 1]]
    assert ids(book, Complaints(hour=DAY_ALONE)) == ["D1"]
    assert complaints.count(book, Complaints(hour=DAY_ALONE)) == 1


def test_a_complaint_without_department_or_category_is_counted_as_such(book):
    assert ids(book, Complaints(department="")) == ids(book, Complaints(category="")) == ["K5"]
    assert complaints.by_department(book, INSIDE).set_index("key").loc["", "n"] == 1


def test_open_ones_age_from_their_first_receipt(book):
    still = Complaints(outcomes=("open",))
    ages = complaints.ages(book, still)

    assert list(ages["n"]) == [0, 0, 1, 0, 1]
    assert ids(book, still.but(from_age=7, to_age=29)) == ["K5"]
    assert ids(book, still.but(from_age=90)) == ["K6"]
    days = complaints.listed(book, still).set_index("complaint_id")["age_days"]
    assert (days["K5"], days["K6"]) == (11, 91)


def test_closed_without_satisfaction_is_what_its_clause_missed(book):
    for outcome, state in (("unsatisfied", "breached"), ("unknown", "unknown")):
        of_clause = QUARTER.but(clauses=("complaint.closed_satisfied",), states=(state,))
        assert ids(book, INSIDE.but(outcomes=(outcome,))) == sorted(
            queries.rows(book, of_clause)["subject"]
        )


def test_the_list_begins_with_the_open_and_the_unsatisfied(book):
    assert list(complaints.listed(book, INSIDE)["complaint_id"]) == ["K5", "K3", "K4", "K2", "K1"]
    assert list(complaints.listed(book, INSIDE, skip=1, limit=2)["complaint_id"]) == ["K3", "K4"]


def test_the_clauses_come_to_one_verdict_over_all_contracts(book):
    found = complaints.promises(book, QUARTER).set_index("clause")

    assert list(found.index) == list(CLAUSES)
    assert list(found.loc["complaint.acknowledged", ["met", "breached", "due"]]) == [4, 1, 5]
    assert found.loc["complaint.acknowledged", "verdict"] == "broken"
    assert found.loc["complaint.opinion_sought", "verdict"] == "undecided"
    assert found["due"].equals(
        queries.verdicts(book, QUARTER.but(clauses=CLAUSES))
        .groupby("clause")["due"]
        .sum()[found.index]
    )


def test_one_complaint_has_its_rounds_and_its_obligations(book):
    assert list(complaints.rounds(book, "K2")["round"]) == [1, 2]
    said = complaints.ledger(book, "K2")
    assert sorted(zip(said["clause"], said["subject"], said["state"], strict=True)) == [
        ("complaint.acknowledged", "K2", "met"),
        ("complaint.closed_satisfied", "K2", "met"),
        ("complaint.opinion_sought", "K2/1", "met"),
        ("complaint.opinion_sought", "K2/2", "met"),
        ("complaint.restarted", "K2/1", "met"),
        ("complaint.routed", "K2", "met"),
    ]


def test_no_cell_of_the_download_is_a_formula(book):
    made = complaints.download(book, INSIDE)().decode("utf-8-sig")

    assert "'=Lab" in made and ",=Lab" not in made


def test_the_least_part_of_a_bar_can_still_be_hit():
    frame = pd.DataFrame({"key": ["all", "none"], "a": [1000, 0], "b": [1, 0]}).assign(
        label="", said="", tone="", hover=""
    )
    many, one = checked(figures.stacks(frame, LIGHT, parts=(("a", "accent"), ("b", "bad")))).data[
        :2
    ]

    assert list(many.x) == [1000, 0]
    assert 10 < one.x[0] < 30 and one.x[1] == 0
    assert one.customdata[0] == ["all", "b"]


def test_each_paint_is_another_colour():
    for palette in (LIGHT, DARK):
        found = {figures.paint(palette, name) for name in figures.PAINTS}
        assert len(found) == len(figures.PAINTS)


def test_the_numbers_of_the_page_open_their_complaints(monkeypatch, warehouse):
    app = opened(monkeypatch, warehouse)
    assert app.button(key="open_closed_unsatisfied").label == "Unsatisfied: 1"
    app.button(key="open_closed_unsatisfied").click().run()
    assert not app.exception
    assert any(list(table.value.get("complaint_id", [])) == ["K3"] for table in app.dataframe)

    app = opened(monkeypatch, warehouse)
    assert app.button(key="open_complaints_open").label == "2 open"
    app.button(key="open_complaints_open").click().run()
    assert not app.exception and "2 rows" in html(app)


def test_one_complaint_is_told_round_by_round_and_its_text_is_text(monkeypatch, warehouse):
    app = opened(monkeypatch, warehouse)
    app.session_state["aside.stack"] = (aside.Sheet("K1", complaints_opened.one, ("K1",)),)
    app.session_state["drawer.open"] = drawer.Opened("K1", draw=aside._inside)
    app.run()

    assert not app.exception
    shown = html(app)
    assert "Round 1" in shown and "Desk &lt;b&gt;" in shown and "Desk <b>" not in shown
    assert app.button(key="drawer_list_0_0_T-1").label == "Ticket T-1"


def test_the_clause_of_the_trend_is_in_the_url(monkeypatch, warehouse):
    app = opened(monkeypatch, warehouse, clause="complaint.restarted")

    assert not app.exception
    assert app.session_state["clause"] == "complaint.restarted"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_log_never_loaded_is_no_good_news(monkeypatch, tmp_path, language):
    app = opened(monkeypatch, make(tmp_path, FILES), lang=language)

    assert not app.exception
    assert html(app).count(words(language)("complaints.not_loaded")) >= 6
    verdicts = next(table.value for table in app.dataframe if "verdict" in table.value)
    assert len({one[0] for one in verdicts["verdict"]}) == 1
