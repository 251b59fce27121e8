"""Taking batches out of the merged logs, in any order: always as had they never been loaded."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.catalogue import catalogue
from etl.config import Settings
from etl.sql import literal
from etl.store import Batch, Warehouse
from etl.tables import MARK_SQL, create_logs, merge, take_out

LOGS = ("contracts", "complaints", "complaints", "waivers")


def written(warehouse: Warehouse, random: Random, sequence: int) -> Batch:
    """A batch with random rows of few keys, some given twice, some refused, some mended.

    Some say when they were updated, some hold days, some are given by hand, some are of a file
    that lacks columns, and some batches do not know which columns theirs had.
    """
    log = catalogue().logs[random.choice(LOGS)]
    columns = tuple(name for name in log.columns if name in log.key or random.random() < 0.5)
    columns = random.choice([columns, tuple(log.columns), None])
    batch = Batch(
        id=f"{sequence:05d}-{log.name}", sequence=sequence, log=log.name, file="a.csv",
        sheet=None, sha256=None, extension=".csv", by="", at="", headers=(),
        new=0, changed=0, unchanged=0, rejected=0, superseded=0, columns=columns,
    )  # fmt: skip
    with duckdb.connect() as con:
        create_logs(con, "logs")
        con.execute(f"create table given as select * exclude (batch) from logs.{log.name}")
        con.execute("alter table given add column mends varchar")
        for source_row in range(2, 2 + random.randrange(1, 7)):
            row: dict[str, object] = {"source_row": source_row}
            for name in log.key:
                row[name] = random.choice([1, 2]) if name == "round" else f"K-{random.randrange(3)}"
            other = next(name for name in log.columns if name not in log.key)
            if log.columns[other].type in ("id", "text"):
                row[other] = f"C-{random.randrange(3)}"
            if "updated_at" in log.columns and random.random() < 0.7:
                row["updated_at"] = f"2026-01-0{random.randrange(1, 5)}"
            row["days"] = random.choice([None, None, ";received_at;"])
            row["recorded"] = random.choice([None, None, ";contract_id;", ";upheld;round;"])
            if random.random() < 0.3:
                con.execute("create or replace temp table one (texts varchar[])")
                con.execute("insert into one values (?)", [[f"R-{random.randrange(3)}", None]])
                mark = con.execute(f"select {MARK_SQL} from one").fetchone()
                row["mends"] = mark[0] if mark else None
            marks = ", ".join("?" * len(row))
            con.execute(
                f"insert into given ({', '.join(row)}) values ({marks})", list(row.values())
            )
        rows = warehouse.path("batches", log.name, f"{batch.id}.parquet")
        rows.parent.mkdir(parents=True, exist_ok=True)
        con.execute(f"copy given to {literal(rows)} (format parquet)")
        for source_row in range(20, 20 + random.randrange(3)):
            con.execute(
                "insert into logs.rejects values (?, ?, ?, ?, null, ?, ?, '[]')",
                [sequence, log.name, source_row, [None] * len(log.key), ["x"],
                 [f"R-{random.randrange(3)}", None]],
            )  # fmt: skip
        rejects = warehouse.path("rejects", f"{batch.id}.parquet")
        rejects.parent.mkdir(parents=True, exist_ok=True)
        con.execute(f"copy (select * from logs.rejects) to {literal(rejects)} (format parquet)")
    return batch


def content(con: duckdb.DuckDBPyConnection, schema: str) -> dict[str, list[Any]]:
    """Every row of every log, the refused ones, and what is still open of them."""
    found = {
        name: con.execute(f"select * from {schema}.{name} order by all").fetchall()
        for name in (*LOGS, "rejects", "mended", "recorded")
    }
    found["open"] = con.execute(
        f"select log, texts from {schema}.open_rejects order by all"
    ).fetchall()
    return found


@given(seed=st.integers(0, 2**32))
@settings(max_examples=6)
def test_batches_taken_out_in_any_order_were_never_there(seed: int) -> None:
    random = Random(seed)
    with TemporaryDirectory() as name, duckdb.connect() as con:
        warehouse = Warehouse(Settings(Path(name)))
        left = [written(warehouse, random, sequence) for sequence in range(1, 6)]
        create_logs(con, "logs")
        for batch in left:
            merge(con, "logs", warehouse, batch)
        for gone in random.sample(left, 3):
            left.remove(gone)
            take_out(con, "logs", warehouse, gone, left)
            create_logs(con, "anew")
            for batch in left:
                merge(con, "anew", warehouse, batch)
            assert content(con, "logs") == content(con, "anew")
            con.execute("drop schema anew cascade")
