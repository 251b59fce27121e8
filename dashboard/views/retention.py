"""Retention money: what is held, what stands against releasing it, and who decided what."""

import streamlit as st

from dashboard.components import drawer, freshness
from dashboard.components import retention as money
from dashboard.components import retention_decision as decision
from dashboard.components import retention_evidence as evidence
from dashboard.components import retention_records as records
from dashboard.components import retention_waivers as waivers
from dashboard.page import Page


def retention(page: Page) -> None:
    """Draw the page."""
    freshness.bar(page)
    found = money.chosen(page)
    if found is None:
        money.contracts(page)
        records.chain(page)
        drawer.show(page)
        return
    money.headline(page, found)
    left, right = st.columns([2, 1], gap="small")
    with left:
        money.checklist(page, found)
    with right:
        evidence.open_items(page, found)
        evidence.logs(page, found)
        evidence.rows_left_out(page, found)
    evidence.missing(page, found)
    left, right = st.columns([2, 1], gap="small")
    with left:
        waivers.waivers(page, found)
    with right:
        records.chain(page)
    decision.form(page, found)
    records.history(page, found)
    drawer.show(page)
