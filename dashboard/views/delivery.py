"""Delivery and people: what was handed over, and who came with what papers."""

import streamlit as st

from dashboard.components import delivery as handed
from dashboard.components import delivery_people as people
from dashboard.components import drawer, freshness, inspections
from dashboard.page import Page
from etl.catalogue import catalogue


def delivery(page: Page) -> None:
    """Draw the page."""
    freshness.bar(page)
    left, right = st.columns(2, gap="small")
    with left:
        handed.papers(page)
    with right:
        handed.contracts(page)
        people.special_periods(page)
    left, right = st.columns([5, 3], gap="small")
    with left:
        people.duty(page)
    with right:
        people.register(page)
    left, right = st.columns(2, gap="small")
    with left:
        handed.samples(page)
    with right:
        people.training(page)
        people.conduct(page)
    inspections.verdicts(
        page,
        "verdicts",
        page.words("delivery.verdicts"),
        page.words("delivery.verdicts_sub"),
        page.everything.but(
            department=None,
            clauses=tuple(
                one.id
                for one in catalogue().clauses.values()
                if one.group in ("delivery", "people") or one.id == "sla.special_period"
            ),
        ),
    )
    drawer.show(page)
