"""`kept request`: what a contract lacks, as a workbook that the vendor fills in and sends back.

One sheet per log holds the whole rows of the records whose cells are missing, under headings that
`kept load` knows: loaded again it changes what was filled in, and nothing else.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import duckdb
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.datavalidation import DataValidation

from etl.catalogue import LANGUAGES, Column, Log, Text, catalogue
from etl.errors import KeptError, NothingDoneError
from etl.evidence.missing import (
    CELL,
    LATER,
    LOG_ENDS,
    NO_COLUMN,
    NO_RECORD,
    Missing,
    missing,
)
from etl.intake.check import exact
from etl.intake.match import LACKS, recognise
from etl.intake.read import TextTable
from etl.marts import Marts
from etl.report import rejected_rows
from etl.store import Batch, Manifest, Warehouse
from etl.tables import standing_sql

MOST_RECORDS = 20_000
"""Records of one log in one request; the rest comes with the next one."""
MOST_CHARACTERS = 32_767
"""What a cell of a workbook holds."""
FLAGS = {True: "是", False: "否"}
_MISSING = PatternFill("solid", start_color="FFFFF2B3")
_HEADING = PatternFill("solid", start_color="FFEEF0F4")
_FORMATS = {"date": "yyyy-mm-dd", "instant": "yyyy-mm-dd hh:mm:ss"}
_WIDTHS = {"date": 14, "instant": 21, "text": 28}
_AS_TEXT = "@"
_TO_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Asked:
    """What a request asks for: records with missing cells, further items, rejected rows."""

    records: int
    cells: int
    wanted: int
    rejected: int


@dataclass
class _Sheet:
    """The records of one log: by row, its missing columns, each with the clauses it decides."""

    log: Log
    rows: dict[int, dict[str, list[str]]] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        return sum(len(columns) for columns in self.rows.values())


def write_request(
    marts: Marts, warehouse: Warehouse, manifest: Manifest, contract: str, target: Path
) -> Asked:
    """Writes the request for `contract` to `target`, an .xlsx file.

    Raises KeptError where there is no such contract, nothing is missing, or the file cannot be
    written.
    """
    if target.suffix.lower() != ".xlsx":
        raise KeptError("request_format", file=target)
    if not target.absolute().parent.is_dir():
        raise KeptError("folder_missing", folder=target.absolute().parent)
    asked, content = request(marts, warehouse, manifest, contract)
    try:
        target.write_bytes(content)
    except OSError as error:
        raise KeptError("file_not_written", file=target) from error
    return asked


def request(
    marts: Marts, warehouse: Warehouse, manifest: Manifest, contract: str
) -> tuple[Asked, bytes]:
    """The request for `contract`: what it asks for, and the workbook.

    Raises KeptError where there is no such contract or nothing is missing.
    """
    found = missing(marts, contract)
    sheets = _sheets(found)
    wanted = _wanted(found)
    book = Workbook(write_only=True)
    book.properties.creator = "Kept 履约"
    with marts.beside_logs() as (con, logs):
        refused = _refused(con, logs, contract)
        if not (sheets or wanted or refused):
            raise NothingDoneError("request_nothing", contract=contract)
        asked = Asked(
            records=sum(len(sheet.rows) for sheet in sheets),
            cells=sum(sheet.cells for sheet in sheets),
            wanted=len(wanted),
            rejected=sum(len(rows) for rows in refused.values()),
        )
        about = book.create_sheet("说明 README")
        listed = [_write_records(book, con, logs, sheet) for sheet in sheets]
        if wanted:
            _write_wanted(book, wanted)
        for batch in manifest.batches:
            if rows := refused.get(batch.sequence):
                _write_rejected(book, con, logs, warehouse, batch, rows)
        _write_about(
            about, con, marts, contract, sheets, [note for some in listed for note in some]
        )
    out = BytesIO()
    book.save(out)
    return asked, out.getvalue()


def _sheets(found: Iterable[Missing]) -> list[_Sheet]:
    """The records with missing cells, log by log in the order of the catalogue.

    A log that lacks whole records has a sheet to add them to, if only with headings. Not so one
    that was never loaded: with headings alone it would pass for loaded.
    """
    by_log: dict[str, _Sheet] = {}
    for one in found:
        if one.kind in (LOG_ENDS, NO_RECORD):
            by_log.setdefault(one.log, _Sheet(catalogue().logs[one.log]))
        if one.kind == CELL and one.row_id is not None:
            sheet = by_log.setdefault(one.log, _Sheet(catalogue().logs[one.log]))
            columns = sheet.rows.setdefault(one.row_id, {})
            for column in one.columns:
                clauses = columns.setdefault(column, [])
                if one.clause not in clauses:
                    clauses.append(one.clause)
    return [by_log[name] for name in catalogue().logs if name in by_log]


def _wanted(found: Iterable[Missing]) -> list[tuple[str, Missing]]:
    """What has no cell to fill in, each with the promises it is for; a column is asked for once."""
    listed: list[tuple[list[str], Missing]] = []
    columns: dict[tuple[str, tuple[str, ...]], int] = {}
    for one in found:
        title = _two(catalogue().clauses[one.clause].title)
        if one.kind in (CELL, LATER):
            continue
        place = columns.get((one.log, one.columns)) if one.kind == NO_COLUMN else None
        if place is None:
            columns[one.log, one.columns] = len(listed)
            listed.append(([title], replace(one, subject="") if one.kind == NO_COLUMN else one))
        else:
            titles, known = listed[place]
            titles.append(title)
            count = known.obligations + one.obligations
            listed[place] = (titles, replace(known, obligations=count))
    return [("; ".join(titles), one) for titles, one in listed]


def _refused(con: duckdb.DuckDBPyConnection, logs: str, contract: str) -> dict[int, frozenset[int]]:
    """The rejected rows that name the contract: their source rows by the batch's sequence."""
    rows = con.execute(
        f"select batch, source_row from {logs}.open_rejects where contract_id = ?", [contract]
    ).fetchall()
    by_batch: dict[int, set[int]] = {}
    for batch, source_row in rows:
        by_batch.setdefault(batch, set()).add(source_row)
    return {batch: frozenset(found) for batch, found in sorted(by_batch.items())}


