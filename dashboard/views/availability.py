"""Availability: how much of their time the units served, and which of them did not."""

import streamlit as st

from dashboard.components import availability as parts
from dashboard.components import drawer, freshness
from dashboard.page import Page


def availability(page: Page) -> None:
    """Draw the page."""
    freshness.bar(page)
    parts.explanation(page)
    parts.figures(page)
    left, right = st.columns([5, 3], gap="small")
    with left:
        parts.by_month(page)
    with right:
        parts.compared(page, "contract_id")
    left, right = st.columns([5, 3], gap="small")
    with left:
        parts.departments(page)
    with right:
        parts.compared(page, "category")
    left, right = st.columns([5, 3], gap="small")
    with left:
        parts.worst(page)
    with right:
        parts.early(page)
    drawer.show(page)
