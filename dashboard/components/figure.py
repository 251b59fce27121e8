"""A key figure: its value, what to hold it against, its recent course, and what it opens."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.charts.sparkline import sparkline
from dashboard.components import printing
from dashboard.page import Page
from dashboard.texts import plain

_TONES = {"green": "good", "red": "bad", "orange": "warn"}


def figure(
    page: Page,
    key: str,
    title: str,
    value: str,
    *,
    note: str | None = None,
    beside: str | None = None,
    rises: bool | None = None,
    colour: str = "gray",
    hint: str | None = None,
    series: Sequence[float] = (),
    bars: bool = False,
    foot: str,
    opens: Callable[[], None] | None,
    foot_hint: str | None = None,
    printed: str | None = None,
) -> None:
    """Draw the card `key`: `note` in its colour with an arrow where it `rises` or falls, `beside`
    it in grey, the course of `series`, and the button `foot`, dead without `opens`. On paper it
    is `printed`, or else the value.
    """
    printing.figure(key, title, printed or value)
    with st.container(border=True, key=f"kpi_{key.replace('.', '_')}", height="stretch", gap=None):
        st.metric(
            plain(title),
            value,
            delta=note,
            delta_color=colour,  # type: ignore[arg-type]
            delta_arrow="off" if rises is None else "up" if rises else "down",
            delta_description=beside,
            help=hint,
        )
        if len(series) > 1:
            drawn = sparkline(series, page.palette.tone(_TONES.get(colour, "quiet")), bars=bars)
            st.html(f"<img class='kept-spark' alt='' src='{drawn}'>")
        st.button(
            foot,
            key=f"open_{key}",
            type="tertiary",
            width="stretch",
            disabled=opens is None,
            help=foot_hint,
            on_click=opens,
        )
