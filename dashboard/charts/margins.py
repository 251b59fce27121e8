"""Room for the labels of a chart, decided here: a browser that measures them draws it twice."""

import re
from collections.abc import Iterable
from html import escape, unescape

from dashboard.charts.figure import Drawn, Figure

_LINE, _TICK, _GAP = 15, 6, 6
_WIDE, _NARROW, _THIN = 12.2, 7.0, 3.8
_THIN_ONES = " .,:;/|'ijl"
_MOST, _MAY_TURN = 190, 50
_NUMBERS = {".2%": "99.99%", ".1%": "100.0%", ".0%": "100%", "~%": "100%"}
_FIRST_WIDE = "\u2e80"


def settle(figure: Figure, height: int | None = None) -> Drawn:
    """The figure with the room that the labels of its axes need, those of rows that need too much
    cut short; and with its height, where one is wanted.

    Labels of columns that a small screen may turn are left to the browser.
    """
    xaxis, yaxis, margin = (figure.layout[name] for name in ("xaxis", "yaxis", "margin"))
    left = 0.0
    if yaxis.get("showticklabels", True):
        if labels := yaxis.get("ticktext"):
            yaxis["ticktext"] = labels = [_cut(label) for label in labels]
        left = _TICK + _GAP + widest(labels or [_NUMBERS.get(yaxis.get("tickformat"), "12.5k")])
    names = xaxis.get("ticktext") or [""]
    if "tickangle" in xaxis or widest(names) <= _MAY_TURN:
        xaxis["automargin"] = False
        if xaxis.get("showticklabels", True):
            lines = max(len(plain(name)) for name in names)
            margin["b"] += _TICK + 4 + _LINE * lines
    beside = [one["text"] for one in figure.data if one.get("textposition") == "middle right"]
    margin["l"] += round(left)
    margin["r"] = max([margin["r"], *(round(widest(said)) + _GAP for said in beside)])
    yaxis["automargin"] = False
    if height is not None:
        figure.layout["height"] = height
    return Drawn(figure)


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
