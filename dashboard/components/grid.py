"""A grid in a card: cells to point at, to walk through with the arrow keys, and to open."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.charts.grids import Grid
from dashboard.components.built import built
from dashboard.page import Page
from dashboard.queries import Selection

_STATIC = Path(__file__).parents[1] / "static"
_HTML = "<div role='grid'></div><div role='tooltip' popover='manual'></div>"


def grid(
    page: Page,
    selection: Selection,
    build: Callable[[], Grid],
    key: str,
    alt: str,
    on_click: Callable[[Any], None],
) -> None:
    """The grid `key` of `selection`, whose cells hand their keys to `on_click`.

    It is built once for all readers who see the same.
    """
    made = built(page, key, selection, build)

    def clicked() -> None:
        if (cell := st.session_state[key]["cell"]) is not None:
            on_click(cell)

    _component()(
        key=key, data={**made.sent, "label": alt}, on_cell_change=clicked, height=made.height
    )


@st.cache_resource(show_spinner=False)
def _component():  # type: ignore[no-untyped-def]
    css, js = ((_STATIC / name).read_text(encoding="utf-8") for name in ("grid.css", "grid.js"))
    return st.components.v2.component("kept.grid", html=_HTML, css=css, js=js)
