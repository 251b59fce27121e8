"""The latest event of all, where it lies so far after the one before it that it may be a slip.

It counts all the same, and sets the data horizon: so whoever looks at the data is told of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from etl.as_of import END_OF_DAY, HORIZON_LOGS
from etl.catalogue import Column, Log, catalogue
from etl.sql import literal

APART = timedelta(days=14)


@dataclass(frozen=True)
class LoneEvent:
    """One cell: its log, batch (sequence), row, key and column, and what it says.

    `value` is a date where the cell states a day alone. `as_of_without` is the latest event but
    this one: as of when the data would be without it.
    """

    log: str
    batch: int
    source_row: int
    key: str
    column: str
    value: date
    as_of_without: datetime

    def texts(self, file: str) -> dict[str, object]:
        """What the message `lone_event` says of it; `file` is that of its batch."""
        log = catalogue().logs[self.log]
        is_instant = isinstance(self.value, datetime)
        return {
            "file": file,
            "log": log.label,
            "row": self.source_row,
            "key": self.key,
            "column": log.columns[self.column].label,
            "value": f"{self.value:%Y-%m-%d %H:%M}" if is_instant else f"{self.value}",
            "without": f"{self.as_of_without:%Y-%m-%d %H:%M}",
        }


def lone_event(con: duckdb.DuckDBPyConnection, logs: str) -> LoneEvent | None:
    """The latest event of the merged logs in the schema `logs`, where it stands alone; else None.

    Of the logs that set the data horizon: tickets, complaints and parts; without them, inspections.
    """
    every = catalogue().logs
    latest = _two_latest(
        con, logs, [(every[name], column) for name in HORIZON_LOGS for column in every[name].events]
    )
    if not latest:
        visits = every["inspections"]
        latest = _two_latest(con, logs, [(visits, visits.columns["performed_on"])])
    if len(latest) < 2:
        return None
    (at, log, batch, source_row, key, column, is_day), (before, *_) = latest
    if at - before <= APART:
        return None
    return LoneEvent(log, batch, source_row, key, column, at.date() if is_day else at, before)


def _two_latest(
    con: duckdb.DuckDBPyConnection, logs: str, columns: Iterable[tuple[Log, Column]]
) -> list[tuple[Any, ...]]:
    """The two latest events of these columns.

    Each: happened_at, log, batch, source_row, key, column, is_day.
    """
    parts = []
    for log, column in columns:
        is_date = column.type == "date"
        at = f"cast({column.name} as timestamp) + {END_OF_DAY}" if is_date else column.name
        is_day = "true" if is_date else f"coalesce(contains(days, ';{column.name};'), false)"
        key = ", ".join(f"cast({name} as varchar)" for name in log.key)
        parts.append(
            f"(select {at} as happened_at, {literal(log.name)} as log, batch, source_row, "
            f"concat_ws('/', {key}) as key, {literal(column.name)} as column_name, "
            f"{is_day} as is_day from {logs}.{log.name} where {column.name} is not null "
            f"and rowid not in (select row_id from {logs}.waiting "
            f"where log = {literal(log.name)}) order by happened_at desc, source_row limit 2)"
        )
    return con.execute(
        f"{' union all '.join(parts)} order by happened_at desc, log, source_row limit 2"
    ).fetchall()
