"""A card: title, one line below it, its data to download, and what it shows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts import CONFIG
from dashboard.charts.figure import Figure
from dashboard.charts.margins import settle
from dashboard.components import drawer, printing
from dashboard.components.built import built
from dashboard.page import Page
from dashboard.queries import Selection, csv
from dashboard.texts import Words

CAPTION = 33
"""How high a line below a chart is."""


@contextmanager
def card(
    words: Words,
    key: str,
    title: str,
    subtitle: str = "",
    data: pd.DataFrame | None = None,
    whole: Callable[[], bytes] | None = None,
) -> Iterator[None]:
    """Everything drawn inside stands in the card `key`; `data` is what its button downloads, or
    what `whole` makes, where the card shows a part only.
    """
    with st.container(border=True, key=f"card_{key}", height="stretch", gap="small"):
        with st.container(
            key=f"head_{key}", horizontal=True, wrap=False, vertical_alignment="top", gap=None
        ):
            st.html(
                f"<div class='kept-title' role='heading' aria-level='2'>{escape(title)}</div>"
                f"<div class='kept-sub'>{escape(subtitle)}</div>"
            )
            if data is not None and len(data):
                printing.card(key, title, subtitle, data)
                frame = data
                st.download_button(
                    words("card.download"),
                    data=whole or (lambda: csv(frame)),
                    file_name=f"kept-{key}.csv",
                    mime="text/csv",
                    key=f"download_{key}",
                    on_click="ignore",
                    type="tertiary",
                    icon=":material/download:",
                    help=words("card.download"),
                )
        yield


def chart(
    page: Page,
    selection: Selection,
    build: Callable[[], Figure],
    key: str,
    alt: str,
    on_click: Callable[[Any], None],
    *,
    height: int | None = None,
) -> None:
    """The figure `key` of `selection`, whose marks hand their customdata to `on_click`.

    It is built once for all readers who see the same; `height` where it is not its own.
    """
    figure = built(page, key, (selection, height), lambda: settle(build(), height))
    name = drawer.numbered(key)

    def clicked() -> None:
        points = st.session_state[name]["selection"]["points"]
        if points and points[0].get("customdata"):
            on_click(points[0]["customdata"])

    st.plotly_chart(
        figure,
        theme=None,
        config=CONFIG,
        key=name,
        alt=alt,
        on_select=clicked,
        selection_mode="points",
    )


def nothing(words: Words, key: str = "card.nothing") -> None:
    """What a card says that has nothing to show."""
    st.html(f"<div class='kept-nothing'>{escape(words(key))}</div>")


def part(words: Words, shown: pd.DataFrame) -> None:
    """Says so where `shown` is only the first of its column of_all."""
    of_all = int(shown["of_all"].iloc[0])
    if of_all > len(shown):
        said = words("card.part", n=words.number(len(shown)), of=words.number(of_all))
        st.html(f"<div class='kept-sub'>{escape(said)}</div>")


def fitted(rows: int, row_height: int = 31) -> int:
    """The height of a table that shows so many rows: known beforehand, so that nothing moves."""
    return 36 + row_height * max(rows, 1)
