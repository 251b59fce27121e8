"""Headers to columns: which row is the header, which log it is, which column is which."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, lru_cache

from etl.catalogue import Column, Log, catalogue
from etl.errors import KeptError
from etl.read import TextTable

_BRACKETS = re.compile(r"[(\[【〔<].*?[)\]】〕>]")
_NOISE = re.compile(r"[\s_*:.\-]+")
_UNIT = re.compile(r"(?:单位:?)?(.*)", re.IGNORECASE)
_DURATIONS = frozenset(
    {"分钟", "分", "小时", "时", "秒", "天", "日", "min", "mins", "minute", "minutes", "hour"}
    | {"hours", "hr", "hrs", "h", "sec", "secs", "second", "seconds", "s", "day", "days", "d", "m"}
)
_SCALES = {
    "money": {
        **dict.fromkeys(("元", "人民币", "人民币元", "cny", "rmb", "¥", "yuan"), Decimal(1)),
        **dict.fromkeys(("万", "万元", "人民币万元", "万元人民币"), Decimal(10_000)),
    },
    "integer": {
        **dict.fromkeys(("月", "个月", "month", "months"), Decimal(1)),
        **dict.fromkeys(("年", "year", "years"), Decimal(12)),
    },
}
# A note with one of these is a unit; one that `_SCALES` does not know must not be guessed at.
_UNIT_LIKE = {
    "money": re.compile(
        r"[万千百亿$€£]|元|\bk\b|\bm\b|thousand|million|usd|eur|hkd|gbp|jpy|10k", re.IGNORECASE
    ),
    "integer": re.compile(r"天|日|周|季|年|day|week|quarter|year", re.IGNORECASE),
}


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
    best = _first(complete, hint) if complete else _most(readings, hint)
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
    best = replace(best, scale=_scale(best))
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
        scale={},
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


def _units(header: str) -> list[str]:
    """The notes in brackets of a header, folded: 合同总价(单位:万元) → 万元."""
    notes = _BRACKETS.findall(unicodedata.normalize("NFKC", header))
    found = (_UNIT.fullmatch(note[1:-1].replace(" ", "")) for note in notes)
    return [unit.group(1).casefold() for unit in found if unit]


def _unit_fits(column: Column, header: str) -> bool:
    """False for a duration where an instant is wanted: 响应时间(分钟) is no time of day."""
    return column.type not in ("instant", "date") or _DURATIONS.isdisjoint(_units(header))


def _scale(reading: Match) -> dict[str, Decimal]:
    """The factor for each column whose header names a unit. Raises KeptError for one unknown."""
    scale = {}
    for name, position in reading.columns.items():
        kind = reading.log.columns[name].type
        for unit in _units(reading.headers[position]):
            factor = _SCALES.get(kind, {}).get(unit)
            if factor is None and kind in _UNIT_LIKE and _UNIT_LIKE[kind].search(unit):
                raise KeptError(
                    "unit_unknown",
                    file=reading.table.place,
                    header=reading.headers[position],
                    unit=unit,
                )
            if factor is not None and factor != 1:
                scale[name] = factor
    return scale


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


def _first(complete: Sequence[Match], hint: str) -> Match:
    """The topmost complete header: what stands above a later one is data, not a title.

    Cells merged over two rows make the second row say more than the first: then it is that one.
    """
    top = min(reading.header_index for reading in complete)
    best = _most([reading for reading in complete if reading.header_index == top], hint)
    for below in complete:
        if (below.table, below.log, below.header_index) == (
            best.table,
            best.log,
            top + 1,
        ) and best.columns.items() < below.columns.items():
            return below
    return best


def _most(readings: Sequence[Match], hint: str) -> Match:
    """The reading with the most columns; among logs that fit equally, the one hinted at."""
    most = max(len(reading.columns) for reading in readings)
    top = [reading for reading in readings if len(reading.columns) == most]
    if len({reading.log.name for reading in top}) == 1 or _missing(top[0]):
        return top[0]
    hinted = [r for r in top if any(w in hint for w in (r.log.label.zh, *r.log.aliases))]
    if len({reading.log.name for reading in hinted}) != 1:
        raise KeptError(
            "log_ambiguous",
            file=top[0].table.place,
            logs="、".join(f"{r.log.label.zh} ({r.log.name})" for r in top),
        )
    return hinted[0]


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
