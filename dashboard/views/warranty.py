"""Warranty: what ends when and why then, what must be replaced, whether it costs anything."""

import streamlit as st

from dashboard.components import drawer, freshness, outlook
from dashboard.components import warranty as parts
from dashboard.components import warranty_lists as lists
from dashboard.page import Page


def warranty(page: Page) -> None:
    """Draw the page."""
    freshness.bar(page)
    parts.figures(page)
    left, right = st.columns([5, 3], gap="small")
    with left:
        parts.ahead(page)
    with right:
        parts.days_left(page)
        outlook.expiries_tested(page)
    left, right = st.columns(2, gap="small")
    with left:
        parts.replacements(page)
    with right:
        parts.chains(page)
        parts.register(page)
    left, right = st.columns(2, gap="small")
    with left:
        parts.extensions(page)
    with right:
        parts.promises(page)
    lists.search(page)
    drawer.show(page)
