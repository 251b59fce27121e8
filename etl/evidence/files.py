"""The files that hold what a decision rests on, and the hashes of them that it records.

    rows/<clause>.csv       every obligation of the contract under the clause
    terms.csv               the contract's terms in force
    logs.csv                the snapshot: each log's rows and the hash of them
    snapshot/<log>.parquet  the contract's rows of the log, and what else its ledger needs
    models.csv              the rules: each file and the hash of it

A hash of what is listed is the hash of the listing: nothing but SHA-256 is needed to follow it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from etl import as_of
from etl.catalogue import Log, catalogue
from etl.evidence.dossier import Dossier, create_views
from etl.intake.check import exact
from etl.ledger import computed_clauses, needed_for
from etl.report import FORMULA_STARTS, write_rows
from etl.scratch import scratch
from etl.sql import listed, literal
from etl.store import sha256_of

ROW_COLUMNS = (
    "contract_id", "clause", "subject", "department", "equipment_id", "arose_on", "due_at",
    "done_at", "state", "evidence", "counted",
)  # fmt: skip
"""`evidence` is the state had nothing been waived; `counted`: it counts for the retention money."""
TERM_COLUMNS = ("term", "value", "assumed", "agreed")
LOG_COLUMNS = ("log", "loaded", "rows", "sha256")
NOT_COUNTED = frozenset({"delivery.guarantee_valid"})
"""Clauses that are shown, never counted for the retention money."""
LAST_EVENTS = "last_events"
RECORDED = "recorded"
_RECORDED_COLUMNS = ("batch", "log", "column_name")
REJECTS = "rejects"
RULES = "rules"
MODELS_WANTED = frozenset({"retention"})


@dataclass(frozen=True)
class Proof:
    """The hashes that bind a decision to what it rests on.

    `rows`: clause → SHA-256 of its `rows/<clause>.csv`; `logs`, `terms`, `models`: of logs.csv,
    terms.csv and models.csv.
    """

    rows: Mapping[str, str]
    logs: str
    terms: str
    models: str


def proof(found: Dossier) -> Proof:
    """The hashes of what a dossier rests on; takes a while for a large contract."""
    with scratch("proof") as folder:
        return write_files(found, folder, parquet=False)


def write_files(found: Dossier, folder: Path, parquet: bool = True) -> Proof:
    """Writes the files above into an empty folder; without `parquet`, all but the snapshot."""
    contract = found.contract_id
    with found.marts.beside_logs() as (con, logs):
        # One thread writes the same bytes every time.
        con.execute("set threads = 1")
        rows = write_obligations(con, contract, found.due_on, folder / "rows")
        _write_terms(con, contract, folder / "terms.csv")
        create_views(con, logs)
        # A ledger that was computed from a snapshot brings along how far the logs go.
        brought = con.execute(
            "select 1 from duckdb_tables() where database_name = 'marts' and table_name = ?",
            [LAST_EVENTS],
        ).fetchone()
        last_events = f"marts.{LAST_EVENTS}" if brought else None
        write_snapshot(con, logs, contract, folder, parquet, last_events)
    write_models(folder)
    return Proof(
        rows=rows,
        logs=sha256_of(folder / "logs.csv"),
        terms=sha256_of(folder / "terms.csv"),
        models=sha256_of(folder / "models.csv"),
    )


def write_obligations(
    con: duckdb.DuckDBPyConnection, contract: str, due_on: date | None, folder: Path
) -> dict[str, str]:
    """Writes the obligations of a contract, a file per clause; clause → SHA-256 of the file.

    The connection uses the marts.
    """
    folder.mkdir(parents=True)
    hashes = {}
    for clause in computed_clauses():
        file = folder / f"{clause}.csv"
        counted = "false"
        if due_on is not None and clause not in NOT_COUNTED:
            counted = f"coalesce(arose_on <= date {literal(due_on)}, false)"
        copy_csv(
            con,
            "select "
            + ", ".join(
                (
                    _text("contract_id"),
                    "clause",
                    _text("subject"),
                    _text("department"),
                    _text("equipment_id"),
                    "cast(arose_on as varchar) as arose_on",
                    _day_or_instant("due"),
                    _day_or_instant("done"),
                    "state",
                    "evidence",
                    f"cast({counted} as varchar) as counted",
                )
            )
            + f" from obligation where contract_id = {literal(contract)} "
            f"and clause = {literal(clause)} order by obligation.subject",
            file,
        )
        hashes[clause] = sha256_of(file)
    return hashes


def _write_terms(con: duckdb.DuckDBPyConnection, contract: str, file: Path) -> None:
    copy_csv(
        con,
        "select term, cast(value as varchar) as value, cast(assumed as varchar) as assumed, "
        f"cast(agreed as varchar) as agreed from contract_term "
        f"where contract_id = {literal(contract)} order by contract_term.term",
        file,
    )


def write_snapshot(
    con: duckdb.DuckDBPyConnection,
    logs: str,
    contract: str,
    folder: Path,
    parquet: bool,
    last_events: str | None = None,
) -> None:
    """The rows from which the contract's ledger can be computed anew, and logs.csv of them.

    Whole as loaded, later events too: as_of decides what of them had happened. The last event comes
    from all rows of the files that the contract's rows came from, whosever they are, and
    the data horizon from all rows; `last_events` is a table (log, contract_id, last_at) of both
    where only the contract's rows are at hand. The views `log_<name>` of the rows that count are
    there.
    """
    loaded = dict(con.execute("select log, loaded from catalogue_log").fetchall())
    tables = {log.name: _rows_of(log, logs, contract) for log in catalogue().logs.values()}
    tables[REJECTS] = (
        f"select * from {logs}.open_rejects as rejects where contract_id = {literal(contract)}"
    )
    files = " union ".join(
        f"select batch from ({sql}) as one" for name, sql in tables.items() if name != REJECTS
    )
    tables[RECORDED] = f"select * from {logs}.recorded where batch in ({files})"
    ends = f"from {last_events}"
    if not last_events:
        ends = (
            f"{as_of.last_event_sql()}\nunion all\n"
            f"select '{as_of.HORIZON}', {literal(contract)}, ({as_of.horizon_sql()})"
        )
    tables[LAST_EVENTS] = f"select * from ({ends}) as event where contract_id = {literal(contract)}"
    listing = []
    for name, sql in tables.items():
        columns, order = snapshot_columns(name)
        snapshot = (
            f"select {', '.join(columns)} from ({sql}) as snapshot order by {', '.join(order)}"
        )
        if parquet:
            file = folder / "snapshot" / f"{name}.parquet"
            file.parent.mkdir(exist_ok=True)
            # From a table of its own: the bytes depend on how the rows lie, not on them alone.
            con.execute(f"create or replace temp table snapshot as {snapshot}")
            con.execute(f"copy temp.snapshot to {literal(file)} (format parquet, compression zstd)")
        count, digest = hash_of_rows(con, snapshot, columns, folder)
        listing.append((name, str(loaded.get(name, True)).lower(), count, digest))
    write_csv(folder / "logs.csv", LOG_COLUMNS, listing)


def snapshot_columns(table: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of a table of the snapshot, and those that its rows are in the order of."""
    if table == REJECTS:
        columns = ("batch", "log", "source_row", "key", "contract_id", "cells", "texts", "problems")
        return columns, ("batch", "source_row")
    if table == LAST_EVENTS:
        return ("log", "contract_id", "last_at"), ("log",)
    if table == RECORDED:
        return _RECORDED_COLUMNS, _RECORDED_COLUMNS
    log = catalogue().logs[table]
    return (*log.columns, "days", "recorded", "source_row", "batch"), log.key


