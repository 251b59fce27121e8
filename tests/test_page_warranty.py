"""Warranty: what ends when, counted by hand, and the units that each number opens."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import navigation, queries
from dashboard.components import warranty as parts
from dashboard.queries import Book, Selection
from dashboard.queries import unit as one_unit
from dashboard.queries import warranty as asked
from dashboard.queries.warranty import Units
from dashboard.texts import words
from etl.intake.load import load
from tests import dashboard_data

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
FILES = {
    "contracts.csv": """contract_id,name,amount,accepted_on
C-1,One,1000,2025-03-15
C-2,Two,1000,2025-09-01
""",
    "equipment.csv": """\
equipment_id,contract_id,department,category,accepted_on,retired_on,warranty_until,replaces_equipment_id
EXTENDED,C-1,ICU,Pump,2025-03-15,,2026-07-13,
PERHAPS,C-2,ICU,Pump,2025-09-01,,2026-09-01,
SHORT,C-1,Ward,Pump,2025-08-20,,2026-08-10,
CHAIN,C-2,Ward,Pump,2025-10-01,,2026-10-01,
REPLACE,C-2,Ward,Pump,2025-10-10,,2026-10-10,
LATER,C-2,ICU,Pump,2026-08-01,,2027-08-01,
UNSTATED,C-1,ICU,Pump,2026-08-01,,,
NEW,C-2,ICU,Pump,,,,
RETIRED,C-1,ICU,Pump,2025-03-15,2026-01-01,2026-03-15,
""",
    "tickets.csv": """ticket_id,equipment_id,channel,service_type,work_stopped,\
