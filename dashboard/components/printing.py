"""A page on paper: what its cards showed, as a PDF that says from what view it was made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.page import Page
from dashboard.texts import Words
from etl.catalogue import catalogue
from etl.reports.document import document
from etl.reports.sections import Chart, Column, Report, Section
from etl.reports.workbook import workbook
from etl.verdict import IDLE

MOST_ROWS = 60
_NOTED = "printing.noted"
# What the pages need to draw, and a reader of the table does not.
LEFT_OUT = frozenset(
    {
        "counted_faults", "cover_down_seconds", "cover_service_seconds", "currency", "high",
        "known_seconds", "low", "of_all", "of_units", "open_seconds", "rate_upper",
        "repair_seconds", "served_seconds", "term", "up_seconds", "width",
    }
)  # fmt: skip
_SHARES = frozenset(
    {"rate", "ratio", "share", "target", "availability", "availability_with_loaner", "chance"}
)
_DRAWN = ("rate", "availability", "availability_with_loaner")


@dataclass
class _Noted:
    """What the page has drawn so far, by card: a fragment that runs again replaces its own."""

    figures: dict[str, tuple[str, str]] = field(default_factory=dict)
    cards: dict[str, tuple[str, str, pd.DataFrame]] = field(default_factory=dict)


def begin() -> None:
    """Forget what another page drew."""
    st.session_state[_NOTED] = _Noted()


def figure(key: str, title: str, value: str) -> None:
    """Note a key figure as it is shown."""
    _noted().figures[key] = (title, value)


def card(key: str, title: str, subtitle: str, data: pd.DataFrame) -> None:
    """Note the data of a card."""
    _noted().cards[key] = (title, subtitle, data)


def buttons(page: Page, title: str) -> None:
    """The buttons that give the page as a PDF and as a workbook, made when they are pressed."""
    noted, words = _noted(), page.words
    if not noted.cards:
        return
    with st.container(horizontal=True, gap="small", key="printing"):
        for form, icon in (("pdf", "picture_as_pdf"), ("xlsx", "table_view")):
            st.download_button(
                words(f"printed.{form}"),
                data=_made(page, title, noted, form),
                file_name=f"kept-{page.book.as_of:%Y-%m-%d}.{form}",
                key=f"print_{form}",
                on_click="ignore",
                type="tertiary",
                icon=f":material/{icon}:",
                help=words(f"printed.{form}_help"),
            )


def _made(page: Page, title: str, noted: _Noted, form: str) -> Callable[[], bytes]:
    facts = tuple(_facts(page))
    drawn = _Noted(dict(noted.figures), dict(noted.cards))
    if form == "pdf":
        return lambda: document(report(title, page.words, facts, drawn, MOST_ROWS))
    return lambda: workbook(report(title, page.words, facts, drawn))


def report(
    title: str,
    words: Words,
    facts: tuple[tuple[str, str], ...],
    noted: _Noted,
    most_rows: int | None = None,
) -> Report:
    """What was noted, as the sections of a report: the figures first, then a table per card."""
    figures = Section(
        "figures",
        words("printed.figures"),
        "",
        (Column(words("printed.figure")), Column(words("printed.value"))),
        tuple(noted.figures.values()),
    )
    tables = [_section(words, key, *one, most_rows) for key, one in noted.cards.items()]
    sections = tuple(one for one in (figures, *tables) if one.rows)
    return Report(title, words.language, facts, sections)


def _facts(page: Page) -> list[tuple[str, str]]:
    words, view, book = page.words, page.filters, page.book
    first, last = view.months(page.last_month)
    contract = view.contract and f"{view.contract} {queries.contracts(book)[view.contract]}"
    return [
        (words("printed.as_of"), words.instant(book.as_of)),
        (words("printed.horizon"), words.instant(book.horizon_at)),
        (words("printed.contract"), contract or words("printed.every")),
        (words("printed.department"), view.department or words("printed.every")),
        (words("printed.period"), f"{first} – {last}" if first else words("printed.every")),
        (words("printed.rejected"), words.number(book.rejected_rows)),
        (words("printed.waiting"), words.number(book.waiting_rows)),
    ]


def heading(words: Words, name: str) -> str | None:
    """What a column of a card's data is called; None for one that is not printed."""
    if name in LEFT_OUT:
        return None
    if f"column.{name}" in words.entries:
        return words(f"column.{name}")
    for log in catalogue().logs.values():
        if name in log.columns:
            return log.columns[name].label.get(words.language)
    return None


def _section(
    words: Words, key: str, title: str, subtitle: str, data: pd.DataFrame, most_rows: int | None
) -> Section:
    named = {name: said for name in data.columns if (said := heading(words, str(name)))}
    if "verdict" in data:
        data = data[~data["verdict"].isin(IDLE)]
    shown = data[list(named)].iloc[:most_rows].dropna(axis=1, how="all")
    columns = tuple(Column(named[name], _kind(str(name), shown[name])) for name in shown.columns)
    tellers = [partial(_value, words, str(name)) for name in shown.columns]
    rows = tuple(
        tuple(tell(value) for tell, value in zip(tellers, row, strict=True))
        for row in shown.itertuples(index=False, name=None)
    )
    note = subtitle
    if most_rows is not None and len(data) > most_rows:
        left = words("printed.first", n=words.number(most_rows), of=words.number(len(data)))
        note = f"{subtitle} {left}".strip()
    return Section(key, title, note, columns, rows, _chart(list(map(str, shown.columns))))


def _kind(name: str, values: pd.Series) -> str:
    if name in _SHARES:
        return "share"
    if name.endswith("_seconds"):
        return "hours"
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        return "text"
    return "number"


def _value(words: Words, name: str, value: Any) -> Any:
    """A value as the table holds it: numbers as they are, all else in words."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    if value is None or pd.isna(value):
        return None
    if name.endswith("_seconds"):
        return float(value) / 3600
    if isinstance(value, pd.Timestamp):
        at = value.to_pydatetime()
        return words.instant(at) if name.endswith("_at") else at.date().isoformat()
    if isinstance(value, str):
        return _in_words(words, name, value)
    if isinstance(value, bool):
        return words("printed.yes") if value else words("printed.no")
    return str(value) if isinstance(value, Decimal) else round(float(value), 3)


def _in_words(words: Words, name: str, value: str) -> str:
    known: Mapping[str, Any] = {
        "clause": catalogue().clauses,
        "state": catalogue().states,
        "guarantee": catalogue().states,
        "verdict": {**catalogue().contract_verdicts, **catalogue().verdicts},
        "other_verdict": catalogue().verdicts,
        "narrow_verdict": catalogue().contract_verdicts,
        "signal": catalogue().signals,
    }.get(name, {})
    if value in known:
        return str(known[value].title.get(words.language))
    if name == "group" and value in catalogue().groups:
        return catalogue().groups[value].get(words.language)
    if name == "kind" and f"due_{value}" in catalogue().messages:
        return catalogue().message(f"due_{value}", words.language)
    for key in (f"{name}.{value}", f"code.{value}"):
        if key in words.entries:
            return words(key)
    return value


def _chart(names: list[str]) -> Chart | None:
    """Rates over months are drawn beside their table."""
    drawn = tuple(place for place, name in enumerate(names) if name in _DRAWN)
    return Chart("line", drawn) if names and names[0] == "month" and drawn else None


def _noted() -> _Noted:
    found: _Noted = st.session_state.setdefault(_NOTED, _Noted())
    return found
