"""A file on disk to tables of text; knows nothing of logs.

A CSV is decoded strictly as a whole before anything else happens. It then goes straight into
DuckDB when every line is one record, and through Python's csv module when not; both give the same
table. A workbook goes through calamine as text.
"""

import codecs
import contextlib
import csv
import os
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NoReturn, Self

from etl.errors import KeptError

if TYPE_CHECKING:
    import duckdb

TOP_RECORDS = 60
DELIMITERS = (",", ";", "\t", "|")
# What a blank cell may hold: white space as Python knows it, the end mark of old DOS files, and two
# marks that show nothing.
BLANKS = "".join(c for c in map(chr, range(0x3001)) if c.isspace()) + "\x1a\u200b\ufeff"

_CHUNK = 1 << 20
_BATCH_RECORDS, _BATCH_CHARS = 10_000, 8_000_000
# DuckDB's own bound of a line, in bytes, is 2,097,152.
_FAST_LINE_BYTES = 2_000_000
_TEXT_NAMES = {".csv", ".tsv", ".tab", ".txt"}
_ENDINGS = {"XLSX": (".xlsx", ".xlsm"), "XLS": (".xls",), "XLSB": (".xlsb",), "ODS": (".ods",)}
_WORKBOOK_NAMES = {ending for endings in _ENDINGS.values() for ending in endings}
_MAGIC = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"\x1f\x8b", "GZIP"),
    (b"7z\xbc\xaf\x27\x1c", "7Z"),
    (b"Rar!", "RAR"),
    (b"BZh", "BZIP2"),
    (b"\xfd7zXZ", "XZ"),
    (b"\x28\xb5\x2f\xfd", "ZSTD"),
    (b"PAR1", "Parquet"),
    (b"SQLite format 3", "SQLite"),
    (b"{\\rtf", "RTF"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_HTML = re.compile(r"<(!doctype|!--|html|head|body|table|meta|style|div|script)\b", re.IGNORECASE)
_JSON = re.compile(r"(\{\s*\"|\[\s*[\[{])")
_SEP_LINE = re.compile(r"\"?sep=([\t!-/:-@\[-`{-~])\"?\s*", re.IGNORECASE)
# DuckDB drops spaces between a quote and a delimiter; such a file takes the slow path.
_SPACED_QUOTE = re.compile(rb'(?:^|[,;\t|\r\n]) +"|" +(?:[,;\t|\r\n]|$)')
# No text file gets here with a NUL in it, so one marks the end for the csv module.
_END = "\0"
_CELL = re.compile(rb"<(?:\w+:)?c\b[^<>]*?\br=[\"']([A-Z]{1,3})([0-9]{1,7})[\"'][^<>]*(?<!/)>")
_DIMENSION = re.compile(rb"<(?:\w+:)?dimension\s+ref=\"[A-Z]+[0-9]+:([A-Z]{1,3})([0-9]{1,7})\"")
_SCANNED_SHEET_BYTES = 8_000_000
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


@dataclass(frozen=True)
class Limits:
    """What a file may be at most; `max_workbook_bytes` and `_cells` are of it unpacked."""

    max_file_bytes: int = 8 << 30
    max_line_chars: int = 1_000_000
    max_columns: int = 128
    max_workbook_bytes: int = 2 << 30
    max_workbook_cells: int = 50_000_000
    max_compression_ratio: int = 200
    unpacked_bytes_always_fine: int = 100_000_000


@dataclass(frozen=True)
class TextTable:
    """One sheet, or a CSV file under one delimiter, as text. Grain: one record.

    `top` holds the first records, a blank one as []; `top_rows` the line (in a sheet: the row) on
    which each begins, counted from 1.
    """

    file: str
    sheet: str | None
    top: list[list[str]]
    top_rows: list[int]
    delimiter: str | None = None
    index: int = 0

    @property
    def place(self) -> str:
        """File and sheet, as shown to a person."""
        return self.file if self.sheet is None else f"{self.file} › {self.sheet}"


@dataclass(frozen=True)
class StagedCounts:
    """`records` staged, `blank` records left out (in a CSV, blank lines between too)."""

    records: int
    blank: int
    fast: bool


class Source(ABC):
    """A file that can be read; holds temporary files until closed."""

    def __init__(self, path: Path, file: str, limits: Limits) -> None:
        self.path = path
        self.file = file
        self.limits = limits

    @abstractmethod
    def tables(self) -> list[TextTable]:
        """One table per sheet with content; of a CSV, one per plausible delimiter."""

    @abstractmethod
    def stage(
        self,
        con: "duckdb.DuckDBPyConnection",
        table: TextTable,
        header_index: int,
        width: int,
        into: str,
    ) -> StagedCounts:
        """Every record after `top[header_index]` that is not blank, as the relation `into`.

        Grain: one record. source_row BIGINT, c0 … VARCHAR (as they came, '' where empty or
        missing), cells_extra VARCHAR (what stands beyond `width`, joined; else null),
        cells_missing INTEGER (by how many cells the record falls short of `width`).
        `into` is a view of the table `<into>__text`; `drop_staged` drops both.
        """

    @abstractmethod
    def close(self) -> None:
        """Removes the temporary files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _refuse(self, code: str, **values: object) -> NoReturn:
        raise KeptError(code, file=self.file, **values)


def sniff(
    path: Path, *, limits: Limits, file: str | None = None, scratch: Path | None = None
) -> Source:
    """Decides by its first bytes what a file is; `file` is its name as the person knows it.

    Temporary files go to `scratch`. Raises KeptError for whatever is no table.
    """
    name = file or path.name
    suffix = Path(name).suffix.lower()
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(1 << 16)
    except FileNotFoundError as error:
        raise KeptError("file_missing", file=name) from error
    except OSError as error:
        raise KeptError("file_unreadable", file=name, detail=error.strerror or error) from error
    if size == 0:
        raise KeptError("file_empty", file=name)
    if size > limits.max_file_bytes:
        raise KeptError("file_too_large", file=name, limit=_size(limits.max_file_bytes))

    if head.startswith(_ZIP):
        kind = _zip_kind(path, name, suffix)
    elif head.startswith(_OLE):
        kind = _ole_kind(path, name)
    else:
        kind = next((kind for magic, kind in _MAGIC if head.startswith(magic)), "CSV")
    if kind == "CSV" and not _is_utf16(head):
        kind = _text_kind(head)

    expected = {**dict.fromkeys(_TEXT_NAMES, "CSV"), **dict.fromkeys(_WORKBOOK_NAMES, "XLSX")}
    found = "XLSX" if kind in _ENDINGS else kind
    if suffix in expected and expected[suffix] != found:
        raise KeptError("file_not_what_name_says", file=name, found=kind)
    if found == "XLSX":
        return _Workbook(path, name, limits, kind)
    if kind == "ZIP":
        raise KeptError("file_is_archive", file=name)
    if kind != "CSV":
        raise KeptError("file_not_table", file=name, found=kind)
    return _Csv(path, name, limits, head, scratch)


def drop_staged(con: "duckdb.DuckDBPyConnection", into: str) -> None:
    """Drops what `Source.stage` made."""
    con.execute(f'drop view if exists "{into}"')
    con.execute(f'drop table if exists "{into}__text"')


def _size(size: int) -> str:
    return f"{size / (1 << 30):.3g} GiB" if size >= 1 << 30 else f"{size / (1 << 20):.3g} MiB"


# What a file is


def _zip_kind(path: Path, file: str, suffix: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "xl/workbook.xml" in names:
                return "XLSX"
            if "xl/workbook.bin" in names:
                return "XLSB"
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                mime = archive.read("mimetype")
                if mime.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
                    return "ODS"
            return "ZIP"
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, EOFError) as error:
        if suffix in _WORKBOOK_NAMES:
            raise KeptError("workbook_broken", file=file, detail=error) from error
        return "ZIP"


def _ole_kind(path: Path, file: str) -> str:
    """An OLE file by the names in its directory, whose entries lie at multiples of 128 bytes."""
    wanted = {"EncryptedPackage": "protected", "Workbook": "XLS", "Book": "XLS"}
    patterns = {name.encode("utf-16-le") + b"\0\0": kind for name, kind in wanted.items()}
    found, position, rest = set(), 0, b""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            block = rest + chunk
            for pattern, kind in patterns.items():
                at = block.find(pattern)
                while at >= 0:
                    if (position - len(rest) + at) % 128 == 0:
                        found.add(kind)
                    at = block.find(pattern, at + 1)
            position += len(chunk)
            rest = block[-64:]
    if "protected" in found:
        raise KeptError("workbook_protected", file=file)
    return "XLS" if "XLS" in found else "OLE"


def _is_utf16(head: bytes) -> bool:
    return _utf16(head) is not None


def _utf16(head: bytes) -> str | None:
    """UTF-16 by its mark, or without one where every other byte is often NUL and no other is."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd and not even and odd * 10 >= len(head) // 2:
        return "utf-16-le"
    if even and not odd and even * 10 >= len(head) // 2:
        return "utf-16-be"
    return None


def _text_kind(head: bytes) -> str:
    controls = len(head) - len(head.translate(None, bytes((*range(9), *range(14, 26), 28))))
    if b"\0" in head or controls * 200 > len(head):
        return "binary"
    start = head.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace").lstrip()
    if _HTML.match(start):
        return "HTML"
    if start.startswith("<?xml"):
        return "XML"
    return "JSON" if _JSON.match(start) else "CSV"


# CSV


class _Lines:
    """What passes by of a text in UTF-8: lines, their ends and length, quotes."""

    def __init__(self, file: str, limits: Limits) -> None:
        self._file = file
        self._limit = limits.max_line_chars
        self._last = b""
        self._open_chars = 0
        self._open_bytes = 0
        self.lf = self.crlf = self.cr = 0
        self.longest = 0
        self.quotes = self.spaced_quotes = self.content = False

    def feed(self, chunk: bytes) -> None:
        if not chunk:
            return
        if b"\0" in chunk:
            line = self.line + _count_ends(chunk[: chunk.index(b"\0")])
            raise KeptError("nul_in_text", file=self._file, line=line)
        self._measure(chunk)
        edge = self._last + chunk[:1]
        lf = _count(chunk, b"\n")
        cr = _count(chunk, b"\r") if b"\r" in chunk else 0
        crlf = (chunk.count(b"\r\n") if cr else 0) + (edge == b"\r\n")
        self.lf += lf - crlf
        self.cr += cr - crlf
        self.crlf += crlf
        self._last = chunk[-1:]
        if b'"' in chunk:
            self.quotes = True
        if not self.spaced_quotes:
            self.spaced_quotes = edge in (b' "', b'" ') or (
                b'"' in chunk and _has_spaced_quote(chunk)
            )
        if not self.content:
            self.content = bool(chunk.strip(b' \t\r\n,;|"'))

    def _measure(self, chunk: bytes) -> None:
        """Only lines over the edge of a chunk are measured: no other is longer than a chunk."""
        first = min((at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0), default=-1)
        head = chunk if first < 0 else chunk[:first]
        self._open_bytes += len(head)
        self._open_chars += len(head.decode("utf-8", "ignore"))
        self.longest = max(self.longest, self._open_bytes)
        if self._open_chars > self._limit:
            raise KeptError(
                "line_too_long", file=self._file, line=self.line, limit=f"{self._limit:,}"
            )
        if first >= 0:
            tail = chunk[max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1 :]
            self._open_bytes, self._open_chars = len(tail), len(tail.decode("utf-8", "ignore"))

    @property
    def line(self) -> int:
        """The line that the next byte is on."""
        return self.lf + self.crlf + self.cr + 1

    @property
    def count(self) -> int:
        """Lines so far, an unfinished one included."""
        return self.line - (self._last in (b"\n", b"\r", b""))

    @property
    def regular(self) -> bool:
        """One kind of line end, one that DuckDB takes, and nothing that it reads differently."""
        return (
            (self.lf == 0 or self.crlf == 0)
            and self.cr == 0
            and not self.spaced_quotes
            and self.longest < _FAST_LINE_BYTES
        )


def _count(chunk: bytes, byte: bytes) -> int:
    # Several times as fast as bytes.count, which looks at each byte by itself.
    return len(chunk) - len(chunk.replace(byte, b""))


def _has_spaced_quote(chunk: bytes) -> bool:
    """Whether a quote and spaces stand between two delimiters; the edges of `chunk` count as such.

    numpy finds the rare candidates at a fifth of the cost of a search in bytes.
    """
    import numpy as np

    characters = np.frombuffer(chunk, np.uint8)
    quotes, spaces = characters == ord('"'), characters == ord(" ")
    if not ((quotes[1:] & spaces[:-1]).any() or (quotes[:-1] & spaces[1:]).any()):
        return False
    return _SPACED_QUOTE.search(chunk) is not None


def _count_ends(text: bytes) -> int:
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")


class _Csv(Source):
    def __init__(
        self, path: Path, file: str, limits: Limits, head: bytes, scratch: Path | None
    ) -> None:
        super().__init__(path, file, limits)
        self._scratch = Path(tempfile.mkdtemp(prefix="kept-read-", dir=scratch))
        self._text = path
        self._stat = _identity(path)
        self._tables: list[TextTable] | None = None
        try:
            self._lines = self._decode(head)
            if not self._lines.content:
                self._refuse("file_empty")
            if self._text == path and re.search(r"[*?\[\]{}]", str(path)):
                # DuckDB would take the name for a pattern.
                self._text = self._scratch / "text.csv"
                shutil.copyfile(path, self._text)
            self._separator = self._read_separator()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)

    # Decoding

    def _decode(self, head: bytes) -> _Lines:
        if encoding := _utf16(head):
            return self._transcode(encoding)
        try:
            return self._scan_utf8()
        except UnicodeDecodeError as error:
            if head.startswith(codecs.BOM_UTF8) or self._is_broken_utf8(error.start):
                self._refuse_encoding("UTF-8", error.start)
        return self._transcode("gb18030")

    def _chunks(self) -> Iterator[bytes]:
        # No larger than the longest line allowed: see _Lines._measure.
        size = max(64, min(_CHUNK, self.limits.max_line_chars))
        with self.path.open("rb", buffering=0) as stream:
            while chunk := stream.read(size):
                yield chunk

    def _scan_utf8(self) -> _Lines:
        """Checks a UTF-8 file where it is; raises UnicodeDecodeError at the offset in the file."""
        lines, utf8, position = _Lines(self.file, self.limits), _Utf8(), 0
        for chunk in self._chunks():
            utf8.check(chunk, position)
            lines.feed(chunk.removeprefix(codecs.BOM_UTF8) if position == 0 else chunk)
            position += len(chunk)
        utf8.check(b"", position, final=True)
        return lines

    def _transcode(self, encoding: str) -> _Lines:
        lines, decoder, position = _Lines(self.file, self.limits), _Decoder(encoding), 0
        self._text = self._scratch / "text.csv"
        try:
            with self._text.open("wb") as out:
                for chunk in self._chunks():
                    text = decoder.decode(chunk, position).encode("utf-8")
                    lines.feed(text)
                    out.write(text)
                    position += len(chunk)
                decoder.decode(b"", position, final=True)
        except UnicodeDecodeError as error:
            self._refuse_encoding(
                "UTF-16" if encoding.startswith("utf-16") else "UTF-8 / GB18030", error.start
            )
        return lines

    def _is_broken_utf8(self, offset: int) -> bool:
        """Whether a file that is no UTF-8 from `offset` on was meant to be.

        Text in GB18030 hardly ever holds the three bytes of a Chinese character in UTF-8, and
        breaks at almost every character when read so.
        """
        start = max(0, offset - _CHUNK)
        with self.path.open("rb") as stream:
            stream.seek(start)
            text = stream.read(offset - start + (1 << 16)).decode("utf-8", "replace")
        broken = text.count("\ufffd")
        others = re.findall(r"[^\x00-\x7f\ufffd]", text)
        three_bytes = sum(character >= "\u0800" for character in others)
        two_bytes = len({character for character in others if character < "\u0800"})
        return bool(three_bytes + two_bytes > broken)

    def _refuse_encoding(self, encoding: str, offset: int) -> NoReturn:
        line, left, last = 1, offset, b""
        for chunk in self._chunks():
            text = chunk[:left].replace(b"\0", b"")
            line += _count_ends(text) - (last == b"\r" and text[:1] == b"\n")
            left, last = left - len(chunk), text[-1:]
            if left <= 0:
                break
        self._refuse("file_encoding_broken", encoding=encoding, line=line, byte=offset + 1)

    # Records

    def _read_separator(self) -> str | None:
        with self._open() as stream:
            matched = _SEP_LINE.fullmatch(stream.readline())
        return matched.group(1) if matched and matched.group(1) != '"' else None

    def _open(self) -> IO[str]:
        return self._text.open(encoding="utf-8-sig", newline="")

    def _records(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """Each record with the line on which it begins."""
        csv.field_size_limit(self.limits.max_line_chars)
        record: list[str] = []

        def lines() -> Iterator[str]:
            yield from map(note, stream)
            yield _END

        def note(line: str) -> str:
            record.append(line)
            return line

        with self._open() as stream:
            skipped = 0
            if self._separator:
                stream.readline()
                skipped = 1
            reader = csv.reader(lines(), delimiter=delimiter)
            begin = skipped + 1
            while True:
                try:
                    cells = next(reader)
                except csv.Error:
                    self._refuse("quote_unterminated", line=begin)
                if cells == [_END]:
                    return
                end = reader.line_num + skipped
                if end > begin and not _well_formed(record, delimiter):
                    self._refuse("quote_unterminated", line=begin)
                yield begin, cells
                begin = end + 1
                record.clear()

    def tables(self) -> list[TextTable]:
        if self._tables is None:
            self._tables = self._find_tables()
        return self._tables

    def _find_tables(self) -> list[TextTable]:
        read = {
            delimiter: self._top(delimiter)
            for delimiter in ([self._separator] if self._separator else DELIMITERS)
        }
        found = [table for table, _ in read.values() if any(len(row) > 1 for row in table.top)]
        for _, error in read.values():
            # A stray quote may hide every delimiter: then the quote is what is wrong.
            if error and not found:
                raise error
        tables = found or [next(iter(read.values()))[0]]
        if not any(tables[0].top) and len(tables[0].top) < TOP_RECORDS:
            self._refuse("file_empty")
        narrow = [
            table
            for table in tables
            if all(_used(row) <= self.limits.max_columns for row in table.top)
        ]
        if not narrow:
            self._refuse("too_many_columns", place=self.file, limit=self.limits.max_columns)
        return narrow

    def _top(self, delimiter: str) -> tuple[TextTable, KeptError | None]:
        top: list[list[str]] = []
        rows: list[int] = []
        problem = None
        records = self._records(delimiter)
        try:
            for row, cells in records:
                top.append([] if _is_blank(cells) else cells)
                rows.append(row)
                if len(top) == TOP_RECORDS:
                    break
        except KeptError as error:
            problem = error
        finally:
            records.close()  # type: ignore[attr-defined]
        return TextTable(self.file, None, top, rows, delimiter), problem

    # Staging

    def stage(
        self,
        con: "duckdb.DuckDBPyConnection",
        table: TextTable,
        header_index: int,
        width: int,
        into: str,
    ) -> StagedCounts:
        try:
            staged = self._stage_fast(con, table, header_index, width, into)
            if staged is None:
                staged = self._stage_slow(con, table, header_index, width, into)
        except Exception:
            if _identity(self.path) != self._stat:
                self._refuse("file_changed")
            raise
        if _identity(self.path) != self._stat:
            drop_staged(con, into)
            self._refuse("file_changed")
        return staged

    def _stage_fast(
        self,
        con: "duckdb.DuckDBPyConnection",
        table: TextTable,
        header_index: int,
        width: int,
        into: str,
    ) -> StagedCounts | None:
        """None where a line is not a record, or DuckDB reads the file otherwise than expected."""
        import duckdb

        delimiter = table.delimiter or ","
        body = [row for row in table.top[header_index + 1 :] if row]
        first_line = table.top_rows[0] if table.top_rows else 1
        plain = table.top_rows == list(range(first_line, first_line + len(table.top_rows)))
        if not (
            self._lines.regular
            and plain
            and len(table.top) > header_index + 1
            and table.top[header_index + 1]
            and len({len(row) for row in body}) == 1
            and (delimiter in DELIMITERS or not self._lines.quotes)
        ):
            return None
        read = len(body[0])
        skip = table.top_rows[header_index + 1] - 1
        quote = '"' if self._lines.quotes else ""
        names = [f"c{i}" for i in range(read)]
        drop_staged(con, into)
        try:
            con.execute(
                f"""create table "{into}__text" as select * from read_csv(
                    ?, auto_detect = false, delim = '{_quoted(delimiter)}', quote = '{quote}',
                    escape = '{quote}', header = false, skip = {skip}, comment = '',
                    columns = {{{", ".join(f"'{name}': 'VARCHAR'" for name in names)}}},
                    force_not_null = [{", ".join(f"'{name}'" for name in names)}],
                    strict_mode = true, null_padding = false, ignore_errors = false,
                    compression = 'none')""",
                [str(self._text)],
            )
        except duckdb.Error:
            drop_staged(con, into)
            return None
        counted = con.execute(
            f"""select (select count(*) from "{into}__text"),
                (select count(*) from "{into}__text" where {_blank_sql(names)})"""
        ).fetchone()
        records, blank = counted or (0, 0)
        first = con.execute(f"""select * from "{into}__text" where rowid = 0""").fetchone()
        if records + skip != self._lines.count or first is None or list(first) != body[0]:
            drop_staged(con, into)
            return None
        cells = names[:width] + [f"'' as c{i}" for i in range(read, width)]
        extra = "cast(null as varchar)"
        if read > width:
            joined = f"concat_ws('{_quoted(delimiter)}', {', '.join(names[width:])})"
            extra = f"nullif(rtrim({joined}, '{_quoted(BLANKS + delimiter)}'), '')"
        where = f"where not ({_blank_sql(names)})" if blank else ""
        con.execute(
            f"""create view "{into}" as select rowid + {skip + 1} as source_row,
                {", ".join(cells)}, {extra} as cells_extra,
                cast({max(0, width - read)} as integer) as cells_missing
                from "{into}__text" {where}"""
        )
        return StagedCounts(records - blank, blank, fast=True)

    def _stage_slow(
        self,
        con: "duckdb.DuckDBPyConnection",
        table: TextTable,
        header_index: int,
        width: int,
        into: str,
    ) -> StagedCounts:
        import duckdb
        import pyarrow as pa

        batches = _Batches(self._records(table.delimiter or ","), table, header_index, width)
        drop_staged(con, into)
        try:
            reader = pa.RecordBatchReader.from_batches(batches.schema, iter(batches))
            sql = f'create table "{into}__text" as select * from "{into}__records"'
            _execute_on(con, f"{into}__records", reader, sql)
        except (duckdb.Error, OSError) as error:
            # DuckDB has its own words for an error of ours.
            raise batches.error or error from error
        con.execute(f'create view "{into}" as select * from "{into}__text"')
        return StagedCounts(batches.records, batches.blank, fast=False)


class _Batches:
    """The records after a header as Arrow, a bounded number at a time."""

    def __init__(
        self,
        records: Iterator[tuple[int, list[str]]],
        table: TextTable,
        header_index: int,
        width: int,
    ) -> None:
        import pyarrow as pa

        self._source = records
        self._header_row = table.top_rows[header_index]
        self._delimiter = table.delimiter or ","
        self._width = width
        self.records = self.blank = 0
        self.error: KeptError | None = None
        self.schema = pa.schema(
            [
                ("source_row", pa.int64()),
                *[(f"c{i}", pa.string()) for i in range(width)],
                ("cells_extra", pa.string()),
                ("cells_missing", pa.int32()),
            ]
        )

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._read()
        except KeptError as error:
            self.error = error
            raise

    def _read(self) -> Iterator[Any]:
        width, ends = self._width, BLANKS + self._delimiter
        batch: list[Sequence[Any]] = []
        chars = 0
        for row, cells in self._source:
            if row <= self._header_row:
                continue
            if _is_blank(cells):
                self.blank += 1
                continue
            size = len(cells)
            if size == width:
                batch.append((row, *cells, None, 0))
            elif size < width:
                batch.append((row, *cells, *[""] * (width - size), None, width - size))
            else:
                extra = self._delimiter.join(cells[width:]).rstrip(ends) or None
                batch.append((row, *cells[:width], extra, 0))
            self.records += 1
            chars += sum(map(len, cells))
            if len(batch) >= _BATCH_RECORDS or chars >= _BATCH_CHARS:
                yield self._to_arrow(batch)
                batch, chars = [], 0
        if batch:
            yield self._to_arrow(batch)

    def _to_arrow(self, batch: list[Sequence[Any]]) -> Any:
        import pyarrow as pa

        columns = zip(zip(*batch, strict=True), self.schema.types, strict=True)
        arrays = [pa.array(column, kind) for column, kind in columns]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


class _Utf8:
    """Checks UTF-8 as strictly as Python does, by Arrow at many times the speed."""

    def __init__(self) -> None:
        self._rest = b""

    def check(self, chunk: bytes, position: int, final: bool = False) -> None:
        """Raises UnicodeDecodeError with the offset in the file; `chunk` begins at `position`."""
        import pyarrow as pa

        block = self._rest + chunk
        # A character cut at the end waits for the next chunk.
        keep = 0
        if not final:
            for back in range(1, min(4, len(block)) + 1):
                byte = block[-back]
                if byte >= 0xC0:
                    keep = back if back < (2 + (byte >= 0xE0) + (byte >= 0xF0)) else 0
                if byte & 0xC0 != 0x80:
                    break
        whole = block[: len(block) - keep]
        offsets = pa.py_buffer(struct.pack("=ii", 0, len(whole)))
        array = pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(whole)])
        try:
            array.cast(pa.string())
        except pa.ArrowInvalid:
            try:
                whole.decode("utf-8")
            except UnicodeDecodeError as error:
                error.start += position - len(self._rest)
                raise
        self._rest = block[len(block) - keep :]


