"""The key figures of the spares."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard import queries
from dashboard.components import aside, drawer, spares_stock
from dashboard.components.figure import figure
from dashboard.page import Page
from dashboard.queries import spares
from dashboard.queries.spares import Stock
from dashboard.texts import plain

_COLOURS = {"met": "green", "breached": "red", "unknown": "orange"}


def row(page: Page) -> None:
    """On hand, units in service, the ratio of the last day; days below and unknown in view."""
    with st.grid(5, min_column_width=160, gap="small", key="kpis"):
        _on_hand(page)
        _units(page)
        _ratio(page)
        _days(page, "breached")
        _days(page, "unknown")


def _card(
    page: Page,
    key: str,
    title: str,
    value: str,
    note: str,
    button: str,
    opens: Callable[[], None] | None,
    *,
    state: str = "",
    series: Sequence[float] = (),
    bars: bool = False,
) -> None:
    figure(
        page,
        key,
        title,
        value,
        note=plain(note) or None,
        colour=_COLOURS.get(state, "gray"),
        series=series,
        bars=bars,
        foot=button,
        opens=opens,
    )


def _on_hand(page: Page) -> None:
    words, which = page.words, Stock(page.filters.contract)
    held = spares.stock(page.book, which)
    title, known = words("spares.on_hand"), held["parts"] > 0
    note = words("spares.and_open", n=words.number(held["open_on_hand"]))
    series = spares.series(page.book, page.selection)["on_hand"].dropna()
    _card(
        page,
        "on_hand",
        title,
        words.number(held["on_hand"]) if known else "—",
        note if held["open_on_hand"] else words("spares.at_local") if known else "",
        words("spares.of_parts", n=words.number(int(held["parts"]))),
        (lambda: aside.open_with(title, spares_stock.listed, which)) if known else None,
        series=list(series),
    )


def _units(page: Page) -> None:
    words, which = page.words, Stock(page.filters.contract)
    count = spares.count_units(page.book, which)
    needed = spares.today(page.book, page.filters.contract)["needed"]
    title = words("spares.units")
    _card(
        page,
        "units",
        title,
        words.number(count),
        words("spares.needed", n=words.number(needed)) if count else "",
        words("spares.open_units"),
        (lambda: aside.open_with(title, spares_stock.units, which)) if count else None,
        series=list(spares.series(page.book, page.selection)["units"]),
    )


def _ratio(page: Page) -> None:
    """Of one contract its ratio, of several how many of them keep to theirs."""
    words, contract = page.words, page.filters.contract
    now = spares.today(page.book, contract)
    title = words("spares.ratio_now")
    if not now["contracts"]:
        _card(page, "ratio", title, "—", "", words("kpi.nothing_due"), None)
        return
    targets = spares.promised(page.book, page.selection)
    selection = spares.between(
        page.selection, contract, page.book.as_of.date(), page.book.as_of.date()
    )
    one = now["contracts"] == 1
    state = next((one for one in ("breached", "unknown", "met") if now[one]), "excluded")
    _card(
        page,
        "ratio",
        title,
        spares_stock.percent(page, now["on_hand"], now["units"], *targets)
        if one
        else words.counts(int(now["met"]), int(now["contracts"])),
        words("spares.promised", share=words.share(*targets)),
        words("spares.open_day")
        if one
        else words("spares.contracts_met", n=int(now["met"]), all=int(now["contracts"])),
        lambda: drawer.rows(title, selection),
        state=state,
        series=list(spares.series(page.book, page.selection)["ratio"].dropna()) if one else (),
    )


def _days(page: Page, state: str) -> None:
    words = page.words
    selection = spares.ratios(page.selection)
    counted = queries.counts(page.book, selection)
    months = queries.counts(page.book, selection, ("month",))
    days, due = int(counted[state].iloc[0]), int(counted["due"].iloc[0])
    title = words(f"spares.days_{state}")
    _card(
        page,
        f"days_{state}",
        title,
        words.number(days) if due else "—",
        words("spares.of_days", n=words.number(due)) if due else "",
        words("spares.open_days") if days else words("spares.no_days"),
        (lambda: drawer.rows(title, selection.but(states=(state,)))) if days else None,
        state=state if days else "met" if due else "",
        series=list(months[state]),
        bars=True,
    )
