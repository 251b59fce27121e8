"""Workbooks to tables, a sheet each; calamine gives every cell as text."""

import contextlib
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from etl.errors import KeptError
from etl.intake.read.held import marked
from etl.intake.read.merged import Fill
from etl.intake.read.odd_cells import EXACT, OddCells, ShownDays, shown
from etl.intake.read.parts import parts_of_sheets, pieces
from etl.intake.read.sheet_size import SheetSize
from etl.intake.read.source import (
    BLANKS,
    CHUNK,
    TOP_RECORDS,
    Limits,
    Source,
    StagedCounts,
    TextTable,
    blank_sql,
    drop_staged,
    execute_on,
    is_blank,
    quoted,
    size_text,
    used,
)
from etl.intake.read.styles import Styles, styles_of

if TYPE_CHECKING:
    import duckdb

ENDINGS = {"XLSX": (".xlsx", ".xlsm"), "XLS": (".xls",), "XLSB": (".xlsb",), "ODS": (".ods",)}
# A date cell at midnight, as calamine writes it.
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:"
_MIDNIGHT = "^[0-9]{4}-[0-9]{2}-[0-9]{2} 00:00:00$"
_CELL_ERRORS = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#GETTING_DATA",
}
_CELL_ERROR = re.compile(r"Error\((\w+)\)")


