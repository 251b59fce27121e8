"""Warranties that end: by month ahead, and by days left."""

import pandas as pd

from dashboard.charts import _figure, _name_rows
from dashboard.charts.figure import Figure
from dashboard.theme import Palette, blend

_WIDTHS = {2: 0.36, 3: 0.26}


def expiries(
    frame: pd.DataFrame, palette: Palette, *, names: tuple[str, str, str], height: int = 280
) -> Figure:
    """Units whose warranty ends, by month: without extensions, with them, with the possible ones.

    Takes label, key, base_expires_on, expires_on, possible_expires_on (how many units), hover.
    The possible ones are drawn where they differ from those that count.
    """
    unsure = frame["possible_expires_on"] != frame["expires_on"]
    series: list[tuple[str, str, str, str | None]] = [
        ("base_expires_on", names[0], blend(palette.card, palette.accent, 0.34), None),
        ("expires_on", names[1], palette.accent, None),
    ]
    if unsure.any():
        series.append(("possible_expires_on", names[2], palette.card, palette.warn.line))
    width = _WIDTHS[len(series)]
    figure = _figure(palette, height, barmode="group", bargap=0.2)
    top = max(1, *(int(frame[name].max()) for name, *_ in series))
    for i, (column, _, fill, outline) in enumerate(series):
        here = frame[unsure] if column == "possible_expires_on" else frame[frame[column] > 0]
        shift = (i - (len(series) - 1) / 2) * width
        differs = here["base_expires_on"] != here["expires_on"]
        figure.add_bar(
            x=[x + shift for x in here.index],
            y=here[column],
            width=width * 0.92,
            marker={
                "color": fill,
                "cornerradius": 3,
                "line": {"width": 1.4 if outline else 0, "color": outline or fill},
            },
            customdata=[[key, column] for key in here["key"]],
            hovertext=here["hover"],
            hovertemplate="%{hovertext}<extra></extra>",
            text=[
                str(n) if column != "base_expires_on" or other else ""
                for n, other in zip(here[column], differs, strict=True)
            ],
            textposition="outside",
            textangle=0,
            constraintext="none",
            textfont={
                "size": 12,
                "color": palette.text if column == "expires_on" else palette.muted,
            },
            cliponaxis=False,
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    said = "&#8195;".join(
        f"<span style='color:{outline or fill}'>{'□' if outline else '■'}</span> {name}"
        for _, name, fill, outline in series
    )
    figure.add_annotation(
        x=1,
        xref="paper",
        y=1,
        yref="paper",
        yanchor="bottom",
        xanchor="right",
        text=said,
        font={"size": 11.5, "color": palette.muted},
    )
    figure.update_layout(margin={"l": 0, "r": 4, "t": 26, "b": 0})
    figure.update_xaxes(
        tickvals=list(range(len(frame))),
        ticktext=list(frame["label"]),
        tickangle=0,
        range=[-0.6, len(frame) - 0.4],
    )
    figure.update_yaxes(range=[0, top * 1.14], nticks=4, rangemode="tozero")
    return figure


def amounts(frame: pd.DataFrame, palette: Palette, *, row_height: int = 36) -> Figure:
    """How many there are of each: bars with their number.

    Takes label, n, said, tone ("" for none), hover, key.
    """
    figure = _figure(palette, row_height * len(frame) + 12)
    y = list(range(len(frame)))
    most = max(1, int(frame["n"].max()))
    figure.add_bar(
        x=frame["n"],
        y=y,
        orientation="h",
        width=0.5,
        marker={
            "color": [
                palette.tone(tone).line if tone else palette.accent for tone in frame["tone"]
            ],
            "cornerradius": 4,
            "line": {"width": 0},
        },
        text=frame["said"],
        textposition="outside",
        textfont={
            "size": 12,
            "color": [palette.tone(tone).text if tone else palette.text for tone in frame["tone"]],
        },
        cliponaxis=False,
        customdata=[[key] for key in frame["key"]],
        hovertext=frame["hover"],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )
    figure.update_layout(margin={"r": 48, "l": 0, "t": 4, "b": 0})
    figure.update_xaxes(range=[0, most], showticklabels=False)
    _name_rows(figure, palette, list(frame["label"]))
    return figure
