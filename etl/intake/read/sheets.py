"""What all workbooks have in common: sheets of Arrow text, and how their rows are staged."""

import zipfile
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.errors import KeptError
from etl.intake.read.held import Kinds, marked
from etl.intake.read.merged import Fill
from etl.intake.read.odd_cells import Range
from etl.intake.read.source import (
    BLANKS,
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

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Sheet:
    """A visible sheet.

    `batch` is its text as Arrow, from its first row on; `first` the column of the workbook with
    which it begins. `merged` and `rounded` are as in `OddCells`.
    """

    name: str
    batch: Any
    first: int = 0
    merged: Iterable[Range] = ()
    rounded: Mapping[int, int] = field(default_factory=dict)


class SheetsFile(Source):
    """A workbook; a hidden sheet is passed over and named."""

    hidden_dates = False
    """Whether some dates come as numbers."""

    def __init__(self, path: Path, file: str, limits: Limits) -> None:
        super().__init__(path, file, limits)
        self._fills: list[Fill] = []
        self._tables: list[TextTable] | None = None

    def close(self) -> None:
        self._fills.clear()

    @abstractmethod
    def sheets(self) -> Iterator[Sheet]:
        """Its visible sheets. Raises KeptError where it cannot be read."""

    @abstractmethod
    def kinds(self, sheet: str, columns: frozenset[int]) -> Kinds | None:
        """The cells of these columns that hold a date, a time or a truth value.

        None where that is not known.
        """

    def tables(self) -> list[TextTable]:
        if self._tables is None:
            self._tables = [self._table(one) for one in self.sheets() if _has_content(one.batch)]
        if not self._tables:
            self._refuse("file_empty")
        return self._tables

    def check_sizes(self, archive: zipfile.ZipFile) -> None:
        """Refuses what would fill the memory once unpacked, or is protected by a password."""
        entries = archive.infolist()
        if any(entry.flag_bits & 1 for entry in entries):
            self._refuse("workbook_protected")
        limit = self.limits.max_workbook_bytes
        unpacked = sum(entry.file_size for entry in entries)
        packed = sum(entry.compress_size for entry in entries)
        if unpacked > limit or (
            unpacked > self.limits.unpacked_bytes_always_fine
            and unpacked > self.limits.max_compression_ratio * packed
        ):
            self._refuse("workbook_too_large", limit=size_text(limit))

    def _table(self, sheet: Sheet) -> TextTable:
        try:
            fill = Fill(sheet.merged, sheet.first, sheet.batch)
        except ValueError as error:
            raise KeptError("workbook_broken", file=self.file, detail=error) from error
        columns = (column.to_pylist() for column in fill.batch.slice(0, TOP_RECORDS))
        top = [["" if cell is None else cell for cell in row] for row in zip(*columns, strict=True)]
        table = TextTable(
            file=self.file,
            sheet=sheet.name,
            top=[[] if is_blank(row) else row for row in top],
            top_rows=list(range(1, len(top) + 1)),
            index=len(self._fills),
            across=fill.across(TOP_RECORDS),
            filled=fill.rows,
            rounded={column - sheet.first: count for column, count in sheet.rounded.items()},
        )
        if any(used(row) > self.limits.max_columns for row in table.top):
            self._refuse("too_many_columns", place=table.place, limit=self.limits.max_columns)
        self._fills.append(fill)
        return table

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
        name = table.sheet or ""
        batch = marked(fill, ids, lambda columns: self.kinds(name, columns), self.hidden_dates)
        sheet = fill.marked(batch, numbers).slice(start)
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


def _has_content(batch: Any) -> bool:
    import pyarrow.compute as pc

    blank = (pc.all(pc.equal(pc.utf8_trim(column, BLANKS), "")).as_py() for column in batch.columns)
    return any(one is False for one in blank)
