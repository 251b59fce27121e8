"""The logs as they stood at one instant, generated from the catalogue: one rule for all of them.

Rows that begin later do not exist; a later event has not happened yet and reads as empty; where a
row has such an event and no end, what the end decides reads as empty as well.
"""

from etl.catalogue import Clause, Column, Log, catalogue
from etl.sql import literal

END_OF_DAY = "interval 86399 second"
HORIZON_LOGS = ("tickets", "complaints", "parts")
"""The logs whose latest event is the data horizon."""
HORIZON = "horizon"
"""What the data horizon is called where it stands among the last events of logs."""


def latest_name(column: str) -> str:
    """The name of the latest reading of an instant: reported_at → reported_latest_at."""
    return f"{column.removesuffix('_at')}_latest_at"


def recorded_name(column: str) -> str:
    """The name of the flag that says whether a row's file had the column."""
    return f"{column}_recorded"


def base_sql(log: Log) -> str:
    """The rows of `base_<log>`: those of `log_<log>` as they stood at `moment.as_of`.

    Beside the columns of the log: for each instant `<name>_latest_at`, the last second of the day
    where the cell states a day alone, else empty (the column itself is then the day's 00:00); for
    each column `<name>_recorded`, whether the file of the row had it; and `recorded_set`, which
    set of columns that file had.
    """
    happened = {column.name: _has_happened(column) for column in log.events}
    not_yet = " or ".join(
        f"(log.{column.name} is not null and not ({happened[column.name]}))"
        for column in log.events
    )
    ended = " or ".join(f"(log.{name} is not null and {happened[name]})" for name in log.ends)
    columns = []
    for name, column in log.columns.items():
        value, latest = f"log.{name}", _last_second(column)
        if name in happened and name != log.begins:
            value = f"case when {happened[name]} then {value} end"
            latest = f"case when {happened[name]} then {latest} end"
        elif name in log.decided_by_end:
            value = f"case when ({ended}) or not ({not_yet}) then {value} end"
        elif column.lasting is not None:
            lasts = ", ".join(literal(code) for code in column.lasting)
            value = f"case when {value} in ({lasts}) or not ({not_yet}) then {value} end"
        columns.append(f"{value} as {name}")
        if column.type == "instant":
            columns.append(f"{latest} as {latest_name(name)}")
        columns.append(f"file.{name} as {recorded_name(name)}")
    exists = "true"
    if log.begins:
        exists = f"log.{log.begins} is null or {happened[log.begins]}"
    return (
        "select\n    " + ",\n    ".join((*columns, "file.recorded_set", "log.batch"))
        + f"\nfrom log_{log.name} as log\ncross join moment\n"
        f"left join recorded_{log.name} as file\n"
        "    on log.batch = file.batch\n    and log.recorded is not distinct from file.recorded\n"
        f"where {exists}"
    )  # fmt: skip


def recorded_sql(log: Log, source: str) -> str:
    """`recorded_<log>`: which columns the files had from which the counted rows of a log came.

    Grain: batch, recorded (the columns of a row given by hand, else empty). Columns: a flag per
    column of the log, and `recorded_set`, a number of the set. `source` is the schema of the
    merged logs.
    """
    columns = ", ".join(
        f"coalesce(strpos(one.recorded, ';{name};') > 0, "
        f"count(*) filter (had.column_name = '{name}') > 0) as {name}"
        for name in log.columns
    )
    return (
        f"select one.batch, one.recorded, {columns}, "
        "row_number() over (order by one.batch, one.recorded) as recorded_set "
        f"from (select distinct batch, recorded from log_{log.name}) as one "
        f"left join {source}.recorded as had on one.batch = had.batch "
        "group by one.batch, one.recorded"
    )


def clause_unrecorded_sql() -> str:
    """`clause_unrecorded`: clause, recorded_set; the files without a column that shows the deed.

    Of the clauses that are about rows of their log.
    """
    parts = [
        f"select {literal(clause.id)} as clause, recorded_set from recorded_{log} "
        f"where not ({' or '.join(columns)})"
        for clause in catalogue().clauses.values()
        if clause.shown_by and not clause.shown_by_every_row
        for log, columns in [_shown_by(clause)]
    ]
    return "\nunion all\n".join(parts)


