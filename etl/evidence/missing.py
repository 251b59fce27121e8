"""What evidence a contract lacks: for each unknown obligation, the cells that would decide it.

Counted are the obligations that count for the retention money. A cell is missing when it is empty
in the log as loaded; what the log only says of a later day is not asked for again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from etl.catalogue import Clause, Log, catalogue
from etl.errors import KeptError
from etl.marts import Marts
from etl.sql import literal
from etl.tables import standing_sql

NOT_COUNTED = "delivery.guarantee_valid"
"""The one clause that the retention money leaves out: awarding is the buyer's act."""
CELL, LATER, DOUBT, NO_COLUMN = "cell", "later", "doubt", "no_column"
NO_LOG, LOG_ENDS, NO_RECORD = "no_log", "log_ends", "no_record"
"""Why an obligation is unknown: a cell is empty, or states a day where the hour decides; all are
filled, for a later day; they are, and leave it open what happened; the export has no such column;
the log was never loaded, or ends too early; no record of it is there."""


@dataclass(frozen=True)
class Missing:
    """What would decide one unknown obligation (of spares.ratio: all those days together).

    `kind` is one of the above. `key` and `columns` name the record of `log` and its cells; without
    a record both are empty. Of NO_COLUMN, all obligations of the clause are one: `columns` are
    those of which the export would need any. `obligations` counts those that it is about, `subject`
    is one of them. `through_at` is up to when the log is complete, `needed_at` up to when it would
    have to be, where the obligation is judged by that.
    """

    clause: str
    subject: str
    department: str | None
    kind: str
    log: str
    row_id: int | None
    key: tuple[str, ...]
    columns: tuple[str, ...]
    obligations: int
    through_at: datetime | None
    needed_at: datetime | None


def missing(marts: Marts, contract: str) -> tuple[Missing, ...]:
    """Everything that is missing for the contract, by clause and subject.

    Raises KeptError where there is no such contract.
    """
    with marts.beside_logs() as (con, logs):
        return missing_in(con, logs, contract)


def missing_in(con: duckdb.DuckDBPyConnection, logs: str, contract: str) -> tuple[Missing, ...]:
    """The same, of the marts that the connection uses and the merged logs in the schema `logs`."""
    demand_contract(con, contract)
    con.execute(
        "create temp table unproven as "
        "select one.clause, one.contract_id, one.subject, one.department, one.equipment_id, "
        "one.arose_on, one.due_at, one.due_on, one.recorded from obligation as one "
        "join retention as money on one.contract_id = money.contract_id "
        "where one.contract_id = ? and one.state = 'unknown' "
        f"and one.arose_on <= money.due_on and one.clause <> {literal(NOT_COUNTED)}",
        [contract],
    )
    clauses = [
        catalogue().clauses[name]
        for (name,) in con.execute("select distinct clause from unproven").fetchall()
    ]
    con.execute(
        "create temp table record_found (clause varchar, subject varchar, log varchar, "
        "row_id bigint, key varchar[], columns varchar[], absent varchar[], later boolean)"
    )
    con.execute("create temp table shown_by (clause varchar, log varchar, columns varchar[])")
    for clause in clauses:
        if clause.shown_by:
            columns = [column for _, column in clause.shown_by]
            con.execute(
                "insert into shown_by values (?, ?, ?)", [clause.id, clause.shown_by[0][0], columns]
            )
    for clause in clauses:
        for sql in _records_sql(clause, logs):
            con.execute(f"insert into record_found {sql}")
    rows = con.execute(_RESULT).fetchall()
    found = [
        Missing(
            clause, subject, department, kind, log, row_id,
            tuple(key), tuple(columns), obligations, through_at, needed_at,
        )
        for (
            clause, subject, department, kind, log, row_id,
            key, columns, obligations, through_at, needed_at,
        ) in rows
    ]  # fmt: skip
    order = list(catalogue().clauses)
    return tuple(sorted(found, key=lambda one: (order.index(one.clause), one.subject, one.key)))


def demand_contract(con: duckdb.DuckDBPyConnection, contract: str) -> None:
    """Raises KeptError where no contract of that id is loaded."""
    names = con.execute("select contract_id from fact_contract order by contract_id").fetchall()
    if (contract,) not in names:
        known = ", ".join(name for (name,) in names)
        raise KeptError("contract_unknown", contract=contract, known=known)