class _Decoder:
    """A strict incremental decoder whose errors give the offset in the file."""

    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def decode(self, chunk: bytes, position: int, final: bool = False) -> str:
        held = len(self._decoder.getstate()[0])
        try:
            return self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            error.start += position - held
            raise


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _well_formed(lines: list[str], delimiter: str) -> bool:
    """Whether the quotes of a record over several lines stand where they should.

    A stray quote swallows lines up to the next one, which then stands in the midst of a cell.
    """
    try:
        return len(list(csv.reader(lines, delimiter=delimiter, strict=True))) == 1
    except csv.Error:
        return False


def _execute_on(con: "duckdb.DuckDBPyConnection", name: str, table: Any, sql: str) -> None:
    con.register(name, table)
    try:
        con.execute(sql)
    finally:
        con.unregister(name)


def _is_blank(cells: Sequence[str]) -> bool:
    return not "".join(cells).strip(BLANKS)


def _used(cells: Sequence[str]) -> int:
    return max((i + 1 for i, cell in enumerate(cells) if cell.strip(BLANKS)), default=0)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _blank_sql(names: Sequence[str]) -> str:
    """True of a record without content; a comparison spares most cells the trimming."""
    return " and ".join(
        f"({name} < '!' or {name} >= chr(133)) and trim({name}, '{_quoted(BLANKS)}') = ''"
        for name in names
    )


