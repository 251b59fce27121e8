"""Availability: figures counted by hand, and the units and faults that each of them opens."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import navigation, queries
from dashboard.charts.availability import availability
from dashboard.queries import Book, Selection
from dashboard.queries import availability as asked
from dashboard.queries import unit as one_unit
from dashboard.texts import words
from dashboard.theme import palette
from etl.catalogue import LANGUAGES
from etl.intake.load import load
from etl.marts import open_marts
from etl.report import report
from etl.reports.sections import management_report
from etl.store import Warehouse
from tests import dashboard_data

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
HOUR = 3600
FILES = {
    "contracts.csv": """contract_id,name,amount,accepted_on
C-1,One,1000,2026-01-01
C-2,Two,1000,2026-01-01
""",
    "terms.csv": """contract_id,term,value
C-2,availability_target,0.5
""",
    # A-2 serves 16 days of January: a mean over units would count it as much as A-1.
    "equipment.csv": """equipment_id,contract_id,department,category,accepted_on
A-1,C-1,ICU,Pump,2026-01-01
A-2,C-1,Ward,Pump,2026-01-16
A-3,C-1,Ward,Pump,
B-1,C-2,ICU,Scanner,2026-01-01
""",
    "tickets.csv": """ticket_id,equipment_id,channel,service_type,work_stopped,\
