"""A pack's ledger computed anew, from its snapshot alone: is every row what it says?"""

import csv
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from etl.catalogue import catalogue
from etl.errors import KeptError
from etl.evidence.files import (
    LAST_EVENTS,
    MODELS_WANTED,
    RECORDED,
    REJECTS,
    hash_of_rows,
    snapshot_columns,
    write_models,
    write_obligations,
)
from etl.evidence.packcheck import DAMAGE, RECORD
from etl.ledger import build_marts, computed_clauses
from etl.references import find_waiting
from etl.scratch import scratch
from etl.sql import literal
from etl.store import sha256_of
from etl.tables import create_logs

MOST_NAMED = 20
_FIELDS = ("verdict", "met", "breached", "unknown", "pending", "excluded")


@dataclass(frozen=True)
class Difference:
    """A row that comes out otherwise: as the pack says and as computed; None: no such row."""

    file: str
    said: str | None
    computed: str | None


@dataclass(frozen=True)
class Reproduction:
    """What came of it: how many rows were compared, what differs, under whose rules.

    `same_rules` is false where this Kept's rules are not those in the pack; then rows may differ
    for that reason.
    """

    contract_id: str
    rows: int
    differences: tuple[Difference, ...]
    more: int
    same_rules: bool

    @property
    def same(self) -> bool:
        """Whether every row, log and verdict came out as the pack says."""
        return not self.differences


def reproduce(pack: Path) -> Reproduction:
    """Computes the ledger of a pack from its snapshot and compares all of it.

    Needs no warehouse. Raises KeptError where the file is no pack or its snapshot cannot be read.
    """
    with _unpacked(pack) as folder, scratch("reproduce") as place:
        try:
            record = json.loads((folder / RECORD).read_bytes())
            found = list(_compare(folder, place, record))
            rows = sum(_count(file) for file in sorted((folder / "rows").glob("*.csv")))
            same_rules = _same_rules(folder, place)
        except (*DAMAGE, duckdb.Error) as error:
            raise KeptError("pack_unreadable", file=pack) from error
    return Reproduction(
        contract_id=str(record["contract_id"]),
        rows=rows,
        differences=tuple(found[:MOST_NAMED]),
        more=max(0, len(found) - MOST_NAMED),
        same_rules=same_rules,
    )


@contextmanager
def _unpacked(pack: Path) -> Iterator[Path]:
    """The folder of the pack; a zip is unpacked, only under the names that a pack has."""
    if pack.is_dir():
        yield pack
        return
    with scratch("unpacked") as folder:
        try:
            with zipfile.ZipFile(pack) as archive:
                for info in archive.infolist():
                    if info.filename.split("/")[0] in ("rows", "snapshot") or info.filename in (
                        RECORD, "logs.csv", "models.csv",
                    ):  # fmt: skip
                        archive.extract(info, folder)
        except DAMAGE as error:
            raise KeptError("pack_unreadable", file=pack) from error
        yield folder


def _compare(folder: Path, place: Path, record: dict[str, Any]) -> Iterator[Difference]:
    contract = str(record["contract_id"])
    due_on = None if record["due_on"] is None else date.fromisoformat(record["due_on"])
    with duckdb.connect(place / "ledger.duckdb") as con:
        con.execute("set enable_progress_bar = false")
        loaded = read_snapshot(con, folder / "snapshot", folder / "logs.csv")
        yield from _compare_logs(con, folder, place)
        find_waiting(con, "logs")
        as_of = datetime.fromisoformat(record["as_of"])
        for _ in build_marts(
            con, "logs", loaded, as_of, as_of, MODELS_WANTED, "last_events", record["timezone"]
        ):
            pass
        computed = place / "rows"
        write_obligations(con, contract, due_on, computed)
        for clause in sorted(set(record["rows"]) ^ set(computed_clauses())):
            yield Difference(f"rows/{clause}.csv", *_whose(clause in record["rows"]))
        for clause in sorted(set(record["rows"]) & set(computed_clauses())):
            said = folder / "rows" / f"{clause}.csv"
            if sha256_of(said) != sha256_of(computed / said.name):
                yield from _compare_rows(said, computed / said.name)
        yield from _compare_verdicts(con, record, contract)


