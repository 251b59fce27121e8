"""The logs as they stood at one instant, generated from the catalogue: one rule for all of them.

Rows that begin later do not exist; a later event has not happened yet and reads as empty; where a
row has such an event and no end, what the end decides reads as empty as well.
"""

from etl.catalogue import Column, Log, catalogue

END_OF_DAY = "interval 86399 second"


def base_sql(log: Log) -> str:
    """The rows of `base_<log>`: those of `log_<log>` as they stood at `moment.as_of`."""
    happened = {column.name: _has_happened(column) for column in log.events}
    not_yet = " or ".join(
        f"(log.{column.name} is not null and not ({happened[column.name]}))"
        for column in log.events
    )
    ended = " or ".join(f"(log.{name} is not null and {happened[name]})" for name in log.ends)
    columns = []
    for name in log.columns:
        if name in happened and name != log.begins:
            columns.append(f"case when {happened[name]} then log.{name} end as {name}")
        elif name in log.decided_by_end:
            columns.append(f"case when ({ended}) or not ({not_yet}) then log.{name} end as {name}")
        else:
            columns.append(f"log.{name}")
    exists = "true"
    if log.begins:
        exists = f"log.{log.begins} is null or {happened[log.begins]}"
    return (
        "select\n    " + ",\n    ".join(columns) + f"\nfrom log_{log.name} as log\n"
        f"cross join moment\nwhere {exists}"
    )


def last_event_sql() -> str:
    """`log_last_event`: log, last_at; the latest event anywhere in each log that is no register."""
    parts = []
    for log in catalogue().logs.values():
        if log.register:
            continue
        events = [
            f"max(cast({column.name} as timestamp)"
            + (f" + {END_OF_DAY})" if column.type == "date" else ")")
            for column in log.events
        ]
        latest = events[0] if len(events) == 1 else f"greatest({', '.join(events)})"
        parts.append(f"select '{log.name}' as log, {latest} as last_at from log_{log.name}")
    return "\nunion all\n".join(parts)


def horizon_sql() -> str:
    """The latest event of tickets, complaints and parts; else the end of the last visit."""
    return (
        "select coalesce("
        "(select max(last_at) from log_last_event where log in ('tickets', 'complaints', 'parts')),"
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


def _has_happened(column: Column) -> str:
    """A date is compared with the date of as_of, an instant with as_of itself."""
    limit = "cast(moment.as_of as date)" if column.type == "date" else "moment.as_of"
    return f"log.{column.name} <= {limit}"
