"""One number, two things: rows that would replace one of their number that is of something else.

That is: another contract; of a ticket, complaint or movement, one that began more than a day apart;
of an engineer, another name.
"""

from collections.abc import Iterable

import duckdb

from etl.catalogue import Log, Text
from etl.errors import KeptError
from etl.sql import literal
from etl.tables import shown_sql

_UNITS = "unit_contract"
_BEGIN = ("tickets", "complaints", "parts")
_SHOWN = 3


def note_units(con: duckdb.DuckDBPyConnection, logs: str, files: Iterable[tuple[str, str]]) -> None:
    """Notes of which contract each unit is: as loaded, then as the files (log, table) say.

    A ticket may name its unit alone, in a file that comes before that of the unit.
    """
    con.execute(
        f"create or replace temp table {_UNITS} as "
        f"select equipment_id, contract_id from {logs}.equipment"
    )
    for log, rows in files:
        if log == "equipment":
            con.execute(
                f"delete from {_UNITS} where equipment_id in (select equipment_id from {rows})"
            )
            con.execute(
                f"insert into {_UNITS} select equipment_id, arg_max(contract_id, source_row) "
                f"from {rows} group by equipment_id"
            )


def demand_same_things(
    con: duckdb.DuckDBPyConnection, logs: str, log: Log, rows: str, folded: str, place: str
) -> None:
    """Raises KeptError where a row of `rows` would replace one that is of something else.

    `folded` says what becomes of the rows (`tables.fold`); they are not merged yet. `place` is the
    file or sheet that they are of.
    """
    differs, was, now = _differs(log)
    replaces = f"select 1 from {folded} where coalesce(stood, before) is not null limit 1"
    if not differs or con.execute(replaces).fetchone() is None:
        return
    standing = f"(select *, rowid as row_id from {logs}.{log.name})"
    found = con.execute(
        f"""with incoming as ({_facts(log, rows, "source_row")}),
            replaced as (
                select folded.source_row, earlier.* from {folded} as folded
                join incoming as earlier on earlier.id = folded.before
                union all
                select folded.source_row, standing.* from {folded} as folded
                join ({_facts(log, standing, "row_id")}) as standing on standing.id = folded.stood
                where folded.before is null
            )
            select incoming.number, {was}, {now}, count(distinct incoming.number) over () as numbers
            from {folded} as folded
            join incoming on incoming.id = folded.source_row
            join replaced on replaced.source_row = folded.source_row
            where {differs}
            qualify row_number() over (
                partition by incoming.number order by folded.source_row) = 1
            order by folded.source_row limit {_SHOWN}"""
    ).fetchall()
    if found:
        raise KeptError(
            "key_reused",
            file=place,
            log=log.label,
            count=found[0][3],
            examples=Text(
                "；".join(f"{number}（{was} → {now}）" for number, was, now, _ in found),
                "; ".join(f"{number} ({was} → {now})" for number, was, now, _ in found),
            ),
        )


def _facts(log: Log, source: str, identity: str) -> str:
    """What says which thing a row is of: id, number, contract, begun, name.

    `shown` is when it begun as a person reads it, `begun_latest` its latest reading.
    """
    contract, units = "cast(null as varchar)", ""
    if "contract_id" in log.columns and "contract_id" not in log.key:
        contract = "one.contract_id"
    if log.name == "tickets":
        contract = "coalesce(one.contract_id, unit.contract_id)"
        units = f" left join {_UNITS} as unit on unit.equipment_id = one.equipment_id"
    begun = f"one.{log.begins}" if log.name in _BEGIN else "cast(null as timestamp)"
    is_day = f"contains(one.days, {literal(f';{log.begins};')})"
    shown = shown_sql("one.days", str(log.begins), begun)
    name = "one.name" if log.name == "personnel" else "cast(null as varchar)"
    number = ", ".join(f"cast(one.{key} as varchar)" for key in log.key)
    return (
        f"select one.{identity} as id, concat_ws('/', {number}) as number, {contract} as contract, "
        f"{begun} as begun, {shown} as shown, case when {is_day} "
        f"then {begun} + interval 86399 second else {begun} end as begun_latest, "
        f"{name} as name from {source} as one{units}"
    )


def _differs(log: Log) -> tuple[str, str, str]:
    """The condition that the two are not of the same thing, and how each is shown."""
    contract = "incoming.contract <> replaced.contract"
    if log.name == "personnel":
        name = "lower(replace({}.name, ' ', ''))"
        return (
            f"{name.format('incoming')} <> {name.format('replaced')}",
            "replaced.name",
            "incoming.name",
        )
    if "contract_id" not in log.columns or "contract_id" in log.key:
        return "", "", ""
    if log.name not in _BEGIN:
        return contract, "replaced.contract", "incoming.contract"
    apart = (
        "folded.kind <> 'older' and ("
        "incoming.begun > replaced.begun_latest + interval 24 hour "
        "or replaced.begun > incoming.begun_latest + interval 24 hour)"
    )
    was, now = (
        f"case when {contract} then {one}.contract else {one}.shown end"
        for one in ("replaced", "incoming")
    )
    return f"({contract} or {apart})", was, now
