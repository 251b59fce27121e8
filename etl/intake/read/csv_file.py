"""Delimited text to tables.

The file is decoded strictly as a whole before anything else happens. It then goes straight into
DuckDB when every line is one record, and through Python's csv module when not; both give the same
table.
"""

import codecs
import csv
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from etl.errors import KeptError
from etl.intake.read.decoding import Decoder, Utf8, other_encoding, utf16
from etl.intake.read.lines import Lines, count_ends
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
    used,
)

if TYPE_CHECKING:
    import duckdb

DELIMITERS = (",", ";", "\t", "|")
_BATCH_RECORDS, _BATCH_CHARS = 10_000, 8_000_000
_SEP_LINE = re.compile(r"\"?sep=([\t!-/:-@\[-`{-~])\"?\s*", re.IGNORECASE)
# No text file gets here with a NUL in it, so one marks the end for the csv module.
_END = "\0"


class CsvFile(Source):
    """Delimited text; each delimiter that may be the one is a table of its own."""

    def __init__(
        self, path: Path, file: str, limits: Limits, head: bytes, scratch: Path | None
    ) -> None:
        super().__init__(path, file, limits)
        self._scratch = Path(tempfile.mkdtemp(prefix="kept-read-", dir=scratch))
        self._text = path
        self._stat = identity(path)
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

    def _decode(self, head: bytes) -> Lines:
        if encoding := utf16(head):
            return self._transcode(encoding)
        try:
            return self._scan_utf8()
        except UnicodeDecodeError as error:
            if head.startswith(codecs.BOM_UTF8) or self._is_broken_utf8(error.start):
                self._refuse_encoding("UTF-8", error.start)
            if other := other_encoding(self._sample(error.start)):
                self._refuse("file_encoding_other", encoding=other)
        return self._transcode("gb18030")

    def _sample(self, offset: int) -> bytes:
        """What begins a little before `offset`, at the start of a line."""
        start = max(0, offset - (1 << 12))
        with self.path.open("rb") as stream:
            stream.seek(start)
            sample = stream.read(CHUNK)
        return sample[sample.rfind(b"\n", 0, offset - start) + 1 :]

    def _chunks(self) -> Iterator[bytes]:
        # No larger than the longest line allowed: see Lines._measure.
        size = max(64, min(CHUNK, self.limits.max_line_chars))
        with self.path.open("rb", buffering=0) as stream:
            while chunk := stream.read(size):
                yield chunk

    def _scan_utf8(self) -> Lines:
        """Checks a UTF-8 file where it is; raises UnicodeDecodeError at the offset in the file."""
        lines, utf8, position = Lines(self.file, self.limits), Utf8(), 0
        for chunk in self._chunks():
            utf8.check(chunk, position)
            lines.feed(chunk.removeprefix(codecs.BOM_UTF8) if position == 0 else chunk)
            position += len(chunk)
        utf8.check(b"", position, final=True)
        return lines

    def _transcode(self, encoding: str) -> Lines:
        lines, decoder, position = Lines(self.file, self.limits), Decoder(encoding), 0
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
        start = max(0, offset - CHUNK)
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
            line += count_ends(text) - (last == b"\r" and text[:1] == b"\n")
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
            if all(used(row) <= self.limits.max_columns for row in table.top)
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
                top.append([] if is_blank(cells) else cells)
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
        ids: Collection[int] = (),
        numbers: Collection[int] = (),
    ) -> StagedCounts:
        try:
            staged = self._stage_fast(con, table, header_index, width, into)
            if staged is None:
                staged = self._stage_slow(con, table, header_index, width, into)
        except Exception:
            if identity(self.path) != self._stat:
                self._refuse("file_changed")
            raise
        if identity(self.path) != self._stat:
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
                    ?, auto_detect = false, delim = '{quoted(delimiter)}', quote = '{quote}',
                    escape = '{quote}', header = false, skip = {skip}, comment = '',
                    columns = {{{", ".join(f"'{name}': 'VARCHAR'" for name in names)}}},
                    force_not_null = [{", ".join(f"'{name}'" for name in names)}],
                    strict_mode = true, null_padding = false, ignore_errors = false,
                    compression = 'none')""",
                [str(self._text)],
            )
        except duckdb.InterruptException:
            raise
        except duckdb.Error:
            drop_staged(con, into)
            return None
        counted = con.execute(
            f"""select (select count(*) from "{into}__text"),
                (select count(*) from "{into}__text" where {blank_sql(names)})"""
        ).fetchone()
        records, blank = counted or (0, 0)
        first = con.execute(f"""select * from "{into}__text" where rowid = 0""").fetchone()
        if records + skip != self._lines.count or first is None or list(first) != body[0]:
            drop_staged(con, into)
            return None
        cells = names[:width] + [f"'' as c{i}" for i in range(read, width)]
        extra = "cast(null as varchar)"
        if read > width:
            joined = f"concat_ws('{quoted(delimiter)}', {', '.join(names[width:])})"
            extra = f"nullif(rtrim({joined}, '{quoted(BLANKS + delimiter)}'), '')"
        where = f"where not ({blank_sql(names)})" if blank else ""
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

        batches = Records(self._records(table.delimiter or ","), table, header_index, width)
        drop_staged(con, into)
        try:
            reader = pa.RecordBatchReader.from_batches(batches.schema, iter(batches))
            sql = f'create table "{into}__text" as select * from "{into}__records"'
            execute_on(con, f"{into}__records", reader, sql)
        except (duckdb.Error, OSError) as error:
            # DuckDB has its own words for an error of ours.
            raise batches.error or error from error
        con.execute(f'create view "{into}" as select * from "{into}__text"')
        return StagedCounts(batches.records, batches.blank, fast=False)


class Records:
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
            if is_blank(cells):
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


def identity(path: Path) -> tuple[int, int] | None:
    """What changes when a file does."""
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
