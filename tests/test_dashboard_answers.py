"""Answers that readers share, sums in memory, and drawings that need no measuring."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from urllib.parse import unquote

import pandas as pd
import pytest
from plotly.io import to_json

from dashboard.charts import bars, trend
from dashboard.charts.figure import Figure
from dashboard.charts.inspections import days as took
from dashboard.charts.margins import settle
from dashboard.charts.sparkline import sparkline
from dashboard.queries.answers import (
    MOST_BOOKS,
    forget_views,
    looked_at,
    per_generation,
    per_view,
)
from dashboard.queries.cube import Cube
from dashboard.theme import LIGHT
from tests.dashboard_data import checked

ROWS = pd.DataFrame(
    {
        "contract_id": ["A", "A", "A", "B", "B"],
        "month": ["2026-01", "2026-02", None, "2026-01", "2026-03"],
        "met": [1, 2, 4, 8, 16],
        "breached": [0, 1, 0, 1, 0],
    }
)


def cube() -> Cube:
    return Cube.of(ROWS, ("met", "breached"))


def test_a_cube_sums_by_its_keys_in_their_order():
    by_contract = cube().sums(("contract_id",), {})
    by_month = cube().sums(("month", "contract_id"), {})

    assert by_contract.values.tolist() == [["A", 7, 1], ["B", 24, 1]]
    assert by_month[["month", "contract_id", "met"]].values.tolist() == [
        ["", "A", 4],
        ["2026-01", "A", 1],
        ["2026-01", "B", 8],
        ["2026-02", "A", 2],
        ["2026-03", "B", 16],
    ]


@pytest.mark.parametrize(
    ("among", "first", "last", "met"),
    [
        ({}, None, None, 31),
        ({"contract_id": ("A",)}, None, None, 7),
        ({"month": ("",)}, None, None, 4),
        ({"contract_id": ("C",)}, None, None, 0),
        ({}, "2026-02", None, 18),
        ({}, None, "2026-01", 9),
        ({"contract_id": ("A", "B")}, "2026-01", "2026-02", 11),
    ],
)
def test_a_cube_is_narrowed_and_what_has_no_month_is_in_no_period(among, first, last, met):
    assert cube().sums((), among, first, last)["met"].tolist() == [met]


def test_a_cube_with_nothing_inside_gives_no_rows():
    found = cube().sums(("contract_id",), {"contract_id": ("C",)})

    assert found.empty
    assert list(found.columns) == ["contract_id", "met", "breached"]


def test_an_answer_is_asked_once_and_forgotten_with_its_view():
    asked = []

    @per_view()
    def view(what: str, _settings: object = None) -> str:
        asked.append(what)
        return what

    @per_generation
    def generation(what: str) -> str:
        asked.append(what)
        return what

    for _ in range(2):
        assert (view("a", object()), generation("b")) == ("a", "b")
    forget_views()
    assert (view("a", object()), generation("b")) == ("a", "b")
    assert asked == ["a", "b", "a"]


def test_answers_about_books_that_nobody_looks_at_are_forgotten():
    class Book(str):
        """Stands for a book."""

    asked = []

    @per_view()
    def view(book: Book, what: str) -> str:
        asked.append((book, what))
        return what

    @per_generation
    def compared(now: Book, *, then: Book | None = None) -> str:
        asked.append((now, then))
        return "compared"

    old, new = Book("old"), Book("new")
    for book in (old, new):
        looked_at(book)
        view(book, "a")
        compared(book, then=None)
    compared(new, then=old)
    asked.clear()
    for n in range(MOST_BOOKS - 1):  # and `new` is one
        looked_at(Book(str(n)))
        looked_at(new)

    assert (view(new, "a"), compared(new, then=None)) == ("a", "compared")
    assert asked == []
    view(old, "a")
    compared(new, then=old)
    assert asked == [(old, "a"), (new, old)]


def test_nobody_sees_what_another_does_to_a_frame():
    @per_view()
    def view() -> pd.DataFrame:
        return pd.DataFrame({"n": [1, 2]})

    mine = view()
    mine.loc[0, "n"] = 100
    mine["more"] = 1

    assert view().to_dict("list") == {"n": [1, 2]}


def test_readers_who_ask_at_once_wait_for_one_answer():
    asked, told = [], Event()

    @per_view()
    def view(what: str) -> str:
        asked.append(what)
        told.wait(10)
        return what

    with ThreadPoolExecutor(4) as readers:
        waiting = [readers.submit(view, "a") for _ in range(4)]
        told.set()
        assert [one.result(10) for one in waiting] == ["a"] * 4
    assert asked == ["a"]


def rated(*labels: str, said: str = "50%") -> Figure:
    rows = len(labels)
    frame = pd.DataFrame(
        {
            "key": labels,
            "label": labels,
            "rate": [0.5] * rows,
            "said": [said] * rows,
            "hover": [""] * rows,
            "tone": [""] * rows,
            "target": [1.0] * rows,
        }
    )
    return bars(frame, LIGHT)


def test_the_room_for_labels_is_decided_beforehand():
    def drawn(*labels: str, said: str = "50%"):
        figure = rated(*labels, said=said)
        settle(figure)
        return checked(figure).layout

    short, wide = drawn("ICU"), drawn("重症医学科")
    long = drawn("a department with a name that nobody can read at one go")

    assert short.margin.l < wide.margin.l < long.margin.l <= 210
    assert long.yaxis.ticktext[0].endswith("…")
    assert not short.xaxis.automargin
    assert not short.yaxis.automargin
    assert short.margin.b == 0  # this chart has no labels below
    assert drawn("ICU", said="94.9%  16,134 / 17,002").margin.r > 2 * short.margin.r


def test_a_figure_has_nothing_that_looks_changed_when_it_is_handed_over_again():
    days = pd.DataFrame({"days": [1, 2], "visits": [3, 4], "late": [0, 1], "hover": ["", ""]})
    for figure in (rated("ICU"), took(days, LIGHT, limit=None, limit_label="")):
        sent = json.loads(to_json(settle(figure, 300), validate=False))

        assert "template" not in sent["layout"]
        assert sent["layout"]["datarevision"]
        assert sent["layout"]["clickmode"] == "event+select"  # what Streamlit would set
        assert sent["layout"]["height"] == 300
        assert all(isinstance(one[axis], list) for one in sent["data"] for axis in "xy")
    assert sent["data"][0]["text"] == ["3", "4"]


def test_a_line_below_its_target_is_drawn_in_parts_of_two_colours():
    rates = [0.9, 1.0, 0.9, 1.0]
    frame = pd.DataFrame(
        {
            "key": ["1", "2", "3", "4"],
            "label": ["1", "2", "3", "4"],
            "rate": rates,
            "low": rates,
            "high": rates,
            "hover": [""] * 4,
        }
    )
    figure = checked(trend(frame, LIGHT, targets=[(0.95, "")], partial_label=None))
    lines = {one.line.color: list(one.x) for one in figure.data if one.mode == "lines"}

    assert lines[LIGHT.bad.line] == pytest.approx(
        [0, 0.5, None, 1.5, 2, None, 2, 2.5, None], nan_ok=True
    )
    assert lines[LIGHT.accent] == pytest.approx(
        [0.5, 1, None, 1, 1.5, None, 2.5, 3, None], nan_ok=True
    )


def test_a_sparkline_runs_from_edge_to_edge_between_its_least_and_most():
    line = unquote(sparkline([0.5, 1.0, 0.75], LIGHT.bad))
    level = unquote(sparkline([3, 3], LIGHT.good))
    columns = unquote(sparkline([0, 2], LIGHT.warn, bars=True))

    assert "M0.0,40.0 50.0,2.0 100.0,21.0" in line
    assert LIGHT.bad.line in line
    assert "M0.0,21.0 100.0,21.0" in level
    assert "M25.0,40V40.0M75.0,40V2.0" in columns
