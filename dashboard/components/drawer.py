"""The drawer: the rows behind a number, the clauses behind a cell, one ticket, one unit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Literal

import streamlit as st

from dashboard import filters, queries
from dashboard.components import clauses, explain, obligations, timeline
from dashboard.components import unit as unit_panel
from dashboard.page import Page
from dashboard.queries import Selection
from dashboard.recovery import recovering
from dashboard.texts import plain
from etl.catalogue import catalogue

TICKET_CLAUSES = ("sla.", "warranty.", "aftercare.")
_OPEN = "drawer.open"
_NUMBER = "drawer.number"
# A button that redraws itself (the download) drops the focus, and Escape would reach nothing.
_ESCAPE = """
export default function () {
  const close = (event) => {
    if (event.key !== "Escape" || document.activeElement !== document.body) return;
    document.querySelector('[role="dialog"] [aria-label="Close"]')?.click();
  };
  document.addEventListener("keydown", close);
  return () => document.removeEventListener("keydown", close);
}
"""


Picked = tuple[Literal["ticket", "unit"], str]
"""What was picked in a list: a ticket or a unit, by its identifier."""
Draw = Callable[[Page, str], "Picked | Opened | None"]
"""Draws a list whose widgets' keys begin with what it is given; what was picked in it, if any, or
what stands behind that."""


@dataclass(frozen=True)
class Opened:
    """What the drawer shows: rows; or, of a group, its clauses first; or one ticket or unit; or a
    list that is not of the ledger.
    """

    title: str
    selection: Selection = field(default_factory=Selection)
    ticket: str | None = None
    unit: str | None = None
    draw: Draw | None = None
    by_clause: bool = False
    back: "Opened | None" = None


def rows(title: str, selection: Selection) -> None:
    """Open the rows of `selection` when this run ends."""
    _open(Opened(title, selection))


def group(title: str, selection: Selection) -> None:
    """Open the clauses of `selection`, each of which opens its rows."""
    _open(Opened(title, selection, by_clause=True))


def ticket(ticket_id: str) -> None:
    """Open the stages of one ticket."""
    _open(Opened(ticket_id, ticket=ticket_id))


def unit(equipment_id: str) -> None:
    """Open one unit: its warranty, its downtime, its tickets."""
    _open(Opened(equipment_id, unit=equipment_id))


def listing(title: str, draw: Draw) -> None:
    """Open a list that `draw` draws, each row of which opens its ticket or unit."""
    _open(Opened(title, draw=draw))


def obligation(page: Page, row: Mapping[Any, Any]) -> None:
    """Open what stands behind one row of the ledger: its ticket, its unit, or its clause's rows."""
    _open(behind(page, row))


def _open(opened: Opened) -> None:
    st.session_state[_OPEN] = opened
    filters.show_unit(opened.unit)


def behind(page: Page, row: Mapping[Any, Any]) -> Opened:
    """What stands behind one row of the ledger."""
    clause, subject = catalogue().clauses[row["clause"]], str(row["subject"])
    if clause.id.startswith(TICKET_CLAUSES) and len(queries.ticket(page.book, subject)):
        return Opened(subject, ticket=subject)
    if isinstance(row["equipment_id"], str):
        return Opened(row["equipment_id"], unit=row["equipment_id"])
    return Opened(
        clause.title.get(page.words.language),
        Selection(row["contract_id"], row["department"], clauses=(clause.id,)),
    )


def numbered(key: str) -> str:
    """A widget key that is new each time the drawer closes, so that no mark stays selected."""
    return f"{key}_{st.session_state.get(_NUMBER, 0)}"


def show(page: Page) -> None:
    """Draw the drawer where something was opened; the last thing a page does."""
    opened: Opened | None = st.session_state.get(_OPEN)
    if opened is None and page.filters.unit:
        opened = st.session_state[_OPEN] = Opened(page.filters.unit, unit=page.filters.unit)
    if opened is None:
        return
    with st.container(key="drawer_watch"):
        _escape()(key="drawer_escape", height=1)
    draw = st.dialog(plain(opened.title), width=860, position="right", on_dismiss=_closed)(_inside)
    draw(page)


@st.cache_resource(show_spinner=False)
def _escape():  # type: ignore[no-untyped-def]
    return st.components.v2.component("kept.escape", js=_ESCAPE)


def _closed() -> None:
    st.session_state.pop(_OPEN, None)
    filters.show_unit(None)
    st.session_state[_NUMBER] = st.session_state.get(_NUMBER, 0) + 1


def _inside(page: Page) -> None:
    with recovering([page.book]):
        _opened(page)


