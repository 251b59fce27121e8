"""The management report as a PDF."""

from decimal import Decimal
from importlib.resources import files
from typing import Any

from etl.catalogue import catalogue
from etl.pdf import compile_pdf
from etl.reports.sections import Chart, Column, Report, Section, Verdict
from etl.verdict import percent

TICKS = 4


def document(report: Report) -> bytes:
    """The report as a PDF. Raises KeptError where no font with Chinese is found."""
    template = files(__package__).joinpath("report.typ").read_text(encoding="utf-8")
    facts = dict(report.facts)
    data = {
        "title": report.title,
        "language": report.language,
        "facts": report.facts,
        "footer": f"Kept 履约 · {report.title} · {next(iter(facts.values()))}",
        "sections": [_section(section, report.language) for section in report.sections],
    }
    return compile_pdf(template, data)


def _section(section: Section, language: str) -> dict[str, Any]:
    return {
        "title": section.title,
        "note": section.note,
        "columns": [
            {
                "title": column.title,
                "text": column.kind == "text",
                "number": column.kind not in ("text", "verdict"),
            }
            for column in section.columns
        ],
        "rows": [
            [_said(column, value) for column, value in zip(section.columns, row, strict=True)]
            for row in section.rows
        ],
        "plot": None if section.chart is None else _plot(section, section.chart, language),
    }


def _said(column: Column, value: Any) -> dict[str, str]:
    tone = value.tone if isinstance(value, Verdict) else "ink"
    return {"said": _written(column, value), "tone": tone}


def _written(column: Column, value: Any) -> str:
    if value is None:
        return "—"
    match column.kind:
        case "count" | "number":
            return f"{value:,.6f}".rstrip("0").rstrip(".")
        case "share":
            return percent(Decimal(repr(value)), 1)
        case "hours":
            return f"{value:,.1f}"
    return str(value)


def _plot(section: Section, chart: Chart, language: str) -> dict[str, Any]:
    """What is drawn: series over the labels of the first column, and where the scale ends."""
    columns = [section.columns[place] for place in chart.columns]
    series = [
        {"title": column.title, "values": [row[place] for row in section.rows]}
        for column, place in zip(columns, chart.columns, strict=True)
    ]
    shares = columns[0].kind == "share"
    values = [value for one in series for value in one["values"] if value is not None]
    values += [] if chart.target is None else [chart.target]
    low, top = _scale(values, from_zero=chart.form == "bar" or not shares)
    target = None
    if chart.target is not None:
        title = catalogue().message("management_target", language)
        target = {"at": chart.target, "title": title}
    return {
        "form": chart.form,
        "labels": [str(row[0]) for row in section.rows],
        "series": series,
        "target": target,
        "low": low,
        "top": top,
        "ticks": [
            {"at": at, "said": f"{at:.1%}" if shares else f"{at:,.0f}"}
            for at in (low + (top - low) * n / TICKS for n in range(TICKS + 1))
        ],
    }


def _scale(values: list[float], *, from_zero: bool) -> tuple[float, float]:
    """The ends of the axis; a little air below a share that stays high."""
    if not values:
        return 0.0, 1.0
    top, low = max(values), min(values)
    if from_zero:
        return 0.0, float(max(top, 1))
    air = max((top - low) * 0.15, 0.005)
    return max(0.0, low - air), min(1.0, top + air) if top <= 1 else top + air
