"""Figures: a frame and a palette in, a Plotly figure out. Knows no page and no query."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from dashboard.charts.figure import Figure
from dashboard.theme import FONT, Palette

CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "responsive": True}


def _figure(palette: Palette, height: int, **layout: Any) -> Figure:
    axis = {
        "showline": False,
        "zeroline": False,
        "fixedrange": True,
        "ticks": "outside",
        "ticklen": 6,
        "tickcolor": "rgba(0,0,0,0)",
        "gridcolor": palette.grid,
        "tickfont": {"color": palette.muted, "size": 12},
        # Looking for labels that hang over measures each of them: seconds on a page of charts.
        "ticklabeloverflow": "allow",
    }
    figure = Figure(
        {
            "height": height,
            "margin": {"l": 0, "r": 4, "t": 10, "b": 0},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": 12, "color": palette.text},
            "showlegend": False,
            # Streamlit hands every figure to plotly twice. Where these are as it would set them and
            # the data have a revision, plotly sees that nothing changed and draws it once.
            "clickmode": "event+select",
            "dragmode": "pan",
            "hovermode": "closest",
            "datarevision": 1,
            "hoverlabel": {
                "bgcolor": palette.card,
                "bordercolor": palette.hairline,
                "font": {"family": FONT, "size": 12, "color": palette.text},
                "align": "left",
            },
            "xaxis": {**axis, "showgrid": False, "automargin": True},
            "yaxis": {**axis, "automargin": True},
        }
    )
    figure.update_layout(**layout)
    return figure


def trend(
    frame: pd.DataFrame,
    palette: Palette,
    *,
    targets: Sequence[tuple[float, str]],
    partial_label: str | None,
    beside: pd.DataFrame | None = None,
    beside_label: str = "",
    height: int = 260,
) -> Figure:
    """The rate by month with its Wilson band; red where it is below the lowest target.

    Takes label, rate, low, high, hover, key; targets with their labels, the lowest first. The last
    point stands for a month that is not over where `partial_label` says so. `beside` (rate, hover;
    as many rows) is what it is compared with, a dashed line with its name at the end.
    """
    known = frame[frame["rate"].notna()].reset_index(drop=True)
    target = targets[0][0]
    figure = _figure(palette, height)
    x = list(range(len(frame)))
    place = {key: i for i, key in enumerate(frame["key"])}
    at = [place[key] for key in known["key"]]
    rates = [float(rate) for rate in known["rate"]]
    figure.add_scatter(
        x=at + at[::-1],
        y=[*known["high"], *known["low"][::-1]],
        fill="toself",
        fillcolor=palette.band,
        line={"width": 0},
        hoverinfo="skip",
        mode="lines",
    )
    _course(figure, palette, at, rates, target, is_partial=partial_label is not None)
    if beside is not None and beside["rate"].notna().any():
        _beside(figure, palette, beside, beside_label)
    colours = [palette.bad.line if rate < target else palette.accent for rate in rates]
    figure.add_scatter(
        x=at,
        y=rates,
        mode="markers",
        marker={
            "size": 8,
            "color": [palette.card] * len(at),
            "line": {"color": colours, "width": 2},
        },
        customdata=[[key] for key in known["key"]],
        hovertext=known["hover"],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )
    others = [] if beside is None else list(beside["rate"].dropna())
    floor = min([*known["low"], *others, target])
    bottom = max(0.0, floor - max(0.01, (1 - floor) * 0.12))
    for goal, label in targets:
        ends = [abs(rates[0] - goal), abs(rates[-1] - goal)]
        _target_line(figure, palette, goal, label, at_left=ends[0] > ends[1])
    if partial_label and at:
        figure.add_annotation(
            x=at[-1],
            y=rates[-1],
            text=partial_label,
            yshift=-18 if rates[-1] > (1 + bottom) / 2 else 18,
            font={"size": 11, "color": palette.muted},
            xanchor="right" if len(x) > 1 else "center",
            xshift=10,
        )
    figure.update_xaxes(
        tickvals=x, ticktext=list(frame["label"]), range=[-0.35, max(len(x) - 0.65, 0.35)]
    )
    figure.update_yaxes(
        range=[bottom, 1 + (1 - bottom) * 0.06], tickformat=".0%", nticks=5, side="left"
    )
    return figure


def _beside(figure: Figure, palette: Palette, beside: pd.DataFrame, label: str) -> None:
    known = beside.reset_index(drop=True)
    known = known[known["rate"].notna()]
    figure.add_scatter(
        x=list(known.index),
        y=list(known["rate"]),
        mode="lines+markers",
        line={"color": palette.muted, "width": 1.6, "dash": "dash"},
        marker={"size": 5, "color": palette.muted},
        hovertext=known["hover"],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure.add_annotation(
        x=known.index[-1],
        y=known["rate"].iloc[-1],
        text=label,
        xanchor="right",
        yshift=12,
        font={"size": 11, "color": palette.muted},
    )


def _target_line(
    figure: Figure, palette: Palette, target: float, label: str, *, at_left: bool
) -> None:
    figure.add_hline(y=target, line={"color": palette.muted, "width": 1, "dash": "dash"})
    figure.add_annotation(
        x=0 if at_left else 1,
        xref="paper",
        y=target,
        text=label,
        xanchor="left" if at_left else "right",
        xshift=8 if at_left else 0,
        yanchor="bottom" if target < 1 else "top",
        font={"size": 11, "color": palette.muted},
    )


def _course(
    figure: Figure,
    palette: Palette,
    at: Sequence[int],
    rates: Sequence[float],
    target: float,
    *,
    is_partial: bool,
) -> None:
    """The line through the rates, cut where it crosses the target; dotted to a partial month."""
    parts: dict[tuple[bool, bool], tuple[list[float | None], list[float | None]]] = {}

    def draw(x: tuple[float, float], y: tuple[float, float], below: bool, dotted: bool) -> None:
        xs, ys = parts.setdefault((below, dotted), ([], []))
        xs += [*x, None]
        ys += [*y, None]

    for i in range(len(at) - 1):
        x0, x1, y0, y1 = float(at[i]), float(at[i + 1]), rates[i], rates[i + 1]
        dotted = is_partial and i == len(at) - 2
        if (y0 < target) != (y1 < target):
            cut = x0 + (x1 - x0) * (target - y0) / (y1 - y0)
            draw((x0, cut), (y0, target), y0 < target, dotted)
            draw((cut, x1), (target, y1), y1 < target, dotted)
        else:
            draw((x0, x1), (y0, y1), y0 < target, dotted)
    for (below, dotted), (xs, ys) in parts.items():
        figure.add_scatter(
            x=xs,
            y=ys,
            mode="lines",
            hoverinfo="skip",
            line={
                "color": palette.bad.line if below else palette.accent,
                "width": 2.2,
                "dash": "dot" if dotted else "solid",
            },
        )


def _name_rows(figure: Figure, palette: Palette, labels: Sequence[str]) -> None:
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=labels,
        tickfont={"color": palette.text},
        range=[len(labels) - 0.5, -0.5],
        showgrid=False,
    )


def bars_height(rows: int) -> int:
    """The height of `bars` with so many rows."""
    return 34 * rows + 12


def beside(height: int) -> int:
    """The height of a chart that stands beside something so high.

    Decided here: a browser that is to stretch a chart draws it, measures its card, draws it again.
    """
    return min(max(260, height), 440)


def _ticks(figure: Figure, palette: Palette, at: Iterable[float]) -> None:
    """A tick across the bar of each row: one line, for every shape of a figure takes its time."""
    x: list[float | None] = []
    y: list[float | None] = []
    for row, goal in enumerate(at):
        if goal == goal:
            x += [float(goal), float(goal), None]
            y += [row - 0.3, row + 0.3, None]
    figure.add_scatter(
        x=x, y=y, mode="lines", line={"color": palette.text, "width": 2}, hoverinfo="skip"
    )


def _label_rows(
    figure: Figure,
    palette: Palette,
    frame: pd.DataFrame,
    end: float,
    *,
    start: float = 0,
    barmode: str = "overlay",
) -> None:
    """Bars from `start` to `end`: before each row its label, behind it what it comes to.

    Takes label, said, tone.
    """
    rows = list(range(len(frame)))
    figure.add_scatter(
        x=[end] * len(rows),
        y=rows,
        mode="text",
        text=["  " + said for said in frame["said"]],
        textposition="middle right",
        textfont={
            "color": [palette.tone(t).text if t else palette.muted for t in frame["tone"]],
            "size": 12,
        },
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_layout(barmode=barmode, margin={"r": 0, "l": 0, "t": 4, "b": 0})
    figure.update_xaxes(range=[start, end], showticklabels=False)
    _name_rows(figure, palette, list(frame["label"]))


def bars(frame: pd.DataFrame, palette: Palette) -> Figure:
    """Rates as bullets: the bar is the rate, the tick the target.

    Takes label, rate, target, said, tone, hover, key.
    """
    figure = _figure(palette, bars_height(len(frame)))
    y = list(range(len(frame)))
    rates = [0.0 if rate != rate else float(rate) for rate in frame["rate"]]
    known = [*[rate for rate in rates if rate], *frame["target"]]
    start = max(0.0, min(0.9, int((min(known, default=0.9) - 0.04) * 10) / 10))
    for values, colours in (
        ([1 - start] * len(y), [palette.track] * len(y)),
        (
            [max(0.0, rate - start) for rate in rates],
            [palette.tone(tone).line if tone else palette.accent for tone in frame["tone"]],
        ),
    ):
        figure.add_bar(
            x=values,
            y=y,
            base=start,
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
    _label_rows(figure, palette, frame, 1.0, start=start)
    return figure


def distribution(
    frame: pd.DataFrame,
    palette: Palette,
    *,
    limit_label: str,
    tick: Callable[[float], str],
    hover: Callable[[int, int], str],
    height: int = 260,
) -> Figure:
    """How long it took, as a share of the limit: bars of a tenth; those past the limit in red.

    Takes bucket (twentieths of the limit, 60 = three times or more) and obligations.
    """
    merged = frame.assign(bin=(frame["bucket"] // 2).clip(upper=30)).groupby("bin")["obligations"]
    counted = merged.sum()
    last = max(15, int(counted.index.max()) if len(counted) else 0)
    bins = list(range(last + 1))
    heights = [int(counted.get(one, 0)) for one in bins]
    figure = _figure(palette, height)
    figure.add_bar(
        x=[one / 10 + 0.05 for one in bins],
        y=heights,
        width=0.086,
        marker={
            "color": [palette.accent if one < 10 else palette.bad.line for one in bins],
            "cornerradius": 3,
            "line": {"width": 0},
        },
        customdata=[[one] for one in bins],
        hovertext=[hover(one, n) for one, n in zip(bins, heights, strict=True)],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )
    figure.add_vline(x=1, line={"color": palette.text, "width": 1.2, "dash": "dash"})
    figure.add_annotation(
        x=1,
        y=1,
        yref="paper",
        text=limit_label,
        xanchor="left",
        xshift=5,
        font={"size": 11, "color": palette.muted},
    )
    ticks = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    figure.update_xaxes(
        tickvals=[one for one in ticks if one <= (last + 1) / 10],
        ticktext=[tick(one) for one in ticks if one <= (last + 1) / 10],
        range=[0, (last + 1) / 10],
    )
    figure.update_yaxes(nticks=4, rangemode="tozero")
    return figure


def stage_times(frame: pd.DataFrame, palette: Palette) -> Figure:
    """The stages of one ticket against their limits: the bar is the time taken ÷ allowed.

    Takes label, share (null: not done), said, tone, hover.
    """
    figure = _figure(palette, 38 * len(frame) + 30)
    y = list(range(len(frame)))
    shares = [0.0 if share != share else min(2.0, float(share)) for share in frame["share"]]
    end = max(1.25, *(share + 0.1 for share in shares)) if shares else 1.25
    figure.add_bar(
        x=[end] * len(y),
        y=y,
        orientation="h",
        width=0.36,
        marker={"color": palette.track, "cornerradius": 4},
        hoverinfo="skip",
    )
    figure.add_bar(
        x=shares,
        y=y,
        orientation="h",
        width=0.36,
        marker={"color": [palette.tone(tone).line for tone in frame["tone"]], "cornerradius": 4},
        hovertext=frame["hover"],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure.add_vline(x=1, line={"color": palette.text, "width": 1.5})
    _label_rows(figure, palette, frame, end)
    figure.update_xaxes(tickvals=[0, 0.5, 1], ticktext=["0", "50%", "100%"], showticklabels=True)
    return figure
