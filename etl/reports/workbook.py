"""The management report as a workbook: a sheet per section, with charts that the office draws."""

import re
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from etl.catalogue import catalogue
from etl.reports.sections import Column, Report, Section, Verdict
from etl.sheets import as_text, printable

HEAD = 4
_FACTS = "Kept"
_LONGEST = 31
_MARKS = re.compile(r"[\[\]:*?/\\]")
_FILL = PatternFill("solid", start_color="FFEEF0F4")
_GREY = Font(color="FF5D6472")
_COLOURS = ("2F5BD0", "D98A1F", "2E8B6B", "8A5BB5")
_TARGET = "5D6472"
TONES = {"good": "FF1C6B41", "bad": "FFA3261D", "warn": "FF8A5A00", "plain": "FF3C4454"}
_FORMATS = {"count": "#,##0", "number": "General", "hours": "0.0"}


def workbook(report: Report) -> bytes:
    """The report as .xlsx; no cell of it is a formula."""
    book = Workbook()
    book.properties.creator = "Kept 履约"
    first = book.active
    assert isinstance(first, Worksheet)
    names = _sheet_names(report.sections)
    _write_facts(first, report, names)
    for section, name in zip(report.sections, names, strict=True):
        _write_section(book.create_sheet(name), section, report.language)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _sheet_names(sections: Sequence[Section]) -> list[str]:
    """A name for each sheet that a spreadsheet takes: short, without its marks, each once."""
    names: list[str] = []
    for section in sections:
        name = " ".join(_MARKS.sub(" ", section.title).split()).strip("'")[:_LONGEST] or "-"
        number = 1
        while name.casefold() in {_FACTS.casefold(), *(one.casefold() for one in names)}:
            number += 1
            ending = f" {number}"
            name = f"{name[: _LONGEST - len(ending)].removesuffix(f' {number - 1}')}{ending}"
        names.append(name)
    return names


def _write_facts(sheet: Worksheet, report: Report, names: Sequence[str]) -> None:
    sheet.title = _FACTS
    sheet.sheet_view.showGridLines = False
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 40, 40
    _text(sheet, 1, 1, report.title).font = Font(bold=True, size=16)
    for row, (label, said) in enumerate(report.facts, start=3):
        _text(sheet, row, 1, label).font = _GREY
        _text(sheet, row, 2, said)
    row = len(report.facts) + 4
    for section, name in zip(report.sections, names, strict=True):
        cell = _text(sheet, row, 1, section.title)
        cell.hyperlink = f"#'{name}'!A1"
        cell.font = Font(color="FF2F5BD0", underline="single")
        _text(sheet, row, 2, section.note).alignment = Alignment(wrap_text=True)
        row += 1


def _write_section(sheet: Worksheet, section: Section, language: str) -> None:
    _text(sheet, 1, 1, section.title).font = Font(bold=True, size=14)
    _text(sheet, 2, 1, section.note).font = _GREY
    columns = _with_target(section, language)
    for place, column in enumerate(columns, start=1):
        cell = _text(sheet, HEAD, place, column.title)
        cell.font, cell.fill = Font(bold=True), _FILL
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[get_column_letter(place)].width = _width(section, place - 1, column)
    for row, values in enumerate(section.rows, start=HEAD + 1):
        for place, column in enumerate(columns, start=1):
            value = values[place - 1] if place <= len(values) else section.chart.target  # type: ignore[union-attr]
            _write(sheet, row, place, column, value)
    sheet.freeze_panes = sheet.cell(HEAD + 1, 2)
    sheet.auto_filter.ref = (
        f"A{HEAD}:{get_column_letter(len(section.columns))}{HEAD + len(section.rows)}"
    )
    if section.chart:
        _draw(sheet, section, len(columns))


def _with_target(section: Section, language: str) -> tuple[Column, ...]:
    """The columns, and one for the promised value where the chart draws it as a line."""
    if section.chart is None or section.chart.target is None:
        return section.columns
    kind = section.columns[section.chart.columns[0]].kind
    promised = catalogue().message("management_target", language)
    return (*section.columns, Column(promised, kind))


def _write(sheet: Worksheet, row: int, place: int, column: Column, value: Any) -> None:
    if value is None:
        return
    if column.kind in ("text", "money", "verdict") or isinstance(value, str):
        cell = _text(sheet, row, place, str(value))
        if isinstance(value, Verdict):
            cell.font = Font(color=TONES[value.tone])
        if column.kind == "money":
            cell.alignment = Alignment(horizontal="right")
        return
    cell = sheet.cell(row, place, value)
    cell.number_format = _share_format(value) if column.kind == "share" else _FORMATS[column.kind]


def _share_format(value: float) -> str:
    """As many decimals as keep a share from being shown as 0 % or 100 % when it is not."""
    for digits in (1, 2, 3, 4, 5, 6):
        shown = round(value * 100, digits)
        if shown not in (0, 100) or value in (0, 1):
            return f"0.{'0' * digits}%"
    return "General"


def _text(sheet: Worksheet, row: int, place: int, said: str) -> Cell:
    cell = sheet.cell(row, place, printable(said))
    assert isinstance(cell, Cell)
    return as_text(cell)


def _width(section: Section, place: int, column: Column) -> float:
    said = [str(row[place]) for row in section.rows[:50] if place < len(row)]
    widest = max((sum(2 if ord(c) > 255 else 1 for c in text) for text in said), default=8)
    return min(46, max(12, widest + 2 if column.kind in ("text", "verdict") else 14))


def _draw(sheet: Worksheet, section: Section, columns: int) -> None:
    """The section's chart beside its table."""
    assert section.chart is not None
    drawn = [place + 1 for place in section.chart.columns]
    if section.chart.target is not None:
        drawn.append(columns)
    chart = LineChart() if section.chart.form == "line" else BarChart()
    last = HEAD + len(section.rows)
    for place in drawn:
        chart.add_data(
            Reference(sheet, min_col=place, min_row=HEAD, max_row=last), titles_from_data=True
        )
    chart.set_categories(Reference(sheet, min_col=1, min_row=HEAD + 1, max_row=last))
    chart.title = section.title
    chart.height, chart.width = 8.5, 18
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.y_axis.number_format = (
        "0%" if section.columns[section.chart.columns[0]].kind == "share" else "0"
    )
    chart.legend.position = "b"
    for number, series in enumerate(chart.series):
        is_target = section.chart.target is not None and number == len(chart.series) - 1
        colour = _TARGET if is_target else _COLOURS[number % len(_COLOURS)]
        if section.chart.form == "line":
            series.graphicalProperties.line.solidFill = colour
            series.graphicalProperties.line.width = 12700 if is_target else 28575
            if is_target:
                series.graphicalProperties.line.dashStyle = "dash"
            series.smooth = False
        else:
            series.graphicalProperties.solidFill = colour
    sheet.add_chart(chart, f"{get_column_letter(columns + 2)}{HEAD}")
