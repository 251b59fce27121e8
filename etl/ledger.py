"""Runs the models: from the logs that count, as they stood at `as_of`, to the published marts.

The models are found in `models/` and run in the order of what they select from. Facts and marts
become tables; clauses are views, gathered in `clause_row`, from which the ledger is decided.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files

import duckdb
import sqlglot
from sqlglot import exp

from etl import __version__, as_of, references
from etl.catalogue import catalogue
from etl.sql import literal

CLAUSE_COLUMNS = (
    "contract_id", "subject", "department", "equipment_id", "category", "service_type", "channel",
    "arose_on", "began_at", "due_at", "done_at", "bound_at", "finished", "stated",
)  # fmt: skip


@dataclass(frozen=True)
class Model:
    """One SQL file: `name` is its table (for a clause, the clause's id), `kind` its folder."""

    name: str
    kind: str
    sql: str

    @property
    def relation(self) -> str:
        """The table or view that it makes."""
        return f'"{self.name}"' if self.kind == "clauses" else self.name


@cache
def models() -> Mapping[str, Model]:
    """Every model by name, each after those that it selects from."""
    folder = files("etl") / "models"
    found = {
        (name := file.name.removesuffix(".sql")): Model(
            name, kind.name, file.read_text(encoding="utf-8")
        )
        for kind in folder.iterdir()
        for file in kind.iterdir()
        if file.name.endswith(".sql")
    }
    order: TopologicalSorter[str] = TopologicalSorter()
    clauses = sorted(name for name, model in found.items() if model.kind == "clauses")
    for name, model in sorted(found.items()):
        reads = relations(model.sql)
        if "clause_row" in reads:
            reads = reads - {"clause_row"} | set(clauses)
        order.add(name, *sorted(reads & set(found)))
    return {name: found[name] for name in order.static_order()}


def computed_clauses() -> tuple[str, ...]:
    """The clauses that have a model, in the order of the catalogue."""
    return tuple(name for name in catalogue().clauses if name in models())


@cache
def fingerprint() -> str:
    """Changes whenever a rule, the catalogue, Kept or DuckDB does: old figures are not served."""
    digest = hashlib.sha256(
        f"{__version__} {duckdb.__version__} {catalogue().fingerprint}".encode()
    )
    for module in (as_of, references):  # they write SQL too
        digest.update((files("etl") / f"{module.__name__.split('.')[-1]}.py").read_bytes())
    for model in sorted(models().values(), key=lambda model: model.name):
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
) -> Iterator[tuple[str, int, int]]:
    """Builds all facts and marts in the connection's current schema, telling (name, done, of).

    `logs` is the schema with the merged logs, `loaded` the logs ever loaded, `known_at` the moment
    of the last load (after which nothing is known), `at` the as-of or None for the data horizon.
    """
    for log in catalogue().logs.values():
        con.execute(references.counted_view_sql(log, logs))
    con.execute(f"create temp view log_last_event as {as_of.last_event_sql()}")
    horizon = con.execute(as_of.horizon_sql()).fetchone()
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
    every = list(models().values())
    gathered = False
    for done, model in enumerate(every):
        yield model.name, done, len(every)
        if not gathered and "clause_row" in relations(model.sql):
            con.execute(f"create temp view clause_row as {_clause_rows()}")
            gathered = True
        what = "temp view" if model.kind == "clauses" else "table"
        con.execute(f"create {what} {model.relation} as {model.sql}")


def _publish_catalogue(con: duckdb.DuckDBPyConnection, loaded: frozenset[str]) -> None:
    """The parts of the catalogue that models read: `catalogue_term`, `catalogue_log`."""
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


def _clause_rows() -> str:
    columns = ", ".join(CLAUSE_COLUMNS)
    return " union all ".join(
        f"select {literal(model.name)} as clause, "
        f"{literal(catalogue().clauses[model.name].log)} as log, {columns} from {model.relation}"
        for model in models().values()
        if model.kind == "clauses"
    )