reported_at,resolved_at,loaner_provided_at,loaner_returned_at
T-1,A-1,phone,hardware_fault,yes,2026-01-10 00:00:00,2026-01-11 00:00:00,2026-01-10 11:30:00,\
2026-01-10 23:30:00
T-2,A-1,phone,hardware_fault,yes,2026-01-10 06:00:00,2026-01-11 06:00:00,,
T-3,A-2,phone,hardware_fault,yes,2026-02-10 00:00:00,2026-02-12 00:00:00,,
T-4,B-1,phone,software_fault,yes,2026-02-20 00:00:00,2026-02-21 00:00:00,,
T-5,B-1,phone,hardware_fault,no,2026-02-25 00:00:00,,,
T-6,B-1,phone,consultation,no,2026-02-28 00:00:00,2026-03-01 00:00:00,,
""",
}  # fmt: skip
C1 = Selection(contract="C-1")
JANUARY = Selection(first="2026-01", last="2026-01")
Open = Callable[..., AppTest]


def make(folder: Path, *left_out: str) -> Path:
    exports = folder / "exports"
    exports.mkdir()
    for name, text in FILES.items():
        if name not in left_out:
            (exports / name).write_text(text, encoding="utf-8")
    load(dashboard_data.settings(folder / "warehouse"), [exports])
    return folder / "warehouse"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("availability"))


@pytest.fixture(scope="module")
def book(warehouse: Path) -> Iterator[Book]:
    yield queries.book(dashboard_data.settings(warehouse))
    st.cache_resource.clear()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, warehouse: Path) -> Open:
    def opened(folder: Path = warehouse, **query: str) -> AppTest:
        entry = next(entry for entry in navigation.PAGES if entry.path == "availability")
        monkeypatch.setattr(navigation, "chosen", lambda _words: entry)
        monkeypatch.setenv("KEPT_WAREHOUSE", str(folder))
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in {"lang": "en", **query}.items():
            app.query_params[name] = value
        return app.run()

    return opened


def html(app: AppTest) -> str:
    return unescape(" ".join(str(element.proto.body) for element in app.get("html")))


def row(book: Book, selection: Selection) -> dict[str, object]:
    return asked.measured(book, selection).to_dict("records")[0]


def test_a_fleet_weighs_its_units_by_their_time(book):
    january = row(book, C1.but(first="2026-01", last="2026-01"))

    assert january["service_seconds"] == (31 + 16) * 24 * HOUR
    assert january["down_seconds"] == 30 * HOUR
    assert january["covered_seconds"] == 12 * HOUR
    assert january["availability"] == pytest.approx(1 - 30 / 1128)
    assert january["availability_with_loaner"] == pytest.approx(1 - 18 / 1128)
    assert january["units"] == 2


def test_repair_and_fault_times_are_sums_divided_by_sums(book):
    found = row(book, C1)

    assert (found["faults"], found["repairs"]) == (3, 3)
    assert found["mttr_seconds"] == (24 + 24 + 48) * HOUR / 3
    assert found["mtbf_seconds"] == ((31 + 16 + 56) * 24 - 78) * HOUR / 3


def test_an_open_fault_is_a_fault_but_no_repair(book):
    found = row(book, Selection(contract="C-2"))

    assert (found["faults"], found["repairs"]) == (1, 0)
    assert pd.isna(found["mttr_seconds"])
    assert found["down_seconds"] == 24 * HOUR


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        C1,
        JANUARY,
        Selection(department="ICU"),
        Selection(category="Pump", first="2026-02", last="2026-02"),
        Selection(first="2027-01", last="2027-02"),
    ],
)
def test_every_figure_opens_exactly_its_units_and_faults(book, selection):
    found, units = row(book, selection), asked.units(book, selection)

    assert len(units) == asked.unit_count(book, selection)
    for name in ("service_seconds", "down_seconds", "covered_seconds"):
        assert units[name].sum() == found[name]
    down = asked.units(book, selection, down_only=True)
    assert list(down["equipment_id"]) == list(units[units["down_seconds"] > 0]["equipment_id"])
    assert len(down) == asked.unit_count(book, selection, down_only=True)
    assert set(down["of_units"]) <= {len(down)}
    for finished, name in ((False, "faults"), (True, "repairs")):
        assert len(asked.faults(book, selection, finished=finished)) == found[name]


@pytest.mark.parametrize("by", ["contract_id", "department", "category", "month"])
def test_every_mark_opens_exactly_its_units(book, by):
    for one in asked.measured(book, Selection(), (by,)).to_dict("records"):
        key = one[by]
        narrowed = (
            Selection(first=key, last=key)
            if by == "month"
            else Selection(**{"contract" if by == "contract_id" else by: key})
        )
        units = asked.units(book, narrowed)
        assert units["down_seconds"].sum() == one["down_seconds"]
        assert units["service_seconds"].sum() == one["service_seconds"]


def test_pages_of_units_leave_none_out(book):
    every = [asked.units(book, Selection(), skip=n, limit=1)["equipment_id"] for n in range(3)]

    assert [list(one) for one in every] == [["A-2"], ["A-1"], ["B-1"]]


def test_the_download_holds_the_same_units(book):
    text = asked.units_csv(book, JANUARY)().decode("utf-8-sig")

    assert [line.split(",")[0] for line in text.split()] == ["equipment_id", "A-1", "A-2", "B-1"]


def test_a_target_is_assumed_until_a_contract_sets_one(book):
    assert asked.targets(book, "C-1") == (Decimal("0.99"),)
    assert asked.targets(book, None) == (Decimal("0.5"), Decimal("0.99"))
    assert asked.assumed(book, "C-1") and asked.assumed(book, None)
    assert not asked.assumed(book, "C-2")


def test_each_contract_is_held_against_its_own_target(book):
    assert asked.standing_in_view(book, C1) == "broken"
    assert asked.standing_in_view(book, Selection(contract="C-2")) == "kept"
    assert asked.standing_in_view(book, Selection()) == "broken"
    assert asked.standing_in_view(book, Selection(first="2027-01", last="2027-01")) == "no_activity"


def test_what_the_ticket_log_does_not_reach_is_not_decided(book, warehouse):
    later = queries.book(dashboard_data.settings(warehouse), date(2026, 3, 15))

    assert asked.ticket_log_through(book, Selection()) is None
    assert asked.ticket_log_through(later, Selection()) == date(2026, 3, 1)
    assert asked.ticket_log_through(later, Selection(first="2026-01", last="2026-02")) is None
    assert asked.standing_in_view(later, Selection(contract="C-2")) == "undecided"


@pytest.mark.parametrize("equipment_id", ["A-1", "A-2", "B-1"])
def test_a_units_life_is_the_sum_of_its_months(book, equipment_id):
    served = one_unit.service(book, equipment_id).to_dict("records")[0]
    months = asked.units(book, Selection()).set_index("equipment_id").loc[equipment_id]

    for name in ("service_seconds", "down_seconds", "covered_seconds", "faults"):
        assert served[name] == months[name]


def test_the_page_says_figures_target_and_change(open_page):
    app = open_page(contract="C-1", period="2026-02..2026-02")
    values = {metric.label: metric for metric in app.metric}
    said = values[words("en")("availability.title")]

    assert not app.exception
    assert said.value == "96.4%"
    assert said.delta == "−0.9 pp"
    assert "99%" in said.proto.delta_description and "assumed" in said.proto.delta_description
    assert app.button(key="open_in_service").label == "Feb 2026"
    assert values[words("en")("availability.in_service")].value == "2"


@pytest.mark.parametrize(
    ("button", "said"),
    [
        ("open_title", "3 units, 3 of them were down"),
        ("open_mttr", "3 rows"),
        ("open_mtbf", "4 rows"),
        ("open_worst", "3 units, 3 of them were down"),
    ],
)
def test_a_figure_opens_what_it_counts(open_page, button, said):
    app = open_page(period="all")
    app.button(key=button).click().run()

    assert not app.exception
    assert said in html(app)


@pytest.fixture(scope="module")
def seasoned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Units accepted on 1 January 2026, with tickets from January to August."""
    return dashboard_data.make_warehouse(tmp_path_factory.mktemp("seasoned"))


