"""Figures of the inspections: answers as shares, counts by day and by month."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from dashboard.charts import _figure, _label_rows
from dashboard.charts.figure import Figure
from dashboard.theme import Palette, blend

_MOST_COUNTED = 18
"""Narrower bars have no room for their counts, which their hover has too."""


def answers(frame: pd.DataFrame, palette: Palette, *, row_height: int = 40) -> Figure:
    """How often each thing was done, left out or not stated, as shares of the whole.

    Takes label, done, left_out, not_stated, said, tone, hover_left_out, hover_not_stated,
    hover_done, key.
    """
    figure = _figure(palette, row_height * len(frame) + 8)
    y = list(range(len(frame)))
    whole = [
        max(1, done + left + unsaid)
        for done, left, unsaid in zip(
            frame["done"], frame["left_out"], frame["not_stated"], strict=True
        )
    ]
    colours = {
        "done": blend(palette.card, palette.accent, 0.55),
        "left_out": palette.bad.line,
        "not_stated": palette.warn.line,
    }
    for answer, colour in colours.items():
        figure.add_bar(
            x=[n / of for n, of in zip(frame[answer], whole, strict=True)],
            y=y,
            orientation="h",
            width=0.34,
            marker={"color": colour, "line": {"width": 0}},
            customdata=[[key, answer] for key in frame["key"]],
            hovertext=frame[f"hover_{answer}"],
            hovertemplate="%{hovertext}<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    _label_rows(figure, palette, frame, 1.0, barmode="stack")
    return figure


def days(
    frame: pd.DataFrame,
    palette: Palette,
    *,
    limit: float | None,
    limit_label: str,
    height: int = 220,
) -> Figure:
    """Counts by days taken, those past the limit in red.

    Takes days, visits, late, hover. Without one `limit` for all, only the colour tells.
    """
    first = int(min([*frame["days"], 0], default=0))
    last = int(max([*frame["days"], limit or 0], default=0))
    figure = _figure(palette, height)
    figure.add_bar(
        x=frame["days"],
        y=frame["visits"],
        width=0.72,
        marker={
            "color": [palette.bad.line if late else palette.accent for late in frame["late"]],
            "cornerradius": 3,
            "line": {"width": 0},
        },
        text=[str(n) for n in frame["visits"]] if last - first <= _MOST_COUNTED else None,
        textposition="outside",
        textfont={"color": palette.muted, "size": 11},
        cliponaxis=False,
        customdata=[[int(day)] for day in frame["days"]],
        hovertext=frame["hover"],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )
    if limit is not None:
        figure.add_vline(x=limit + 0.5, line={"color": palette.text, "width": 1.2, "dash": "dash"})
        figure.add_annotation(
            x=limit + 0.5,
            y=1,
            yref="paper",
            text=limit_label,
            xanchor="left",
            xshift=5,
            font={"size": 11, "color": palette.muted},
        )
    figure.update_xaxes(
        range=[first - 0.6, last + 0.6], dtick=max(1, round((last - first) / 12)), tick0=0
    )
    figure.update_yaxes(nticks=4, rangemode="tozero")
    return figure


def monthly(
    frame: pd.DataFrame, palette: Palette, *, text: Callable[[Any], str], height: int = 230
) -> Figure:
    """A count by month, said on its bar. Takes label, key, count, hover."""
    figure = _figure(palette, height)
    x = list(range(len(frame)))
    figure.add_bar(
        x=x,
        y=frame["count"],
        width=0.6,
        marker={
            "color": blend(palette.card, palette.accent, 0.55),
            "cornerradius": 3,
            "line": {"width": 0},
        },
        text=[text(count) for count in frame["count"]],
        textposition="outside",
        textfont={"color": palette.text, "size": 12},
        cliponaxis=False,
        customdata=[[key] for key in frame["key"]],
        hovertext=frame["hover"],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )
    figure.update_xaxes(tickvals=x, ticktext=list(frame["label"]), range=[-0.6, len(x) - 0.4])
    figure.update_yaxes(nticks=4, rangemode="tozero")
    return figure
