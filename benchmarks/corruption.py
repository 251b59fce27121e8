"""What other readers make of the files of tests/corruption; writes corruption.json beside this.

    python -m benchmarks.corruption --importer PATH/TO/sqlite-utils

A reader is right where every value of the truth is there, as it stands in the file or as it means,
in as many rows; else it has refused, or is silently wrong. Each is run as its documentation shows
first: nothing is told to it that the file does not say. `none` is a kind of file it does not take.
"""

import argparse
import json
import math
import sqlite3
import subprocess
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd

import etl
from tests.corruption.cases import CASES, OPEN, Case
from tests.corruption.judged import meaning, outcome

RESULTS = Path(__file__).parent / "corruption.json"
ZONE = ZoneInfo("Asia/Shanghai")
WORKBOOKS = (".xlsx", ".xls")
Table = Sequence[Mapping[str, Any]]


def main() -> None:
    """Reads every case with every reader and writes what became of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corruption", description=__doc__)
    parser.add_argument("--importer", type=Path, required=True, help="sqlite-utils' command")
    importer = parser.parse_args().importer
    readers: dict[str, Callable[[Path], Table | None]] = {
        "pandas": by_pandas,
        "duckdb": by_duckdb,
        "sqlite_utils": lambda path: by_sqlite_utils(importer, path),
    }
    cases = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            found = {"kept": outcome(case, Path(folder))}
            for name, reader in readers.items():
                found[name] = judged(case, reader, Path(folder) / case.file)
        cases.append({"name": case.name, "zh": case.zh, "en": case.en, **found})
    said = subprocess.run([importer, "--version"], check=True, capture_output=True, text=True)
    versions = {
        "kept": etl.__version__,
        "pandas": pd.__version__,
        "duckdb": duckdb.__version__,
        "sqlite_utils": said.stdout.split()[-1],
    }
    results = {"versions": versions, "cases": cases}
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for name in versions:
        print(name, dict(Counter(one[name] for one in cases)))


def by_pandas(path: Path) -> Table:
    """`read_csv` or, for a workbook, `read_excel`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = pd.read_excel(path) if path.suffix in WORKBOOKS else pd.read_csv(path)
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


def by_duckdb(path: Path) -> Table | None:
    """`read_csv`, which finds out everything by itself."""
    if path.suffix in WORKBOOKS:
        return None
    with duckdb.connect() as con:
        con.execute("set timezone = 'Asia/Shanghai'")
        found = con.execute("select * from read_csv(?)", [str(path)])
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def by_sqlite_utils(importer: Path, path: Path) -> Table | None:
    """`insert --csv`, which detects types; the importer that Datasette's documentation names."""
    if path.suffix in WORKBOOKS:
        return None
    database = path.with_name("a.db")
    database.unlink(missing_ok=True)
    call = [importer, "insert", database, "rows", path, "--csv"]
    subprocess.run(call, check=True, capture_output=True, timeout=60)
    with sqlite3.connect(database) as con:
        con.row_factory = sqlite3.Row
        return [dict(row) for row in con.execute("select * from rows order by rowid")]


def judged(case: Case, reader: Callable[[Path], Table | None], path: Path) -> str:
    """right, refuses, wrong (silently) or none."""
    try:
        table = reader(path)
    except Exception:
        return "refuses"
    if table is None:
        return "none"
    no_truth = bool(case.refused) and not case.rows
    if no_truth or len(table) != len(case.rows):
        return "wrong"
    right = all(
        header in found and same(found[header], value)
        for said, found in zip(case.rows, table, strict=True)
        for header, value in said.items()
    )
    return "right" if right else "wrong"


def same(found: Any, value: Any) -> bool:
    """Whether a value is there as it stands in the file or as it means."""
    raw = value[0] if isinstance(value, tuple) else value
    meant = meaning(value)
    if found is None or found is pd.NaT or (isinstance(found, float) and math.isnan(found)):
        return meant is None
    if str(found).strip() == raw.strip():
        return True
    if meant is OPEN or meant is None or isinstance(meant, str):
        return False
    if isinstance(meant, bool):
        return isinstance(found, (bool, int)) and bool(found) == meant
    if isinstance(meant, Decimal):
        try:
            return Decimal(str(found)) == meant
        except InvalidOperation:
            return False
    if not isinstance(meant, datetime):
        return found == meant and not isinstance(found, datetime)
    return _instant(found) == meant


def _instant(found: Any) -> datetime | None:
    if isinstance(found, pd.Timestamp):
        found = found.to_pydatetime()
    if isinstance(found, datetime):
        return found.astimezone(ZONE).replace(tzinfo=None) if found.tzinfo else found
    return datetime(found.year, found.month, found.day) if isinstance(found, date) else None


if __name__ == "__main__":
    main()