unrecoverable,problem_code,outcome,reported_at,resolved_at
T-1,EXTENDED,phone,hardware_fault,yes,yes,,fixed,2026-03-10 08:00:00,2026-03-10 09:00:00
T-2,EXTENDED,phone,hardware_fault,yes,yes,,fixed,2026-05-01 08:00:00,2026-05-01 09:00:00
T-3,EXTENDED,phone,hardware_fault,yes,yes,,fixed,2026-08-01 08:00:00,2026-08-01 09:00:00
T-4,PERHAPS,phone,hardware_fault,,yes,,fixed,2026-06-01 08:00:00,2026-06-01 09:00:00
T-5,CHAIN,phone,hardware_fault,no,no,P-1,not_fixed,2026-07-01 08:00:00,2026-07-01 09:00:00
T-6,CHAIN,phone,hardware_fault,no,no,P-2,not_fixed,2026-07-02 08:00:00,2026-07-02 09:00:00
T-7,CHAIN,phone,hardware_fault,no,no,P-2,fixed,2026-07-03 08:00:00,2026-07-03 09:00:00
T-8,REPLACE,phone,hardware_fault,no,no,P-1,not_fixed,2026-05-01 08:00:00,2026-05-01 09:00:00
T-9,REPLACE,phone,hardware_fault,no,no,P-1,not_fixed,2026-06-01 08:00:00,2026-06-01 09:00:00
T-10,LATER,phone,consultation,no,no,,,2026-08-04 08:00:00,2026-08-05 08:00:00
""",
}  # fmt: skip
EVERYONE = Units()
Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("warranty")
    (folder / "exports").mkdir()
    for name, text in FILES.items():
        (folder / "exports" / name).write_text(text, encoding="utf-8")
    load(dashboard_data.settings(folder / "warehouse"), [folder / "exports"])
    return folder / "warehouse"


@pytest.fixture(scope="module")
def book(warehouse: Path) -> Iterator[Book]:
    """The data as of its horizon: 2026-08-05."""
    yield queries.book(dashboard_data.settings(warehouse))
    st.cache_resource.clear()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, warehouse: Path) -> Open:
    def opened(**query: str) -> AppTest:
        entry = next(entry for entry in navigation.PAGES if entry.path == "warranty")
        monkeypatch.setattr(navigation, "chosen", lambda _words: entry)
        monkeypatch.setenv("KEPT_WAREHOUSE", str(warehouse))
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in {"lang": "en", **query}.items():
            app.query_params[name] = value
        return app.run()

    return opened


def html(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def names(frame: pd.DataFrame) -> list[str]:
    return list(frame["equipment_id"])


def test_what_ends_in_the_months_ahead(book):
    found = asked.expiries(book, EVERYONE, asked.months_ahead(book)).set_index("month")

    # CHAIN and REPLACE end in October, where PERHAPS may come too.
    assert list(found.index[:3]) == ["2026-08", "2026-09", "2026-10"]
    assert list(found["base_expires_on"][:3]) == [1, 1, 2]
    assert list(found["expires_on"][:3]) == [1, 1, 2]
    assert list(found["possible_expires_on"][:3]) == [1, 0, 3]
    assert asked.count(book, asked.later(book, EVERYONE, list(found.index))) == 2


def test_what_has_ended_by_as_of_is_not_ahead(book, warehouse):
    march = queries.book(dashboard_data.settings(warehouse), date(2026, 3, 12))
    found = asked.expiries(march, EVERYONE, asked.months_ahead(march)).set_index("month")

    # EXTENDED ends on 15 March without, on 14 May with the event of 10 March.
    assert found.loc["2026-03", "base_expires_on"] == 1
    assert found.loc["2026-03", "expires_on"] == 0
    assert found.loc["2026-05", "expires_on"] == 1


@pytest.mark.parametrize("everyone", [EVERYONE, Units("C-2"), Units(department="Ward")])
@pytest.mark.parametrize("basis", asked.BASES)
def test_a_month_opens_exactly_its_units(book, everyone, basis):
    months = asked.months_ahead(book)
    for one in asked.expiries(book, everyone, months).to_dict("records"):
        units = asked.ending(book, everyone, basis, one["month"])
        assert len(asked.rows(book, units)) == asked.count(book, units) == one[basis]


def test_the_months_and_what_is_later_are_all_in_warranty(book):
    months = asked.months_ahead(book)
    ahead = int(asked.expiries(book, EVERYONE, months)["expires_on"].sum())
    later = asked.count(book, asked.later(book, EVERYONE, months))

    assert ahead + later == asked.count(book, EVERYONE.but(status="in_warranty")) == 6


def test_days_left_share_out_the_units_in_warranty(book):
    counted = [asked.count(book, asked.left(book, EVERYONE, *reach)) for reach in asked.LEFT]

    assert counted == [2, 1, 1, 0, 2]
    assert names(asked.rows(book, asked.left(book, EVERYONE, 0, 30))) == ["SHORT", "PERHAPS"]
    assert list(asked.rows(book, EVERYONE.but(find="short"))["days_left"]) == [15]


@pytest.mark.parametrize(
    ("kind", "units"),
    [
        ("extended", ["EXTENDED"]),
        ("perhaps_extended", ["PERHAPS"]),
        ("shortened", ["SHORT"]),
        ("unproven", ["PERHAPS", "UNSTATED"]),
    ],
)
def test_a_kind_of_units_is_counted_as_it_is_listed(book, kind, units):
    meant = EVERYONE.but(kind=kind)

    assert sorted(names(asked.rows(book, meant))) == units
    assert asked.count(book, meant) == len(units)


def test_the_register_shortens_by_days_and_agrees_with_the_ledger(book):
    short = asked.rows(book, EVERYONE.but(kind="shortened"))
    held = queries.tally(book, Selection(clauses=("warranty.term",)))

    assert list(short["short_days"]) == [10]
    assert held["breached"] == len(short)
    assert held["unknown"] == asked.count(book, EVERYONE.but(kind="unproven"))


def test_each_extension_names_its_ticket_and_what_it_does(book):
    found = asked.extensions(book, EVERYONE)

    assert list(zip(found["ticket_id"], found["effect"], strict=True)) == [
        ("T-3", "too_late"),
        ("T-4", "may_count"),
        ("T-2", "counts"),
        ("T-1", "counts"),
    ]


def test_the_ledger_of_a_unit_adds_up_to_its_expiry(book):
    found = one_unit.extensions(book, "EXTENDED")
    unit = one_unit.unit(book, "EXTENDED").iloc[0]

    spans = [
        (one["from_on"].date(), one["until_on"].date())
        for one in found[found["counts"]].to_dict("records")
    ]
    assert spans == [
        (date(2026, 3, 16), date(2026, 5, 14)),
        (date(2026, 5, 15), date(2026, 7, 13)),
    ]
    assert unit["expires_on"].date() == spans[-1][1]
    assert pd.isna(found.iloc[2]["until_on"])
    perhaps = one_unit.extensions(book, "PERHAPS").iloc[0]
    assert perhaps["until_on"].date() == date(2026, 10, 31)


def test_a_replacement_not_made_is_overdue_once_its_day_has_passed(book):
    found = asked.replacements(book, Selection())

    assert list(zip(found["equipment_id"], found["stage"], strict=True)) == [("REPLACE", "overdue")]
    assert found["due_on"].iloc[0].date() == date(2026, 7, 1)
    assert found["late_days"].iloc[0] == 35
    assert found["problem_code"].iloc[0] == "P-1"


def test_one_more_failure_means_replacement_where_the_last_repair_failed(book, warehouse):
    found = asked.chains(book, Selection())

    assert list(zip(found["equipment_id"], found["problem_code"], strict=True)) == [
        ("CHAIN", "P-1")
    ]
    assert found["run"].iloc[0] == 1
    assert asked.chains(book, Selection(department="ICU")).empty
    ended = queries.book(dashboard_data.settings(warehouse), date(2026, 10, 2))
    assert asked.chains(ended, Selection()).empty


def test_units_come_in_pages_that_leave_none_out(book):
    every = [
        name for n in range(0, 9, 2) for name in names(asked.rows(book, EVERYONE, skip=n, limit=2))
    ]

    assert len(every) == len(set(every)) == 9
    assert every[0] == "SHORT"


def test_the_page_counts_what_one_counts_by_hand(open_page):
    app = open_page()
    values = {metric.label: metric.value for metric in app.metric}

    assert not app.exception
    said = words("en")
    assert values[said("warranty.in_warranty")] == "6"
    assert values[said("warranty.in_30")] == "2"
    assert values[said("warranty.extended")] == "1"
    assert values[said("warranty.to_replace")] == "1"
    assert values[said("warranty.shortened")] == "1"


@pytest.mark.parametrize(
    ("button", "said"),
    [
        ("open_in_warranty", "6 units"),
        ("open_in_30", "2 units"),
        ("open_later", "2 units"),
        ("open_to_replace", "1 rows"),
        ("open_register_unproven", "2 units"),
        ("open_replacement_breached", "1 rows"),
    ],
)
def test_a_number_opens_its_rows(open_page, button, said):
    app = open_page()
    app.button(key=button).click().run()

    assert not app.exception
    assert f"<b>{said}</b>" in html(app)


def test_a_link_reproduces_a_search_and_a_status(open_page):
    app = open_page(find="re", status="in_warranty", contract="C-2")
    found = next(table.value for table in app.dataframe if "days_left" in table.value)

    assert list(found["equipment_id"]) == ["REPLACE"]
    assert app.query_params["status"] in ("in_warranty", ["in_warranty"])
    app = open_page(status="broken")
    assert any("warranty status" in warning.value for warning in app.warning)


def test_every_clause_of_the_page_is_there(open_page, book):
    app = open_page(period="all")
    table = next(table.value for table in app.dataframe if "verdict" in table.value)

    assert len(table) == len(asked.CLAUSES)
    term = queries.tally(book, Selection(clauses=("warranty.term",)))
    row = table[table["clause"] == "Warranty term"].iloc[0]
    assert row["breached"] == term["breached"] == 1


def test_a_unit_says_why_its_warranty_ends_then(open_page):
    app = open_page(unit="EXTENDED")

    assert not app.exception
    for said in ("T-1", "2026-05-14", "T-2", "2026-07-13", "adds none"):
        assert said in html(app)
    assert parts.STILL_OWED == ("overdue", "ahead")
