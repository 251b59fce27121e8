"""A key figure: rate, counts that open their rows, target, change, and its months."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboard import queries
from dashboard.components import drawer, printing
from dashboard.page import Page
from dashboard.queries import Selection
from dashboard.texts import plain
from etl.catalogue import catalogue

_COLOURS = {"kept": "green", "broken": "red", "undecided": "orange"}


def row(
    page: Page, clauses: tuple[str, ...], others: tuple[Callable[[Page], None], ...] = ()
) -> None:
    """One card for each of `clauses`, for the period in view against the one before; then
    `others`, which draw one card each.
    """
    now = _by_clause(page, page.selection)
    before = _by_clause(page, page.filters.before(page.last_month))
    months = queries.counts(page.book, page.selection, ("clause", "month"))
    with st.grid(len(clauses) + len(others), min_column_width=160, gap="small", key="kpis"):
        for clause in clauses:
            rates = months[(months["clause"] == clause) & months["rate"].notna()]["rate"]
            _card(page, clause, now.get(clause, {}), before.get(clause, {}), list(rates))
        for other in others:
            other(page)


def _by_clause(page: Page, selection: Selection | None) -> dict[str, Mapping[Any, Any]]:
    if selection is None:
        return {}
    counted = queries.counts(page.book, selection, ("clause",))
    return {row["clause"]: row for row in counted.to_dict("records")}


def _card(
    page: Page,
    clause: str,
    now: Mapping[Any, int],
    before: Mapping[Any, int],
    months: Sequence[float],
) -> None:
    words, selection = page.words, page.selection.but(clauses=(clause,))
    title = catalogue().clauses[clause].title.get(words.language)
    targets = queries.targets(page.book, selection, clause)
    due, met = int(now.get("due", 0)), int(now.get("met", 0))
    verdict = queries.verdict_in_view(page.book, selection, clause)
    change = None
    if due and before.get("due"):
        change = Decimal(met) / due - Decimal(int(before["met"])) / int(before["due"])
    with st.container(key=f"kpi_{clause.replace('.', '_')}", height="stretch"):
        rate = words.percent(met, due, *targets)
        printing.figure(clause, title, f"{rate} ({words.counts(met, due)})" if due else rate)
        st.metric(
            plain(title),
            rate,
            delta=None if change is None else words.points(change),
            delta_color=_COLOURS.get(verdict, "gray"),  # type: ignore[arg-type]
            delta_arrow="off" if not change else "up" if change > 0 else "down",
            delta_description=words("kpi.target", share=words.share(*targets)),
            help=words("kpi.help", verdict=catalogue().verdicts[verdict].title.get(words.language)),
            border=True,
            height="stretch",
            chart_data=months if len(months) > 1 else None,
            chart_type="area",
        )
        st.button(
            words.counts(met, due) if due else words("kpi.nothing_due"),
            key=f"open_{clause}",
            type="tertiary",
            disabled=not due,
            help=words("kpi.open", title=plain(title)),
            on_click=drawer.rows,
            args=(title, selection),
        )