# --- sheets --------------------------------------------------------------------------------------


def _write_records(
    book: Workbook, con: duckdb.DuckDBPyConnection, logs: str, sheet: _Sheet
) -> list[str]:
    """The sheet of a log; what had to be left out of it, in words."""
    log = sheet.log
    ids = sorted(sheet.rows)[:MOST_RECORDS]
    notes = []
    if len(ids) < len(sheet.rows):
        notes.append(_both("request_left_out", log=log.label, shown=len(ids), all=len(sheet.rows)))
    ws = book.create_sheet(f"{log.label.zh} {log.label.en}"[:31])
    ws.freeze_panes = "B2"
    asked_for = {name for columns in sheet.rows.values() for name in columns}
    for position, column in enumerate(log.columns.values(), start=1):
        letter = get_column_letter(position)
        ws.column_dimensions[letter].width = _WIDTHS.get(column.type, 17)
        choices = _choices(column)
        if column.name in asked_for and choices:
            offered = DataValidation("list", formula1=f'"{",".join(choices)}"', allow_blank=True)
            offered.add(f"{letter}2:{letter}{len(ids) + 1}")
            ws.data_validations.append(offered)
    ws.column_dimensions[get_column_letter(len(log.columns) + 1)].width = 60
    headings = [heading(column) for column in log.columns.values()]
    ws.append([_headed(ws, said) for said in (*headings, LACKS)])
    if not ids:
        return notes
    names = ", ".join(f'"{name}"' for name in log.columns)
    con.execute("create or replace temp table wanted_row (row_id bigint)")
    con.executemany("insert into wanted_row values (?)", [[one] for one in ids])
    cursor = con.execute(
        f"select row_id, all_recorded, coalesce(days, ''), {names} "
        f"from ({standing_sql(logs, log)}) as one "
        "semi join wanted_row using (row_id) order by row_id"
    )
    for row_id, recorded, days, *values in cursor.fetchall():
        said = {
            name: _text(column, value.date() if f";{name};" in days else value)
            for (name, column), value in zip(log.columns.items(), values, strict=True)
        }
        for name, column in log.columns.items():
            # A default is no value of the row's own: sent back, it would pass for one.
            if said[name] == column.default and f";{name};" not in recorded:
                said[name] = None
        if any(len(_escaped(text)) > MOST_CHARACTERS for text in said.values() if text):
            key = " ".join(said[name] or "" for name in log.key)
            notes.append(_both("request_too_long", log=log.label, key=key))
            continue
        lacks = sheet.rows[row_id]
        cells: list[Cell] = [
            _asked_cell(ws, column, lacks[name], said[name])
            if name in lacks
            else _known(ws, said[name])
            for name, column in log.columns.items()
        ]
        ws.append([*cells, _known(ws, _why(log, lacks))])
    return notes


