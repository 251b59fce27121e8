"""The page of spares: its figures, on a stock that can be counted by hand, and what they open."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import navigation, queries
from dashboard.charts import spares as figures
from dashboard.queries import STATES, Book, Selection, spares
from dashboard.queries.spares import CHARGES, Stock
from dashboard.texts import words
from dashboard.theme import LIGHT
from etl.intake.load import load
from tests import dashboard_data
from tests.dashboard_data import checked

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
CONTRACTS = """contract_id,amount,accepted_on
C-1,1000000,2026-01-01
C-2,500000,2026-01-01
"""
# Two of C-1's four units are scanners, two monitors; half as many spares are promised as units.
EQUIPMENT = """equipment_id,contract_id,department,category,accepted_on
U-1,C-1,Ward,Scanner,2026-01-01
U-2,C-1,Ward,Scanner,2026-01-01
U-3,C-1,Ward,Monitor,2026-01-01
U-4,C-1,Ward,Monitor,2026-01-01
U-5,C-2,=Desk,Monitor,2026-01-01
U-6,C-2,=Desk,Monitor,2026-01-01
"""
TERMS = """contract_id,term,value
C-1,spares_ratio,0.5
C-2,spares_ratio,0.5
C-2,warranty_months,1
"""
TICKETS = """ticket_id,equipment_id,service_type,reported_at
T-1,U-5,hardware_fault,2026-03-02 08:00
T-2,U-5,hardware_fault,2026-03-03 08:00
T-3,U-6,hardware_fault,2026-03-04 08:00
"""
# C-1 has 3 until 9 January, 1 from the 10th (below 2), perhaps 2 from the 20th, 3 from the 25th.
PARTS = """\
movement_id,contract_id,part_no,part_name,category,location,moved_at,kind,quantity,ticket_id,unit_cost,unit_price
M01,C-1,A,Lamp,Scanner,local,2026-01-01 08:00,count,3,,100,
M02,C-1,A,Lamp,Scanner,local,2026-01-10 08:00,issue,2,,120,
M03,C-1,A,,Scanner,,2026-01-20 08:00,receipt,1,,,
M04,C-1,A,Lamp,Scanner,local,2026-01-25 08:00,receipt,2,,120,
M05,C-1,R,Belt,,remote,2026-01-26 08:00,receipt,9,,7,
M11,C-2,B,=Fuse,,local,2026-01-05 08:00,count,9,,50,
M12,C-2,B,=Fuse,,local,2026-03-03 08:00,issue,1,T-1,50,50
M13,C-2,B,=Fuse,,local,2026-03-04 08:00,issue,1,T-2,50,60
M14,C-2,B,=Fuse,,local,2026-03-05 08:00,issue,1,T-3,50,
M15,C-2,B,=Fuse,,local,2026-03-31 12:00,count,6,,50,
"""
FILES = {"contracts": CONTRACTS, "equipment": EQUIPMENT, "terms": TERMS, "tickets": TICKETS}
QUARTER = Selection(first="2026-01", last="2026-03")


def make(folder: Path, files: dict[str, str]) -> Path:
    (folder / "exports").mkdir()
    for name, text in files.items():
        (folder / "exports" / f"{name}.csv").write_text(text, encoding="utf-8")
    load(dashboard_data.settings(folder / "warehouse"), [folder / "exports"])
    return folder / "warehouse"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("spares"), {**FILES, "parts": PARTS})


@pytest.fixture(scope="module")
def book(warehouse: Path) -> Iterator[Book]:
    yield queries.book(dashboard_data.settings(warehouse))
    st.cache_resource.clear()


def opened(monkeypatch: pytest.MonkeyPatch, warehouse: Path, **query: str) -> AppTest:
    entry = next(entry for entry in navigation.PAGES if entry.path == "spares")
    monkeypatch.setattr(navigation, "chosen", lambda _words: entry)
    monkeypatch.setenv("KEPT_WAREHOUSE", str(warehouse))
    app = AppTest.from_file(str(APP), default_timeout=60)
    for name, value in {"lang": "en", "period": "all", **query}.items():
        app.query_params[name] = value
    return app.run()


def html(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def test_the_days_are_those_one_counts_by_hand(book):
    months = queries.counts(book, spares.ratios(QUARTER.but(contract="C-1")), ("month",))

    assert list(months["breached"]) == [10, 0, 0]
    assert list(months["unknown"]) == [5, 0, 0]
    assert list(months["met"]) == [16, 28, 31]


def test_each_day_has_its_ratio_and_its_state(book):
    days = spares.days(book, QUARTER.but(contract="C-1")).set_index("day")
    found = days.loc[pd.to_datetime(["2026-01-09", "2026-01-10", "2026-01-20", "2026-01-25"])]

    assert list(found["on_hand"]) == [3, 1, 1, 3]
    assert list(found["perhaps_on_hand"]) == [3, 1, 2, 4]
    assert list(found["state"]) == ["met", "breached", "unknown", "met"]
    assert list(found["ratio"]) == [0.75, 0.25, 0.25, 0.75]
    assert set(days["needed"]) == {2} and set(days["width"]) == {1}
    before = spares.days(book, QUARTER.but(contract="C-2")).iloc[0]
    assert before["state"] == "unknown" and pd.isna(before["on_hand"])


def test_a_department_does_not_narrow_what_has_none(book):
    assert spares.days(book, spares.ratios(QUARTER.but(department="Ward"))).equals(
        spares.days(book, spares.ratios(QUARTER))
    )


def test_a_day_opens_its_own_obligation_and_a_stretch_its_own_days(book):
    one = spares.between(QUARTER, "C-1", date(2026, 1, 10), date(2026, 1, 10))
    rows = queries.rows(book, one)
    assert list(rows["subject"]) == ["2026-01-10"] and list(rows["state"]) == ["breached"]

    below = spares.between(QUARTER, "C-1", date(2026, 1, 9), date(2026, 1, 25))
    assert queries.tally(book, below) == {**dict.fromkeys(STATES, 0)} | {
        "met": 2,
        "breached": 10,
        "unknown": 5,
    }


def test_days_put_together_still_show_the_worst_of_them(book, monkeypatch):
    monkeypatch.setattr(spares, "MOST_POINTS", 10)
    days = spares.days.__wrapped__(book, QUARTER.but(contract="C-1"))

    assert len(days) == 10 and set(days["width"]) == {9}
    first, second = days.iloc[0], days.iloc[1]
    assert (first["from_day"], first["until_day"]) == (datetime(2026, 1, 1), datetime(2026, 1, 9))
    assert second["state"] == "breached" and second["day"] == datetime(2026, 1, 10)
    assert list(days["state"])[2:4] == ["breached", "met"]


def test_only_the_worst_contracts_are_drawn_and_all_are_counted(book, monkeypatch):
    monkeypatch.setattr(spares, "MOST_CONTRACTS", 1)
    days = spares.days.__wrapped__(book, QUARTER)

    assert set(days["contract_id"]) == {"C-1"} and set(days["contracts"]) == {2}


def test_the_last_day_over_all_contracts(book):
    now = spares.today(book, None)

    assert (now["contracts"], now["met"], now["units"]) == (2, 2, 6)
    assert (now["needed"], now["on_hand"]) == (3, 9)
    assert spares.promised(book, Selection()) == (Decimal("0.5"),)


@pytest.mark.parametrize(
    ("which", "on_hand", "at_no_place", "parts", "value"),
    [
        (Stock(), 9, 1, 3, 660),
        (Stock("C-1"), 3, 1, 2, 360),
        (Stock("C-2"), 6, 0, 1, 300),
        (Stock(category="Scanner"), 3, 1, 1, 360),
        (Stock(category=""), 6, 0, 2, 300),
    ],
)
def test_what_lies_in_stock_is_the_sum_of_its_parts(
    book, which, on_hand, at_no_place, parts, value
):
    held, rows = spares.stock(book, which), spares.parts(book, which)

    assert (held["on_hand"], held["open_on_hand"], held["cost_value"]) == (
        on_hand, at_no_place, value,
    )  # fmt: skip
    assert held["parts"] == len(rows) == parts
    assert rows["on_hand"].sum() == on_hand


def test_a_part_says_what_was_last_stated_of_it(book):
    lamp = spares.parts(book, Stock("C-1")).set_index("part_no").loc["A"]

    assert (lamp["part_name"], lamp["unit_cost"]) == ("Lamp", 120)
    assert lamp["last_moved_at"] == datetime(2026, 1, 25, 8)


def test_a_category_without_spares_is_short_unless_unnamed_ones_may_be_for_it(book):
    one = spares.categories(book, "C-1").set_index("category")
    assert list(one.loc["Scanner", ["on_hand", "units", "ratio"]]) == [3, 2, 1.5]
    assert list(one.loc["Monitor", ["on_hand", "units", "ratio"]]) == [0, 2, 0]
    assert (one.loc["Monitor", "short"], one.loc["Scanner", "short"]) == (True, False)

    every = spares.categories(book, None).set_index("category")
    assert list(every.loc["Monitor", ["on_hand", "units"]]) == [0, 4]
    assert not every.loc["Monitor", "short"]
    assert every.loc["", "on_hand"] == 6 and pd.isna(every.loc["", "ratio"])


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (Stock(), 10),
        (Stock("C-1", part="A"), 4),
        (Stock(places=("open",)), 1),
        (Stock("C-1", places=("local", "open")), 4),
        (
            Stock(
                "C-1",
                places=("local", "open"),
                first_on=date(2026, 1, 10),
                last_on=date(2026, 1, 20),
            ),
            2,
        ),
        (Stock("C-9"), 0),
    ],
)
def test_movements_and_their_number_are_the_same_ones(book, which, expected):
    assert spares.count_movements(book, which) == len(spares.movements(book, which)) == expected


def test_units_in_service_and_their_number_are_the_same_ones(book):
    for which, expected in ((Stock(), 6), (Stock("C-1", category="Monitor"), 2)):
        assert spares.count_units(book, which) == len(spares.units(book, which)) == expected


def test_no_cell_of_the_movements_is_a_formula(book):
    made = spares.download_movements(book, Stock("C-2"))().decode("utf-8-sig")

    assert "'=Fuse" in made and ",=Fuse" not in made


@pytest.mark.parametrize(
    "selection",
    [QUARTER, QUARTER.but(department="=Desk"), QUARTER.but(last="2026-02"), Selection()],
)
def test_the_charges_are_their_clauses_rows(book, selection):
    held = queries.tally(book, selection.but(clauses=(CHARGES,)))
    for state in STATES:
        assert len(spares.charges(book, selection.but(states=(state,)), limit=50)) == held[state]


def test_a_charge_above_cost_says_by_how_much(book):
    missed = spares.charges(book, QUARTER.but(states=("breached", "unknown")), limit=50)

    assert list(missed["movement_id"]) == ["M14", "M13"]
    assert missed["over"].iloc[1] == 10 and pd.isna(missed["over"].iloc[0])


def test_the_steps_are_red_on_the_days_below_and_broken_where_nothing_is_known():
    frame = pd.DataFrame(
        [
            ("2026-01-01", "2026-01-02", 0.04, ""),
            ("2026-01-02", "2026-01-03", 0.01, "bad"),
            ("2026-01-03", "2026-01-04", None, "warn"),
            ("2026-01-04", "2026-01-05", 0.05, ""),
        ],
        columns=["from_on", "to_on", "rate", "tone"],
    ).assign(panel="C", middle="2026-01-01 12:00", said="5%", hover="", key=[["C", "x"]] * 4)
    figure = checked(
        figures.steps(
            frame, LIGHT, panels=[("C", "C", 0.03, "Target 3%")], ticks=[("2026-01-01", "Jan")]
        )
    )
    lines = {trace.line.color: trace for trace in figure.data if trace.mode == "lines"}

    assert set(lines) == {LIGHT.accent, LIGHT.bad.line, LIGHT.muted}
    top = 0.05 * 1.12
    assert list(lines[LIGHT.bad.line].y) == [0.04 / top, 0.01 / top, 0.01 / top, None]
    assert list(lines[LIGHT.accent].y) == [
        0.04 / top,
        0.04 / top,
        None,
        0.05 / top,
        0.05 / top,
        None,
    ]
    assert figure.layout.yaxis.ticktext == ("0%", "2%", "4%")
    bands = {shape.fillcolor for shape in figure.layout.shapes if shape.type == "rect"}
    assert bands == {LIGHT.warn.line, LIGHT.bad.line}


def test_each_contract_has_its_panel_in_which_its_line_begins_and_ends():
    frame = pd.DataFrame(
        [
            ("A", "2026-01-01", "2026-01-03", 0.06, ""),
            ("B", "2026-01-01", "2026-01-02", None, ""),
            ("B", "2026-01-02", "2026-01-03", 0.6, ""),
        ],
        columns=["panel", "from_on", "to_on", "rate", "tone"],
    ).assign(middle="2026-01-01 12:00", said="", hover="", key=[["x", "y"]] * 3)
    figure = checked(
        figures.steps(
            frame,
            LIGHT,
            panels=[("A", "A", 0.03, ""), ("B", "B", 0.03, "")],
            ticks=[("2026-01-01", "Jan")],
        )
    )
    line = next(one for one in figure.data if one.line.color == LIGHT.accent)
    marks = next(one for one in figure.data if one.mode == "markers")
    second = figure.layout.yaxis.range[1] / 2

    assert list(line.x) == ["2026-01-01", "2026-01-03", None, "2026-01-02", "2026-01-03", None]
    assert list(marks.y) == pytest.approx([second + 1 / 1.12, 0, 1 / 1.12])


@pytest.mark.parametrize(
    ("rate", "target", "ticks"),
    [
        (0.0, 0.0, ("0%", "50%", "100%")),
        (None, 0.0, ("0%", "50%", "100%")),
        (0.03, 0.03, ("0%", "2%", "4%")),
        (30_000.0, 0.03, ("0%", "1,000,000%", "2,000,000%", "3,000,000%")),
    ],
)
def test_a_panel_is_drawn_whatever_the_ratio_and_its_target(rate, target, ticks):
    frame = pd.DataFrame(
        {"panel": ["A"], "from_on": ["2026-01-01"], "to_on": ["2026-01-02"], "tone": [""]}
    ).assign(
        rate=pd.Series([rate], dtype="float64"),
        middle="2026-01-01 12:00",
        said="",
        hover="",
        key=[["A", "x"]],
    )
    figure = checked(
        figures.steps(frame, LIGHT, panels=[("A", "A", target, "")], ticks=[("2026-01-01", "Jan")])
    )

    assert figure.layout.yaxis.ticktext == ticks
    assert len(figure.layout.yaxis.tickvals) == len(ticks)


def test_the_key_figures_and_what_they_open(monkeypatch, warehouse):
    app = opened(monkeypatch, warehouse, contract="C-1")

    assert [metric.value for metric in app.metric] == ["3", "4", "75.0%", "10", "5"]
    app.button(key="open_days_breached").click().run()
    assert not app.exception
    assert "10 rows" in html(app)
    again = opened(monkeypatch, warehouse)
    assert [metric.value for metric in again.metric] == ["9", "6", "2 / 2", "10", "9"]
    again.button(key="open_on_hand").click().run()
    assert not again.exception
    assert "3 parts, 9 at local, 1 at no named place" in html(again)


def test_units_and_movements_without_a_place_open_their_rows(monkeypatch, warehouse):
    app = opened(monkeypatch, warehouse)
    app.button(key="open_units").click().run()
    assert not app.exception and "6 rows" in html(app)

    app = opened(monkeypatch, warehouse)
    app.button(key="open_placeless").click().run()
    assert not app.exception and "1 rows" in html(app)


def test_the_charges_of_a_department_are_counted_and_opened(monkeypatch, warehouse):
    app = opened(monkeypatch, warehouse, department="=Desk")
    button = app.button(key="open_charge_breached")
    assert button.label == "Above cost: 1"
    button.click().run()
    assert not app.exception and "1 rows" in html(app)

    none = opened(monkeypatch, warehouse, department="Ward")
    assert words("en")("spares.no_charges") in html(none)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_log_never_loaded_is_said_and_no_day_is_good(monkeypatch, tmp_path, language):
    app = opened(monkeypatch, make(tmp_path, FILES), lang=language)

    assert not app.exception
    assert words(language)("spares.not_loaded") in html(app)
    assert app.metric[0].value == "—"
    assert app.metric[4].value == words(language).number(2 * 63)
