"""The rows of a file beside those they replace: new, changed, unchanged, superseded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from etl.catalogue import Log

KINDS = ("new", "changed", "unchanged", "superseded")
"""`superseded`: a later row of the same key in the same file takes its place."""
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
    """`rows` (the log's columns and source_row) beside `was`, the rows that they replace.

    Both are tables of `con`; `kinds` is a third, made by `compare`: source_row, kind.
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
        """Rows of one kind, in the order of the file: source_row and every column of the log."""
        columns = ("source_row", *self.log.columns)
        found = self._ask(
            f"select {', '.join(columns)} from {self.rows} semi join "
            f"{self._sources(kind, skip, limit)} using (source_row) order by source_row"
        )
        return [dict(zip(columns, row, strict=True)) for row in found]

    def cells(self, skip: int = 0, limit: int = PAGE_ROWS) -> Iterator[ChangedCell]:
        """What changed in the rows `skip` to `skip + limit` of those that changed."""
        names = list(self.log.columns)
        now = ", ".join(f"incoming.{name}" for name in names)
        was = ", ".join(f"earlier.{name}" for name in names)
        found = self._ask(
            f"select incoming.source_row, {now}, {was} from {self.rows} as incoming "
            f"semi join {self._sources('changed', skip, limit)} as chosen "
            "on chosen.source_row = incoming.source_row "
            f"join {self.was} as earlier on {same_key(self.log, 'earlier', 'incoming')} "
            "order by incoming.source_row"
        )
        width = len(names)
        for source_row, *values in found:
            after, before = values[:width], values[width:]
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


def compare(
    con: duckdb.DuckDBPyConnection, log: Log, rows: str, standing: str, name: str
) -> Differences:
    """Keeps what `rows` replaces of the table `standing`, as tables named after `name`.

    Called before the rows are merged.
    """
    found = Differences(con, log, rows, f"was_{name}", f"kinds_{name}")
    con.execute(
        f"create table {found.was} as select {', '.join(log.columns)} from {standing} as earlier "
        f"semi join {rows} as incoming on {same_key(log, 'earlier', 'incoming')}"
    )
    differs = " or ".join(
        f"earlier.{column} is distinct from incoming.{column}" for column in log.columns
    )
    con.execute(
        f"""create table {found.kinds} as
            with incoming as (
                select *, row_number() over (
                    partition by {", ".join(log.key)} order by source_row desc
                ) as place
                from {rows}
            ),
            earlier as (select *, true as stood from {found.was})
            select incoming.source_row,
                case
                    when incoming.place > 1 then 'superseded'
                    when earlier.stood is null then 'new'
                    when {differs} then 'changed'
                    else 'unchanged'
                end as kind
            from incoming left join earlier on {same_key(log, "earlier", "incoming")}"""
    )
    return found


def same_key(log: Log, one: str, other: str) -> str:
    """The condition that two rows have the same key."""
    return " and ".join(f"{one}.{name} is not distinct from {other}.{name}" for name in log.key)
