"""The life of one unit on one line of time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from dashboard.charts import _figure, _name_rows
from dashboard.charts.figure import Figure
from dashboard.theme import Palette, blend


def life(
    spans: pd.DataFrame,
    marks: pd.DataFrame,
    palette: Palette,
    *,
    rows: Sequence[tuple[str, str]],
    lines: Sequence[tuple[datetime, str]],
    row_height: int = 38,
) -> Figure:
    """What happened to a unit and when: `rows` are keys with their labels, from top to bottom.

    Spans take row, from_at, to_at, look (service, base, sure, perhaps, down, covered, loaner),
    said (on the bar), hover, key. Marks take row, at, tone ("" for none), hollow, hover, key. Lines
    are instants with what they are.
    """
    figure = _figure(palette, row_height * len(rows) + 62)
    place = {key: y for y, (key, _) in enumerate(rows)}
    looks = {
        "service": (blend(palette.card, palette.accent, 0.16), None),
        "base": (blend(palette.card, palette.accent, 0.34), None),
        "sure": (palette.accent, palette.card),
        "perhaps": (palette.card, palette.warn.line),
        "down": (palette.bad.line, palette.bad.line),
        "covered": (palette.good.line, palette.good.line),
        "loaner": (palette.quiet.line, palette.quiet.line),
    }
    for look, (fill, outline) in looks.items():
        here = spans[spans["look"] == look]
        if here.empty:
            continue
        figure.add_bar(
            base=list(here["from_at"].astype(str)),
            x=[
                (until - since).total_seconds() * 1000
                for since, until in zip(here["from_at"], here["to_at"], strict=True)
            ],
            y=[place[row] for row in here["row"]],
            orientation="h",
            width=0.3 if look in ("covered", "loaner") else 0.42,
            marker={
                "color": fill,
                # A stretch of hours would vanish on a line of years.
                "line": {"width": 1.6 if outline else 0, "color": outline or fill},
            },
            text=here["said"],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            textfont={
                "size": 11,
                "color": palette.card if look == "sure" else palette.text,
            },
            customdata=[[key] for key in here["key"]],
            hovertext=here["hover"],
            hovertemplate="%{hovertext}<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    if len(marks):
        colours = [palette.tone(tone).line if tone else palette.accent for tone in marks["tone"]]
        figure.add_scatter(
            x=list(marks["at"].astype(str)),
            y=[place[row] for row in marks["row"]],
            mode="markers",
            marker={
                "size": 10,
                "color": [
                    palette.card if hollow else colour
                    for hollow, colour in zip(marks["hollow"], colours, strict=True)
                ],
                "line": {"color": colours, "width": 1.8},
            },
            customdata=[[key] for key in marks["key"]],
            hovertext=marks["hover"],
            hovertemplate="%{hovertext}<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    instants = [*spans["from_at"], *spans["to_at"], *marks["at"], *(at for at, _ in lines)]
    first, last = min(instants), max(instants)
    room = max((last - first) * 0.04, timedelta(days=1))
    for i, (at, label) in enumerate(sorted(lines)):
        figure.add_shape(
            type="line",
            x0=str(at),
            x1=str(at),
            y0=-0.5,
            y1=len(rows) - 0.5,
            line={"color": palette.muted, "width": 1, "dash": "dash"},
        )
        late = at > first + (last - first) / 2
        figure.add_annotation(
            x=str(at),
            y=-0.5,
            yanchor="bottom",
            yshift=2 + 15 * (i % 2),
            xanchor="right" if late else "left",
            text=label,
            font={"size": 11, "color": palette.muted},
        )
    figure.update_layout(barmode="overlay", margin={"l": 0, "r": 6, "t": 36, "b": 0})
    figure.update_xaxes(
        type="date",
        range=[str(first - room), str(last + room)],
        tickformat="%Y-%m",
        nticks=8,
        showgrid=True,
    )
    _name_rows(figure, palette, [label for _, label in rows])
    return figure
