"""OpenDocument sheets: their XML read as it passes by, so that no file can say to be huge."""

import re
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.parsers import expat

from etl.errors import KeptError
from etl.intake.read.held import Kinds
from etl.intake.read.odd_cells import DAMAGED, EXACT, UNCALCULATED, Range, shown
from etl.intake.read.parts import pieces
from etl.intake.read.sheets import Sheet, SheetsFile
from etl.intake.read.source import Limits

_NAMES = "urn:oasis:names:tc:opendocument:xmlns:"
_TABLE, _OFFICE, _TEXT, _STYLE, _NUMBER = (
    f"{_NAMES}{name}:1.0 " for name in ("table", "office", "text", "style", "datastyle")
)
_CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "
_DURATION = re.compile(r"PT(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:[.,][0-9]+)?S)?")


class TooLargeError(Exception):
    """More cells than a sheet may have."""


class OpenDocumentFile(SheetsFile):
    """An ODS."""

    def __init__(self, path: Path, file: str, limits: Limits) -> None:
        super().__init__(path, file, limits)
        self._held: dict[str, dict[int, dict[int, array[int]]]] = {}

    def sheets(self) -> Iterator[Sheet]:
        limit = self.limits.max_workbook_cells
        try:
            with zipfile.ZipFile(self.path) as archive:
                self.check_sizes(archive)
                if b"encryption-data" in _manifest(archive):
                    self._refuse("workbook_protected")
                content = _Content(limit)
                for piece in pieces(archive, "content.xml"):
                    content.feed(piece)
                content.finish()
        except TooLargeError:
            self._refuse("sheet_too_large", limit=f"{limit:,}")
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError) as error:
            raise KeptError("workbook_broken", file=self.file, detail=error) from error
        except (expat.ExpatError, ValueError, RuntimeError, NotImplementedError) as error:
            raise KeptError("workbook_broken", file=self.file, detail=error) from error
        for table in content.tables:
            if table.hidden:
                self.hidden = (*self.hidden, f"{self.file} [{table.name}]")
            elif (batch := table.batch()) is not None:
                self._held[table.name] = table.held
                yield Sheet(table.name, batch, 0, table.merged, table.rounded)

    def kinds(self, sheet: str, columns: frozenset[int]) -> Kinds | None:
        return {
            (row, column): DAMAGED[kind]
            for column in columns
            for kind, rows in self._held[sheet].get(column, {}).items()
            for row in rows
        }


def _manifest(archive: zipfile.ZipFile) -> bytes:
    name = "META-INF/manifest.xml"
    return archive.read(name) if name in archive.namelist() else b""


@dataclass
class _Table:
    """A sheet as it comes; `held` is column → index in DAMAGED → rows."""

    name: str
    hidden: bool
    limit: int
    merged: set[Range] = field(default_factory=set)
    rounded: dict[int, int] = field(default_factory=dict)
    held: "dict[int, dict[int, array[int]]]" = field(default_factory=dict)
    row: int = 0
    width: int = 0
    _rows: list[list[str | None]] = field(default_factory=list)

    def add(self, cells: Mapping[int, str], times: int) -> None:
        """Adds a row so many times; rows without content count once one with content follows."""
        if cells:
            self.width = max(self.width, *(column + 1 for column in cells))
            if (self.row + times) * self.width > self.limit:
                raise TooLargeError
            row: list[str | None] = [None] * (max(cells) + 1)
            for column, text in cells.items():
                row[column] = text
            self._rows += [[]] * (self.row - len(self._rows))
            self._rows += [row] * times
        self.row += times

    def batch(self) -> Any | None:
        """The sheet as Arrow text; None where it has no content."""
        import pyarrow as pa

        if not self._rows:
            return None
        columns = [
            pa.array((row[c] if c < len(row) else None for row in self._rows), pa.string())
            for c in range(self.width)
        ]
        return pa.record_batch(columns, [f"c{c}" for c in range(self.width)])


@dataclass
class _Cell:
    """A cell as it comes: what its attributes say, and its paragraphs."""

    attributes: Mapping[str, str]
    covered: bool
    paragraphs: list[str] = field(default_factory=list)

    def times(self) -> int:
        return _count(self.attributes, "number-columns-repeated")


def _count(attributes: Mapping[str, str], name: str) -> int:
    text = attributes.get(_TABLE + name, "1")
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError(f"{name}: {text}")
    return max(int(text), 1)


