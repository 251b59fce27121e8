"""Refused rows that a person mended, checked by the rules of the file they are of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from etl.intake.check import Problem, check
from etl.intake.match import Match
from etl.intake.zones import local_now


@dataclass(frozen=True)
class Corrected:
    """Of the rows that were mended those that hold, and what is still wrong with the others."""

    good: tuple[int, ...]
    refused: Mapping[int, tuple[Problem, ...]]


def correct(
    match: Match,
    rows: Mapping[int, Sequence[str | None]],
    timezone: str,
    now: datetime | None = None,
) -> Corrected:
    """Checks `rows` (source row → cells as in the file) as if they stood in it.

    `now` is the moment of loading, a local time of `timezone`; by default, what the clock says.

    Raises KeptError where a column of dates among them could be read in two ways.
    """
    width = len(match.headers)
    with duckdb.connect() as con:
        columns = ", ".join(f"c{position} varchar" for position in range(width))
        con.execute(
            f"create table staged (source_row bigint, {columns}, "
            "cells_extra varchar, cells_missing integer)"
        )
        marks = ", ".join("?" * width)
        for source_row, cells in rows.items():
            padded = [*cells[:width], *[""] * (width - len(cells))]
            con.execute(
                f"insert into staged values (?, {marks}, null, 0)",
                [source_row, *("" if cell is None else cell for cell in padded)],
            )
        checked = check(con, "staged", match, timezone, "typed", now or local_now(timezone))
        good = con.execute("select source_row from typed order by source_row").fetchall()
    return Corrected(
        tuple(row[0] for row in good),
        {reject.source_row: reject.problems for reject in checked.rejects},
    )
