"""Spares: is there enough on the shelf, every day, for every kind of device?"""

import streamlit as st

from dashboard.components import (
    drawer,
    freshness,
    outlook,
    spares_figures,
    spares_ratio,
    spares_stock,
)
from dashboard.page import Page


def spares(page: Page) -> None:
    """Draw the page."""
    freshness.bar(page)
    spares_figures.row(page)
    left, right = st.columns([5, 3], gap="small")
    with left:
        spares_ratio.days(page)
        spares_ratio.months(page)
    with right:
        spares_ratio.categories(page)
    outlook.spares(page)
    left, right = st.columns([5, 3], gap="small")
    with left:
        spares_stock.parts(page)
    with right:
        spares_stock.placeless(page)
    spares_stock.charges(page)
    drawer.show(page)
