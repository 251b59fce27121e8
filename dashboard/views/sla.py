"""SLA: one stage of service at a time — over the months, by place, by hour, by how long it took."""

import streamlit as st

from dashboard import filters
from dashboard.components import (
    breakdown,
    clauses,
    drawer,
    freshness,
    lapsed,
    reopened,
    search,
    trends,
)
from dashboard.page import Page
from etl.catalogue import catalogue
from etl.ledger import computed_clauses

DEFAULT_STAGE = "sla.response"


def sla(page: Page) -> None:
    """Draw the page."""
    freshness.bar(page)
    stages = {
        clause: catalogue().clauses[clause].title.get(page.words.language)
        for clause in computed_clauses()
        if catalogue().clauses[clause].group == "sla"
    }
    clause = filters.stage(page.words, stages, DEFAULT_STAGE)
    with st.container(key="explained"):
        clauses.explanation(page, clause, page.filters.contract)
        lapsed.note(page)
    left, right = st.columns([5, 3], gap="small")
    with left:
        trends.by_month(
            page, clause, comparable=True, beside=breakdown.contracts_height(page, clause)
        )
    with right:
        breakdown.by_contract(page, clause)
    left, right = st.columns([5, 3], gap="small")
    with left:
        breakdown.department_months(page, clause)
    with right:
        breakdown.durations(page, clause)
    left, right = st.columns([5, 3], gap="small")
    with left:
        breakdown.hours(page, clause)
    with right:
        breakdown.by_kind(page, clause)
    reopened.by_contract(page)
    search.tickets(page, clause)
    drawer.show(page)