def test_early_failures_are_faults_per_unit_and_open_them(seasoned):
    book = queries.book(dashboard_data.settings(seasoned))
    found = asked.early(book, Selection())

    # Ten faults a month on each contract; 1 April is the 90th day, and had none.
    assert found.values.tolist() == [["Monitor", 1, 30, 0, 30.0], ["Scanner", 2, 30, 0, 15.0]]
    for selection in (Selection(), C1, Selection(category="Monitor"), Selection(department="Ward")):
        rows = asked.early_faults(book, selection)
        assert len(rows) == asked.early(book, selection)["faults"].sum() > 0
        assert rows["days"].between(0, 90).all()
    assert list(asked.early_faults(book, Selection())["days"])[:2] == [78, 78]


def test_units_not_seen_through_their_first_90_days_are_not_counted(book, seasoned):
    early = asked.early(book, Selection())
    young = asked.early(queries.book(dashboard_data.settings(seasoned), date(2026, 3, 31)), C1)

    assert (early["units"].sum(), early["faults"].sum(), early["unwatched"].sum()) == (0, 0, 3)
    assert asked.early_faults(book, Selection()).empty
    assert (young["units"].sum(), young["unwatched"].sum()) == (0, 2)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_shows_early_failures_of_whatever_period(open_page, seasoned, language):
    app = open_page(seasoned, lang=language, period="2026-08..2026-08")
    young = open_page(lang=language, period="all")
    said = words(language)

    assert not app.exception and not young.exception
    assert said("availability.early_sub") in html(app)
    assert said("availability.early_nothing") not in html(app)
    assert said("availability.early_nothing") in html(young)


def test_without_a_ticket_log_no_availability_is_claimed(open_page, tmp_path):
    app = open_page(make(tmp_path, "tickets.csv"), period="all")

    assert not app.exception
    assert [metric.value for metric in app.metric][:4] == ["—"] * 4
    assert any(words("en")("availability.no_tickets") in one.value for one in app.warning)


def test_a_link_opens_a_unit(open_page):
    app = open_page(unit="A-1")

    assert not app.exception
    assert words("en")("equipment.ledger") in html(app)
    tickets = next(table.value for table in app.dataframe if "took" in table.value)
    assert list(tickets["ticket_id"]) == ["T-2", "T-1"]
    assert app.query_params["unit"] in ("A-1", ["A-1"])


def test_a_link_to_a_unit_that_is_not_there_says_so(open_page):
    app = open_page(unit="Z-9")

    assert not app.exception
    assert [one.value for one in app.info] == [words("en")("equipment.gone")]


def test_a_unit_that_was_never_accepted_has_no_life_yet(open_page):
    app = open_page(unit="A-3")

    assert not app.exception
    assert words("en")("equipment.not_accepted") in html(app)


