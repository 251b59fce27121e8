"""Runs the models: from the logs that count, as they stood at `as_of`, to the published marts.

The models are found in `models/` and run in the order of what they select from. Facts and marts
become tables; clauses and signals are views, gathered in `clause_row` and `signal_row`, from which
the ledger is decided and the signals are listed.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files

import duckdb
import sqlglot
from sqlglot import exp

from etl import __version__, as_of, references, sensitivity
from etl.catalogue import catalogue
from etl.config import DEFAULT_TIMEZONE
from etl.sql import literal
from etl.timeline import in_zone

CLAUSE_COLUMNS: Mapping[str, str] = {
    "contract_id": "varchar", "subject": "varchar", "department": "varchar",
    "equipment_id": "varchar", "category": "varchar", "service_type": "varchar",
    "channel": "varchar", "arose_on": "date",
    "began_at": "timestamp", "began_latest_at": "timestamp",
    "allowed_seconds": "integer", "allowed_microseconds": "integer",
    "due_at": "timestamp", "due_latest_at": "timestamp", "due_on": "date",
    "done_at": "timestamp", "done_latest_at": "timestamp", "done_on": "date",
    "done_is_bound": "boolean", "bound_at": "timestamp", "finished": "boolean",
    "stated": "varchar", "undone": "varchar", "in_doubt": "boolean", "recorded_set": "bigint",
    "reading": "integer", "readings": "integer",
}  # fmt: skip
"""What a clause may say of an obligation; what its model leaves out is empty.