class _Content:
    """The tables in content.xml."""

    def __init__(self, limit: int) -> None:
        self.tables: list[_Table] = []
        self._limit = limit
        self._depth = 0
        self._notes = 0
        self._cell: _Cell | None = None
        self._cells: dict[int, str] = {}
        self._column = self._times = 0
        self._style = ""
        self._hidden_styles: set[str] = set()
        self._formats: dict[str, str] = {}
        self._with_time: set[str] = set()
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._no_doctype

    def feed(self, piece: bytes) -> None:
        """Takes the next piece."""
        self._parser.Parse(piece)

    def finish(self) -> None:
        """Raises ExpatError where it is not complete."""
        self._parser.Parse(b"", True)

    def _no_doctype(self, *_: object) -> None:
        raise ValueError("a document type is declared")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            if self._depth == 1:
                self._cell = _Cell(attributes, name.endswith("covered-table-cell"))
        elif name == f"{_TABLE}table":
            self._depth += 1
            if self._depth == 1:
                hidden = attributes.get(f"{_TABLE}style-name", "") in self._hidden_styles
                title = attributes.get(f"{_TABLE}name", f"Sheet{len(self.tables) + 1}")
                self.tables.append(_Table(title, hidden, self._limit))
        elif name == f"{_TABLE}table-row" and self._depth == 1:
            self._times = _count(attributes, "number-rows-repeated")
            self._cells, self._column = {}, 0
        elif name == f"{_OFFICE}annotation":
            self._notes += 1
        elif self._cell and not self._notes:
            self._inside(name, attributes)
        else:
            self._style_part(name, attributes)

    def _inside(self, name: str, attributes: Mapping[str, str]) -> None:
        """What stands in a cell."""
        assert self._cell is not None
        if name == f"{_TEXT}p":
            self._cell.paragraphs.append("")
        elif self._cell.paragraphs:
            spaces = min(int(attributes.get(f"{_TEXT}c", "1")), 1_000) if name[-2:] == " s" else 0
            between = {f"{_TEXT}tab": "\t", f"{_TEXT}line-break": "\n"}
            self._cell.paragraphs[-1] += between.get(name, " " * spaces)

    def _style_part(self, name: str, attributes: Mapping[str, str]) -> None:
        """Styles that hide a sheet, and those that show a date with its time."""
        if name == f"{_STYLE}style":
            self._style = attributes.get(f"{_STYLE}name", "")
            self._formats[self._style] = attributes.get(f"{_STYLE}data-style-name", "")
        elif name == f"{_STYLE}table-properties":
            if attributes.get(f"{_TABLE}display") == "false":
                self._hidden_styles.add(self._style)
        elif name == f"{_NUMBER}date-style":
            self._style = attributes.get(f"{_STYLE}name", "")
        elif name in (f"{_NUMBER}hours", f"{_NUMBER}minutes", f"{_NUMBER}seconds"):
            self._with_time.add(self._style)

    def _end(self, name: str) -> None:
        if name == f"{_OFFICE}annotation":
            self._notes -= 1
        elif name == f"{_TABLE}table":
            self._depth -= 1
        elif self._depth == 1 and name == f"{_TABLE}table-row":
            self.tables[-1].add(self._cells, self._times)
        elif self._depth == 1 and name.startswith(_TABLE) and name.endswith("table-cell"):
            self._end_cell()

    def _text(self, text: str) -> None:
        if self._cell and self._cell.paragraphs and not self._notes:
            self._cell.paragraphs[-1] += text

    def _end_cell(self) -> None:
        cell, self._cell = self._cell, None
        assert cell is not None
        table, first, times = self.tables[-1], self._column, cell.times()
        self._column += times
        if cell.covered:
            return
        rows, columns = (
            _count(cell.attributes, f"number-{n}-spanned") for n in ("rows", "columns")
        )
        if rows > 1 or columns > 1:
            table.merged.add((table.row, table.row + rows - 1, first, first + columns - 1))
        text, kind = self._value(cell, table, first)
        if not text:
            return
        if times * self._times > self._limit or self._column > self._limit:
            raise TooLargeError
        for column in range(first, self._column):
            self._cells[column] = text
            if kind is not None:
                held = table.held.setdefault(column, {}).setdefault(kind, array("l"))
                held.extend(range(table.row, table.row + self._times))

    def _value(self, cell: _Cell, table: _Table, column: int) -> tuple[str, int | None]:
        """The text of a cell, and what of DAMAGED it would be as an id."""
        said = cell.attributes
        words = "\n".join(cell.paragraphs)
        kind = said.get(f"{_OFFICE}value-type", "")
        if said.get(f"{_CALC}value-type") == "error":
            return (words if words.startswith("#") else "#VALUE!"), None
        if kind in ("float", "currency", "percentage"):
            return self._number(said.get(f"{_OFFICE}value", ""), table, column), None
        if kind == "date":
            return self._date(said), 0
        if kind == "time":
            return _clock(said.get(f"{_OFFICE}time-value", "")) or words, 1
        if kind == "boolean":
            return said.get(f"{_OFFICE}boolean-value", words), 2
        if not kind and not words and f"{_TABLE}formula" in said:
            return UNCALCULATED, None
        return words or said.get(f"{_OFFICE}string-value", ""), None

    def _number(self, written: str, table: _Table, column: int) -> str:
        value = float(written)
        if abs(value) >= EXACT:
            return f"{value:.14E}"
        text = shown(value)
        if Decimal(written) != Decimal(text):
            table.rounded[column] = table.rounded.get(column, 0) + 1
        return text

    def _date(self, said: Mapping[str, str]) -> str:
        """A date, with its time where it has one, or where the cell shows a midnight."""
        date, _, time = said.get(f"{_OFFICE}date-value", "").partition("T")
        style = self._formats.get(said.get(f"{_TABLE}style-name", ""), "")
        if time.strip("0:."):
            return f"{date} {time}"
        return f"{date} 00:00:00" if style in self._with_time else date


def _clock(written: str) -> str:
    """PT09H03M00S as a clock shows it."""
    found = _DURATION.fullmatch(written)
    if not found:
        return ""
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return f"{hours:02}:{minutes:02}:{seconds:02}"