@pytest.fixture(scope="module")
def vague(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """V-1 has a fault of May whose end is a day; V-2 a loaner that went on a day; V-3 is clear."""
    folder = tmp_path_factory.mktemp("vague")
    (folder / "contracts.csv").write_text("contract_id,amount,accepted_on\nC-1,1000,2026-05-01\n")
    (folder / "equipment.csv").write_text(
        "equipment_id,contract_id,department,accepted_on\n"
        "V-1,C-1,ICU,2026-05-01\nV-2,C-1,ICU,2026-05-01\nV-3,C-1,ICU,2026-05-01\n"
    )
    (folder / "tickets.csv").write_text(
        "ticket_id,equipment_id,service_type,work_stopped,reported_at,resolved_at,"
        "loaner_provided_at,loaner_returned_at\n"
        "T-1,V-1,hardware_fault,yes,2026-05-10 08:00:00,2026-05-11,,\n"
        "T-2,V-2,hardware_fault,yes,2026-05-10 08:00:00,2026-05-12 08:00:00,"
        "2026-05-10 10:00:00,2026-05-11\n"
        "T-3,V-3,consultation,no,2026-05-31 20:00:00,2026-05-31 23:00:00,,\n"
    )
    load(dashboard_data.settings(folder / "warehouse"), [folder])
    return folder / "warehouse"


def test_a_month_left_open_leaves_each_figure_that_it_touches(vague):
    book = queries.book(dashboard_data.settings(vague))
    found = row(book, Selection())
    service = (30 * 24 + 23) * HOUR

    assert (found["units"], found["open_units"], found["open_seconds"]) == (3, 1, service)
    assert (found["service_seconds"], found["down_seconds"]) == (2 * service, 48 * HOUR)
    assert (found["cover_service_seconds"], found["cover_down_seconds"]) == (service, 0)
    assert found["availability"] == pytest.approx(1 - 48 * HOUR / (2 * service))
    assert found["availability_with_loaner"] == 1
    assert (found["faults"], found["repairs"]) == (2, 1)
    assert len(asked.faults(book, Selection(), finished=True)) == 1


def test_a_unit_with_an_open_month_has_no_downtime(vague):
    book = queries.book(dashboard_data.settings(vague))
    served = {
        one: one_unit.service(book, one).to_dict("records")[0] for one in ("V-1", "V-2", "V-3")
    }

    assert pd.isna(served["V-1"]["down_seconds"]) and pd.isna(served["V-1"]["up_seconds"])
    assert (served["V-1"]["faults"], served["V-1"]["repairs"]) == (1, 0)
    assert served["V-2"]["down_seconds"] == 48 * HOUR
    assert pd.isna(served["V-2"]["covered_seconds"]) and pd.isna(served["V-2"]["served_seconds"])
    assert served["V-3"]["served_seconds"] == served["V-3"]["service_seconds"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_counts_the_months_left_out(open_page, vague, language):
    app = open_page(vague, lang=language)
    said = words(language)

    assert not app.exception
    assert said("availability.left_out", n="1") in [one.value for one in app.caption]
    app.button(key="open_in_service").click().run()
    assert not app.exception


def test_the_drawer_of_a_unit_shows_what_is_open_as_a_dash(open_page, vague):
    app = open_page(vague, unit="V-1")

    assert not app.exception
    for name in ("title", "with_loaner", "down", "mttr"):
        assert f"<span>{words('en')(f'availability.{name}')}</span><b>—</b>" in html(app)


def test_time_between_faults_without_service_is_a_dash(open_page, tmp_path):
    (tmp_path / "contracts.csv").write_text("contract_id,amount\nC-9,1000\n")
    (tmp_path / "equipment.csv").write_text("equipment_id,contract_id,department\nZ-1,C-9,ICU\n")
    (tmp_path / "tickets.csv").write_text(
        "ticket_id,equipment_id,service_type,reported_at,resolved_at\n"
        "T-1,Z-1,hardware_fault,2026-03-02 09:00:00,2026-03-02 12:00:00\n"
    )
    load(dashboard_data.settings(tmp_path / "warehouse"), [tmp_path])
    app = open_page(tmp_path / "warehouse")
    values = {metric.label: metric.value for metric in app.metric}

    assert not app.exception
    assert values[words("en")("availability.mtbf")] == "—"
    assert values[words("en")("availability.title")] == "—"
    assert values[words("en")("availability.mttr")] == "3.0 h"


def test_reports_count_the_months_left_out_and_show_nothing_as_a_dash(vague):
    settings = dashboard_data.settings(vague)
    figures = report(open_marts(settings))["contracts"]["C-1"]["availability"]
    said = management_report(open_marts(settings), Warehouse(settings).manifest(), "en")
    section = next(one for one in said.sections if one.key == "availability")

    assert figures["open_unit_months"] == 1
    assert figures["availability"] == pytest.approx(1 - 48 / (2 * (30 * 24 + 23)))
    assert figures["availability_with_loaner"] == 1
    assert (figures["mttr_hours"], figures["mtbf_hours"]) == (48, 2 * (30 * 24 + 23) - 48)
    assert "1 unit-months are left out" in section.note
    assert section.rows[-1][3] == 1


def test_a_month_without_a_known_loaner_breaks_no_line():
    frame = pd.DataFrame(
        {
            "key": ["2026-05", "2026-06"],
            "label": ["May", "June"],
            "rate": [0.99, 0.98],
            "with_loaner": [float("nan"), float("nan")],
            "hover": ["", ""],
        }
    )
    figure = availability(
        frame,
        palette(None),
        targets=[(0.99, "")],
        loaner_label="with loaner",
        partial_label=None,
    )

    assert dashboard_data.checked(figure)
