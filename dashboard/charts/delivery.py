"""Figures of delivery and people: days taken against the days allowed."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import _figure
from dashboard.theme import Palette


def against_limit(frame: pd.DataFrame, palette: Palette, *, row_height: int = 30) -> go.Figure:
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
    for i, limit in zip(y, frame["allowed"], strict=True):
        figure.add_shape(
            type="line",
            x0=float(limit),
            x1=float(limit),
            y0=i - 0.3,
            y1=i + 0.3,
            line={"color": palette.text, "width": 2},
        )
    figure.add_scatter(
        x=[end] * len(y),
        y=y,
        text=["  " + said for said in frame["said"]],
        textposition="middle right",
        textfont={
            "color": [palette.tone(t).text if t else palette.muted for t in frame["tone"]],
            "size": 12,
        },
        mode="text",
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_layout(barmode="overlay", margin={"r": 130, "l": 0, "t": 4, "b": 0})
    figure.update_xaxes(range=[0, end], showticklabels=False)
    figure.update_yaxes(
        tickvals=y,
        ticktext=list(frame["label"]),
        tickfont={"color": palette.text},
        range=[len(y) - 0.5, -0.5],
        showgrid=False,
    )
    return figure