def _whose(said: bool) -> tuple[str | None, str | None]:
    """A clause that only the pack knows, or only this Kept."""
    return ("there", None) if said else (None, "there")


def read_snapshot(con: duckdb.DuckDBPyConnection, snapshot: Path, listing: Path) -> frozenset[str]:
    """Puts the snapshot in the place of the merged logs; the logs that were ever loaded."""
    create_logs(con, "logs")
    for name in (*catalogue().logs, REJECTS, RECORDED):
        columns, _ = snapshot_columns(name)
        con.execute(
            f"insert into logs.{name} ({', '.join(columns)}) select {', '.join(columns)} "
            f"from read_parquet({literal(snapshot / f'{name}.parquet')})"
        )
    con.execute(
        "create table last_events as select log, contract_id, last_at "
        f"from read_parquet({literal(snapshot / f'{LAST_EVENTS}.parquet')})"
    )
    return frozenset(
        row["log"]
        for row in _rows(listing)
        if row["loaded"] == "true" and row["log"] in catalogue().logs
    )


def _compare_logs(
    con: duckdb.DuckDBPyConnection, folder: Path, place: Path
) -> Iterator[Difference]:
    """Whether the snapshot is the one that logs.csv lists, which the record is bound to."""
    for row in _rows(folder / "logs.csv"):
        columns, order = snapshot_columns(row["log"])
        table = LAST_EVENTS if row["log"] == LAST_EVENTS else f"logs.{row['log']}"
        sql = f"select {', '.join(columns)} from {table} order by {', '.join(order)}"
        count, digest = hash_of_rows(con, sql, columns, place)
        if (row["rows"], row["sha256"]) != (str(count), digest):
            yield Difference(
                f"snapshot/{row['log']}.parquet", f"{row['rows']} {row['sha256']}",
                f"{count} {digest}",
            )  # fmt: skip


def _compare_rows(said: Path, computed: Path) -> Iterator[Difference]:
    """The rows of two files that are not the same, by their subject."""
    both = [{row["subject"]: row for row in _rows(file)} for file in (said, computed)]
    for subject in sorted({*both[0], *both[1]}):
        one, other = (rows.get(subject) for rows in both)
        if one != other:
            yield Difference(f"rows/{said.name}", _line(one), _line(other))


def _compare_verdicts(
    con: duckdb.DuckDBPyConnection, record: dict[str, Any], contract: str
) -> Iterator[Difference]:
    found = con.execute("select verdict from retention where contract_id = ?", [contract])
    row = found.fetchone()
    verdict = row[0] if row else None
    if verdict != record["verdict"]:
        yield Difference(RECORD, f"verdict {record['verdict']}", f"verdict {verdict}")
    computed = {
        row[0]: list(row[1:])
        for row in con.execute(
            f"select clause, {', '.join(_FIELDS)} from clause_verdict where contract_id = ?",
            [contract],
        ).fetchall()
    }
    for one in record["clauses"]:
        said = [one[field] for field in _FIELDS]
        if computed.get(one["clause"]) != said:
            yield Difference(
                RECORD, f"{one['clause']} {said}", f"{one['clause']} {computed.get(one['clause'])}"
            )


def _same_rules(folder: Path, place: Path) -> bool:
    mine = place / "mine"
    mine.mkdir()
    write_models(mine)
    return (folder / "models.csv").read_bytes() == (mine / "models.csv").read_bytes()


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)


def _line(row: dict[str, str] | None) -> str | None:
    return None if row is None else ",".join(value or "" for value in row.values())


def _count(file: Path) -> int:
    return sum(1 for _ in _rows(file))
