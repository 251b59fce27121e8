"""The workbook of a pack: the decision, the clauses, the rows; every text a text, never a formula.

The bytes depend on nothing but the content: what a workbook says of its own making is set.
"""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from etl.catalogue import catalogue
from etl.evidence.document import document, pair
from etl.evidence.packcheck import entry
from etl.evidence.tables import Table
from etl.sheets import printable, text_cell

MOST_ROWS = 20_000  # a few seconds' work; the CSV files have them all
_MORE_THAN_TEXT = ("=", "#")  # openpyxl would make a formula or an error of it
Sheet = Any  # openpyxl has no public name for a sheet that is only written
_STAMP = b"1980-01-01T00:00:00Z"
_STAMPS = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")
_WIDTHS = {"clause": 34, "subject": 26, "reason": 48, "value": 60, "what": 44}


def write_workbook(content: Mapping[str, Any], tables: Sequence[Table], target: Path) -> None:
    """Writes the sheets: what the PDF says first, then one per table.

    A table beyond MOST_ROWS ends there with a line that says so: its CSV has all of it.
    """
    book = openpyxl.Workbook(write_only=True)
    _summary(book.create_sheet(_name("summary")), content)
    for table in tables:
        _sheet(book.create_sheet(_name(table.name)), table)
    raw = io.BytesIO()
    book.save(raw)
    _settle(raw, target)


def _name(sheet: str) -> str:
    words = pair(f"evidence_sheet_{sheet}")
    return f"{words['zh']} {words['en']}"[:31]


def _summary(sheet: Sheet, content: Mapping[str, Any]) -> None:
    shown = document(content)
    rows: list[tuple[str, str]] = [
        (
            _both(pair("column_contract")),
            " ".join(filter(None, (shown["contract_id"], shown["name"]))),
        ),
        (_both(shown["labels"]["verdict"]), _both(shown["verdict"]["title"])),
        *(("", _both(note)) for note in shown["notes"]),
    ]
    if shown["decision"] is not None:
        decision = shown["decision"]
        rows += [
            (
                _both(shown["labels"]["decision"]),
                f"{_both(decision['action'])} {decision['amount']}",
            ),
            (_both(shown["labels"]["prepared_by"]), decision["prepared_by"]),
            (_both(shown["labels"]["approved_by"]), decision["approved_by"]),
            ("", _both(decision["authenticated"])),
            *((_both(shown["labels"]["reasons"]), text) for text in decision["reasons"]),
            *((_both(shown["labels"]["conditions"]), text) for text in decision["conditions"]),
        ]
    rows += [(_both(row["label"]), row["value"]) for row in shown["amounts"]]
    rows += [(_both(row["label"]), row["value"]) for row in shown["rests_on"]]
    if shown["checkpoint"] is not None:
        rows.append((_both(shown["labels"]["checkpoint"]), shown["checkpoint"]))
    sheet.column_dimensions["A"].width = _WIDTHS["what"]
    sheet.column_dimensions["B"].width = 90
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])


def _sheet(sheet: Sheet, table: Table) -> None:
    sheet.freeze_panes = "A2"
    for number, column in enumerate(table.columns):
        letter = get_column_letter(number + 1)
        sheet.column_dimensions[letter].width = _WIDTHS.get(column, 16)
    sheet.append([_cell(sheet, _heading(column), bold=True) for column in table.columns])
    for number, row in enumerate(table.rows):
        if number == MOST_ROWS:
            more = pair("evidence_sheet_cut", most=MOST_ROWS, file=table.file)
            sheet.append([_cell(sheet, _both(more))])
            break
        sheet.append([_cell(sheet, value) for value in row])


def _heading(column: str) -> str:
    code = f"column_{column}"
    return f"{_both(pair(code))}" if code in catalogue().messages else column


def _both(words: Mapping[str, str]) -> str:
    return " ".join(words.values())


def _cell(sheet: Sheet, value: object, bold: bool = False) -> object:
    """The value as it goes into a row: text that would be more than text is marked as text."""
    if not isinstance(value, str):
        return value
    if not (bold or value.startswith(_MORE_THAN_TEXT)):
        return printable(value)
    made = text_cell(sheet, value)
    if bold:
        made.font = Font(bold=True)
    return made


def _settle(raw: io.BytesIO, target: Path) -> None:
    """Writes the workbook's parts in order, with no trace of when."""
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(target, "w") as out:
        for name in sorted(source.namelist()):
            part = _STAMPS.sub(rb"\g<1>" + _STAMP + rb"\g<3>", source.read(name))
            out.writestr(entry(name), part)
