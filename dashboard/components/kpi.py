"""A key figure: rate, counts that open their rows, target, change, and its months."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from dashboard.components import clauses as explained
from dashboard.components import drawer
from dashboard.components.figure import figure
from dashboard.page import Page
from dashboard.queries.key_figures import KeyFigure, key_figures
from dashboard.texts import plain
from etl.catalogue import catalogue

_COLOURS = {"kept": "green", "broken": "red", "undecided": "orange"}


def row(
    page: Page, clauses: tuple[str, ...], others: tuple[Callable[[Page], None], ...] = ()
) -> None:
    """One card for each of `clauses`, for the period in view against the one before; then
    `others`, which draw one card each.
    """
    before = page.filters.before(page.last_month)
    with st.grid(len(clauses) + len(others), min_column_width=160, gap="small", key="kpis"):
        for one in key_figures(page.book, page.selection, before, clauses):
            _card(page, one)
        for other in others:
            other(page)


def _card(page: Page, one: KeyFigure) -> None:
    words, selection = page.words, page.selection.but(clauses=(one.clause,))
    title = catalogue().clauses[one.clause].title.get(words.language)
    counted = words.counts(one.met, one.due)
    rate = words.percent(one.met, one.due, *one.targets)
    figure(
        page,
        one.clause,
        title,
        rate,
        note=None if one.change is None else words.points(one.change),
        beside=words("kpi.target", share=words.share(*one.targets)),
        rises=one.change > 0 if one.change else None,
        colour=_COLOURS.get(one.verdict, "gray"),
        hint=words(
            "kpi.help",
            verdict=explained.no_evidence(page, one.clause, selection.contract, one.verdict)
            or catalogue().verdicts[one.verdict].title.get(words.language),
        ),
        series=one.months,
        foot=counted if one.due else words("kpi.nothing_due"),
        opens=partial(drawer.rows, title, selection) if one.due else None,
        foot_hint=words("kpi.open", title=plain(title)),
        printed=f"{rate} ({counted})" if one.due else None,
    )