def _write_wanted(book: Workbook, wanted: Sequence[tuple[str, Missing]]) -> None:
    """What has no record to fill in."""
    ws = book.create_sheet(_beside("request_sheet_wanted"))
    for letter, width in (("A", 34), ("B", 30), ("C", 70), ("D", 24)):
        ws.column_dimensions[letter].width = width
    ws.freeze_panes = "A2"
    heads = ("clause", "about", "what", "count")
    ws.append([_headed(ws, _beside(f"request_head_{name}")) for name in heads])
    for titles, one in wanted[:MOST_RECORDS]:
        ws.append(
            [
                _known(ws, titles, wrap=True),
                _known(ws, one.subject),
                _known(ws, what_is_wanted(one), wrap=True),
                one.obligations,
            ]
        )


def what_is_wanted(one: Missing, language: str | None = None) -> str:
    """What would decide an obligation for which no record is there, in words (None: in both)."""
    log = catalogue().logs[one.log]
    evidence = catalogue().clauses[one.clause].evidence
    names = one.columns or [name for whose, name in evidence if whose == one.log]
    columns = [log.columns[name].label for name in names]
    values: dict[str, object] = {
        "log": log.label,
        "through": one.through_at or "—",
        "needed": one.needed_at or "—",
        "columns": Text(
            "、".join(label.zh for label in columns), ", ".join(label.en for label in columns)
        ),
    }
    code = f"request_{one.kind}" if one.kind != CELL else f"request_{NO_RECORD}"
    if one.kind == NO_COLUMN and len(columns) > 1:
        code += "s"
    if language is None:
        return _both(code, **values)
    return catalogue().message(code, language, **values)


def _write_rejected(
    book: Workbook,
    con: duckdb.DuckDBPyConnection,
    logs: str,
    warehouse: Warehouse,
    batch: Batch,
    source_rows: frozenset[int],
) -> None:
    """Rejected rows as they came, with their reasons; mended here, they are loaded as they are."""
    ws = book.create_sheet(f"{catalogue().message('request_sheet_rejected', 'zh')} {batch.id}"[:31])
    ws.freeze_panes = "A2"
    columns, rows = rejected_rows(warehouse, batch, source_rows)
    if not _is_recognised(batch, ws.title):
        columns, rows = _as_understood(con, logs, batch, columns, rows)
    for position in range(1, len(columns) + 1):
        ws.column_dimensions[get_column_letter(position)].width = 18
    ws.append([_headed(ws, said) for said in columns])
    for row in rows:
        ws.append([_known(ws, None if cell is None else str(cell)) for cell in row])


def _is_recognised(batch: Batch, sheet: str) -> bool:
    """Whether these headings say of themselves which log they are."""
    try:
        found = recognise([TextTable(batch.file, sheet, [list(batch.headers)], [1])], None, sheet)
    except KeptError:
        return False
    return found is not None and found.log.name == batch.log


def _as_understood(
    con: duckdb.DuckDBPyConnection,
    logs: str,
    batch: Batch,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
) -> tuple[list[str], list[list[object]]]:
    """The same rows under the log's own headings, where theirs needed a mapping."""
    log, width = catalogue().logs[batch.log], len(batch.headers)
    texts = dict(
        con.execute(
            f"select source_row, texts from {logs}.rejects where batch = ?", [batch.sequence]
        ).fetchall()
    )
    place = width + 1  # after the original columns and the stray cells: the source row
    return (
        [*(heading(column) for column in log.columns.values()), *columns[width:]],
        [[*texts[row[place]], *row[width:]] for row in rows],
    )


