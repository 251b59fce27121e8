"""Promises: every sentence of the letter, how it is judged, and where it is seen."""

import streamlit as st

from dashboard.components import drawer, freshness, promises_letter, sensitivity
from dashboard.components import promises as letter
from dashboard.page import Page


def promises(page: Page) -> None:
    """Draw the page."""
    freshness.bar(page)
    left, right = st.columns([6, 7], gap="small")
    with left:
        clause, wanted = letter.listing(page)
    with right:
        letter.detail(page, clause)
    sensitivity.verdicts(page)
    sensitivity.undecided(page)
    promises_letter.figures(page, wanted)
    promises_letter.sentences(page, wanted)
    drawer.show(page)
