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
        left = max(left, _TICK + _GAP + _widest(labels))
    room = {"top": 0, "bottom": 0}
    for axis in figure.select_xaxes():
        if axis.tickangle is None and _widest(axis.ticktext or []) > _MAY_TURN:
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
            "r": max([margin.r or 0, *(round(_widest(said)) + _GAP for said in beside)]),
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


def _widest(labels: Iterable[str]) -> float:
    return max((_width(line) for label in labels for line in label.split("<br>")), default=0.0)


def _width(said: str) -> float:
    plain = unescape(re.sub("<[^>]*>", "", said))
    return sum(
        _WIDE if one >= _FIRST_WIDE else _THIN if one in _THIN_ONES else _NARROW for one in plain
    )


def _cut(label: str) -> str:
    if _widest([label]) <= _MOST or "<" in label:
        return label
    plain = unescape(label)
    while _width(plain) > _MOST - _WIDE:
        plain = plain[:-1]
    return escape(f"{plain}…")