A due or done that is a day of the promise goes into due_on and done_on, an instant into due_at and
done_at; where due_at is empty it is began_at plus what is allowed. …_latest_at is the latest
reading of a cell that states a day alone. done_is_bound: the deed came at done_at or before it.
bound_at: the latest reading of the first later stage. stated: the state that the log states;
undone: the state without the deed, where no due decides it. in_doubt: the record may count nowhere.
recorded_set: which columns the file of the record had. reading, readings: which of how many
readings of the record this is, 0 being the record as it states."""
SIGNAL_COLUMNS: Mapping[str, str] = {
    "contract_id": "varchar", "subject": "varchar", "department": "varchar",
    "equipment_id": "varchar", "engineer_id": "varchar", "found_at": "timestamp",
    "beside": "varchar", "alike": "bigint",
}  # fmt: skip
"""What a signal may say; what its model leaves out is empty."""
_GATHERED = {"clauses": "clause_row", "signals": "signal_row"}
_PAUSED = "paused_row"
"""The rows of clauses whose due agreed pauses move."""
_COLUMNS = {"clauses": CLAUSE_COLUMNS, "signals": SIGNAL_COLUMNS, "readings": CLAUSE_COLUMNS}
_VIEWS = "views"


@dataclass(frozen=True)
class Model:
    """One SQL file: `name` is its table (for a clause, the clause's id), `kind` its folder."""

    name: str
    kind: str
    sql: str

    @property
    def relation(self) -> str:
        """The table or view that it makes."""
        return f'"{self.name}"' if "." in self.name else self.name


@cache
def _found() -> Mapping[str, Model]:
    """Every model by name, in no order: finding that takes a second, and few ask for it."""
    folder = files("etl") / "models"
    return {
        (name := file.name.removesuffix(".sql")): Model(
            name, kind.name, file.read_text(encoding="utf-8")
        )
        for kind in folder.iterdir()
        for file in kind.iterdir()
        if file.name.endswith(".sql")
    }


@cache
def models() -> Mapping[str, Model]:
    """Every model by name, each after those that it selects from."""
    found = _found()
    order: TopologicalSorter[str] = TopologicalSorter()
    for name, model in sorted(found.items()):
        reads = set(relations(model.sql))
        for kind, gathered in _GATHERED.items():
            if gathered in reads:
                reads |= {other.name for other in found.values() if other.kind == kind}
        order.add(name, *sorted(reads & set(found)))
    return {name: found[name] for name in order.static_order()}


def computed_clauses() -> tuple[str, ...]:
    """The clauses that have a model, in the order of the catalogue."""
    return tuple(name for name in catalogue().clauses if name in _found())


@cache
def fingerprint() -> str:
    """Changes whenever a rule, the catalogue, Kept or DuckDB does: old figures are not served."""
    digest = hashlib.sha256(
        f"{__version__} {duckdb.__version__} {catalogue().fingerprint}".encode()
    )
    for module in (
        "as_of",
        "ledger",
        "references",
        "sensitivity",
        "tables",
        "timeline",
    ):  # they write SQL too
        digest.update((files("etl") / f"{module}.py").read_bytes())
    for model in sorted(_found().values(), key=lambda model: model.name):
        digest.update(f"\0{model.kind}\0{model.name}\0{model.sql}".encode())
    return digest.hexdigest()


@cache
def relations(sql: str) -> frozenset[str]:
    """The tables that a statement selects from, its own CTEs left out."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    named = {table.name for table in tree.find_all(exp.Table)}
    # An import CTE may carry the name of what it imports.
    imported = {
        table.name
        for cte in tree.find_all(exp.CTE)
        for table in cte.find_all(exp.Table)
        if table.name == cte.alias
    }
    return frozenset((named - own) | imported)


def build_marts(
    con: duckdb.DuckDBPyConnection,
    logs: str,
    loaded: frozenset[str],
    known_at: datetime,
    at: datetime | None = None,
    wanted: Collection[str] | None = None,
    last_events: str | None = None,
    timezone: str = DEFAULT_TIMEZONE,
) -> Iterator[tuple[str, int, int]]:
    """Builds all facts and marts in the connection's current schema, telling (name, done, of).

    `logs` is the schema with the merged logs, `loaded` the logs ever loaded, `known_at` the moment
    of the last load (after which nothing is known), `at` the as-of or None for the data horizon.
    With `wanted`, only these models are built, and what they need. `last_events` is a table (log,
    contract_id, last_at) for where only a part of the logs is at hand: up to when the files reach
    that the rows came from, and as `HORIZON` the latest event of all. `timezone` is
    that of the instants in the logs.
    """
    for log in catalogue().logs.values():
        con.execute(references.counted_view_sql(log, logs))
        con.execute(f"create temp table recorded_{log.name} as {as_of.recorded_sql(log, logs)}")
    ends, last = as_of.last_event_sql(), as_of.horizon_sql()
    if last_events:
        ends = f"from {last_events} where log <> '{as_of.HORIZON}'"
        last = f"select max(last_at) from {last_events} where log = '{as_of.HORIZON}'"
    con.execute(f"create temp view log_last_event as {ends}")
    horizon = con.execute(last).fetchone()
    latest = horizon[0] if horizon and horizon[0] is not None else known_at
    horizon_at = min(latest, known_at)
    con.execute(
        "create table build as select cast(? as timestamp) as as_of, "
        "cast(? as timestamp) as horizon_at",
        [at or horizon_at, horizon_at],
    )
    con.execute("create temp view moment as select as_of from build")
    _publish_catalogue(con, loaded)
    for log in catalogue().logs.values():
        con.execute(f"create temp view base_{log.name} as {as_of.base_sql(log)}")
    con.execute(f"create temp view open_row as {references.open_rows_sql(logs)}")
    con.execute(f"create table calendar as {as_of.calendar_sql()}")
    every = list(models().values()) if wanted is None else needed_for(wanted)
    missing = dict(_GATHERED)
    for done, model in enumerate(every):
        yield model.name, done, len(every)
        for kind, view in list(missing.items()):
            if view in relations(model.sql):
                con.execute(f"create temp view {view} as {_rows_of(kind, every)}")
                del missing[kind]
                if kind == "clauses":
                    con.execute(f"create temp view {_PAUSED} as {_paused_rows(every)}")
        if model.kind in _COLUMNS:
            con.execute(f"create temp view {model.relation} as {_with_all_columns(model)}")
        elif model.kind == _VIEWS:
            con.execute(f"create temp view {model.relation} as {in_zone(model.sql, timezone)}")
        else:
            con.execute(f"create table {model.relation} as {in_zone(model.sql, timezone)}")
    if wanted is None or "sensitivity" in wanted:
        narrow = sensitivity.retention_alternative_sql(models()["retention"].sql)
        for name, sql in (
            ("sensitivity", _sensitivity_sql()),
            ("retention_alternative", narrow),
        ):
            con.execute(f"create table {name} as {in_zone(sql, timezone)}")


def _publish_catalogue(con: duckdb.DuckDBPyConnection, loaded: frozenset[str]) -> None:
    """The parts of the catalogue that models read: `catalogue_term`, `_log` and `_clause`."""
    terms = ", ".join(
        f"({literal(term.name)}, {default}, {literal(term.unit)}, {term.assumed})"
        for term in catalogue().terms.values()
        for default in ["null" if term.default is None else term.default]
    )
    con.execute(
        "create table catalogue_term as select term, cast(value as decimal(18, 6)) as value, "
        f"unit, assumed from (values {terms}) as term (term, value, unit, assumed)"
    )
    logs = ", ".join(
        f"({literal(log.name)}, {log.register}, {log.name in loaded})"
        for log in catalogue().logs.values()
    )
    con.execute(
        "create table catalogue_log as select * "
        f"from (values {logs}) as log (log, register, loaded)"
    )
    clauses = ", ".join(
        f"({literal(clause.id)}, {literal(clause.log)}, {literal(f'{clause.id}.target')}, "
        f"{literal(f'{clause.id}.applies')}, "
        f"{', '.join(literal(term) for term in clause.assumed_terms) or 'null'}, "
        f"{clause.paused}, {bool(clause.shown_by)})"
        for clause in catalogue().clauses.values()
    )
    con.execute(
        "create table catalogue_clause as select * "
        f"from (values {clauses}) as clause "
        "(clause, log, target_term, applies_term, assumed_term, paused, shown)"
    )
    con.execute(f"create temp table clause_unrecorded as {as_of.clause_unrecorded_sql()}")
    con.execute(f"create temp table contract_recorded as {as_of.contract_recorded_sql()}")


@cache
def given_columns(model: Model) -> tuple[str, ...]:
    """The columns that a model's last step names."""
    for cte in sqlglot.parse_one(model.sql, read="duckdb").find_all(exp.CTE):
        if cte.alias == "final":
            return tuple(cte.this.named_selects)
    return ()


def _sensitivity_sql() -> str:
    every = models().values()
    return sensitivity.sensitivity_sql(
        clauses={one.name: _with_all_columns(one) for one in every if one.kind == "clauses"},
        readings={
            one.name.removesuffix(sensitivity.ALTERNATIVE): _with_all_columns(one)
            for one in every
            if one.kind == "readings"
        },
        models={one.name: one.sql for one in every if one.kind in ("marts", _VIEWS)},
    )


def _with_all_columns(model: Model) -> str:
    """A clause or signal with every column of its kind, those that it leaves out being empty."""
    given = given_columns(model)
    columns = ", ".join(
        name if name in given else f"cast(null as {kind}) as {name}"
        for name, kind in _COLUMNS[model.kind].items()
    )
    return f"select {columns} from ({model.sql}) as found"


def needed_for(wanted: Collection[str]) -> list[Model]:
    """These models and what they need, in order.

    Where all clauses (or signals) are gathered, all of them, unless some are wanted by name.
    """
    needed = set(wanted)
    for name, model in reversed(list(models().items())):
        if name not in needed:
            continue
        reads = relations(model.sql)
        needed |= reads
        for kind, gathered in _GATHERED.items():
            every = {other.name for other in models().values() if other.kind == kind}
            if gathered in reads and not every & set(wanted):
                needed |= every
    return [model for name, model in models().items() if name in needed]


def _paused_rows(every: Iterable[Model]) -> str:
    """The rows of the clauses whose due agreed pauses move; planned apart, they are few."""
    paused = [
        one for one in every if one.kind == "clauses" and catalogue().clauses[one.name].paused
    ]
    return _rows_of("clauses", paused) or "select * from clause_row where false"


def _rows_of(kind: str, every: Iterable[Model]) -> str:
    """The rows of all clauses, or of all signals, each with whose they are."""
    columns = ", ".join(_COLUMNS[kind])
    parts = []
    for model in every:
        if model.kind != kind:
            continue
        whose = f"{literal(model.name)} as signal"
        if kind == "clauses":
            log = catalogue().clauses[model.name].log
            whose = f"{literal(model.name)} as clause, {literal(log)} as log"
        parts.append(f"select {whose}, {columns} from {model.relation}")
    return " union all ".join(parts)
