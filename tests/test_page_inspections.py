"""The inspections page: figures one can count by hand, and that each opens its rows."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import navigation, queries
from dashboard.queries import STATES, Book, Selection
from dashboard.queries import inspections as asked
from dashboard.queries.inspections import Visits
from dashboard.texts import words
from etl.intake.load import load
from tests.dashboard_data import settings

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
FILES = {
    "contracts": "contract_id,amount,accepted_on\nC-1,1000,2026-01-01\n",
    "equipment": """equipment_id,contract_id,department,accepted_on
U-1,C-1,Ward,2026-01-01
U-2,C-1,<b>Lab</b>,2026-01-01
""",
    "tickets": """ticket_id,equipment_id,service_type,reported_at
T-1,U-1,software_fault,2026-04-20 08:00
""",
    "coverage": "log,through_at\ninspections,2026-04-20\n",
}
# The Lab was called Labs in January, and its quarterly visit came after the window (11 to 20).
VISITS = """inspection_id,contract_id,department,kind,planned_on,plan_approved_on,performed_on,\
interviewed,problems_checked,maintained,client_maintained,feedback_heard,report_delivered_on,findings
W-1,C-1,Ward,monthly,,,2026-01-10,,,,,,2026-01-12,2
W-2,C-1,Ward,monthly,,,2026-02-10,,,,,,2026-02-19,0
W-3,C-1,Ward,quarterly,2026-03-15,2026-03-10,2026-03-15,true,true,true,false,true,2026-03-17,1
W-5,C-1,Ward,monthly,2026-05-10,,,,,,,,,
L-1,C-1,<b>Labs</b>,monthly,,,2026-01-12,,,,,,,
L-2,C-1,<b>Lab</b>,monthly,,,2026-02-11,,,,,,,3
L-3,C-1,<b>Lab</b>,quarterly,2026-03-18,2026-03-25,2026-03-24,,true,true,true,true,,
"""
EVERY = Selection()


def make(folder: Path, **files: str) -> Path:
    """A warehouse with these logs."""
    exports = folder / "exports"
    exports.mkdir(parents=True)
    for name, text in files.items():
        (exports / f"{name}.csv").write_text(text, encoding="utf-8")
    load(settings(folder / "warehouse"), [exports])
    return folder / "warehouse"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("inspections"), **FILES, inspections=VISITS)


@pytest.fixture(scope="module")
def book(warehouse: Path) -> Iterator[Book]:
    yield queries.book(settings(warehouse))
    st.cache_resource.clear()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, warehouse: Path) -> Callable[..., AppTest]:
    def opened(folder: Path = warehouse, **query: str) -> AppTest:
        entry = next(entry for entry in navigation.PAGES if entry.path == "inspections")
        monkeypatch.setattr(navigation, "chosen", lambda _words: entry)
        monkeypatch.setenv("KEPT_WAREHOUSE", str(folder))
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in {"lang": "en", "period": "all", **query}.items():
            app.query_params[name] = value
        return app.run()

    return opened


def html(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def counted(book: Book, kind: str, selection: Selection = EVERY) -> dict[str, int]:
    return {k: n for k, n in asked.calendar_counts(book, selection, kind).items() if n}


def test_the_calendar_says_of_each_period_what_one_counts_by_hand(book):
    assert counted(book, "monthly") == {"done": 5, "missed": 1, "pending": 2}
    assert counted(book, "windows") == {"done": 1, "late": 1, "missed": 2}
    march = Selection(first="2026-03", last="2026-03")
    assert counted(book, "monthly", march) == {"done": 2}
    late = asked.calendar(book, march, "windows", 9).set_index("department").loc["<b>Lab</b>"]
    assert (late["status"], f"{late['late_on']:%Y-%m-%d}") == ("late", "2026-03-24")


@pytest.mark.parametrize("kind", list(asked.KINDS))
def test_the_calendar_counts_and_opens_exactly_its_obligations(book, kind):
    clauses = tuple(f"inspection.{one}" for one in asked.KINDS[kind])
    selection = Selection(clauses=clauses)
    held = asked.calendar_counts(book, EVERY, kind)
    by_state = (
        held["done"],
        held["missed"] + held["late"],
        held["undecided"],
        held["pending"] + held["planned"],
        held["waived"],
    )
    assert queries.tally(book, selection) == dict(zip(STATES, by_state, strict=True))
    for cell in asked.calendar(book, EVERY, kind, 9).to_dict("records"):
        place = selection.but(
            contract=cell["contract_id"],
            department=cell["department"],
            first=cell["month"],
            last=cell["month"],
        )
        assert sum(queries.tally(book, place).values()) == 1


def test_departments_with_the_most_missed_come_first(book):
    places = asked.calendar_places(book, EVERY, "monthly", 1)

    assert list(places["department"]) == ["<b>Lab</b>"]
    assert int(places["of_all"][0]) == 2
    shown = asked.calendar(book, EVERY, "monthly", 1)
    assert set(shown["department"]) == {"<b>Lab</b>"} and len(shown) == 4


def test_visits_planned_for_months_that_have_not_begun_are_shown_ahead(book):
    ahead = asked.planned_ahead(book, EVERY, "monthly")

    assert list(ahead["month"]) == ["2026-05"]
    assert asked.planned_ahead(book, EVERY, "windows").empty
    what = Visits(planned=True, kinds=("monthly",), month="2026-05")
    assert list(asked.visits(book, EVERY, what)["inspection_id"]) == ["W-5"]


def test_the_five_items_count_what_was_left_out_and_what_was_not_stated(book):
    found = asked.five_items(book, EVERY).set_index("item")

    assert list(found.loc["client_maintained"]) == [1, 1, 0]
    assert list(found.loc["interviewed"]) == [1, 0, 1]
    assert list(found.loc["maintained"]) == [2, 0, 0]
    for item in asked.ITEMS:
        for answer in asked.ANSWERS:
            rows = asked.visits(book, EVERY, Visits(item=item, answer=answer))
            assert len(rows) == found.loc[item, answer]


def test_report_days_findings_and_approvals_open_exactly_their_visits(book):
    taken = asked.report_days(book, EVERY)
    assert taken.to_dict("list") == {"days": [2, 9], "visits": [2, 1], "late": [0, 1]}
    for days, count in zip(taken["days"], taken["visits"], strict=True):
        assert asked.visit_count(book, EVERY, Visits(days=int(days))) == count

    found = asked.findings(book, EVERY)
    assert found.to_dict("list") == {
        "month": ["2026-01", "2026-02", "2026-03"],
        "visits": [2, 2, 2],
        "stated": [1, 2, 1],
        "findings": [2, 3, 1],
    }
    for month, count in zip(found["month"], found["findings"], strict=True):
        assert asked.visits(book, EVERY, Visits(month=month))["findings"].sum() == count

    approved = asked.approval_days(book, EVERY)
    assert approved.to_dict("list") == {"days": [-1, 5], "visits": [1, 1], "late": [1, 0]}
    assert list(asked.visits(book, EVERY, Visits(lead=-1))["inspection_id"]) == ["L-3"]
    assert asked.visit_count(book, EVERY, Visits(unapproved=True)) == 0


def test_a_visit_to_an_unknown_department_names_the_closest_and_what_it_would_explain(book):
    found = asked.unlisted(book, EVERY)

    assert found[["department", "visits", "missed"]].values.tolist() == [["<b>Labs</b>", 1, 1]]
    assert found["alike"][0] == ["<b>Lab</b>"]
    place = Selection("C-1", "<b>Labs</b>")
    rows = asked.visits(book, place, Visits(unlisted=True))
    assert list(rows["inspection_id"]) == ["L-1"]


def test_the_selection_narrows_the_visits(book):
    march = Selection(first="2026-03", last="2026-03")

    assert asked.visit_count(book, march, Visits()) == 2
    assert asked.visit_count(book, Selection(department="Ward"), Visits()) == 3
    assert asked.visit_count(book, Selection(contract="C-9"), Visits()) == 0


def test_the_legend_opens_the_missed(open_page):
    app = open_page()
    missed = app.button(key="legend_calendar_breached")
    assert missed.label.endswith("Missed 1")

    missed.click().run()
    assert not app.exception
    assert "1 rows" in html(app)


def test_the_switch_shows_the_windows(open_page):
    app = open_page()
    app.segmented_control(key="inspections_kind").set_value("windows").run()

    assert not app.exception
    assert "Missed 2" in app.button(key="legend_calendar_breached").label
    assert "Late 1" in app.button(key="legend_calendar_breached").label


def test_names_from_the_log_are_text(open_page):
    assert "<b>Lab" not in html(open_page())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_log_that_was_never_loaded_is_said_and_never_done(open_page, tmp_path, language):
    app = open_page(make(tmp_path, **FILES), lang=language)

    assert not app.exception
    assert words(language)("inspections.not_loaded") in html(app)
    assert app.button(key="legend_calendar_unknown").label.endswith(" 8")
    with pytest.raises(KeyError):
        app.button(key="legend_calendar_met")
