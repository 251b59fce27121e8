"""The merged logs inside a generation: the latest row of each key, and the rejected rows."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from etl.catalogue import Column, Log, catalogue
from etl.intake.check import typed_columns
from etl.sql import literal
from etl.store import Batch, Warehouse

MARK_SQL = "md5(array_to_string(list_transform(texts, lambda text: coalesce(text, '')), chr(31)))"
"""By what a rejected row is known in a file of rejects, whatever of it is mended there."""


@dataclass(frozen=True)
class Difference:
    """What a set of rows would change in a log.

    `emptied` are columns missing from the file that hold values in rows it would replace;
    `superseded` counts rows that a later row of the same key in the same file replaces.
    """

    new: int
    changed: int
    unchanged: int
    superseded: int
    emptied: tuple[str, ...]


def create_logs(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Makes the empty tables: one per log (its columns, source_row, batch), rejects."""
    con.execute(f"create schema {schema}")
    for log in catalogue().logs.values():
        con.execute(
            f"create table {schema}.{log.name} "
            f"({typed_columns(log)}, source_row bigint, batch integer)"
        )
    con.execute(
        f"create table {schema}.rejects (batch integer, log varchar, source_row bigint, "
        "key varchar[], contract_id varchar, cells varchar[], texts varchar[], problems varchar)"
    )
    con.execute(f"create table {schema}.mended (mark varchar, batch integer)")
    con.execute(
        f"create table {schema}.waiting "
        "(log varchar, row_id bigint, column_name varchar, value varchar, code varchar)"
    )
    # A row refused twice in the same words is one row; it is settled once its key counts
    # through a later batch, or a later file has it mended, be it under another key.
    settled = " union all ".join(
        f"select '{log.name}' as log, batch, "
        f"[{', '.join(f'cast({name} as varchar)' for name in log.key)}] as key "
        f"from {schema}.{log.name} where rowid not in "
        f"(select row_id from {schema}.waiting where log = '{log.name}')"
        for log in catalogue().logs.values()
    )
    con.execute(
        f"create view {schema}.open_rejects as "
        f"select distinct on (log, texts) * from {schema}.rejects as refused where not exists ("
        f"select 1 from ({settled}) as settled where settled.log = refused.log "
        "and settled.key = refused.key and settled.batch > refused.batch) "
        f"and not exists (select 1 from {schema}.mended where mended.mark = {MARK_SQL} "
        "and mended.batch > refused.batch) "
        "order by batch, source_row"
    )


def latest_sql(log: Log, rows: str) -> str:
    """Of several rows of one key in `rows`, the last."""
    key = ", ".join(log.key)
    return (
        f"select * from {rows} "
        f"qualify row_number() over (partition by {key} order by source_row desc) = 1"
    )


def difference(
    con: duckdb.DuckDBPyConnection, schema: str, log: Log, rows: str, absent: tuple[str, ...]
) -> Difference:
    """What the rows of the table `rows` would change in `schema`; changes nothing."""
    same_key = " and ".join(
        f"current.{name} is not distinct from incoming.{name}" for name in log.key
    )
    differs = " or ".join(
        f"current.{name} is distinct from incoming.{name}" for name in log.columns
    )
    emptied = "".join(f", {_held(log.columns[name])}" for name in absent)
    counted = con.execute(
        f"""with incoming as ({latest_sql(log, rows)})
            select count(*) filter (current.batch is null),
                count(*) filter (current.batch is not null and ({differs})),
                count(*) {emptied}
            from incoming left join {schema}.{log.name} as current on {same_key}"""
    ).fetchone()
    every = con.execute(f"select count(*) from {rows}").fetchone()
    assert counted is not None
    assert every is not None
    new, changed, distinct, *held = counted
    return Difference(
        new=new,
        changed=changed,
        unchanged=distinct - new - changed,
        superseded=every[0] - distinct,
        emptied=tuple(name for name, count in zip(absent, held, strict=True) if count),
    )


