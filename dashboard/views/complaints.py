"""Complaints: taken, passed on, handled, asked about, closed when the customer is content."""

import streamlit as st

from dashboard import filters
from dashboard.components import clauses, drawer, freshness, trends
from dashboard.components import complaints as cards
from dashboard.page import Page
from dashboard.queries.complaints import CLAUSES
from etl.catalogue import catalogue
from etl.ledger import computed_clauses


def complaints(page: Page) -> None:
    """Draw the page."""
    freshness.bar(page)
    left, right = st.columns([5, 3], gap="small")
    with left:
        cards.funnel(page)
    with right:
        cards.rounds(page)
        cards.ages(page)
    left, right = st.columns([5, 3], gap="small")
    with left:
        cards.unsatisfied(page)
    with right:
        cards.categories(page)
    left, right = st.columns([5, 3], gap="small")
    with left:
        cards.promises(page)
    with right:
        cards.departments(page)
    stages = {
        clause: catalogue().clauses[clause].title.get(page.words.language)
        for clause in CLAUSES
        if clause in computed_clauses()
    }
    clause = filters.stage(page.words, stages, CLAUSES[0])
    with st.container(key="explained"):
        clauses.explanation(page, clause, page.filters.contract)
    left, right = st.columns([5, 3], gap="small")
    with left:
        trends.by_month(page, clause)
    with right:
        cards.hours(page)
    cards.every(page)
    drawer.show(page)
