"""Figures of the complaints: counts as bars made of parts, in rows or by hour of the day."""

from collections.abc import Sequence

import pandas as pd

from dashboard.charts import _figure, _label_rows
from dashboard.charts.figure import Figure
from dashboard.theme import Palette, blend

_LEAST = 0.018
"""The least share of the width at which a part can still be seen and hit."""
PAINTS = ("accent", "pale", "track", "warn", "bad")


def paint(palette: Palette, name: str) -> str:
    """The colour of a part: one of PAINTS."""
    if name == "pale":
        return blend(palette.card, palette.accent, 0.38)
    if name in ("warn", "bad"):
        return palette.tone(name).line
    return palette.accent if name == "accent" else palette.track


def stacks(
    frame: pd.DataFrame,
    palette: Palette,
    *,
    parts: Sequence[tuple[str, str]],
    row_height: int = 34,
) -> Figure:
    """One bar a row, put together from its parts; what the row comes to stands behind it.

    Takes key, label, said, tone, hover and a column of amounts for each of `parts`, which are
    names with their paint; a part hands on [key, part].
    """
    figure = _figure(palette, row_height * len(frame) + 12)
    y = list(range(len(frame)))
    counts = frame[[name for name, _ in parts]].astype(float)
    drawn = counts.where(counts == 0, counts.clip(lower=_LEAST * counts.sum(axis=1).max()))
    longest = float(drawn.sum(axis=1).max() or 1) if y else 1.0
    for name, colour in parts:
        figure.add_bar(
            x=list(drawn[name]),
            y=y,
            orientation="h",
            width=0.42,
            marker={
                "color": paint(palette, colour),
                "cornerradius": 3,
                "line": {"width": 1, "color": palette.card},
            },
            customdata=[[key, name] for key in frame["key"]],
            hovertext=frame["hover"],
            hovertemplate="%{hovertext}<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    _label_rows(figure, palette, frame, longest, barmode="stack")
    return figure


def hours(frame: pd.DataFrame, palette: Palette, *, parts: Sequence[tuple[str, str]]) -> Figure:
    """One column for each hour of the day, put together from its parts.

    Takes key (the hour), hover and a column of counts for each of `parts`, which are names with
    their paint; a part hands on [key, part].
    """
    figure = _figure(palette, 260)
    for name, colour in parts:
        figure.add_bar(
            x=list(frame["key"]),
            y=list(frame[name]),
            width=0.72,
            marker={
                "color": paint(palette, colour),
                "cornerradius": 2,
                "line": {"width": 1, "color": palette.card},
            },
            customdata=[[key, name] for key in frame["key"]],
            hovertext=frame["hover"],
            hovertemplate="%{hovertext}<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    figure.update_layout(barmode="stack")
    ticks = list(range(0, 24, 3))
    figure.update_xaxes(
        tickvals=ticks, ticktext=[f"{hour:02d}" for hour in ticks], range=[-0.6, 23.6]
    )
    figure.update_yaxes(nticks=4, rangemode="tozero", tickformat="d")
    return figure
