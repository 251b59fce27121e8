"""The merged logs inside a generation: the latest row of each key, and the rejected rows."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import duckdb

from etl.catalogue import Column, Log, catalogue
from etl.intake.check import typed_columns
from etl.sql import listed, literal
from etl.store import Batch, Warehouse

MARK_SQL = "md5(array_to_string(list_transform(texts, lambda text: coalesce(text, '')), chr(31)))"
"""By what a rejected row is known in a file of rejects, whatever of it is mended there."""


TAKEN = ("new", "changed", "unchanged")
"""The kinds of rows that stand in the log once their file is merged."""


@dataclass(frozen=True)
class Difference:
    """What a set of rows would change in a log.

    `emptied` are columns missing from the file that hold values in rows it would replace;
    `superseded` counts rows that a later row of the same key in the same file replaces, `older`
    those left out because what they would replace was updated later.
    """

    new: int
    changed: int
    unchanged: int
    superseded: int
    older: int
    emptied: tuple[str, ...]


def create_logs(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Makes the empty tables: one per log, the columns that each batch recorded, the rejects.

    Of a log: its columns; `days`, those of its instants that are days; `recorded`, of a row given
    by hand the columns recorded for it (else null: those of its batch); source_row; batch. Columns
    are named as in `;reported_at;resolved_at;`.
    """
    con.execute(f"create schema {schema}")
    for log in catalogue().logs.values():
        con.execute(
            f"create table {schema}.{log.name} "
            f"({typed_columns(log)}, days varchar, recorded varchar, source_row bigint, "
            "batch integer)"
        )
    con.execute(f"create table {schema}.recorded (batch integer, log varchar, column_name varchar)")
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


def fold(
    con: duckdb.DuckDBPyConnection,
    schema: str,
    log: Log,
    rows: str,
    columns: Collection[str],
    into: str,
    kind: str = "table",
) -> None:
    """Says in the new table `into` what becomes of each of `rows` in the log; changes nothing.

    `rows` has the log's columns, days, recorded and source_row; `columns` are those of its file.
    Grain of `into`: one row. Columns: source_row; kind, one of TAKEN, superseded, older; stood, the
    rowid of the row with its key in the log; before, the source_row of the row of the file whose
    place it takes; recorded, of a row given by hand.

    In the order of the file each row takes the place of the one before it with its key, unless both
    say when they were updated and it is the earlier one.
    """
    key = ", ".join(log.key)
    distinct, by_hand, dated = _about(con, log, rows)
    own, recorded = literal(_named(log, columns)), "cast(null as varchar)"
    if by_hand:
        recorded = f"case when incoming.recorded is not null then {_either(log)} end"
    differs = " or ".join(
        f"current.{name} is distinct from incoming.{name}" for name in (*log.columns, "days")
    )
    later, before = "1", "cast(null as bigint)"
    if not distinct:
        later = f"row_number() over (partition by {key} order by older, source_row desc)"
        before = (
            "last_value(case when not older then source_row end ignore nulls) over (partition by "
            f"{key} order by source_row rows between unbounded preceding and 1 preceding)"
        )
    updated = "incoming.updated_at, current.updated_at as stood_at," if dated else ""
    con.execute(
        f"""create or replace {kind} {into} as
        with current as ({standing_sql(schema, log)}),
        joined as (
            select {", ".join(f"incoming.{name}" for name in log.key)}, incoming.source_row,
                {updated} current.row_id as stood,
                {recorded} as recorded,
                {differs} or current.all_recorded is distinct from coalesce({recorded}, {own})
                    as differs
            from {rows} as incoming left join current on {same_key(log, "current", "incoming")}
        ),
        {_judged(key, distinct, dated)},
        placed as (
            select *, {later} as place, {before} as before from judged
        )
        select source_row, stood, before, recorded,
            case
                when older then 'older'
                when place > 1 then 'superseded'
                when stood is null then 'new'
                when differs then 'changed'
                else 'unchanged'
            end as kind
        from placed"""
    )


def standing_sql(schema: str, log: Log) -> str:
    """The rows of a log with row_id, their rowid, and all_recorded, the columns recorded for each.

    Columns are named as in `;reported_at;resolved_at;`, in the order of the log.
    """
    named = f"string_agg(column_name, ';' order by list_position({_listed(log)}, column_name))"
    return (
        "select one.*, one.rowid as row_id, coalesce(one.recorded, whole.columns) as all_recorded "
        f"from {schema}.{log.name} as one left join ("
        f"select batch, ';' || {named} || ';' as columns from {schema}.recorded "
        f"where log = {literal(log.name)} group by batch"
        ") as whole on whole.batch = one.batch"
    )


