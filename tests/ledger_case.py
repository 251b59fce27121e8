"""Runs one case: rows a person can check by hand, through the real checks and models, in memory.

A line of dashes in the table of a log begins another file, with a header of its own. Every column
of a log counts as recorded, be it in a header of the case or not. Columns that an export of a case
did not have are named in `absent`: `absent.tickets = ["responded_at"]`; they are recorded only for
the rows of the files that name them.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from etl.catalogue import catalogue
from etl.intake.check import check
from etl.intake.load import parse_instant
from etl.intake.match import recognise
from etl.intake.read import TextTable
from etl.ledger import build_marts
from etl.references import find_waiting
from etl.tables import create_logs, merge_rows

TIMEZONE = "Asia/Shanghai"
KNOWN_AT = datetime(2030, 1, 1)
DEFAULTS = {
    "contracts": "contract_id | amount | accepted_on\nHT-1 | 100000 | 2025-03-15",
    "equipment": (
        "equipment_id | contract_id | department | accepted_on\nU-1 | HT-1 | 内科 | 2025-03-15"
    ),
}


def rows(text: str) -> tuple[list[str], list[list[str]]]:
    """A table written with bars: its header and its rows; `·` is an empty cell, `¦` a bar."""
    lines = [
        [cell.strip().replace("·", "").replace("¦", "|") for cell in line.split("|")]
        for line in text.strip().splitlines()
    ]
    return lines[0], lines[1:]


@contextmanager
def ledger(
    given: Mapping[str, str],
    as_of: str | None,
    wanted: Collection[str] | None = None,
    absent: Mapping[str, Collection[str]] | None = None,
    timezone: str = TIMEZONE,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the marts of the given logs; contract HT-1 and unit U-1 unless given.

    With `wanted`, only with these models and what they need. `absent` names, by log, the columns
    that its export did not have.
    """
    logs = {**DEFAULTS, **given}
    lacking = absent or {}
    assert set(lacking) <= set(logs)
    with duckdb.connect() as con:
        create_logs(con, "logs")
        sequence = 0
        for name, text in logs.items():
            recorded_everywhere = set(lacking.get(name, ()))
            for file in re.split(r"(?m)^-+$", text):
                header, body = rows(file)
                columns = catalogue().logs[name].columns
                if "contract_id" not in header and "contract_id" in columns:
                    header, body = [*header, "contract_id"], [[*row, "HT-1"] for row in body]
                recorded_everywhere &= set(header)
                sequence += 1
                _load(con, name, header, body, sequence, lacking.get(name, ()), timezone)
            assert not recorded_everywhere, f"{name}: {recorded_everywhere}"
        find_waiting(con, "logs")
        at = None if as_of is None else parse_instant(as_of, timezone)
        for _ in build_marts(con, "logs", frozenset(logs), KNOWN_AT, at, wanted, timezone=timezone):
            pass
        yield con


def _load(
    con: duckdb.DuckDBPyConnection,
    name: str,
    header: list[str],
    body: list[list[str]],
    number: int,
    absent: Collection[str],
    timezone: str,
) -> None:
    table = TextTable(file=name, sheet=None, top=[header], top_rows=[1])
    match = recognise([table], name)
    assert match is not None
    assert not match.ignored, f"{name}: {match.ignored}"
    cells = ", ".join(f"c{i} varchar" for i in range(len(header)))
    con.execute(
        f"create or replace table staged "
        f"(source_row bigint, {cells}, cells_extra varchar, cells_missing integer)"
    )
    marks = ", ".join("?" * len(header))
    for line, row in enumerate(body, start=2):
        con.execute(f"insert into staged values ({line}, {marks}, null, 0)", row)
    checked = check(con, "staged", match, timezone, "typed", KNOWN_AT)
    assert not checked.rejects, [
        p.text(match.log, "en") for r in checked.rejects for p in r.problems
    ]
    con.execute("alter table typed add column recorded varchar")
    log = catalogue().logs[name]
    assert set(absent) <= set(log.columns), f"{name}: {absent}"
    columns = [column for column in log.columns if column in match.given or column not in absent]
    merge_rows(con, "logs", log, "typed", number, columns)
    con.execute("drop table staged")


CASES = Path(__file__).parent / "cases"
