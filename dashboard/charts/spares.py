"""Figures of the spares: the ratio as steps, days by month, categories against the promise."""

from collections.abc import Sequence
from itertools import chain, count
from math import log10
from typing import Any

import pandas as pd

from dashboard.charts import _figure, _label_rows, _ticks
from dashboard.charts.figure import Figure
from dashboard.theme import Palette

_UNSEEN = {"size": 22, "opacity": 0, "maxdisplayed": 1}
"""Marks to be pointed at and clicked, of which plotly need draw but one."""
_PANEL = 104
_ONE_PANEL = 260
_GAP = 30
_REACH = 90
"""How far from a step, in pixels, it can still be pointed at."""


def steps(
    frame: pd.DataFrame,
    palette: Palette,
    *,
    panels: Sequence[tuple[str, str, float, str]],
    ticks: Sequence[tuple[str, str]],
) -> Figure:
    """The ratio as steps, one panel a contract; red where it is below, shaded where unknown.

    Takes panel, from_on and to_on (ISO dates, the latter outside), rate (null: not known), tone
    ("" or a tone), hover, key. `panels` are contracts with label, target and the target's label;
    `ticks` first days of months with their labels.
    """
    height = _ONE_PANEL if len(panels) == 1 else _PANEL * len(panels)
    high = height / len(panels) - _GAP
    apart = 1 + _GAP / high
    figure = _figure(
        palette, height + 34, margin={"l": 0, "r": 54, "t": 0, "b": 0}, hoverdistance=_REACH
    )
    first, last = min(frame["from_on"]), max(frame["to_on"])
    placed: list[list[Any]] = []
    values: list[float] = []
    labels: list[str] = []
    goals: list[float | None] = []
    left = {"xref": "paper", "x": 0, "xanchor": "left"}
    for i, (panel, label, target, target_label) in enumerate(panels):
        rows: list[Any] = frame[frame["panel"] == panel].to_dict("records")
        known = [float(row["rate"]) for row in rows if row["rate"] == row["rate"]]
        top = max([target * 1.5, *known]) * 1.12 or 1.0
        floor = (len(panels) - 1 - i) * apart
        # Six panels on one axis are drawn in a fifth of the time of six axes.
        placed.append([{**row, "y": floor + row["rate"] / top, "floor": floor} for row in rows])
        for band in _bands(palette, rows, floor):
            figure.add_shape(**band)
        at = _ticked(top, 5 if len(panels) == 1 else 3)
        values += [floor + one / top for one in at]
        labels += [f"{round(one * 100, 8):,.10g}%" for one in at]
        goal = floor + target / top
        goals += [goal, goal, None]
        figure.add_annotation(
            **left, text=target_label, font={"size": 11, "color": palette.muted},
            xshift=6, y=goal, yanchor="top",
        )  # fmt: skip
        figure.add_annotation(
            **left, text=f"<b>{label}</b>", font={"size": 12, "color": palette.text},
            y=floor + 1, yanchor="bottom", yshift=2,
        )  # fmt: skip
        if rows and known and rows[-1]["rate"] == rows[-1]["rate"]:
            tone = rows[-1]["tone"]
            colour = palette.tone(tone).text if tone else palette.accent
            figure.add_annotation(
                **{**left, "x": 1}, text=rows[-1]["said"], font={"size": 12, "color": colour},
                xshift=6, y=floor + rows[-1]["rate"] / top,
            )  # fmt: skip
    _lines(figure, palette, placed)
    figure.add_scatter(
        x=[first, last, None] * len(panels),
        y=goals,
        mode="lines",
        hoverinfo="skip",
        line={"color": palette.muted, "width": 1, "dash": "dash"},
    )
    _days(figure, list(chain(*placed)))
    figure.update_xaxes(
        type="date",
        range=[first, last],
        tickvals=[day for day, _ in ticks],
        ticktext=[label for _, label in ticks],
    )
    figure.update_yaxes(tickvals=values, ticktext=labels, range=[0, len(panels) * apart])
    return figure