def _listed(log: Log) -> str:
    return f"[{', '.join(map(literal, log.columns))}]"


def _named(log: Log, columns: Collection[str]) -> str:
    """Columns in the order of the log, as a row names them."""
    return f";{';'.join(name for name in log.columns if name in columns)};"


def _either(log: Log) -> str:
    """The columns recorded for the row that stands, or given by the one that comes."""
    named = "contains(concat(current.all_recorded, incoming.recorded), ';' || name || ';')"
    return f"';' || array_to_string(list_filter({_listed(log)}, lambda name: {named}), ';') || ';'"


def _about(con: duckdb.DuckDBPyConnection, log: Log, rows: str) -> tuple[bool, bool, bool]:
    """Whether every key is there once, any row was given by hand, any says when it was updated."""
    key = log.key[0] if len(log.key) == 1 else f"row({', '.join(log.key)})"
    dated = "count(updated_at)" if "updated_at" in log.columns else "0"
    found = con.execute(
        f"select count(*) = count(distinct {key}), count(recorded) > 0, {dated} > 0 from {rows}"
    ).fetchone()
    assert found is not None
    return found


def _judged(key: str, distinct: bool, dated: bool) -> str:
    """The step that says which rows are older than what stands when their turn comes."""
    if not dated:
        return "judged as (select *, false as older from joined)"
    if distinct:
        return "judged as (select *, coalesce(updated_at < stood_at, false) as older from joined)"
    # A row that does not say when it was updated is taken, and so is the one after it.
    return f"""parted as (
            select *, count(*) filter (updated_at is null)
                over (partition by {key} order by source_row) as part
            from joined
        ),
        preceded as (
            select *, max(updated_at) over (
                partition by {key}, part order by source_row
                rows between unbounded preceding and 1 preceding
            ) as before_at
            from parted
        ),
        judged as (
            select *, coalesce(
                updated_at < greatest(before_at, case when part = 0 then stood_at end), false
            ) as older
            from preceded
        )"""


def difference(
    con: duckdb.DuckDBPyConnection, schema: str, log: Log, folded: str, absent: tuple[str, ...]
) -> Difference:
    """What the rows of which `fold` said what becomes of them would change; changes nothing."""
    counts: dict[str, int] = dict(
        con.execute(f"select kind, count(*) from {folded} group by kind").fetchall()
    )
    held: tuple[int, ...] = ()
    if absent:
        found = con.execute(
            f"select {', '.join(_held(log.columns[name]) for name in absent)} "
            f"from {schema}.{log.name} as current where rowid in ({_replaced(folded)})"
        ).fetchone()
        assert found is not None
        held = found
    return Difference(
        **{kind: counts.get(kind, 0) for kind in (*TAKEN, "superseded", "older")},
        emptied=tuple(name for name, count in zip(absent, held, strict=True) if count),
    )


def _held(column: Column) -> str:
    """How many values a file without the column would empty (or put back to its default)."""
    if column.default is None:
        return f"count(current.{column.name})"
    return f"count(*) filter (current.{column.name} <> {literal(column.default)})"


def _replaced(folded: str) -> str:
    return f"select stood from {folded} where stood is not null and kind in {listed(TAKEN)}"


def put(
    con: duckdb.DuckDBPyConnection,
    schema: str,
    log: Log,
    rows: str,
    folded: str,
    columns: Collection[str],
    sequence: int,
) -> None:
    """Puts rows into the log, as `fold` said in the table `folded`, as the batch `sequence`."""
    con.execute(f"delete from {schema}.{log.name} where rowid in ({_replaced(folded)})")
    con.execute(
        f"insert into {schema}.{log.name} "
        f"select {', '.join(f'incoming.{name}' for name in log.columns)}, incoming.days, "
        f"folded.recorded, source_row, {sequence} "
        f"from {rows} as incoming join {folded} as folded using (source_row) "
        f"where folded.kind in {listed(TAKEN)}"
    )
    con.execute(
        f"insert into {schema}.recorded select {sequence}, '{log.name}', unnest(?::varchar[])",
        [[name for name in log.columns if name in columns]],
    )


