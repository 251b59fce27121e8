"""What every file that can be read has in common: limits, tables of text, the staged rows."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from etl.errors import KeptError

if TYPE_CHECKING:
    import duckdb

TOP_RECORDS = 60
# What a blank cell may hold: white space as Python knows it, the end mark of old DOS files, and two
# marks that show nothing.
BLANKS = "".join(c for c in map(chr, range(0x3001)) if c.isspace()) + "\x1a\u200b\ufeff"
CHUNK = 1 << 20


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
    across: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)
    filled: Mapping[int, Sequence[int]] = field(default_factory=dict, compare=False)
    rounded: Mapping[int, int] = field(default_factory=dict)

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
        # What of the file is passed over unread, as shown to a person; known once tables are.
        self.hidden: tuple[str, ...] = ()

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
        ids: Collection[int] = (),
        numbers: Collection[int] = (),
    ) -> StagedCounts:
        """Every record after `top[header_index]` that is not blank, as the relation `into`.

        Grain: one record. source_row BIGINT, c0 … VARCHAR (as they came, '' where empty or
        missing), cells_extra VARCHAR (what stands beyond `width`, joined; else null),
        cells_missing INTEGER (by how many cells the record falls short of `width`).
        `into` is a view of the table `<into>__text`; `drop_staged` drops both.

        What a workbook makes of its cells is said in their text: in the columns `ids` a date, a
        time or a truth value begins with one of `DAMAGED`, in the columns `numbers` a number that
        is merged over several rows with `MERGED` (odd_cells.py).
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


def drop_staged(con: "duckdb.DuckDBPyConnection", into: str) -> None:
    """Drops what `Source.stage` made."""
    con.execute(f'drop view if exists "{into}"')
    con.execute(f'drop table if exists "{into}__text"')


def size_text(size: int) -> str:
    """A size as people say it."""
    return f"{size / (1 << 30):.3g} GiB" if size >= 1 << 30 else f"{size / (1 << 20):.3g} MiB"


def execute_on(con: "duckdb.DuckDBPyConnection", name: str, table: Any, sql: str) -> None:
    """Runs `sql` with an Arrow table under `name`."""
    con.register(name, table)
    try:
        con.execute(sql)
    finally:
        con.unregister(name)


def is_blank(cells: Sequence[str]) -> bool:
    """Whether a record has no content."""
    return not "".join(cells).strip(BLANKS)


def used(cells: Sequence[str]) -> int:
    """How wide a record is up to its last cell with content."""
    return max((i + 1 for i, cell in enumerate(cells) if cell.strip(BLANKS)), default=0)


def quoted(text: str) -> str:
    """A text as it stands between the quotes of SQL."""
    return text.replace("'", "''")


def blank_sql(names: Sequence[str]) -> str:
    """True of a record without content; a comparison spares most cells the trimming."""
    return " and ".join(
        f"({name} < '!' or {name} >= chr(133)) and trim({name}, '{quoted(BLANKS)}') = ''"
        for name in names
    )