def _rows_of(log: Log, logs: str, contract: str) -> str:
    """What of a log bears on the contract: rows that name it, and those it is judged with."""
    whose = literal(contract)
    if log.name == "tickets":
        unit = f"select equipment_id from {logs}.equipment where contract_id = {whose}"
        return (
            f"select * from {logs}.tickets where contract_id = {whose} "
            f"or (contract_id is null and equipment_id in ({unit}))"
        )
    if log.name == "personnel":
        return (
            f"select * from {logs}.personnel where engineer_id in ("
            f"select engineer_id from log_tickets where contract_id = {whose} union all "
            f"select inspector_id from {logs}.inspections where contract_id = {whose})"
        )
    if log.name == "pauses":
        return (
            f"select * from {logs}.pauses where ticket_id in ("
            f"select ticket_id from log_tickets where contract_id = {whose})"
        )
    both = " or contract_id is null" if log.name == "coverage" else ""
    return f"select * from {logs}.{log.name} where contract_id = {whose}{both}"


def hash_of_rows(
    con: duckdb.DuckDBPyConnection, sql: str, columns: Sequence[str], scratch: Path
) -> tuple[int, str]:
    """How many rows a statement gives, and the SHA-256 of them as text, in its order."""
    file = scratch / ".rows.csv"
    texts = ", ".join(f"cast({name} as varchar) as {name}" for name in columns)
    counted = con.execute(
        f"copy (select {texts} from ({sql}) as rows) to {literal(file)} {_CSV}"
    ).fetchone()
    digest = sha256_of(file)
    file.unlink()
    return (counted[0] if counted else 0), digest