def _write_about(
    ws: WriteOnlyWorksheet,
    con: duckdb.DuckDBPyConnection,
    marts: Marts,
    contract: str,
    sheets: Sequence[_Sheet],
    notes: Sequence[str],
) -> None:
    """What is asked for and how to answer, in both languages.

    One text a row: two headings beside one another would be taken for a log's.
    """
    ws.column_dimensions["A"].width = 96
    found = con.execute(
        "select coalesce(name, ''), coalesce(vendor, '—') from fact_contract where contract_id = ?",
        [contract],
    ).fetchone()
    assert found is not None
    as_of = f"{marts.as_of:%Y-%m-%d %H:%M}"
    lines = [
        _both("request_contract", contract=contract, name=found[0], vendor=found[1]),
        _both("request_as_of", as_of=as_of),
        *(_both(f"request_{name}") for name in ("fill", "leave", "headings", "add", "return")),
        _both("request_table"),
        *(
            f"{_two(sheet.log.label)}: {_beside('request_head_records')} {len(sheet.rows)}, "
            f"{_beside('request_head_cells')} {sheet.cells}"
            for sheet in sheets
            if sheet.rows
        ),
        *notes,
    ]
    title = _known(ws, _beside("request_title"))
    title.font = Font(bold=True, size=14)
    ws.append([title])
    for line in lines:
        ws.append([_known(ws, line, wrap=True)])


# --- cells ---------------------------------------------------------------------------------------


def heading(column: Column) -> str:
    """A column's heading in both languages, as `kept load` knows it: the English is a note."""
    return f"{column.label.zh} ({column.label.en.replace('(', '').replace(')', '')})"


def _headed(ws: WriteOnlyWorksheet, said: str) -> Cell:
    cell = _known(ws, said, wrap=True)
    cell.font, cell.fill = Font(bold=True), _HEADING
    return cell


def _known(ws: WriteOnlyWorksheet, said: str | None, *, wrap: bool = False) -> Cell:
    """A text that stays a text, whatever it begins with."""
    cell = WriteOnlyCell(ws, value=None if said is None else _escaped(said))
    if said is not None:
        cell.data_type = "s"
    cell.number_format = _AS_TEXT
    if wrap:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _escaped(text: str) -> str:
    """A text as a workbook holds it: what XML loses, and what would read as an escape, escaped."""
    return _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def _asked_cell(
    ws: WriteOnlyWorksheet, column: Column, clauses: Sequence[str], said: str | None
) -> Cell:
    """A cell that stands out, with a note that says what it decides; what it says, it keeps."""
    cell = _known(ws, said)
    cell.fill = _MISSING
    if said is None:
        cell.number_format = _FORMATS.get(column.type, _AS_TEXT)
    note = Comment(_lacks(column, clauses), "Kept", height=90, width=320)
    cell.comment = note
    return cell


def _lacks(column: Column, clauses: Sequence[str]) -> str:
    titles = [catalogue().clauses[name].title for name in clauses]
    said = Text("、".join(one.zh for one in titles), ", ".join(one.en for one in titles))
    return _both("request_cell", column=column.label, clauses=said)


def _why(log: Log, lacks: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(_two(log.columns[name].label) for name in lacks)


def _choices(column: Column) -> list[str]:
    """What may stand in a cell, as a spreadsheet offers it."""
    if column.type == "flag":
        return list(FLAGS.values())
    if column.type == "choice":
        return [words[0] if words else code for code, words in (column.choices or {}).items()]
    return []


def _text(column: Column, value: object) -> str | None:
    """A value as it is written in an export, and read from one as the same value."""
    if value is None:
        return None
    if isinstance(value, bool):
        return FLAGS[value]
    if isinstance(value, Decimal):
        return exact(value)
    if isinstance(value, datetime):
        # A midnight with a space before it may be what a spreadsheet makes of a day.
        return value.isoformat(sep=" " if value.time() != time() else "T")
    if isinstance(value, date):
        return value.isoformat()
    said = str(value)
    if column.type in ("choice", "choices") and column.choices:
        return ";".join((column.choices.get(code) or (code,))[0] for code in said.split(";"))
    return said


def _beside(code: str) -> str:
    return " ".join(catalogue().message(code, language) for language in LANGUAGES)


def _two(text: Text) -> str:
    return f"{text.zh} {text.en}"


def _both(code: str, **values: object) -> str:
    return "\n".join(catalogue().message(code, language, **values) for language in LANGUAGES)