def contract_recorded_sql() -> str:
    """`contract_recorded`: of clauses that are about no row of their log, whether it shows them.

    Grain: clause, contract with a row in the log. every_row, some_rows: whether the files of every
    row, of any row, had a column that shows the deed. Rows after as_of are among them.
    """
    parts = [
        f"select {literal(clause.id)} as clause, one.contract_id, "
        f"min(case when {' or '.join(columns)} then 1 else 0 end) = 1 as every_row, "
        f"max(case when {' or '.join(columns)} then 1 else 0 end) = 1 as some_rows\n"
        f"from log_{log} as one join recorded_{log} as file\n"
        "    on one.batch = file.batch and one.recorded is not distinct from file.recorded\n"
        "group by one.contract_id"
        for clause in catalogue().clauses.values()
        if clause.shown_by and clause.shown_by_every_row
        for log, columns in [_shown_by(clause, "file.")]
    ]
    return "\nunion all\n".join(parts)


def _shown_by(clause: Clause, alias: str = "") -> tuple[str, list[str]]:
    """The log whose columns show the deed of a clause, and these columns."""
    return clause.shown_by[0][0], [f"{alias}{column}" for _, column in clause.shown_by]


def last_event_sql() -> str:
    """`log_last_event`: log, contract_id, last_at; up to when the files of a contract's rows reach.

    That is the latest event of the rows that count in those files, whosever they are: an export
    that holds rows of two vendors was complete for both, another vendor's export says nothing.
    """
    parts = []
    for log in catalogue().logs.values():
        if log.register or "contract_id" not in log.columns:
            continue
        latest = _greatest(log, "max")
        parts.append(
            f"select '{log.name}' as log, one.contract_id, max(file.last_at) as last_at\n"
            f"from (select distinct contract_id, batch from log_{log.name}) as one\n"
            f"join (select batch, {latest} as last_at from log_{log.name} group by batch) as file\n"
            "    on one.batch = file.batch\n"
            "group by one.contract_id"
        )
    return "\nunion all\n".join(parts)


def horizon_sql() -> str:
    """The latest event of tickets, complaints and parts; else the end of the last visit."""
    logs = catalogue().logs
    events = "\nunion all\n".join(
        f"select {_greatest(logs[name], 'max')} as last_at from log_{name}" for name in HORIZON_LOGS
    )
    return (
        f"select coalesce((select max(last_at) from ({events}) as event),"
        f" (select max(cast(performed_on as timestamp) + {END_OF_DAY}) from log_inspections))"
    )


def calendar_sql() -> str:
    """Every day from the first acceptance of a unit or a contract to as_of."""
    return (
        "select cast(day as date) as day from ("
        "select unnest(generate_series(accepted.first_on, cast(moment.as_of as date), "
        "interval 1 day)) as day from moment cross join (select min(accepted_on) as first_on from "
        "(select accepted_on from base_equipment union all select accepted_on from base_contracts)"
        " as every) as accepted) as days"
    )


def _greatest(log: Log, aggregate: str) -> str:
    """The latest event in rows of a log: a date counts to its end, a day alone from 00:00."""
    events = [
        f"{aggregate}(cast({column.name} as timestamp)"
        + (f" + {END_OF_DAY})" if column.type == "date" else ")")
        for column in log.events
    ]
    return events[0] if len(events) == 1 else f"greatest({', '.join(events)})"


def _last_second(column: Column) -> str:
    return (
        f"case when strpos(log.days, ';{column.name};') > 0 "
        f"then log.{column.name} + {END_OF_DAY} end"
    )


def _has_happened(column: Column) -> str:
    """A date is compared with the date of as_of, an instant with as_of itself."""
    limit = "cast(moment.as_of as date)" if column.type == "date" else "moment.as_of"
    return f"log.{column.name} <= {limit}"
