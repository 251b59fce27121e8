"""Search: one ticket, or the tickets of one unit; each opens its stages."""

import pandas as pd
import streamlit as st

from dashboard import filters, queries
from dashboard.components import drawer, obligations
from dashboard.components.card import card, nothing
from dashboard.page import Page
from etl.catalogue import catalogue

MISSED = 10


def tickets(page: Page, clause: str) -> None:
    """Draw the search; before anything is typed, the latest tickets that missed the stage."""
    words = page.words
    with card(words, "tickets", words("search.title"), words("search.subtitle")):
        wanted = filters.search(words)
        if wanted:
            _found(page, wanted)
            return
        missed = page.selection.but(clauses=(clause,), states=("breached", "unknown"))
        frame = queries.rows(page.book, missed, limit=MISSED)
        if frame.empty:
            nothing(words, "search.none_missed")
            return
        counted = queries.counts(page.book, missed).iloc[0]
        title = catalogue().clauses[clause].title.get(words.language)
        st.button(
            words("search.missed", n=words.number(int(counted[list(missed.states)].sum()))),
            key="open_missed",
            on_click=drawer.rows,
            args=(title, missed),
        )
        row = obligations.table(page, frame, drawer.numbered("missed"))
        if row is not None:
            drawer.obligation(page, row)


def _found(page: Page, wanted: str) -> None:
    words, columns = page.words, catalogue().logs["tickets"].columns
    frame = queries.tickets(page.book, wanted, page.everything)
    if frame.empty:
        nothing(words, "search.nothing")
        return
    for name in ("channel", "service_type"):
        frame[name] = [
            "" if pd.isna(code) else obligations.choice(words.language, name, code)
            for code in frame[name]
        ]
    st.caption(words("search.found", n=len(frame), most=queries.MOST_TICKETS))
    event = st.dataframe(
        frame,
        key=drawer.numbered("found"),
        hide_index=True,
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("search.title"),
        column_config={
            name: st.column_config.DatetimeColumn(
                columns[name].label.get(words.language), format="YYYY-MM-DD HH:mm"
            )
            if name.endswith("_at")
            else columns[name].label.get(words.language)
            for name in frame.columns
        },
    )
    if event["selection"]["rows"]:
        ticket_id = str(frame.iloc[event["selection"]["rows"][0]]["ticket_id"])
        drawer.ticket(ticket_id)