# Obligations that no record was found for are judged by how far their log reaches. Days of spares
# come by the hundred and are decided together, so that they stand for each cause as one.
_RESULT = f"""
with judged as (
    select
        one.*, clause.log as own_log, log.loaded, log.through_at,
        coalesce(
            one.due_at,
            case
                when one.clause = 'people.conduct'
                    then cast(last_day(one.arose_on) as timestamp) + interval 86399 second
                when one.clause = 'spares.ratio'
                    then cast(one.arose_on as timestamp) + interval 86399 second
            end
        ) as needed_at,
        spares.on_hand is null as no_stock,
    from unproven as one
    join catalogue_clause as clause on one.clause = clause.clause
    join log_through as log on clause.log = log.log and one.contract_id = log.contract_id
    left join spares
        on one.clause = 'spares.ratio' and one.contract_id = spares.contract_id
        and one.arose_on = spares.day
),
reason as (
    select
        judged.*,
        case
            when not loaded then '{NO_LOG}'
            when recorded = false then '{NO_COLUMN}'
            when through_at is null or through_at < least(needed_at, build.as_of) then '{LOG_ENDS}'
            when clause = 'spares.ratio' and not no_stock then '{CELL}'
            else '{NO_RECORD}'
        end as kind,
    from judged cross join build
),
without as (
    select * from reason
    where kind <> '{NO_COLUMN}' and (
        clause = 'spares.ratio' and kind <> '{CELL}' or clause <> 'spares.ratio' and not exists (
            select 1 from record_found as record
            where record.clause = reason.clause and record.subject = reason.subject
        )
    )
),
asked as (
    select
        record.clause, record.subject, reason.department,
        case
            when len(record.columns) > 0 then '{CELL}' when later then '{LATER}' else '{DOUBT}'
        end as kind,
        record.log, record.row_id, record.key, record.columns,
        case
            when record.clause = 'spares.ratio' then (
                select count(*) from reason as day
                where day.clause = 'spares.ratio' and day.kind = '{CELL}'
            )
            else 1
        end as obligations,
        reason.through_at, reason.needed_at,
    from record_found as record
    join reason on record.clause = reason.clause and record.subject = reason.subject
    where len(record.columns) > 0 or coalesce(reason.recorded, true) and not exists (
        select 1 from record_found as other
        where other.clause = record.clause and other.subject = record.subject
            and len(other.columns) + len(other.absent) > 0
    )
),
unexported as (
    select clause, subject, shown_by.log, shown_by.columns, 1 as obligations
    from reason join shown_by using (clause) where reason.kind = '{NO_COLUMN}'
    union all
    select
        record.clause, record.subject, record.log, [record.absent],
        case
            when record.clause = 'spares.ratio' then (
                select count(*) from reason as day
                where day.clause = 'spares.ratio' and day.kind = '{CELL}'
            )
            else 1
        end
    from (
        select distinct clause, subject, log, unnest(absent) as absent from record_found
    ) as record
    left join shown_by using (clause)
    join reason on record.clause = reason.clause and record.subject = reason.subject
    where coalesce(reason.recorded, true)
        or not list_contains(coalesce(shown_by.columns, []), record.absent)
)
select * from asked where obligations > 0
union all
select
    clause, min(subject), null, '{NO_COLUMN}', log, null, [], columns, sum(obligations), null, null,
from unexported group by clause, log, columns having sum(obligations) > 0
union all
select
    clause, min(subject), any_value(department), kind, own_log, null, [], [], count(*),
    any_value(through_at), max(needed_at),
from without
group by clause, kind, own_log, case when clause <> 'spares.ratio' then subject end
"""

# How the records of a log are found for an unknown obligation, where its subject is not their key.
_LAST_ROUND = (
    "one.complaint_id = unknown.subject and one.round = (select max(later.round) "
    "from {logs}.complaints as later where later.complaint_id = one.complaint_id)"
)
_ROUND = "one.complaint_id || '/' || cast(one.round as varchar) = unknown.subject"
_ENGINEER = "one.engineer_id = regexp_replace(unknown.subject, '[|][^|]*$', '')"
_VISIT = (
    "one.contract_id = unknown.contract_id and one.department = unknown.department "
    "and (one.planned_on is null or date_trunc('month', one.planned_on) "
    "= date_trunc('month', unknown.arose_on))"
)
_FOUND_BY: Mapping[tuple[str, str], str] = {
    ("complaint.acknowledged", "complaints"): (
        "one.complaint_id = unknown.subject and one.round = 1"
    ),
    ("complaint.routed", "complaints"): _LAST_ROUND,
    ("complaint.closed_satisfied", "complaints"): _LAST_ROUND,
    ("complaint.opinion_sought", "complaints"): _ROUND,
    ("complaint.restarted", "complaints"): _ROUND,
    ("people.permit", "personnel"): _ENGINEER,
    ("people.confidentiality", "personnel"): _ENGINEER,
    ("people.conduct", "complaints"): (
        "one.contract_id = unknown.contract_id and one.category = 'conduct' "
        "and date_trunc('month', one.received_at) = unknown.arose_on"
    ),
    ("people.training", "training"): (
        "one.contract_id = unknown.contract_id and one.topics is null"
    ),
    ("inspection.monthly", "inspections"): _VISIT,
    ("inspection.quarterly", "inspections"): f"{_VISIT} and one.kind = 'quarterly'",
    ("inspection.half_yearly", "inspections"): f"{_VISIT} and one.kind = 'half_yearly'",
    ("warranty.term", "tickets"): (
        "one.ticket_id in (select ticket_id from fact_extension "
        "where equipment_id = unknown.subject and may_count and not certain) "
        "and (select warranty_until from warranty where equipment_id = unknown.subject) is not null"
    ),
    ("warranty.replacement", "equipment"): "one.replaces_equipment_id = unknown.equipment_id",
    ("spares.ratio", "parts"): (
        "one.contract_id = unknown.contract_id and cast(one.moved_at as date) <= unknown.arose_on"
    ),
}  # fmt: skip

