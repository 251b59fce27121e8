"""Short lists of obligations: newly broken, due soon."""

from collections.abc import Mapping

import streamlit as st

from dashboard import queries
from dashboard.components import drawer, obligations
from dashboard.components.card import card, nothing
from dashboard.page import Page
from dashboard.queries import Selection

SHOWN = 8


def recent(page: Page, key: str, windows: Mapping[int, Selection]) -> None:
    """Draw the first rows of the widest window; each window's number opens its rows."""
    words = page.words
    widest = windows[max(windows)]
    frame = queries.rows(page.book, widest, limit=SHOWN, soonest=key == "soon")
    with card(words, key, words(f"{key}.title"), words(f"{key}.subtitle")):
        with st.container(horizontal=True, gap="xsmall", key=f"windows_{key}"):
            for days, selection in windows.items():
                count = sum(
                    n
                    for state, n in queries.tally(page.book, selection).items()
                    if state in selection.states
                )
                st.button(
                    words(f"{key}.window", days=days, n=words.number(count)),
                    key=f"open_{key}_{days}",
                    disabled=not count,
                    on_click=drawer.rows,
                    args=(words(f"{key}.title"), selection),
                )
        if frame.empty:
            nothing(words, f"{key}.nothing")
            return
        row = obligations.table(page, frame, drawer.numbered(f"list_{key}"), compact=True)
        if row is not None:
            drawer.obligation(page, row)
