"""The tables of a pack that people read: clauses, obligations, waivers, rows that do not count."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.catalogue import Text
from etl.evidence.dossier import Dossier
from etl.evidence.files import ROW_COLUMNS, TERM_COLUMNS

CLAUSE_COLUMNS = (
    "clause", "verdict", "raw_verdict", "assumed", "target", "met", "breached", "unknown",
    "pending", "excluded", "raw_breached", "raw_unknown", "penalty_per_breach", "deduction",
    "raw_deduction",
)  # fmt: skip
WAIVER_COLUMNS = (
    "clause", "subject", "reason", "requested_by", "approved_by", "approved_on", "counts", "waived",
)  # fmt: skip
OPEN_COLUMNS = ("log", "batch", "file", "source_row", "key", "reason_zh", "reason_en")
_ORDER = ("breached", "unknown", "pending", "excluded", "met")


@dataclass(frozen=True)
class Table:
    """A table: `name` for its sheet, `file` in the pack that has all of its rows."""

    name: str
    file: str
    columns: Sequence[str]
    rows: Iterable[Sequence[object]]


def summary_tables(content: Mapping[str, Any], found: Dossier) -> list[Table]:
    """The tables that are files of their own: clauses, waivers, rejected and waiting rows."""
    return [
        Table("clauses", "clauses.csv", CLAUSE_COLUMNS, _of(content["clauses"], CLAUSE_COLUMNS)),
        Table("waivers", "waivers.csv", WAIVER_COLUMNS, _of(content["waivers"], WAIVER_COLUMNS)),
        Table(
            "rejected",
            "rejected.csv",
            OPEN_COLUMNS,
            [
                [one.log, one.batch, one.file, one.source_row, _key(one.key), *_both(one.reasons)]
                for one in found.rejected
            ],
        ),
        Table(
            "waiting",
            "waiting.csv",
            OPEN_COLUMNS,
            [
                [one.log, one.batch, one.file, one.source_row, _key(one.key), *_both(one.reason)]
                for one in found.waiting
            ],
        ),
    ]


def row_tables(folder: Path) -> list[Table]:
    """The tables whose files are written already: the obligations, what was not met first."""
    return [
        Table("rows", "rows/", ROW_COLUMNS, _obligations(folder / "rows")),
        Table("terms", "terms.csv", TERM_COLUMNS, _read(folder / "terms.csv")),
    ]


def _of(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> list[list[object]]:
    return [[_shown(row[column]) for column in columns] for row in rows]


def _shown(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _key(key: Iterable[str | None]) -> str:
    return " / ".join(part or "" for part in key)


def _both(text: Text) -> tuple[str, str]:
    return text.zh, text.en


def _read(file: Path) -> Iterator[list[str | None]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        next(reader)
        yield from ([cell or None for cell in row] for row in reader)


def _obligations(folder: Path) -> Iterator[list[str | None]]:
    """Every obligation, state by state, so that what speaks against comes before what was met."""
    place = ROW_COLUMNS.index("state")
    for state in _ORDER:
        for file in sorted(folder.glob("*.csv")):
            yield from (row for row in _read(file) if row[place] == state)