# Of these the records are not the obligation's own, but any that an empty cell may make count.
_PERHAPS = frozenset(
    {
        ("people.conduct", "complaints"),
        ("people.training", "training"),
        ("inspection.monthly", "inspections"),
        ("inspection.quarterly", "inspections"),
        ("inspection.half_yearly", "inspections"),
        ("warranty.term", "tickets"),
        ("warranty.replacement", "equipment"),
        ("spares.ratio", "parts"),
    }
)

# When an empty cell would decide, where it does not always.
_NO_CHARGE = "one.labour_charge is null and one.parts_charge is null"
_DECIDES: Mapping[tuple[str, str], str] = {
    ("warranty.free_repair", "cause"): (
        "one.cause is null and coalesce(one.labour_charge, 0) + coalesce(one.parts_charge, 0) > 0"
    ),
    ("warranty.free_repair", "labour_charge"): _NO_CHARGE,
    ("warranty.free_repair", "parts_charge"): _NO_CHARGE,
    ("sla.stay_until_resolved", "resolved_at"): (
        "one.resolved_at is null and one.left_site_at is not null"
    ),
    ("sla.stay_until_resolved", "loaner_provided_at"): (
        "one.loaner_provided_at is null and one.left_site_at is not null"
    ),
    ("warranty.replacement", "delivered_on"): (
        "one.delivered_on is null and one.accepted_on is null"
    ),
    ("warranty.replacement", "brand"): "false",
    ("warranty.replacement", "model"): "false",
}


def _records_sql(clause: Clause, logs: str) -> Iterator[str]:
    """For each log that holds evidence: its records for the unknown obligations of the clause."""
    for name in dict.fromkeys(log for log, _ in clause.evidence):
        log = catalogue().logs[name]
        columns = [column for whose, column in clause.evidence if whose == name]
        found_by = _FOUND_BY.get((clause.id, name), f"one.{log.key[0]} = unknown.subject")
        yield _record_sql(clause, log, columns, found_by.format(logs=logs), logs)


def _record_sql(clause: Clause, log: Log, columns: list[str], found_by: str, logs: str) -> str:
    wanted = [
        f"case when {_DECIDES.get((clause.id, name), f'one.{name} is null')} "
        f"then {literal(name)} end"
        for name in columns
    ]
    asked = f"[{', '.join((*wanted, *_imprecise(log, columns)))}]"
    recorded = "contains(one.all_recorded, ';' || name || ';')"
    key = ", ".join(f"cast(one.{name} as varchar)" for name in log.key)
    later = " or ".join(f"one.{column.name} > build.as_of" for column in log.events) or "false"
    unknown = f"(select * from unproven where clause = {literal(clause.id)})"
    if clause.id == "spares.ratio":  # the last of its days has every movement of the others
        unknown = f"(from {unknown} order by arose_on desc limit 1)"
    found = (
        f"select unknown.clause, unknown.subject, {literal(log.name)}, one.row_id, [{key}], "
        f"list_filter({asked}, lambda name: name is not null and {recorded}) as columns, "
        f"list_filter({asked}, lambda name: name is not null and not {recorded}) as absent, "
        f"coalesce({later}, false) "
        f"from {unknown} as unknown join ({standing_sql(logs, log)}) as one on {found_by} "
        f"cross join build where one.row_id not in (select row_id from {logs}.waiting "
        f"where log = {literal(log.name)})"
    )
    if (clause.id, log.name) in _PERHAPS:
        return f"select * from ({found}) as found where len(columns) + len(absent) > 0"
    return found


def _imprecise(log: Log, columns: Iterable[str]) -> Iterator[str]:
    """The instants that state a day where the hour would decide, and a status without meaning."""
    names = dict.fromkeys((log.begins, *columns))
    for name in names:
        if name is not None and log.columns[name].type == "instant":
            by_the_hour = "unknown.due_on is null"
            if name == log.begins:
                by_the_hour += " and unknown.due_at is not null"
            yield (
                f"case when contains(one.days, {literal(f';{name};')}) and {by_the_hour} "
                f"then {literal(name)} end"
            )
    for column in log.columns.values():
        if column.unread:
            yield f"case when one.{column.name} = {literal(column.unread)} then '{column.name}' end"
