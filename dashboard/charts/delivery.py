"""Figures of delivery and people: days taken against the days allowed."""

import pandas as pd

from dashboard.charts import _figure, _label_rows, _ticks
from dashboard.charts.figure import Figure
from dashboard.theme import Palette


def against_limit(frame: pd.DataFrame, palette: Palette, *, row_height: int = 30) -> Figure:
    """Days taken as bars, the tick on each being the days allowed.

    Takes label, taken, allowed, said, tone (empty: in time), hover, key (a list).
    """
    figure = _figure(palette, row_height * len(frame) + 12)
    y = list(range(len(frame)))
    end = max([*frame["taken"], *frame["allowed"], 1]) * 1.02
    for values, colours in (
        ([end] * len(y), [palette.track] * len(y)),
        (
            [max(0, int(days)) for days in frame["taken"]],
            [palette.tone(tone).line if tone else palette.accent for tone in frame["tone"]],
        ),
    ):
        figure.add_bar(
            x=values,
            y=y,
            orientation="h",
            width=0.34,
            marker={"color": colours, "cornerradius": 4, "line": {"width": 0}},
            customdata=list(frame["key"]),
            hovertext=frame["hover"],
            hovertemplate="%{hovertext}<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    _ticks(figure, palette, frame["allowed"])
    _label_rows(figure, palette, frame, end)
    return figure