def merge_rows(
    con: duckdb.DuckDBPyConnection,
    schema: str,
    log: Log,
    rows: str,
    sequence: int,
    columns: Collection[str],
) -> None:
    """Puts the rows of a file that had `columns` into the log, as `fold` says."""
    fold(con, schema, log, rows, columns, "folded", "temp table")
    put(con, schema, log, rows, "folded", columns, sequence)
    con.execute("drop table folded")


def merge(
    con: duckdb.DuckDBPyConnection,
    schema: str,
    warehouse: Warehouse,
    batch: Batch,
    keys: str | None = None,
) -> None:
    """Puts a published batch into the logs, its rejected rows among the rejects.

    With a table of `keys`, only its rows of these.
    """
    log = catalogue().logs[batch.log]
    rows = batch_rows(con, warehouse, batch)
    columns = recorded_columns(con, log, rows, batch)
    if keys is not None:
        rows = (
            f"(select one.* from {rows} as one semi join {keys} as asked "
            f"on {same_key(log, 'one', 'asked')})"
        )
    merge_rows(con, schema, log, rows, batch.sequence, columns)
    file = literal(warehouse.rows_of(batch))
    if "mends" in _columns(con, file):
        con.execute(
            f"insert into {schema}.mended select mends, {batch.sequence} "
            f"from read_parquet({file}) where mends is not null"
        )
    rejects = warehouse.rejects_of(batch)
    if rejects is not None:
        con.execute(
            f"insert into {schema}.rejects select {batch.sequence}, '{batch.log}', source_row, "
            "key, contract_id, cells, texts, problems from read_parquet(?)",
            [str(rejects)],
        )


def recorded_columns(
    con: duckdb.DuckDBPyConnection, log: Log, rows: str, batch: Batch
) -> tuple[str, ...]:
    """The columns that the file of a batch had; of an older batch, those that hold a value."""
    if batch.columns is not None:
        return batch.columns
    counts = ", ".join(f"count({name})" for name in log.columns)
    found = con.execute(f"select {counts} from {rows}").fetchone()
    assert found is not None
    return tuple(name for name, count in zip(log.columns, found, strict=True) if count)


def batch_rows(con: duckdb.DuckDBPyConnection, warehouse: Warehouse, batch: Batch) -> str:
    """The rows of a published batch, to be selected from, as `fold` takes them."""
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
    carried = ", ".join(
        name if name in held else f"cast(null as varchar) as {name}"
        for name in ("days", "recorded")
    )
    return f"(select {columns}, {carried}, source_row from read_parquet({rows}))"


def _columns(con: duckdb.DuckDBPyConnection, file: str) -> set[str]:
    return {row[0] for row in con.execute(f"describe from read_parquet({file})").fetchall()}


def take_out(
    con: duckdb.DuckDBPyConnection,
    schema: str,
    warehouse: Warehouse,
    gone: Batch,
    left: Iterable[Batch],
) -> None:
    """Takes a batch out of the logs: those left, in this order, are merged again for its keys."""
    log = catalogue().logs[gone.log]
    table = f"{schema}.{log.name}"
    con.execute(
        "create or replace temp table taken_out as select distinct "
        f"{', '.join(log.key)} from {batch_rows(con, warehouse, gone)}"
    )
    con.execute(
        f"delete from {table} as one using taken_out where {same_key(log, 'one', 'taken_out')}"
    )
    con.execute("attach ':memory:' as anew")
    create_logs(con, "anew.logs")
    for one in left:
        if one.log == gone.log:
            merge(con, "anew.logs", warehouse, one, "taken_out")
    con.execute(f"insert into {table} from anew.logs.{log.name}")
    con.execute("detach anew")
    con.execute("drop table taken_out")
    for counted in ("rejects", "mended", "recorded"):
        con.execute(f"delete from {schema}.{counted} where batch = {gone.sequence}")


def shown_sql(days: str, column: str, instant: str) -> str:
    """An instant as a person reads it: a date where `days`, of its row, name the column."""
    return (
        f"strftime({instant}, '%Y-%m-%d') || case when contains(coalesce({days}, ''), "
        f"{literal(f';{column};')}) then '' else strftime({instant}, ' %H:%M') end"
    )


def same_key(log: Log, one: str, other: str) -> str:
    """The condition that two rows have the same key."""
    return " and ".join(f"{one}.{name} is not distinct from {other}.{name}" for name in log.key)
