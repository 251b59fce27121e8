"""What Kept makes of a case: right, or which code it asks, refuses or rejects with."""

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from etl.errors import KeptError
from etl.intake.check import Checked, check
from etl.intake.mapping import ColumnMapping
from etl.intake.match import Match, recognise, stage
from etl.intake.read import Limits, sniff
from tests.corruption.cases import Case

LOADED_AT = datetime(2030, 1, 1)
# Refusals that a mapping answers: Kept asks.
ASKED = frozenset(
    {"dates_ambiguous", "dates_swapped", "holds_durations", "holds_numbers", "holds_flags"}
    | {"column_missing", "column_twice", "unit_unknown", "months_or_years"}
)


def loaded(case: Case, folder: Path) -> tuple[Checked, list[dict[str, Any]]]:
    """The typed rows of a file, read as a load reads it. Raises KeptError where it is refused."""
    path = folder / case.file
    path.write_bytes(case.content)
    mappings = [ColumnMapping.from_toml(case.mapping)] if case.mapping else []
    with duckdb.connect() as con, sniff(path, limits=Limits()) as source:
        sheets: dict[str | None, list[Any]] = {}
        for table in source.tables():
            sheets.setdefault(table.sheet, []).append(table)
        matches = [recognise(tables, case.log, path.stem, mappings) for tables in sheets.values()]
        [match] = [match for match in matches if match] or [None]
        if match is None:
            raise KeptError("log_unknown", file=case.file)
        stage(source, con, match, "staged")
        checked = check(con, "staged", match, case.timezone, "typed", LOADED_AT)
        cursor = con.execute("select * from typed order by source_row")
        names = [column[0] for column in cursor.description]
        return checked, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def by_heading(case: Case, match: Match, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The typed rows under the headings that the case names."""
    taken = [row for index, row in enumerate(case.rows) if index not in case.rejected]
    return [
        {header: _read(row, _column_of(match, header)) for header in said}
        for said, row in zip(taken, rows, strict=True)
    ]


def _read(row: dict[str, Any], column: str) -> Any:
    """A typed value; a day as a date."""
    is_day = f";{column};" in (row["days"] or "")
    return row[column].date() if is_day else row[column]


def expected(case: Case) -> list[dict[str, Any]]:
    """What the rows that Kept does not reject mean."""
    return [
        {header: meaning(value) for header, value in row.items()}
        for index, row in enumerate(case.rows)
        if index not in case.rejected
    ]


def meaning(value: Any) -> Any:
    """What a value of a case means."""
    return value[1] if isinstance(value, tuple) else value


def outcome(case: Case, folder: Path) -> str:
    """right, asks, refuses, rejects (the rows in question) or wrong."""
    try:
        checked, rows = loaded(case, folder)
    except KeptError as error:
        return "asks" if error.code in ASKED else "refuses"
    try:
        right = by_heading(case, checked.match, rows) == expected(case)
    except (KeyError, ValueError):
        right = False
    if not right:
        return "wrong"
    return "rejects" if checked.rejects else "right"


def _column_of(match: Match, header: str) -> str:
    for name, headers in match.mapping.columns.items():
        if headers == (header,):
            return name
    [name] = [name for name, span in match.mapping.durations.items() if span.header == header]
    return name