def _ticked(top: float, most: int) -> list[float]:
    """Round values from 0 to `top`, at most so many."""
    step = next(
        digit * 10.0**power
        for power in count(int(log10(top / most) // 1))
        for digit in (1, 2, 5)
        if top / (digit * 10.0**power) < most
    )
    return [n * step for n in range(int(top / step) + 1)]


def _bands(palette: Palette, rows: Sequence[Any], floor: float) -> list[dict[str, Any]]:
    """Stretches below, unknown and waived as bands over the panel's height."""
    band = {
        "type": "rect", "layer": "below", "line": {"width": 0},
        "y0": floor, "y1": floor + 1,
        "opacity": 0.16 if palette.mode == "light" else 0.24,
    }  # fmt: skip
    return [
        {**band, "x0": first, "x1": last, "fillcolor": palette.tone(tone).line}
        for tone in ("warn", "quiet", "bad")
        for first, last in _runs(rows, tone)
    ]


def _runs(rows: Sequence[Any], tone: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for row in rows:
        if row["tone"] != tone:
            continue
        if found and found[-1][1] == row["from_on"]:
            found[-1] = (found[-1][0], row["to_on"])
        else:
            found.append((row["from_on"], row["to_on"]))
    return found


def _lines(figure: Figure, palette: Palette, panels: Sequence[Sequence[Any]]) -> None:
    """The steps, each in the colour of its own days; a step begins where the last one ended."""
    for tone in ("", "quiet", "warn", "bad"):
        x: list[str | None] = []
        y: list[float | None] = []
        for rows in panels:
            for i, row in enumerate(rows):
                if row["tone"] != tone or row["y"] != row["y"]:
                    continue
                before = rows[i - 1] if i else {"tone": None, "y": None}
                if before["tone"] != tone and before["y"] == before["y"] and i:
                    x.append(row["from_on"])
                    y.append(before["y"])
                x.append(row["from_on"])
                y.append(row["y"])
                after = rows[i + 1] if i + 1 < len(rows) else {"tone": None}
                if after["tone"] != tone or after["y"] != after["y"]:
                    x += [row["to_on"], None]
                    y += [row["y"], None]
        if x:
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines",
                hoverinfo="skip",
                line={
                    "color": palette.tone(tone).line if tone else palette.accent,
                    "width": 2.4 if tone == "bad" else 1.8,
                    "shape": "hv",
                },
            )


def _days(figure: Figure, rows: Sequence[Any]) -> None:
    """What can be pointed at: the middle of each step; a day without a ratio lies on the floor."""
    figure.add_scatter(
        x=[row["middle"] for row in rows],
        y=[row["y"] if row["y"] == row["y"] else row["floor"] for row in rows],
        mode="markers",
        marker=_UNSEEN,
        customdata=[row["key"] for row in rows],
        hovertext=[row["hover"] for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
    )


def months(
    frame: pd.DataFrame, palette: Palette, *, parts: Sequence[str], height: int = 190
) -> Figure:
    """Days a month, a column of `parts` (tones: bad, warn), its sum above it.

    Takes key, label, hover and a column of counts for each of `parts`; hands on [key].
    """
    figure = _figure(palette, height)
    x = list(range(len(frame)))
    sums = frame[list(parts)].sum(axis=1)
    for part in parts:
        figure.add_bar(
            x=x,
            y=[int(n) for n in frame[part]],
            width=0.56,
            marker={
                "color": palette.tone(part).line,
                "cornerradius": 3,
                "line": {"width": 1, "color": palette.card},
            },
            customdata=[[key, part] for key in frame["key"]],
            hovertext=frame["hover"],
            hovertemplate="%{hovertext}<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    figure.add_scatter(
        x=x,
        y=list(sums),
        text=[str(int(n)) if n else "" for n in sums],
        mode="text",
        textposition="top center",
        textfont={"size": 12, "color": palette.text},
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(
        tickvals=x, ticktext=list(frame["label"]), range=[-0.6, max(len(x) - 0.4, 0.6)]
    )
    figure.update_yaxes(range=[0, max(1, int(sums.max())) * 1.18], nticks=4, tickformat="d")
    return figure


def bullets(frame: pd.DataFrame, palette: Palette, *, row_height: int = 36) -> Figure:
    """Ratios as bars with the promised one as a tick, on one scale.

    Takes key, label, rate (null: none), target (null: none), said, tone, hover.
    """
    figure = _figure(palette, row_height * len(frame) + 12)
    y = list(range(len(frame)))
    rates = [0.0 if rate != rate else float(rate) for rate in frame["rate"]]
    goals = [float(goal) for goal in frame["target"] if goal == goal]
    end = max([*rates, *(2 * goal for goal in goals), 0.01]) * 1.04
    for values, colours in (
        ([end] * len(y), [palette.track] * len(y)),
        (rates, [palette.tone(tone).line if tone else palette.accent for tone in frame["tone"]]),
    ):
        figure.add_bar(
            x=values,
            y=y,
            orientation="h",
            width=0.34,
            marker={"color": colours, "cornerradius": 4, "line": {"width": 0}},
            customdata=[[key] for key in frame["key"]],
            hovertext=frame["hover"],
            hovertemplate="%{hovertext}<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    _ticks(figure, palette, frame["target"])
    _label_rows(figure, palette, frame, end)
    return figure