def write_models(folder: Path) -> None:
    """Writes the rules that the figures follow into `rules/`, and models.csv of them.

    The models behind the retention money, the views of the logs at as_of that are generated for
    them, and what they read of the catalogue.
    """
    texts = {
        f"{RULES}/{model.kind}/{model.name}.sql": model.sql for model in needed_for(MODELS_WANTED)
    }
    for log in catalogue().logs.values():
        texts[f"{RULES}/base/base_{log.name}.sql"] = (
            f"-- {log.name} as it stood at as_of\n{as_of.base_sql(log)}\n"
        )
    for name, (columns, rows) in _catalogue_tables().items():
        texts[f"{RULES}/catalogue/{name}.csv"] = csv_text(columns, rows)
    for name, text in texts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    write_csv(
        folder / "models.csv",
        ("file", "sha256"),
        [(name, hashlib.sha256(text.encode()).hexdigest()) for name, text in sorted(texts.items())],
    )


def _catalogue_tables() -> dict[str, tuple[Sequence[str], Sequence[Sequence[object]]]]:
    """What of the catalogue decides figures; its words for people do not."""
    found = catalogue()
    return {
        "terms": (
            ("term", "value", "unit", "assumed"),
            [
                (term.name, "" if term.default is None else exact(term.default), term.unit,
                 str(term.assumed).lower())
                for term in found.terms.values()
            ],
        ),
        "logs": (
            ("log", "register"),
            [(log.name, str(log.register).lower()) for log in found.logs.values()],
        ),
        "clauses": (
            ("clause", "log", "assumed_terms"),
            [(one.id, one.log, ";".join(one.assumed_terms)) for one in found.clauses.values()],
        ),
    }  # fmt: skip


_CSV = "(format csv, header true, delimiter ',', quote '\"', escape '\"', nullstr '')"


def copy_csv(con: duckdb.DuckDBPyConnection, sql: str, file: Path) -> None:
    """Writes the rows of a statement as CSV, in its order."""
    con.execute(f"copy ({sql}) to {literal(file)} {_CSV}")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV in the form that `copy_csv` gives them; text never becomes a formula."""
    return write_rows(columns, rows, None) or ""


def write_csv(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes rows as CSV."""
    file.write_bytes(csv_text(columns, rows).encode())


def _text(column: str) -> str:
    """A column of people's text; what a spreadsheet would take for a formula stays text."""
    starts = listed(FORMULA_STARTS)
    return f"case when {column}[1] in {starts} then '''' || {column} else {column} end as {column}"


def _day_or_instant(what: str) -> str:
    return (
        f"coalesce(cast({what}_on as varchar), replace(cast({what}_at as varchar), ' ', 'T')) "
        f"as {what}_at"
    )
