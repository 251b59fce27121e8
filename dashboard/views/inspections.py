"""Inspections: the visits owed to each department, what was done on them, and what came of it."""

import streamlit as st

from dashboard.components import drawer, freshness, inspections, kpi
from dashboard.page import Page

KEY_FIGURES = (
    "inspection.monthly",
    "inspection.quarterly",
    "inspection.half_yearly",
    "inspection.plan_approved",
    "inspection.complete",
    "inspection.report",
)


def inspection(page: Page) -> None:
    """Draw the page."""
    freshness.bar(page)
    kpi.row(page, KEY_FIGURES)
    left, right = st.columns([5, 3], gap="small")
    with left:
        inspections.calendar(page)
    with right:
        inspections.five_items(page)
        inspections.approvals(page)
        inspections.reports(page)
    left, right = st.columns([5, 3], gap="small")
    with left:
        inspections.unlisted(page)
    with right:
        inspections.findings(page)
    inspections.verdicts(
        page,
        "verdicts",
        page.words("inspections.verdicts"),
        page.words("inspections.verdicts_sub"),
        page.selection.but(clauses=KEY_FIGURES),
    )
    drawer.show(page)
