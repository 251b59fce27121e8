"""Excel's workbooks to sheets of text, by calamine and by what the file says of its cells."""

import contextlib
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from etl.errors import KeptError
from etl.intake.read.binary_ranges import Ranges, xls_ranges, xlsb_ranges
from etl.intake.read.held import Kinds
from etl.intake.read.odd_cells import EXACT, HeldKinds, OddCells, Scan, ShownDays, shown
from etl.intake.read.parts import parts_of_sheets, pieces
from etl.intake.read.sheet_size import SheetSize
from etl.intake.read.sheets import Sheet, SheetsFile
from etl.intake.read.source import CHUNK, Limits
from etl.intake.read.styles import Styles, styles_of

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


class WorkbookFile(SheetsFile):
    """An XLSX, XLS or XLSB, of which calamine gives every cell as text."""

    def __init__(self, path: Path, file: str, limits: Limits, kind: str) -> None:
        super().__init__(path, file, limits)
        self._kind = kind
        self._odd: dict[str, OddCells] = {}
        self._parts: Mapping[str, str] = {}
        self._styles = Styles()
        self._ranges: Ranges = {}
        if kind == "XLS":
            self._check_xls()
        else:
            self._check_archive()

    def _check_xls(self) -> None:
        try:
            self._ranges = xls_ranges(self.path)
        except OverflowError:
            self._refuse_size()
        except (ValueError, OSError) as error:
            raise KeptError("workbook_broken", file=self.file, detail=error) from error

    def _check_archive(self) -> None:
        """Refuses what would fill the memory, before calamine unpacks it."""
        try:
            with zipfile.ZipFile(self.path) as archive, self.path.open("rb") as stream:
                entries = archive.infolist()
                self.check_sizes(archive)
                self._styles = styles_of(archive)
                self.hidden_dates = self._styles.hidden_dates
                self._parts = parts_of_sheets(archive)
                sheets = frozenset(self._parts.values())
                for entry in entries:
                    self._check_entry(entry, stream, entry.filename in sheets)
                if self._kind == "XLSB":
                    self._ranges = xlsb_ranges(archive, self.limits.max_workbook_cells)
        except OverflowError:
            self._refuse_size()
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
            self._refuse_size()

    def _refuse_size(self) -> NoReturn:
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

    def sheets(self) -> Iterator[Sheet]:
        reader = self._reader()
        for index, name in enumerate(reader.sheet_names):
            sheet = self._load(reader, index, name)
            if sheet is not None:
                yield sheet

    def kinds(self, sheet: str, columns: frozenset[int]) -> Kinds | None:
        if self._odd_of(sheet) is None:
            return None
        held = HeldKinds(self._styles, columns)
        self._feed(held, sheet)
        return held.kinds

    def _feed(self, scan: Scan, sheet: str) -> None:
        """Takes the XML of a sheet once more."""
        with zipfile.ZipFile(self.path) as archive:
            for piece in pieces(archive, self._parts[sheet]):
                scan.feed(piece)
        scan.finish()

    def _load(self, reader: Any, index: int, name: str) -> Sheet | None:
        """A sheet, where it is visible and has content."""
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
        if odd:
            return Sheet(name, batch, first, odd.merged, odd.rounded)
        return Sheet(name, batch, first, self._ranges.get(name, ()))

    def _with_shown_days(self, batch: Any, name: str, first: int) -> Any:
        """The sheet where dates without a time, beside instants, have no midnight.

        Where no cell of a column has another time, a midnight says nothing more.
        """
        mixed = _mixed(batch) if self._styles.days else []
        if not mixed:
            return batch
        shown = ShownDays(self._styles)
        self._feed(shown, name)
        return _with_days(batch, {p: shown.days.get(p + first, ()) for p in mixed})

    def _odd_of(self, sheet: str) -> OddCells | None:
        return self._odd.get(self._parts.get(sheet, ""))

    def _numbers(self, reader: Any, index: int) -> Any:
        """The numbers of a sheet whose XML is not looked at; null where a cell holds none."""
        with self._calamine():
            sheet = reader.load_sheet(index, header_row=None, skip_rows=0, dtypes="float")
            return sheet.to_arrow_with_errors()[0]


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
        if not 0 <= position < batch.num_columns:
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
        size = np.abs(values)
        long = (values.round(6) != values) | ((size >= 1e6) & (values != np.trunc(values)))
        long = np.flatnonzero((size < EXACT) & long)
        for row in long.tolist():
            written, value = column[row].as_py(), float(values[row])
            # A text that reads as a number is not what calamine makes of that number.
            if written == f"{value:.9f}".rstrip("0").rstrip("."):
                texts.setdefault(position, {})[row] = shown(value)
    return _with_texts(batch, texts)
