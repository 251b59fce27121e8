"""Room for the labels of a chart, decided here: a browser that measures them draws it twice."""

import re
from collections.abc import Iterable
from html import escape, unescape

import numpy as np
import plotly.graph_objects as go

_LINE, _TICK, _GAP = 15, 6, 6
_WIDE, _NARROW, _THIN = 12.2, 7.0, 3.8
_THIN_ONES = " .,:;/|'ijl"
_MOST, _MAY_TURN = 190, 50
_NUMBERS = {".2%": "99.99%", ".1%": "100.0%", ".0%": "100%", "~%": "100%"}
_FIRST_WIDE = "\u2e80"


def settle(figure: go.Figure, height: int | None = None) -> go.Figure:
    """Gives the labels of every axis their room, those of rows that need too much cut short; and
    the figure its height, where one is wanted.

    Labels of columns that a small screen may turn are left to the browser.
    """
    left = 0.0
    for axis in figure.select_yaxes():
        if axis.showticklabels is False:
            continue
        if axis.ticktext is not None:
            axis.ticktext = [_cut(label) for label in axis.ticktext]
        labels = axis.ticktext or [_NUMBERS.get(axis.tickformat, "12.5k")]
        left = max(left, _TICK + _GAP + widest(labels))
    room = {"top": 0, "bottom": 0}
    for axis in figure.select_xaxes():
        if axis.tickangle is None and widest(axis.ticktext or []) > _MAY_TURN:
            continue
        axis.automargin = False
        if axis.showticklabels is not False:
            lines = max((label.count("<br>") + 1 for label in axis.ticktext or [""]), default=1)
            side = axis.side or "bottom"
            room[side] = max(room[side], _TICK + 4 + _LINE * lines)
    margin = figure.layout.margin
    beside = [one.text for one in figure.select_traces({"textposition": "middle right"})]
    figure.update_layout(
        margin={
            "l": (margin.l or 0) + round(left),
            "r": max([margin.r or 0, *(round(widest(said)) + _GAP for said in beside)]),
            "t": (margin.t or 0) + room["top"],
            "b": (margin.b or 0) + room["bottom"],
        }
    )
    figure.update_yaxes(automargin=False)
    # Sent as bytes, they would be taken for other data when plotly is handed them a second time.
    for trace in figure.data:
        for name in ("x", "y"):
            values = trace[name]
            if isinstance(values, np.ndarray):
                trace[name] = None  # what equals what is there would be left as it is
                trace[name] = values.tolist()
    if height is not None:
        figure.update_layout(height=height)
    return figure


def widest(labels: Iterable[str]) -> float:
    """How wide the longest line of the labels is, in pixels."""
    return max((_width(line) for label in labels for line in plain(label)), default=0.0)


def plain(said: str) -> list[str]:
    """The lines of what plotly is to say, without its markup."""
    return [unescape(re.sub("<[^>]*>", "", line)) for line in said.split("<br>")]


def _width(said: str) -> float:
    return sum(
        _WIDE if one >= _FIRST_WIDE else _THIN if one in _THIN_ONES else _NARROW for one in said
    )


def _cut(label: str) -> str:
    if widest([label]) <= _MOST or "<" in label:
        return label
    said = unescape(label)
    while _width(said) > _MOST - _WIDE:
        said = said[:-1]
    return escape(f"{said}…")
