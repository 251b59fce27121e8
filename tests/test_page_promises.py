"""The promises page: the whole letter has its place, and what is said of a clause is so."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import navigation, queries
from dashboard.components.promises_letter import SHOWN_ON
from dashboard.queries import Book, Selection
from dashboard.queries import promises as asked
from dashboard.texts import words
from etl.catalogue import LANGUAGES, catalogue
from etl.ledger import models
from tests import dashboard_data

APP = Path(__file__).parent.parent / "dashboard" / "app.py"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dashboard_data.make_warehouse(tmp_path_factory.mktemp("promises"))


@pytest.fixture(scope="module")
def book(warehouse: Path) -> Iterator[Book]:
    yield queries.book(dashboard_data.settings(warehouse))
    st.cache_resource.clear()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, warehouse: Path) -> Callable[..., AppTest]:
    def opened(**query: str) -> AppTest:
        entry = next(entry for entry in navigation.PAGES if entry.path == "promises")
        monkeypatch.setattr(navigation, "chosen", lambda _words: entry)
        monkeypatch.setenv("KEPT_WAREHOUSE", str(warehouse))
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in {"lang": "en", "period": "all", **query}.items():
            app.query_params[name] = value
        return app.run()

    return opened


def html(app: AppTest) -> str:
    return unescape(" ".join(str(element.proto.body) for element in app.get("html")))


def listed(app: AppTest) -> list[str]:
    """The titles in the list of clauses."""
    return list(next(one.value for one in app.dataframe if "title" in one.value)["title"])


@pytest.mark.parametrize(
    ("wanted", "group", "assumed_only", "found"),
    [
        ("", None, False, 48),
        ("", None, True, 7),
        ("", "inspection", False, 6),
        ("", "inspection", True, 1),
        ("30 分钟", None, False, 1),
        ("CODE OF conduct", None, False, 1),
        ("no such words", None, False, 0),
    ],
)
def test_clauses_are_found_by_their_words(wanted, group, assumed_only, found):
    assert len(asked.matching(wanted, group, assumed_only=assumed_only)) == found


def test_a_quote_is_found_however_its_lines_are_broken():
    broken = "在 30 分钟内进行\n响应并提出"
    assert [one.id for one in asked.matching(broken, None, assumed_only=False)] == ["sla.response"]


def test_the_list_says_of_each_clause_what_the_other_pages_say(book):
    for selection in (Selection(), Selection("C-1", first="2026-06", last="2026-06")):
        found = asked.listing(book, selection).set_index("clause")
        assert list(found.index) == list(catalogue().clauses)
        for clause in found.index:
            assert found.loc[clause, "verdict"] == queries.verdict_in_view(book, selection, clause)
            counted = queries.tally(book, selection.but(clauses=(clause,)))
            assert {state: found.loc[clause, state] for state in counted} == counted


def test_terms_say_their_value_where_it_comes_from_and_for_whom(book):
    names = ("response_minutes", "report_days", "sla.response.target")
    found = asked.terms_in_force(book, Selection(), names).set_index("term")

    assert list(found.loc["response_minutes"]) == [Decimal(30), False, False, ["C-1", "C-2"]]
    assert list(found.loc["report_days"]) == [Decimal(7), False, True, ["C-1", "C-2"]]
    assert list(found.loc["sla.response.target"]) == [
        Decimal("0.9"), True, False, ["C-1", "C-2"],
    ]  # fmt: skip
    alone = asked.terms_in_force(book, Selection("C-2"), ("penalty_cap",))
    assert alone.values.tolist() == [["penalty_cap", None, False, False, ["C-2"]]]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("clause", ["people.conduct", "inspection.report", "spares.ratio"])
def test_a_link_opens_a_clause_in_full(open_page, clause, language):
    app, found = open_page(clause=clause, lang=language), catalogue().clauses[clause]

    assert not app.exception
    said = html(app)
    assert all(quote in said for quote in (found.quote, *found.also))
    assert found.text.get(language) in said
    assert (words(language)("clause.assumed") in said) == bool(found.assumed_terms)
    assert all(reading.get(language) in said for reading in found.readings)
    assert models()[clause].sql.strip() in [block.value for block in app.code]


def test_the_counts_of_a_clause_open_its_rows(open_page):
    app = open_page(clause="sla.response", contract="C-1")
    app.button(key="legend_promise_breached").click().run()

    assert not app.exception
    assert "6 rows" in html(app)


def test_a_search_narrows_the_list_and_shows_what_it_found(open_page):
    app = open_page()
    assert len(listed(app)) == 48
    app.text_input(key="promises_find").set_value("Visit report").run()

    assert not app.exception
    assert listed(app) == ["Visit report delivered"]
    assert catalogue().clauses["inspection.report"].quote in html(app)


def test_the_filters_narrow_the_list(open_page):
    app = open_page()
    app.toggle(key="promises_assumed").set_value(True).run()
    assert len(listed(app)) == 7
    app.selectbox(key="promises_group").set_value("sla").run()

    assert not app.exception
    assert len(listed(app)) == 3


def test_a_search_without_a_match_says_so(open_page):
    app = open_page()
    app.text_input(key="promises_find").set_value("<b>nothing</b>").run()

    assert not app.exception
    assert words("en")("promises.none_found") in html(app)


def test_every_sentence_of_the_letter_has_its_place(open_page):
    said = html(open_page())
    silent = [one for one in catalogue().sentences if not one.measurable]

    assert all(one.quote in said for one in catalogue().sentences)
    assert said.count(words("en")("promises.not_measurable")) == len(silent) > 0
    assert "kept-pill good" not in said


def test_every_figure_is_shown_with_its_terms_and_its_page(open_page):
    said = html(open_page())

    assert set(SHOWN_ON) == set(catalogue().figures)
    for figure in catalogue().figures.values():
        assert figure.quote in said
        path = SHOWN_ON[figure.id]
        exists = f"page.{path}" in words("en").entries
        assert (f"href='{path}?" in said) == exists
        assert all(catalogue().terms[name].label.en in said for name in figure.terms)
    assert "99%" in said
