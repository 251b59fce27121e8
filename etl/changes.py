"""What changed between two as-ofs: verdicts, obligations newly broken, and what falls due next."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from etl.marts import Marts
from etl.report import iso, report
from etl.sql import literal

OBLIGATION_COLUMNS = (
    "contract_id", "clause", "subject", "department", "equipment_id", "arose_on", "due", "done",
)  # fmt: skip
AHEAD_COLUMNS = ("kind", "contract_id", "subject", "units", "due_on", "days_left")
DUE_COLUMNS = ("kind", "contract_id", "clause", "subject", "department", "due_at")


def changes(now: Marts, then: Marts, contract: str | None = None) -> dict[str, Any]:
    """What changed from `then` to `now`, of one contract or of all.

    verdicts: contract_id, clause, was, is; newly_broken: obligations breached now that were not
    then; falls_due: what falls due within 30 days of now. Raises KeptError for an unknown contract.
    """
    return {
        "as_of": iso(now.as_of),
        "since": iso(then.as_of),
        "verdicts": changed_verdicts(
            report(now, contract)["contracts"],
            report(then)["contracts"],
        ),
        "newly_broken": newly_broken(now.path, then.path, contract),
        "falls_due": falls_due(now.path, contract),
    }


def changed_verdicts(now: dict[str, Any], then: dict[str, Any]) -> list[dict[str, str]]:
    """The clauses whose verdict is another one, of the contracts in `now` (see `report`)."""
    found = []
    for contract, figures in now.items():
        before = then.get(contract, {"clauses": {}})["clauses"]
        for clause, counts in figures["clauses"].items():
            was = before.get(clause, {"verdict": "no_activity"})["verdict"]
            if was != counts["verdict"]:
                found.append(
                    {
                        "contract_id": contract,
                        "clause": clause,
                        "was": was,
                        "is": counts["verdict"],
                    }
                )
    return found


def newly_broken(
    now: Path, then: Path, contract: str | None = None, department: str | None = None
) -> list[dict[str, Any]]:
    """Obligations breached in the marts `now` that were not in `then`, the latest due first.

    Columns: OBLIGATION_COLUMNS, where due and done are ISO text, a day or an instant.
    """
    if then == now:
        return []
    return _rows(
        now,
        """
        select
            contract_id, clause, subject, department, equipment_id, arose_on,
            coalesce(cast(due_on as varchar), replace(cast(due_at as varchar), ' ', 'T')) as due,
            coalesce(cast(done_on as varchar), replace(cast(done_at as varchar), ' ', 'T')) as done
        from obligation as now
        where
            state = 'breached'
            and contract_id = coalesce(?, contract_id)
            and (cast(? as varchar) is null or department = ?)
            and not exists (
                select 1 from earlier.obligation as earlier
                where
                    earlier.contract_id = now.contract_id
                    and earlier.clause = now.clause
                    and earlier.subject = now.subject
                    and earlier.state = 'breached'
            )
        order by coalesce(due_at, cast(arose_on as timestamp)) desc nulls last,
            contract_id, clause, subject
        """,
        [contract, department, department],
        OBLIGATION_COLUMNS,
        then,
    )


def falls_due(now: Path, contract: str | None = None) -> list[dict[str, Any]]:
    """What falls due within 30 days, the soonest first: DUE_COLUMNS."""
    return _rows(
        now,
        f"select {', '.join(DUE_COLUMNS)} from falls_due "
        "where contract_id = coalesce(?, contract_id) order by due_at, kind, contract_id, subject",
        [contract],
        DUE_COLUMNS,
    )


def dates_ahead(
    now: Path,
    since: datetime,
    at: datetime,
    announced: Sequence[int],
    contract: str | None = None,
) -> list[dict[str, Any]]:
    """The dates that so many days of `announced` lay ahead of, for the first time, between the
    instants `since` (not included) and `at`, the soonest first, each once.

    Columns: AHEAD_COLUMNS; units: whose warranty ends, days_left: from `at`, negative once past.
    """
    marks = " or ".join(
        f"(due_on - {days:d} > ?::timestamp and due_on - {days:d} <= ?::timestamp)"
        for days in announced
    )
    return _rows(
        now,
        f"""
        select kind, contract_id, subject, units, due_on, date_diff('day', ?::date, due_on)
        from date_ahead
        where contract_id = coalesce(?, contract_id) and ({marks})
        order by due_on, kind, contract_id, subject
        """,
        [at, contract, *[since, at] * len(announced)],
        AHEAD_COLUMNS,
    )


def _rows(
    marts: Path,
    sql: str,
    parameters: Sequence[object],
    columns: tuple[str, ...],
    earlier: Path | None = None,
) -> list[dict[str, Any]]:
    # An instance of its own: one that pages share would keep what is attached to it.
    with duckdb.connect() as con:
        con.execute(f"attach {literal(marts)} as present (read_only)")
        if earlier is not None:
            con.execute(f"attach {literal(earlier)} as earlier (read_only)")
        con.execute("use present")
        found = con.execute(sql, list(parameters)).fetchall()
    return [dict(zip(columns, map(iso, row), strict=True)) for row in found]
