"""What is measured, and what it is measured against: each runs alone in a process of its own.

    python -m benchmarks.sides NAME ARGUMENT...

prints what it found as JSON.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from etl.config import Settings
from etl.ledger import build_marts, models
from etl.marts import known_at, open_marts
from etl.sql import literal
from etl.store import Warehouse

Statement = tuple[str, Sequence[object]]
ONCE = "once"
SERVICE = {
    "obligation", "compliance", "compliance_slice", "compliance_hour", "compliance_duration",
}  # fmt: skip


def read_csv(folder: str) -> None:
    """DuckDB reads the same text files, every column as text, into a database file."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        duckdb.connect(Path(scratch) / "text.duckdb") as con,
    ):
        con.execute("set enable_progress_bar = false")
        for number, file in enumerate(sorted(Path(folder).glob("*.csv"))):
            header = file.open(encoding="utf-8").readline()
            delimiter = max(",;\t", key=header.count)
            con.execute(
                f"create table text_{number} as from read_csv({literal(file)}, quote = '\"', "
                f"delim = {literal(delimiter)}, header = true, all_varchar = true)"
            )


def build(warehouse: str, which: str) -> dict[str, Any]:
    """Builds the marts of a loaded warehouse from its logs: `all`, or those of `service` alone.

    Gives the seconds of each model that becomes a table, and of each clause (a view) by itself.
    """
    wanted = None
    if which == "service":
        wanted = SERVICE | {name for name in models() if name.startswith("sla.")}
    with tempfile.TemporaryDirectory() as scratch, _logs(warehouse, Path(scratch)) as con:
        began = last = time.perf_counter()
        seconds: dict[str, float] = {}
        name = ""
        for following, _, _ in _steps(con, warehouse, wanted):
            now = time.perf_counter()
            if name:
                seconds[name] = now - last
            name, last = following, now
        ended = time.perf_counter()
        seconds[name] = ended - last
        if wanted is None:
            for model in models().values():
                if model.kind == "clauses":
                    since = time.perf_counter()
                    con.execute(f"create or replace temp table alone as from {model.relation}")
                    seconds[model.name] = time.perf_counter() - since
    return {"seconds": ended - began, "models": seconds}


def pages(warehouse: str, source: str) -> dict[str, Any]:
    """Asks all that each page asks when it is opened, its caches empty, the database warm.

    Of `marts` as they are published, or of `views`: the same marts as views over the tickets and
    the other facts, so that each answer is computed when it is asked for. The first pass over the
    marts warms them and is not counted; over views there is one pass only.
    """
    asked = _asked(Path(warehouse))
    with tempfile.TemporaryDirectory() as scratch:
        if source == "marts":
            path = open_marts(Settings(Path(warehouse))).path
            with duckdb.connect(path, read_only=True) as con:
                for statements in asked.values():
                    _ask(con, statements)
                return {page: _ask(con, statements) for page, statements in asked.items()}
        with _logs(warehouse, Path(scratch)) as con:
            for _ in _steps(_AsViews(con), warehouse, None):
                pass
            return {page: _ask(con, statements) for page, statements in asked.items()}


def sheet(workbook: str, reader: str) -> None:
    """Reads a large sheet: `kept` up to its rows of text in DuckDB, or `openpyxl` cell by cell."""
    if reader == "openpyxl":
        import openpyxl

        book = openpyxl.load_workbook(workbook, read_only=True)
        for _ in book.worksheets[0].iter_rows(values_only=True):
            pass
        return
    from etl.intake.match import recognise, stage
    from etl.intake.read import Limits, sniff

    with (
        tempfile.TemporaryDirectory() as scratch,
        duckdb.connect(Path(scratch) / "stage.duckdb") as con,
        sniff(Path(workbook), limits=Limits()) as source,
    ):
        match = recognise(source.tables(), None, Path(workbook).stem)
        assert match is not None
        stage(source, con, match, "staged")


@contextmanager
def _logs(warehouse: str, scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database with the merged logs of a warehouse attached as `source`."""
    generation = open_marts(Settings(Path(warehouse))).path
    with duckdb.connect(scratch / "marts.duckdb") as con:
        con.execute("set enable_progress_bar = false")
        con.execute(f"attach {literal(generation)} as source (read_only)")
        yield con


def _steps(con: Any, warehouse: str, wanted: set[str] | None) -> Iterator[tuple[str, int, int]]:
    manifest = Warehouse(Settings(Path(warehouse))).manifest()
    return build_marts(con, "source.logs", manifest.loaded_logs, known_at(manifest), wanted=wanted)


class _AsViews:
    """A connection that makes a view of every mart, and a table of every fact."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self._views = {name for name, model in models().items() if model.kind != "facts"}

    def execute(self, sql: str, parameters: object = None) -> duckdb.DuckDBPyConnection:
        start = "create table "
        if sql.startswith(start) and sql.split()[2] in self._views:
            sql = f"create temp view {sql.removeprefix(start)}"
        return self._con.execute(sql, parameters)


def _asked(warehouse: Path) -> dict[str, list[Statement]]:
    """What each page of the menu asks of the day's marts when it is opened, in its order, and under
    ONCE what the first reader of a generation asks, whichever page it is.
    """
    os.environ["KEPT_WAREHOUSE"] = str(warehouse.absolute())
    from streamlit.testing.v1 import AppTest

    from dashboard import building, navigation, queries, server
    from dashboard.queries import answers

    today = str(open_marts(Settings(warehouse)).path)
    noted: list[Statement] = []
    answer = queries.frame

    def noting(book: queries.Book, sql: str, parameters: Sequence[object] = ()) -> object:
        if book.path == today:
            noted.append((sql, list(parameters)))
        return answer(book, sql, parameters)

    def at_once(settings: Settings, as_of: date | None = None, patience: float = 0) -> queries.Book:
        return queries.book(settings, as_of)

    for module in [one for name, one in sys.modules.items() if name.startswith("dashboard.")]:
        if getattr(module, "frame", None) is answer:
            module.frame = noting  # type: ignore[attr-defined]
    building.book = at_once

    def opened(entry: navigation.Entry) -> list[Statement]:
        navigation.chosen = partial(_choose, entry)
        noted.clear()
        answers.forget_views()
        app = AppTest.from_file(str(server.APP), default_timeout=600).run()
        assert not app.exception, (entry.path, app.exception)
        return list(noted)

    first = [one for entry in navigation.PAGES for one in opened(entry)]
    asked = {entry.path: opened(entry) for entry in navigation.PAGES}
    again = [one for statements in asked.values() for one in statements]
    return {ONCE: [one for one in first if one not in again], **asked}


def _choose(entry: Any, _words: object) -> Any:
    return entry


def _ask(con: duckdb.DuckDBPyConnection, statements: list[Statement]) -> dict[str, float]:
    began, rows, slowest = time.perf_counter(), 0, 0.0
    for sql, parameters in statements:
        since = time.perf_counter()
        rows += len(con.execute(sql, list(parameters)).df())
        slowest = max(slowest, time.perf_counter() - since)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "slowest": slowest, "statements": len(statements), "rows": rows}


SIDES: dict[str, Callable[..., Any]] = {
    side.__name__: side for side in (read_csv, build, pages, sheet)
}

if __name__ == "__main__":
    print(json.dumps(SIDES[sys.argv[1]](*sys.argv[2:])))