class WorkbookFile(Source):
    """A workbook; a hidden sheet is passed over and named."""

    def __init__(self, path: Path, file: str, limits: Limits, kind: str) -> None:
        super().__init__(path, file, limits)
        self._kind = kind
        self._odd: dict[str, OddCells] = {}
        self._parts: Mapping[str, str] = {}
        self._styles = Styles()
        self._fills: dict[int, Fill] = {}
        if kind != "XLS":
            self._check_archive()
        self._sheets: dict[int, Any] = {}
        self._tables: list[TextTable] | None = None

    def close(self) -> None:
        self._sheets.clear()

    def _check_archive(self) -> None:
        """Refuses what would fill the memory, before calamine unpacks it."""
        limit = self.limits.max_workbook_bytes
        try:
            with zipfile.ZipFile(self.path) as archive, self.path.open("rb") as stream:
                entries = archive.infolist()
                if any(entry.flag_bits & 1 for entry in entries):
                    self._refuse("workbook_protected")
                unpacked = sum(entry.file_size for entry in entries)
                packed = sum(entry.compress_size for entry in entries)
                if unpacked > limit or (
                    unpacked > self.limits.unpacked_bytes_always_fine
                    and unpacked > self.limits.max_compression_ratio * packed
                ):
                    self._refuse("workbook_too_large", limit=size_text(limit))
                self._styles = styles_of(archive)
                self._parts = parts_of_sheets(archive)
                sheets = frozenset(self._parts.values())
                for entry in entries:
                    self._check_entry(entry, stream, entry.filename in sheets)
        except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError) as error:
            raise KeptError("workbook_broken", file=self.file, detail=error) from error
        except (OSError, RuntimeError, NotImplementedError) as error:
            raise KeptError("workbook_broken", file=self.file, detail=error) from error

    def _check_entry(self, entry: zipfile.ZipInfo, stream: IO[bytes], is_sheet: bool) -> None:
        """Unpacks an entry piece by piece: zipfile, unlike calamine, stops at the size declared."""
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile(f"{entry.filename}: compression {entry.compress_type}")
        stream.seek(entry.header_offset)
        header = stream.read(30)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise zipfile.BadZipFile(f"{entry.filename}: no header")
        name_size, extra_size = struct.unpack("<HH", header[26:30])
        stream.seek(name_size + extra_size, os.SEEK_CUR)
        measure, odd = SheetSize(), OddCells(self._styles)
        size = 0
        for piece in unpack(stream, entry.compress_size, entry.compress_type):
            size += len(piece)
            if size > entry.file_size:
                raise zipfile.BadZipFile(f"{entry.filename}: larger than declared")
            if is_sheet:
                measure.feed(piece)
                odd.feed(piece)
        if is_sheet:
            odd.finish()
            self._odd[entry.filename] = odd
        if measure.cells > self.limits.max_workbook_cells:
            self._refuse("sheet_too_large", limit=f"{self.limits.max_workbook_cells:,}")

    def _reader(self) -> Any:
        import fastexcel

        # Calamine believes a name's ending; given bytes, it looks at them.
        named = self.path.suffix.lower() in ENDINGS[self._kind]
        with self._calamine():
            return fastexcel.read_excel(str(self.path) if named else self.path.read_bytes())

    @contextlib.contextmanager
    def _calamine(self) -> Iterator[None]:
        try:
            yield
        except (KeyboardInterrupt, SystemExit, KeptError):
            raise
        except BaseException as error:  # a panic of calamine is no Exception
            detail = str(error).split("\n")[0]
            code = "workbook_protected" if "password" in detail.lower() else "workbook_broken"
            raise KeptError(code, file=self.file, detail=detail) from error

    def tables(self) -> list[TextTable]:
        if self._tables is None:
            self._tables = list(self._find_tables())
        if not self._tables:
            self._refuse("file_empty")
        return self._tables

    def _find_tables(self) -> Iterator[TextTable]:
        reader = self._reader()
        for index, name in enumerate(reader.sheet_names):
            sheet = self._load(reader, index, name)
            if sheet is None:
                continue
            top = [
                ["" if cell is None else cell for cell in row]
                for row in zip(*(c.to_pylist() for c in sheet.slice(0, TOP_RECORDS)), strict=True)
            ]
            fill, odd = self._fills[index], self._odd_of(name)
            table = TextTable(
                file=self.file,
                sheet=name,
                top=[[] if is_blank(row) else row for row in top],
                top_rows=list(range(1, len(top) + 1)),
                index=index,
                across=fill.across(TOP_RECORDS),
                filled=fill.rows,
                rounded={
                    column - fill.first: count
                    for column, count in (odd.rounded.items() if odd else ())
                },
            )
            if any(used(row) > self.limits.max_columns for row in table.top):
                self._refuse("too_many_columns", place=table.place, limit=self.limits.max_columns)
            self._sheets[index] = sheet
            yield table

    def _load(self, reader: Any, index: int, name: str) -> Any | None:
        """A visible sheet with content, as Arrow text; row 0 is the sheet's first row."""
        import pyarrow.compute as pc

        with self._calamine():
            sheet = reader.load_sheet(index, header_row=None, skip_rows=0, dtypes="string")
            if not sheet.width or not sheet.height:
                return None
            if sheet.visible != "visible":
                self.hidden = (*self.hidden, f"{self.file} [{name}]")
                return None
            batch, errors = sheet.to_arrow_with_errors()
        if errors:
            batch = _with_texts(batch, _error_texts(errors.errors))
        # What is to the left of the first column with content is no part of the sheet.
        first = sheet.available_columns()[0].absolute_index
        odd = self._odd_of(name)
        if odd:
            batch = _with_texts(batch, {column - first: c for column, c in odd.texts.items()})
            batch = self._with_shown_days(batch, name, first)
        else:
            batch = _with_exact_numbers(batch, self._numbers(reader, index))
            # The format is not known: a day claims less than an instant.
            batch = _with_days(batch, dict.fromkeys(_mixed(batch)))
        for position, column in enumerate(batch.columns):
            # A time of day comes as an instant of the day on which Excel begins to count.
            if pc.any(pc.starts_with(column, "1899-12-3")).as_py():
                times = pc.replace_substring_regex(column, r"^1899-12-3[01] (\d\d:\d\d)", r"\1")
                batch = batch.set_column(position, batch.schema.field(position), times)
        blank = (
            pc.all(pc.equal(pc.utf8_trim(column, BLANKS), "")).as_py() in (True, None)
            for column in batch.columns
        )
        if all(blank):
            return None
        self._fills[index] = fill = Fill(odd.merged if odd else (), first, batch)
        return fill.batch

    def _with_shown_days(self, batch: Any, name: str, first: int) -> Any:
        """The sheet where dates without a time, beside instants, have no midnight.

        Where no cell of a column has another time, a midnight says nothing more.
        """
        mixed = _mixed(batch) if self._styles.days else []
        if not mixed:
            return batch
        shown = ShownDays(self._styles)
        with zipfile.ZipFile(self.path) as archive:
            for piece in pieces(archive, self._parts[name]):
                shown.feed(piece)
        shown.finish()
        return _with_days(batch, {p: shown.days.get(p + first, ()) for p in mixed})

    def _odd_of(self, sheet: str) -> OddCells | None:
        return self._odd.get(self._parts.get(sheet, ""))

    def _numbers(self, reader: Any, index: int) -> Any:
        """The numbers of a sheet whose XML is not looked at; null where a cell holds none."""
        with self._calamine():
            sheet = reader.load_sheet(index, header_row=None, skip_rows=0, dtypes="float")
            return sheet.to_arrow_with_errors()[0]

    def stage(
        self,
        con: "duckdb.DuckDBPyConnection",
        table: TextTable,
        header_index: int,
        width: int,
        into: str,
        ids: Collection[int] = (),
        numbers: Collection[int] = (),
    ) -> StagedCounts:
        import pyarrow as pa

        self.tables()
        start = header_index + 1
        fill = self._fills[table.index]
        part = self._parts.get(table.sheet or "")
        whole = marked(self._sheets[table.index], ids, fill, self.path, part, self._styles)
        sheet = fill.marked(whole, numbers).slice(start)
        found = sheet.num_columns
        rows = pa.array(range(start + 1, start + 1 + sheet.num_rows), pa.int64())
        names = [f"c{i}" for i in range(found)]
        filled = [f"coalesce({name}, '')" for name in names]
        columns = [f"{cell} as {name}" for cell, name in zip(filled[:width], names, strict=False)]
        columns += [f"'' as c{i}" for i in range(found, width)]
        extra = "cast(null as varchar)"
        if found > width:
            joined = f"concat_ws(chr(9), {', '.join(filled[width:])})"
            extra = f"nullif(rtrim({joined}, '{quoted(BLANKS)}'), '')"
        drop_staged(con, into)
        execute_on(
            con,
            f"{into}__sheet",
            pa.table([rows, *sheet.columns], ["source_row", *names]),
            f"""create table "{into}__text" as select source_row, {", ".join(columns)},
                {extra} as cells_extra, cast(0 as integer) as cells_missing
                from "{into}__sheet" where not ({blank_sql(filled)})""",
        )
        con.execute(f'create view "{into}" as select * from "{into}__text"')
        counted = con.execute(f'select count(*) from "{into}__text"').fetchone()
        records = counted[0] if counted else 0
        return StagedCounts(records, sheet.num_rows - records, fast=True)


