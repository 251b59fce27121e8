"""Overview: which promises are kept, which slip, what changed, what falls due."""

import streamlit as st

from dashboard import queries
from dashboard.components import (
    availability,
    board,
    changes,
    drawer,
    freshness,
    kpi,
    outlook,
    trends,
)
from dashboard.components.card import card
from dashboard.page import Page

KEY_FIGURES = (
    "sla.response",
    "sla.onsite",
    "sla.hardware_repair",
    "spares.ratio",
    "complaint.closed_satisfied",
)


def overview(page: Page) -> None:
    """Draw the page."""
    words = page.words
    freshness.bar(page)
    kpi.row(page, KEY_FIGURES, (availability.headline,))
    left, right = st.columns([6, 5], gap="small")
    with left:
        trends.by_month(page, "sla.response", beside=board.height(page))
    with right:
        data = queries.verdicts(page.book, page.selection)
        with card(words, "board", words("board.title"), words("board.subtitle"), data):
            board.board(page)
    left, right = st.columns(2, gap="small")
    with left:
        changes.card_of_changes(page)
    with right:
        outlook.falls_due(page)
    outlook.signals(page)
    drawer.show(page)
