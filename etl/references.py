"""Waiting rows: those that name something no loaded log knows, or disagree with what they name.

A waiting row is left out of every figure and makes nothing known itself; it counts as soon as the
log that knows it is loaded. So neither the order of loading nor an undo ever matters.
"""

from collections.abc import Iterator

import duckdb

from etl.catalogue import Column, Log, catalogue
from etl.sql import literal

# A ticket may leave out its contract where it names its unit.
_CONTRACT = "coalesce(one.contract_id, unit.contract_id)"


def counted_view_sql(log: Log, source: str) -> str:
    """The rows of `log` that count, as `log_<name>`: all but the waiting ones."""
    waits = f"select row_id from {source}.waiting where log = {literal(log.name)}"
    if log.name != "tickets":
        return (
            f"create temp view log_{log.name} as select * from {source}.{log.name} "
            f"where rowid not in ({waits})"
        )
    columns = ", ".join(
        f"{_CONTRACT} as contract_id" if name == "contract_id" else f"one.{name}"
        for name in log.columns
    )
    return (
        f"create temp view log_tickets as select {columns}, one.days, one.recorded, "
        "one.source_row, one.batch "
        f"from {source}.tickets as one left join {source}.equipment as unit "
        f"on unit.equipment_id = one.equipment_id where one.rowid not in ({waits})"
    )


def open_rows_sql(source: str) -> str:
    """The rejected and the waiting rows, which count nowhere yet: log, contract_id as named."""
    parts = [f"select log, contract_id from {source}.open_rejects"]
    for log in catalogue().logs.values():
        if "contract_id" in log.columns:
            parts.append(
                f"select {literal(log.name)} as log, contract_id from {source}.{log.name} "
                f"where rowid in (select row_id from {source}.waiting "
                f"where log = {literal(log.name)})"
            )
    return " union all ".join(parts)


def find_waiting(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Fills `<schema>.waiting`: log, row_id (rowid of the row), column_name, value, code.

    Grain: one waiting row, with the first thing it waits for. Repeats until nothing more waits,
    since a row that waits makes nothing known.
    """
    con.execute(f"delete from {schema}.waiting")
    rules = [
        (log, column, code, sql) for log in _in_order() for column, code, sql in _rules(log, schema)
    ]
    while True:
        found = 0
        for log, column, code, sql in rules:
            inserted = con.execute(
                f"insert into {schema}.waiting "
                f"select {literal(log.name)}, row_id, {literal(column)}, value, {literal(code)} "
                f"from ({sql}) as found where row_id not in "
                f"(select row_id from {schema}.waiting where log = {literal(log.name)})"
            ).fetchone()
            found += inserted[0] if inserted else 0
        if not found:
            return


def _in_order() -> list[Log]:
    """The logs, those that others refer to first, so that one round mostly does."""
    logs = catalogue().logs
    first = ("contracts", "equipment", "tickets")
    return [logs[name] for name in first] + [log for log in logs.values() if log.name not in first]


def _rules(log: Log, schema: str) -> Iterator[tuple[str, str, str]]:
    """(column, message code, SQL of row_id and value) for each thing a row may wait for."""
    for column in log.columns.values():
        if column.references:
            yield column.name, "waits_unknown", _unknown_sql(log, column, schema)
            if column.references != "contracts" and "contract_id" in log.columns:
                yield column.name, "waits_contract", _disagrees_sql(log, column, schema)
    if log.name == "complaints":
        yield "round", "waits_round", _round_sql(schema, "earlier.complaint_id is null")
        yield (
            "round",
            "waits_contract",
            _round_sql(schema, "earlier.contract_id <> one.contract_id"),
        )
    if log.name == "pauses":
        yield "paused_at", "waits_report", _before_report_sql(schema)
    if log.name == "terms":
        yield "term", "waits_window", _window_sql(schema)


def _known(log: str, schema: str) -> str:
    """The rows of `log` that do not wait."""
    waits = f"select row_id from {schema}.waiting where log = {literal(log)}"
    return f"(select *, rowid as row_id from {schema}.{log} where rowid not in ({waits}))"


def _unknown_sql(log: Log, column: Column, schema: str) -> str:
    key = catalogue().logs[str(column.references)].key[0]
    return (
        f"select one.rowid as row_id, one.{column.name} as value from {schema}.{log.name} as one "
        f"anti join {_known(str(column.references), schema)} as known "
        f"on known.{key} = one.{column.name} where one.{column.name} is not null"
    )


def _disagrees_sql(log: Log, column: Column, schema: str) -> str:
    """Rows that name another contract than what they refer to does."""
    other = str(column.references)
    key = catalogue().logs[other].key[0]
    theirs = "known.contract_id"
    if other == "tickets":
        theirs = (
            f"coalesce(known.contract_id, (select unit.contract_id from {schema}.equipment as unit "
            "where unit.equipment_id = known.equipment_id))"
        )
    return (
        f"select one.rowid as row_id, one.{column.name} as value from {schema}.{log.name} as one "
        f"join {_known(other, schema)} as known on known.{key} = one.{column.name} "
        f"where one.contract_id <> {theirs}"
    )


def _round_sql(schema: str, waits: str) -> str:
    return (
        f"select one.rowid as row_id, cast(one.round as varchar) as value "
        f"from {schema}.complaints as one left join {_known('complaints', schema)} as earlier "
        "on earlier.complaint_id = one.complaint_id and earlier.round = one.round - 1 "
        f"where one.round > 1 and {waits}"
    )


def _before_report_sql(schema: str) -> str:
    """Pauses that begin before their ticket's report, whenever in the day either was."""
    latest = (
        "case when contains(coalesce(one.days, ''), ';paused_at;') "
        "then one.paused_at + interval 86399 second else one.paused_at end"
    )
    return (
        "select one.rowid as row_id, cast(one.paused_at as varchar) as value "
        f"from {schema}.pauses as one join {_known('tickets', schema)} as ticket "
        f"on ticket.ticket_id = one.ticket_id where {latest} < ticket.reported_at"
    )


def _window_sql(schema: str) -> str:
    """A window whose first day is after its last: both rows wait, and the defaults hold."""
    terms = catalogue().terms
    first, last = terms["window_first_day"].default, terms["window_last_day"].default
    return (
        "select one.rowid as row_id, cast(one.value as varchar) as value "
        f"from {schema}.terms as one join ("
        "select contract_id, "
        f"coalesce(max(value) filter (term = 'window_first_day'), {first}) as first_day, "
        f"coalesce(max(value) filter (term = 'window_last_day'), {last}) as last_day "
        f"from {schema}.terms group by contract_id) as days "
        "on days.contract_id = one.contract_id and days.first_day > days.last_day "
        "where one.term in ('window_first_day', 'window_last_day')"
    )
