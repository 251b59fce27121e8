"""Files as people have them: spellings of a value, dialects of CSV, workbooks with totals."""

import csv
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import Protocol

from openpyxl import Workbook

from etl.catalogue import Column, catalogue
from etl.sample.story import DAY, EPOCH

Cell = str | int | float | date | datetime | None
Render = Callable[..., Cell]

_MIDNIGHT = datetime(EPOCH.year, EPOCH.month, EPOCH.day)
_ZIP_DATE = (2026, 10, 1, 0, 0, 0)
_CREATED = datetime(2026, 10, 1, tzinfo=UTC)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")


class Spelling:
    """How one source writes days (since EPOCH), instants (seconds since EPOCH) and fen."""

    def __init__(
        self, day: Callable[[date], str], clock: Callable[[int, int], str] | None, money: str
    ) -> None:
        self._day = cache(lambda number: day(EPOCH + timedelta(days=number)))
        self._clock = clock and [clock(minute // 60, minute % 60) for minute in range(1440)]
        self._money = money

    def date(self, number: int) -> Cell:
        """The day as written."""
        return self._day(number)

    def instant(self, seconds: int) -> Cell:
        """The instant as written, to the second where the source has seconds."""
        number, rest = divmod(seconds, DAY)
        if self._clock is None:
            return f"{self._day(number)} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
        return self._day(number) + self._clock[rest // 60]

    def money(self, fen: int) -> Cell:
        """The amount in yuan as written."""
        return self._money.format(fen / 100) if fen else "0"


class ExcelCells(Spelling):
    """Dates, instants and amounts as a workbook's own cells."""

    def __init__(self) -> None:
        super().__init__(date.isoformat, None, "")

    def date(self, number: int) -> Cell:
        """The day as a date cell."""
        return EPOCH + timedelta(days=number)

    def instant(self, seconds: int) -> Cell:
        """The instant as a date cell with its time."""
        return _MIDNIGHT + timedelta(seconds=seconds)

    def money(self, fen: int) -> Cell:
        """The amount in yuan as a number."""
        return fen / 100


SLASHES = Spelling(
    lambda day: f"{day.year}/{day.month}/{day.day}",
    lambda hour, minute: f" {hour}:{minute:02}",
    "¥{:,.2f}",
)
ISO_SECONDS = Spelling(date.isoformat, None, "{:.2f}")
ISO_MINUTES = Spelling(date.isoformat, lambda hour, minute: f" {hour:02}:{minute:02}", "{:.2f}")
WORDS = Spelling(
    lambda day: f"{day.year}年{day.month}月{day.day}日",
    lambda hour, minute: f" {hour}时{minute}分",
    "{:,.2f}",
)
EXCEL = ExcelCells()


class Sink(Protocol):
    """Where rows of cells go."""

    def write(self, cells: Sequence[Cell]) -> None:
        """Write one row below the last."""

    def close(self) -> None:
        """Finish the file."""


class CsvFile:
    """A delimited text file."""

    def __init__(
        self,
        path: Path,
        encoding: str = "utf-8",
        delimiter: str = ",",
        newline: str = "\r\n",
        first_line: str | None = None,
    ) -> None:
        self._file: TextIOWrapper = path.open("w", encoding=encoding, newline="")
        self._writer = csv.writer(self._file, delimiter=delimiter, lineterminator=newline)
        self.write = self._writer.writerow
        if first_line is not None:
            self._file.write(first_line + newline)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class Book:
    """A workbook whose bytes depend on its cells alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._book = Workbook(write_only=True)
        self._book.properties.created = _CREATED
        self._book.properties.creator = "Kept"
        self._open = 0

    def sheet(self, title: str) -> "BookSheet":
        """A further sheet; the workbook is saved when its last sheet is closed."""
        self._open += 1
        return BookSheet(self, self._book.create_sheet(title).append)

    def done(self) -> None:
        """Count a sheet as finished."""
        self._open -= 1
        if not self._open:
            self._save()

    def _save(self) -> None:
        """Save with fixed dates in the zip and in the properties, which openpyxl takes from now."""
        draft = self._path.with_name(self._path.name + ".draft")
        self._book.save(draft)
        with (
            zipfile.ZipFile(draft) as source,
            zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED) as target,
        ):
            for name in source.namelist():
                info = zipfile.ZipInfo(name, _ZIP_DATE)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.create_system = 3
                with source.open(name) as member, target.open(info, "w") as copy:
                    if name == "docProps/core.xml":
                        stamp = _CREATED.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                        copy.write(_MODIFIED.sub(rb"\g<1>" + stamp, member.read()))
                    else:
                        while block := member.read(1 << 20):
                            copy.write(block)
        draft.unlink()


class BookSheet:
    """One sheet of a workbook."""

    def __init__(self, book: Book, append: Callable[[Sequence[Cell]], None]) -> None:
        self._book = book
        self.write = append

    def close(self) -> None:
        """Finish the sheet."""
        self._book.done()


class Sheet:
    """One log in one sheet or file: header, typed rows, planted rows, perhaps a totals row.

    Its columns are those of the catalogue, save when a row was updated and how a ticket stands.
    """

    def __init__(
        self,
        log: str,
        sink: Sink,
        spelling: Spelling,
        title: str | None = None,
        total: str | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> None:
        self.rows = 0
        columns = {
            name: column
            for name, column in catalogue().logs[log].columns.items()
            if not column.bookkeeping and column.lasting is None
        }
        self._names = tuple(columns)
        self._renders = tuple(_render(column, spelling) for column in columns.values())
        self._write = sink.write
        self._sink = sink
        self._spelling = spelling
        self._total_at = self._names.index(total) if total else None
        self._sum = 0
        if title is not None:
            sink.write([title])
            sink.write([])
        notes = notes or {}
        sink.write([c.label.zh + notes.get(name, "") for name, c in columns.items()])

    def write(self, values: Sequence[object]) -> None:
        """Write a row given as the values of all columns, in the catalogue's order."""
        self._write(
            [
                None if value is None else render(value)
                for value, render in zip(values, self._renders, strict=True)
            ]
        )
        self.rows += 1
        if self._total_at is not None:
            amount = values[self._total_at]
            if isinstance(amount, int):
                self._sum += amount

    def add(self, **values: object) -> None:
        """Write a row given as the values of some columns."""
        self.write([values.pop(name, None) for name in self._names])
        if values:
            raise TypeError(f"no such columns: {sorted(values)}")

    def plant(self, cells: Mapping[str, str]) -> None:
        """Write a row whose cells are given as they stand."""
        self._write([cells.get(name) for name in self._names])

    def close(self) -> None:
        """Write the totals row, if the sheet has one, and finish."""
        if self._total_at is not None:
            total: list[Cell] = ["合计", *[None] * (len(self._names) - 1)]
            total[self._total_at] = self._spelling.money(self._sum)
            self._write(total)
        self._sink.close()


def _render(column: Column, spelling: Spelling) -> Render:
    """How values of `column` are written."""
    if column.type == "instant":
        return spelling.instant
    if column.type == "date":
        return spelling.date
    if column.type == "money":
        return spelling.money
    if column.type == "flag":
        words = ("不满意", "满意") if column.name == "satisfied" else ("否", "是")
        return words.__getitem__
    if column.choices is not None:
        first = {code: written[0] for code, written in column.choices.items()}
        if column.type == "choice":
            return first.__getitem__

        def several(codes: Iterable[str]) -> str:
            return "；".join(first[code] for code in codes)

        return several
    return _as_it_is


def _as_it_is(value: Cell) -> Cell:
    return value