def unpack(stream: IO[bytes], size: int, method: int) -> Iterator[bytes]:
    """The content of an entry in pieces, where `stream` stands at its packed bytes."""
    inflate = zlib.decompressobj(-15) if method == zipfile.ZIP_DEFLATED else None
    while size > 0 and (packed := stream.read(min(size, 1 << 16))):
        size -= len(packed)
        if inflate is None:
            yield packed
            continue
        while packed and not inflate.eof:
            yield inflate.decompress(packed, CHUNK)
            packed = inflate.unconsumed_tail
    if inflate is not None:
        yield inflate.flush(CHUNK)


def _error_texts(errors: Sequence[Any]) -> dict[int, dict[int, str]]:
    """Excel's own words for the errors in a sheet: an error is not an empty cell."""
    texts: dict[int, dict[int, str]] = {}
    for error in errors:
        row, column = error.offset_position
        found = _CELL_ERROR.search(error.detail)
        texts.setdefault(column, {})[row] = (
            _CELL_ERRORS.get(found.group(1), f"#{found.group(1).upper()}!") if found else "#ERROR!"
        )
    return texts


def _with_texts(batch: Any, texts: Mapping[int, Mapping[int, str]]) -> Any:
    """The sheet with other texts in some cells: column → row → text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for position, cells in texts.items():
        if position >= batch.num_columns:
            continue
        mask = [False] * batch.num_rows
        for row in cells:
            if row < batch.num_rows:
                mask[row] = True
        replaced = pc.replace_with_mask(
            batch.column(position),
            pa.array(mask),
            pa.array([cells[row] for row in sorted(cells) if row < batch.num_rows], pa.string()),
        )
        batch = batch.set_column(position, batch.schema.field(position), replaced)
    return batch


def _mixed(batch: Any) -> list[int]:
    """The columns that hold dates at midnight as well as dates with another time."""
    import pyarrow.compute as pc

    found = []
    for position, column in enumerate(batch.columns):
        dates = pc.fill_null(pc.match_substring_regex(column, _DATE), False)
        midnights = pc.fill_null(pc.match_substring_regex(column, _MIDNIGHT), False)
        if pc.any(midnights).as_py() and pc.sum(dates).as_py() > pc.sum(midnights).as_py():
            found.append(position)
    return found


def _with_days(batch: Any, days: Mapping[int, Sequence[int] | None]) -> Any:
    """The sheet where these cells, or a whole column, show a date without its midnight."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    for position, rows in days.items():
        if not 0 <= position < batch.num_columns:
            continue
        column = batch.column(position)
        is_day = pc.match_substring_regex(column, _MIDNIGHT)
        if rows is not None:
            mask = np.zeros(batch.num_rows, bool)
            places = np.asarray(rows, dtype=np.int64)
            mask[places[places < batch.num_rows]] = True
            is_day = pc.and_(is_day, pa.array(mask))
        dates = pc.if_else(is_day, pc.utf8_slice_codeunits(column, 0, 10), column)
        batch = batch.set_column(position, batch.schema.field(position), dates)
    return batch


def _with_exact_numbers(batch: Any, numbers: Any) -> Any:
    """The sheet with 15 digits of each number, of which calamine's text has nine decimals."""
    import numpy as np

    texts: dict[int, dict[int, str]] = {}
    for position, column in enumerate(batch.columns):
        values = numbers.column(position).to_numpy(zero_copy_only=False)
        long = np.flatnonzero((np.abs(values) < EXACT) & (values.round(6) != values))
        for row in long.tolist():
            written, value = column[row].as_py(), float(values[row])
            # A text that reads as a number is not what calamine makes of that number.
            if written == f"{value:.9f}".rstrip("0").rstrip("."):
                texts.setdefault(position, {})[row] = shown(value)
    return _with_texts(batch, texts)
