"""Availability by month: the fleet's line against its target, and the line with loaners."""

from collections.abc import Sequence
from math import isnan

import pandas as pd

from dashboard.charts import _course, _figure, _target_line
from dashboard.charts.figure import Figure
from dashboard.theme import Palette


def availability(
    frame: pd.DataFrame,
    palette: Palette,
    *,
    targets: Sequence[tuple[float, str]],
    loaner_label: str,
    partial_label: str | None,
    height: int = 280,
) -> Figure:
    """Availability by month, red below the lowest target, and what loaners make of it.

    Takes label, rate, with_loaner, hover, key; targets with their labels, the lowest first. The
    last point stands for a month that is not over where `partial_label` says so.
    """
    known = frame[frame["rate"].notna()].reset_index(drop=True)
    place = {key: i for i, key in enumerate(frame["key"])}
    at = [place[key] for key in known["key"]]
    rates = [float(rate) for rate in known["rate"]]
    covered = [float(rate) for rate in known["with_loaner"]]
    loaners = [i for i, rate in enumerate(covered) if not isnan(rate)]
    target = targets[0][0]
    figure = _figure(palette, height)
    figure.add_scatter(
        x=at,
        y=[None if isnan(rate) else rate for rate in covered],
        mode="lines",
        line={"color": palette.quiet.line, "width": 1.6},
        hoverinfo="skip",
    )
    colours = [palette.bad.line if rate < target else palette.accent for rate in rates]
    _course(figure, palette, at, rates, target, is_partial=partial_label is not None)
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
    floor, top = min([*rates, target]), max([*rates, *(covered[i] for i in loaners), target])
    span = max(top - floor, 0.002)
    for goal, label in targets:
        _target_line(
            figure,
            palette,
            goal,
            label,
            at_left=abs(rates[0] - goal) > abs(rates[-1] - goal),
        )
    # Where the label is clear of its own line, of the fleet's and of the target.
    widest = max(
        loaners,
        key=lambda i: min(covered[i] - rates[i], abs(covered[i] - target)),
        default=None,
    )
    if widest is not None and covered[widest] > rates[widest]:
        figure.add_annotation(
            x=at[widest],
            y=covered[widest],
            text=loaner_label,
            yshift=11,
            font={"size": 11, "color": palette.muted},
            xanchor="left" if widest == 0 else "right" if at[widest] == at[-1] else "center",
        )
    if partial_label:
        figure.add_annotation(
            x=at[-1],
            y=rates[-1],
            text=partial_label,
            yshift=-16,
            font={"size": 11, "color": palette.muted},
            xanchor="right" if len(frame) > 1 else "center",
            xshift=10,
        )
    figure.update_xaxes(
        tickvals=list(range(len(frame))),
        ticktext=list(frame["label"]),
        range=[-0.35, max(len(frame) - 0.65, 0.35)],
    )
    figure.update_yaxes(
        range=[max(0.0, floor - span * 0.2), min(1.0, top) + span * 0.16],
        tickformat=".2%" if span < 0.01 else ".1%" if span < 0.08 else ".0%",
        nticks=5,
    )
    return figure
