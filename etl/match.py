"""Headers to columns: which row is the header, which log it is, which column is which."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from etl.catalogue import Column, Log, catalogue
from etl.errors import KeptError
from etl.read import TextTable

_BRACKETS = re.compile(r"[(\[【〔<].*?[)\]】〕>]")
_NOISE = re.compile(r"[\s_*:.\-]+")
_DURATION = re.compile(r"分钟|小时|秒|天|min|hour|hrs?\b|sec|days?\b", re.IGNORECASE)
_TEN_THOUSAND = re.compile(r"万")


@dataclass(frozen=True)
class Match:
    """A text table recognised as a log.

    `columns` maps a column of the log to its position in the table, `scale` to the factor that a
    unit in the header asks for (合同总价(万元)), `ignored` are headers that no column has.
    """

    table: TextTable
    log: Log
    header_index: int
    headers: tuple[str, ...]
    columns: Mapping[str, int]
    scale: Mapping[str, Decimal]
    ignored: tuple[str, ...]


@lru_cache(maxsize=10_000)
def fold_header(header: str) -> str:
    """A header as it is compared: half-width, without notes in brackets, marks, spaces, case."""
    text = unicodedata.normalize("NFKC", header)
    return _NOISE.sub("", _BRACKETS.sub("", text)).casefold()


def recognise(
    tables: Sequence[TextTable], forced: str | None = None, hint: str = ""
) -> Match | None:
    """The best reading among `tables` (the same sheet under several delimiters), or None.

    Raises KeptError where a log is recognised but lacks a required column, holds one twice, or
    could be two logs. `hint` (file and sheet name) decides between logs that fit equally well.
    """
    logs = catalogue().logs
    candidates = [logs[forced]] if forced else list(logs.values())
    readings = [
        reading
        for table in tables
        for index in range(len(table.top))
        for log in candidates
        if (reading := _read_header(table, index, log)).columns
    ]
    if not readings:
        return None
    complete = [reading for reading in readings if not _missing(reading)]
    best = _best(complete or readings, hint)
    if not complete:
        if not forced and len(best.columns) < max(2, len(best.headers) // 3):
            return None
        raise KeptError(
            "column_missing",
            file=best.table.place,
            log=best.log.label,
            columns=_labels(best.log, _missing(best)),
            extra=_listed(_close_spellings(best)),
        )
    _demand_each_once(best)
    return best


def _labels(log: Log, columns: Iterable[str]) -> str:
    return "、".join(f"{log.columns[name].label.zh} ({name})" for name in columns)


def _listed(words: Iterable[str]) -> str:
    return "、".join(words) or "-"


def _read_header(table: TextTable, index: int, log: Log) -> Match:
    headers = _with_merged_above(table, index)
    names = _aliases(log.name)
    columns: dict[str, int] = {}
    for position, header in enumerate(headers):
        column = names.get(fold_header(header))
        if column and column not in columns and _unit_fits(log.columns[column], header):
            columns[column] = position
    return Match(
        table=table,
        log=log,
        header_index=index,
        headers=headers,
        columns=columns,
        scale={
            name: Decimal(10_000)
            for name, position in columns.items()
            if log.columns[name].type == "money" and _TEN_THOUSAND.search(headers[position])
        },
        ignored=tuple(
            header
            for position, header in enumerate(headers)
            if header.strip() and position not in columns.values()
        ),
    )


def _with_merged_above(table: TextTable, index: int) -> tuple[str, ...]:
    """The header row; where a cell is empty, the cell above it (merged over both rows)."""
    row = list(table.top[index])
    while row and not row[-1].strip():
        row.pop()  # columns without a header to the right of the table are no part of it
    above = table.top[index - 1] if index else []
    return tuple(
        cell if cell.strip() or position >= len(above) else above[position]
        for position, cell in enumerate(row)
    )


def _unit_fits(column: Column, header: str) -> bool:
    """False for a duration where an instant is wanted: 响应时间(分钟) is no time of day."""
    notes = "".join(_BRACKETS.findall(unicodedata.normalize("NFKC", header)))
    return not (column.type in ("instant", "date") and _DURATION.search(notes))


@cache
def _aliases(log: str) -> Mapping[str, str]:
    return {
        fold_header(words): column.name
        for column in catalogue().logs[log].columns.values()
        for words in (column.name, column.label.zh, column.label.en, *column.aliases)
    }


def _missing(reading: Match) -> list[str]:
    return [
        column.name
        for column in reading.log.columns.values()
        if column.required
        and column.name not in reading.columns
        and column.required_unless not in reading.columns
    ]


def _best(readings: Sequence[Match], hint: str) -> Match:
    most = max(len(reading.columns) for reading in readings)
    top = [reading for reading in readings if len(reading.columns) == most]
    names = {reading.log.name for reading in top}
    if len(names) > 1:
        hinted = [r for r in top if any(w in hint for w in (r.log.label.zh, *r.log.aliases))]
        if len({reading.log.name for reading in hinted}) != 1:
            if _missing(top[0]):
                return top[0]
            raise KeptError(
                "log_ambiguous",
                file=top[0].table.place,
                logs="、".join(f"{r.log.label.zh} ({r.log.name})" for r in top),
            )
        top = hinted
    return top[0]


def _demand_each_once(reading: Match) -> None:
    names = _aliases(reading.log.name)
    seen: dict[str, str] = {}
    for header in reading.headers:
        column = names.get(fold_header(header))
        if column is None or not _unit_fits(reading.log.columns[column], header):
            continue
        if column in seen:
            raise KeptError(
                "column_twice",
                file=reading.table.place,
                column=reading.log.columns[column].label,
                headers=_listed((seen[column], header)),
            )
        seen[column] = header


def _close_spellings(reading: Match) -> list[str]:
    """The unknown headers, each with the missing column it may mean."""
    wanted = {
        fold_header(reading.log.columns[name].label.zh): reading.log.columns[name].label.zh
        for name in _missing(reading)
    }
    found = []
    for header in reading.ignored:
        close = difflib.get_close_matches(fold_header(header), list(wanted), n=1, cutoff=0.6)
        found.append(f"{header} (→ {wanted[close[0]]}?)" if close else header)
    return found
