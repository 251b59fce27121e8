"""Overview: which promises are kept, which slip, what is new, what falls due."""

from datetime import timedelta

import streamlit as st

from dashboard import queries
from dashboard.components import board, drawer, freshness, kpi, lists, trends
from dashboard.components.card import card
from dashboard.page import Page

KEY_FIGURES = (
    "sla.response",
    "sla.onsite",
    "sla.software_resolution",
    "sla.hardware_repair",
    "sla.loaner",
    "sla.stay_until_resolved",
)


def overview(page: Page) -> None:
    """Draw the page."""
    words, as_of = page.words, page.book.as_of
    freshness.bar(page)
    kpi.row(page, KEY_FIGURES)
    left, right = st.columns([6, 5], gap="small")
    with left:
        trends.by_month(page, "sla.response")
    with right:
        data = queries.verdicts(page.book, page.selection)
        with card(words, "board", words("board.title"), words("board.subtitle"), data):
            board.board(page)
    left, right = st.columns(2, gap="small")
    with left:
        broken = page.everything.but(states=("breached",), falls_due_until=as_of)
        lists.recent(
            page,
            "broken",
            {days: broken.but(fell_due_after=as_of - timedelta(days=days)) for days in (7, 30)},
        )
    with right:
        soon = page.everything.but(states=("pending",), fell_due_after=as_of)
        lists.recent(
            page,
            "soon",
            {days: soon.but(falls_due_until=as_of + timedelta(days=days)) for days in (7, 30)},
        )
    drawer.show(page)