def _held(column: Column) -> str:
    """How many values a file without the column would empty (or put back to its default)."""
    if column.default is None:
        return f"count(current.{column.name})"
    return f"count(*) filter (current.{column.name} <> {literal(column.default)})"


def merge_rows(
    con: duckdb.DuckDBPyConnection, schema: str, log: Log, rows: str, sequence: int
) -> None:
    """Puts the rows of `rows` into the log: by key, each later row in place of the earlier one."""
    same_key = " and ".join(
        f"current.{name} is not distinct from incoming.{name}" for name in log.key
    )
    columns = ", ".join(log.columns)
    con.execute(f"create or replace temp table incoming as {latest_sql(log, rows)}")
    con.execute(f"delete from {schema}.{log.name} as current using incoming where {same_key}")
    con.execute(
        f"insert into {schema}.{log.name} select {columns}, source_row, {sequence} from incoming"
    )
    con.execute("drop table incoming")


def merge(con: duckdb.DuckDBPyConnection, schema: str, warehouse: Warehouse, batch: Batch) -> None:
    """Puts a published batch into the logs, its rejected rows among the rejects."""
    log = catalogue().logs[batch.log]
    merge_rows(con, schema, log, batch_rows(con, warehouse, batch), batch.sequence)
    rows = literal(warehouse.rows_of(batch))
    if "mends" in _columns(con, rows):
        con.execute(
            f"insert into {schema}.mended select mends, {batch.sequence} "
            f"from read_parquet({rows}) where mends is not null"
        )
    rejects = warehouse.rejects_of(batch)
    if rejects is not None:
        con.execute(
            f"insert into {schema}.rejects select {batch.sequence}, '{batch.log}', source_row, "
            "key, contract_id, cells, texts, problems from read_parquet(?)",
            [str(rejects)],
        )


def batch_rows(con: duckdb.DuckDBPyConnection, warehouse: Warehouse, batch: Batch) -> str:
    """The rows of a published batch, to be selected from: its log's columns and source_row."""
    log = catalogue().logs[batch.log]
    rows = literal(warehouse.rows_of(batch))
    held = _columns(con, rows)
    # A batch from before a column was added holds none of its values.
    columns = ", ".join(
        name
        if name in held
        else f"{'null' if column.default is None else literal(column.default)} as {name}"
        for name, column in log.columns.items()
    )
    return f"(select {columns}, source_row from read_parquet({rows}))"


def _columns(con: duckdb.DuckDBPyConnection, file: str) -> set[str]:
    return {row[0] for row in con.execute(f"describe from read_parquet({file})").fetchall()}


def take_out(
    con: duckdb.DuckDBPyConnection,
    schema: str,
    warehouse: Warehouse,
    gone: Batch,
    left: Iterable[Batch],
) -> None:
    """Takes a batch out of the logs: where its rows stand, those of the last before it stand again.

    `left` are the batches that count without it.
    """
    log = catalogue().logs[gone.log]
    columns = ", ".join(log.columns)
    key = ", ".join(log.key)
    table = f"{schema}.{log.name}"
    con.execute(
        f"create or replace temp table taken_out as select {key} from {table} "
        f"where batch = {gone.sequence}"
    )
    con.execute(f"delete from {table} where batch = {gone.sequence}")
    earlier = [one for one in left if one.log == gone.log and one.sequence < gone.sequence]
    same_key = " and ".join(f"one.{name} is not distinct from taken_out.{name}" for name in log.key)
    if earlier:
        rows = " union all ".join(
            f"select {columns}, source_row, {one.sequence} as batch "
            f"from {batch_rows(con, warehouse, one)}"
            for one in earlier
        )
        con.execute(
            f"insert into {table} select {columns}, source_row, batch "
            f"from ({rows}) as one semi join taken_out on {same_key} "
            f"qualify row_number() over "
            f"(partition by {key} order by batch desc, source_row desc) = 1"
        )
    con.execute("drop table taken_out")
    for counted in ("rejects", "mended"):
        con.execute(f"delete from {schema}.{counted} where batch = {gone.sequence}")