# Workbooks


class _Workbook(Source):
    def __init__(self, path: Path, file: str, limits: Limits, kind: str) -> None:
        super().__init__(path, file, limits)
        self._kind = kind
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
                    self._refuse("workbook_too_large", limit=_size(limit))
                for entry in entries:
                    self._check_entry(entry, stream)
        except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError) as error:
            raise KeptError("workbook_broken", file=self.file, detail=error) from error
        except (OSError, RuntimeError, NotImplementedError) as error:
            raise KeptError("workbook_broken", file=self.file, detail=error) from error

    def _check_entry(self, entry: zipfile.ZipInfo, stream: IO[bytes]) -> None:
        """Unpacks an entry piece by piece: zipfile, unlike calamine, stops at the size declared."""
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile(f"{entry.filename}: compression {entry.compress_type}")
        stream.seek(entry.header_offset)
        header = stream.read(30)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise zipfile.BadZipFile(f"{entry.filename}: no header")
        name_size, extra_size = struct.unpack("<HH", header[26:30])
        stream.seek(name_size + extra_size, os.SEEK_CUR)
        is_sheet = entry.filename.startswith("xl/worksheets/") and entry.filename.endswith(".xml")
        measure = _SheetSize(entry.file_size) if is_sheet else None
        size = 0
        for piece in _unpack(stream, entry.compress_size, entry.compress_type):
            size += len(piece)
            if size > entry.file_size:
                raise zipfile.BadZipFile(f"{entry.filename}: larger than declared")
            if measure:
                measure.feed(piece)
        if measure and measure.cells > self.limits.max_workbook_cells:
            self._refuse("sheet_too_large", limit=f"{self.limits.max_workbook_cells:,}")

    def _reader(self) -> Any:
        import fastexcel

        # Calamine believes a name's ending; given bytes, it looks at them.
        named = self.path.suffix.lower() in _ENDINGS[self._kind]
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
            sheet = self._load(reader, index)
            if sheet is None:
                continue
            top = [
                ["" if cell is None else cell for cell in row]
                for row in zip(*(c.to_pylist() for c in sheet.slice(0, TOP_RECORDS)), strict=True)
            ]
            table = TextTable(
                file=self.file,
                sheet=name,
                top=[[] if _is_blank(row) else row for row in top],
                top_rows=list(range(1, len(top) + 1)),
                index=index,
            )
            if any(_used(row) > self.limits.max_columns for row in table.top):
                self._refuse("too_many_columns", place=table.place, limit=self.limits.max_columns)
            self._sheets[index] = sheet
            yield table

    def _load(self, reader: Any, index: int) -> Any | None:
        """A visible sheet with content, as Arrow text; row 0 is the sheet's first row."""
        import pyarrow.compute as pc

        with self._calamine():
            sheet = reader.load_sheet(index, header_row=None, skip_rows=0, dtypes="string")
            if sheet.visible != "visible" or not sheet.width or not sheet.height:
                return None
            batch, errors = sheet.to_arrow_with_errors()
        if errors:
            batch = _with_error_texts(batch, errors.errors)
        for position, column in enumerate(batch.columns):
            # A time of day comes as an instant of the day on which Excel begins to count.
            if pc.any(pc.starts_with(column, "1899-12-3")).as_py():
                times = pc.replace_substring_regex(column, r"^1899-12-3[01] (\d\d:\d\d)", r"\1")
                batch = batch.set_column(position, batch.schema.field(position), times)
        blank = (
            pc.all(pc.equal(pc.utf8_trim(column, BLANKS), "")).as_py() in (True, None)
            for column in batch.columns
        )
        return None if all(blank) else batch

    def stage(
        self,
        con: "duckdb.DuckDBPyConnection",
        table: TextTable,
        header_index: int,
        width: int,
        into: str,
    ) -> StagedCounts:
        import pyarrow as pa

        self.tables()
        start = header_index + 1
        sheet = self._sheets[table.index].slice(start)
        found = sheet.num_columns
        rows = pa.array(range(start + 1, start + 1 + sheet.num_rows), pa.int64())
        names = [f"c{i}" for i in range(found)]
        filled = [f"coalesce({name}, '')" for name in names]
        columns = [f"{cell} as {name}" for cell, name in zip(filled[:width], names, strict=False)]
        columns += [f"'' as c{i}" for i in range(found, width)]
        extra = "cast(null as varchar)"
        if found > width:
            joined = f"concat_ws(chr(9), {', '.join(filled[width:])})"
            extra = f"nullif(rtrim({joined}, '{_quoted(BLANKS)}'), '')"
        drop_staged(con, into)
        _execute_on(
            con,
            f"{into}__sheet",
            pa.table([rows, *sheet.columns], ["source_row", *names]),
            f"""create table "{into}__text" as select source_row, {", ".join(columns)},
                {extra} as cells_extra, cast(0 as integer) as cells_missing
                from "{into}__sheet" where not ({_blank_sql(filled)})""",
        )
        con.execute(f'create view "{into}" as select * from "{into}__text"')
        counted = con.execute(f'select count(*) from "{into}__text"').fetchone()
        records = counted[0] if counted else 0
        return StagedCounts(records, sheet.num_rows - records, fast=True)