def _opened(page: Page) -> None:
    opened: Opened = st.session_state[_OPEN]
    _ways(page, opened)
    if opened.ticket is not None:
        timeline.timeline(page, opened.ticket)
    elif opened.unit is not None:
        named = opened.back is not None
        picked = unit_panel.unit(page, opened.unit, numbered("drawer_unit"), named=named)
        if picked is not None:
            _turn_to(Opened(picked, ticket=picked, back=opened))
    elif opened.draw is not None:
        found = opened.draw(page, numbered("drawer_list"))
        if isinstance(found, Opened):
            _turn_to(replace(found, back=opened))
        elif found is not None:
            kind, name = found
            ticket, whose = (name, None) if kind == "ticket" else (None, name)
            _turn_to(Opened(name, ticket=ticket, unit=whose, back=opened))
    elif opened.by_clause:
        _clauses(page, opened)
    else:
        _rows(page, opened)


def _ways(page: Page, opened: Opened) -> None:
    """The way back, and from a ticket the way to its unit."""
    found = queries.ticket(page.book, opened.ticket) if opened.ticket else None
    whose = None if found is None or found.empty else found["equipment_id"].iloc[0]
    from_unit = opened.back is not None and opened.back.unit is not None
    to_unit = isinstance(whose, str) and not from_unit
    if opened.back is None and not to_unit:
        return
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        if opened.back is not None and st.button(
            page.words("drawer.back"),
            key=numbered("drawer_back"),
            icon=":material/arrow_back:",
            type="tertiary",
        ):
            _turn_to(opened.back)
        if to_unit and st.button(
            page.words("equipment.open", unit=plain(str(whose))),
            key=numbered("drawer_to_unit"),
            icon=":material/arrow_forward:",
            icon_position="right",
            type="tertiary",
        ):
            _turn_to(Opened(str(whose), unit=str(whose), back=opened))


def _turn_to(opened: Opened) -> None:
    _open(opened)
    st.session_state[_NUMBER] = st.session_state.get(_NUMBER, 0) + 1
    st.rerun(scope="fragment")


def _clauses(page: Page, opened: Opened) -> None:
    st.caption(page.words("drawer.pick_clause"))
    picked = clauses.table(
        page, queries.verdicts(page.book, opened.selection), key=numbered("drawer_clauses")
    )
    if picked is not None:
        contract, clause = picked
        title = catalogue().clauses[clause].title.get(page.words.language)
        narrowed = opened.selection.but(contract=contract, clauses=(clause,))
        _turn_to(Opened(title, narrowed, back=opened))


def _rows(page: Page, opened: Opened) -> None:
    words, selection = page.words, opened.selection
    if len(selection.clauses) == 1:
        clauses.explanation(page, selection.clauses[0], selection.contract)
        explain.how(page, selection)
    st.html(f"<div class='kept-sub'>{escape(described(page, selection))}</div>")
    held = queries.tally(page.book, selection.but(states=()))
    in_view = selection.states or queries.STATES
    labels = catalogue().states
    offered = [state for state in queries.STATES if held[state]]
    if len(offered) > 1:
        picked = st.pills(
            words("drawer.states"),
            offered,
            selection_mode="multi",
            default=[state for state in selection.states if state in offered],
            format_func=lambda state: (
                f"{labels[state].title.get(words.language)} {words.number(held[state])}"
            ),
            key=numbered("drawer_states"),
            label_visibility="collapsed",
        )
        in_view = tuple(picked) or queries.STATES
    shown = selection.but(states=() if in_view == queries.STATES else in_view)
    total = sum(held[state] for state in in_view)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f"<b>{escape(words('drawer.rows', n=words.number(total)))}</b>")
        if total:
            st.download_button(
                words("drawer.download"),
                data=queries.download(page.book, shown),
                file_name="kept-obligations.csv",
                mime="text/csv",
                on_click="ignore",
                icon=":material/download:",
                key="drawer_download",
            )
    pages = -(-total // queries.PAGE_ROWS)
    number = st.pagination(pages, key=numbered("drawer_page")) if pages > 1 else 1
    frame = queries.rows(page.book, shown, skip=(number - 1) * queries.PAGE_ROWS)
    row = obligations.table(page, frame, key=numbered("drawer_rows"))
    if row is not None:
        found = behind(page, row)
        if found.ticket is not None or found.unit is not None:
            _turn_to(replace(found, back=opened))


def described(page: Page, one: Selection) -> str:
    """The narrowing of a selection, in words."""
    words = page.words
    departments = words("filter.all_departments") if one.department is None else words("card.none")
    said = [one.contract or words("filter.all_contracts"), one.department or departments]
    if one.first and one.last:
        first, last = (words.month(month, with_year=True) for month in (one.first, one.last))
        said.append(first if one.first == one.last else f"{first} – {last}")
    elif one.fell_due_after is None and one.falls_due_until is None:
        said.append(words("filter.whole_time"))
    if one.arose_until is not None:
        said.append(words("drawer.arose_until", day=words.day(one.arose_until)))
    if one.category is not None:
        said.append(one.category or words("card.none"))
    for column, value in (("channel", one.channel), ("service_type", one.service_type)):
        if value is not None:
            said.append(obligations.choice(words.language, column, value) or words("card.none"))
    if one.weekday is not None and one.hour is not None:
        said.append(words("drawer.hour", day=words(f"weekday.{one.weekday}"), hour=one.hour))
    return " · ".join(said)
