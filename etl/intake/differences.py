"""The rows of a file beside those they replace: new, changed, unchanged, superseded, older."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from etl.catalogue import Log
from etl.tables import TAKEN, same_key

KINDS = (*TAKEN, "superseded", "older")
"""`superseded`: a later row of the same key in the same file takes its place. `older`: it was
updated before the row that it would replace, and is left out."""
PAGE_ROWS = 200


@dataclass(frozen=True)
class ChangedCell:
    """One cell that another value stands in: where the new one was found, its row's key, both."""

    source_row: int
    key: tuple[Any, ...]
    column: str
    was: Any
    now: Any


@dataclass(frozen=True)
class Differences:
    """`rows` (the log's columns, days, source_row) beside `was`, the rows that they replace.

    Both are tables of `con`; `kinds` is a third, made by `tables.fold`: source_row, kind.
    """

    con: duckdb.DuckDBPyConnection
    log: Log
    rows: str
    was: str
    kinds: str

    def counts(self) -> dict[str, int]:
        """How many rows there are of each kind."""
        found = dict.fromkeys(KINDS, 0)
        found.update(self._ask(f"select kind, count(*) from {self.kinds} group by kind"))
        return found

    def page(self, kind: str, skip: int = 0, limit: int = PAGE_ROWS) -> list[dict[str, Any]]:
        """Rows of one kind, in the order of the file: source_row and every column of the log.

        An instant that is a day is a date.
        """
        columns = ("source_row", *self.log.columns)
        found = self._ask(
            f"select {', '.join(columns)}, days from {self.rows} semi join "
            f"{self._sources(kind, skip, limit)} using (source_row) order by source_row"
        )
        return [dict(zip(columns, _shown(columns, row), strict=True)) for row in found]

    def cells(self, skip: int = 0, limit: int = PAGE_ROWS) -> Iterator[ChangedCell]:
        """What changed in the rows `skip` to `skip + limit` of those that changed."""
        names = list(self.log.columns)
        now = ", ".join(f"incoming.{name}" for name in (*names, "days"))
        was = ", ".join(f"earlier.{name}" for name in (*names, "days"))
        found = self._ask(
            f"select incoming.source_row, {now}, {was} from {self.rows} as incoming "
            f"semi join {self._sources('changed', skip, limit)} as chosen "
            "on chosen.source_row = incoming.source_row "
            f"join {self.was} as earlier on {same_key(self.log, 'earlier', 'incoming')} "
            "order by incoming.source_row"
        )
        width = len(names) + 1
        for source_row, *values in found:
            after, before = _shown(names, values[:width]), _shown(names, values[width:])
            key = tuple(after[names.index(name)] for name in self.log.key)
            for name, one, other in zip(names, before, after, strict=True):
                if one != other:
                    yield ChangedCell(source_row, key, name, one, other)

    def _sources(self, kind: str, skip: int, limit: int) -> str:
        return (
            f"(select source_row from {self.kinds} where kind = '{kind}' "
            f"order by source_row limit {limit:d} offset {skip:d})"
        )

    def _ask(self, sql: str) -> Sequence[Any]:
        with self.con.cursor() as cursor:
            return cursor.execute(sql).fetchall()


def _shown(names: Sequence[str], values: Sequence[Any]) -> list[Any]:
    """The values of a row, an instant that is a day as a date; the last of `values` says which."""
    *cells, days = values
    alone = (days or "").split(";")
    return [
        value.date() if name in alone else value for name, value in zip(names, cells, strict=True)
    ]


def compare(
    con: duckdb.DuckDBPyConnection, schema: str, log: Log, rows: str, folded: str, name: str
) -> Differences:
    """Keeps what `rows` replace in the logs of `schema`, as a table named after `name`.

    `folded` says what becomes of them (`tables.fold`). Called before the rows are merged.
    """
    found = Differences(con, log, rows, f"was_{name}", folded)
    con.execute(
        f"create table {found.was} as select {', '.join(log.columns)}, days "
        f"from {schema}.{log.name} where rowid in (select stood from {folded})"
    )
    return found