class _SheetSize:
    """How many cells the grid of a sheet has, from its XML: calamine makes all of them.

    Every cell is looked at where the sheet is small; of a large one its declared dimension.
    """

    def __init__(self, size: int) -> None:
        self._pattern = _CELL if size <= _SCANNED_SHEET_BYTES else _DIMENSION
        self._rest = b""
        self._done = False
        self._rows = self._columns = 0

    def feed(self, piece: bytes) -> None:
        if self._done:
            return
        block = self._rest + piece
        for letters, row in self._pattern.findall(block):
            column = 0
            for letter in letters:
                column = column * 26 + letter - 64
            self._columns, self._rows = max(self._columns, column), max(self._rows, int(row))
        self._done = self._pattern is _DIMENSION
        self._rest = block[-200:]

    @property
    def cells(self) -> int:
        """Rows times columns, both from the first on."""
        return self._rows * self._columns


def _unpack(stream: IO[bytes], size: int, method: int) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-15) if method == zipfile.ZIP_DEFLATED else None
    while size > 0 and (packed := stream.read(min(size, 1 << 16))):
        size -= len(packed)
        if inflate is None:
            yield packed
            continue
        while packed and not inflate.eof:
            yield inflate.decompress(packed, _CHUNK)
            packed = inflate.unconsumed_tail
    if inflate is not None:
        yield inflate.flush(_CHUNK)


def _with_error_texts(batch: Any, errors: Sequence[Any]) -> Any:
    """The cells that hold an error of Excel get its text: an error is not an empty cell."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts: dict[int, dict[int, str]] = {}
    for error in errors:
        row, column = error.offset_position
        found = _CELL_ERROR.search(error.detail)
        texts.setdefault(column, {})[row] = (
            _CELL_ERRORS.get(found.group(1), f"#{found.group(1).upper()}!") if found else "#ERROR!"
        )
    for position, cells in texts.items():
        mask = [False] * batch.num_rows
        for row in cells:
            mask[row] = True
        replaced = pc.replace_with_mask(
            batch.column(position),
            pa.array(mask),
            pa.array([cells[row] for row in sorted(cells)], pa.string()),
        )
        batch = batch.set_column(position, batch.schema.field(position), replaced)
    return batch
