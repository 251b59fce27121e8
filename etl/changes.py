"""What changed between two as-ofs: verdicts, obligations newly broken, and what falls due next."""

from typing import Any

import duckdb

from etl.marts import Marts
from etl.report import iso, report
from etl.sql import literal
from etl.store import Manifest

OBLIGATION_COLUMNS = (
    "contract_id", "clause", "subject", "department", "equipment_id", "arose_on", "due", "done",
)  # fmt: skip
DUE_COLUMNS = ("kind", "contract_id", "clause", "subject", "department", "due_at")


def changes(
    now: Marts, then: Marts, manifest: Manifest, contract: str | None = None
) -> dict[str, Any]:
    """What changed from `then` to `now`, of one contract or of all.

    verdicts: contract_id, clause, was, is; newly_broken: obligations breached now that were not
    then; falls_due: what falls due within 30 days of now. Raises KeptError for an unknown contract.
    """
    return {
        "as_of": iso(now.as_of),
        "since": iso(then.as_of),
        "verdicts": changed_verdicts(
            report(now, manifest, contract)["contracts"],
            report(then, manifest)["contracts"],
        ),
        "newly_broken": newly_broken(now, then, contract),
        "falls_due": falls_due(now, contract),
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


def newly_broken(now: Marts, then: Marts, contract: str | None = None) -> list[dict[str, Any]]:
    """Obligations breached now that were not then, the latest to fall due first."""
    if then.path == now.path:
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
            state = 'breached' and contract_id = coalesce(?, contract_id)
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
        contract,
        OBLIGATION_COLUMNS,
        then,
    )


def falls_due(now: Marts, contract: str | None = None) -> list[dict[str, Any]]:
    """What falls due within 30 days, the soonest first."""
    return _rows(
        now,
        f"select {', '.join(DUE_COLUMNS)} from falls_due "
        "where contract_id = coalesce(?, contract_id) order by due_at, kind, contract_id, subject",
        contract,
        DUE_COLUMNS,
    )


def _rows(
    marts: Marts,
    sql: str,
    contract: str | None,
    columns: tuple[str, ...],
    earlier: Marts | None = None,
) -> list[dict[str, Any]]:
    with duckdb.connect(marts.path, read_only=True) as con:
        if earlier is not None:
            con.execute(f"attach {literal(earlier.path)} as earlier (read_only)")
        found = con.execute(sql, [contract]).fetchall()
    return [dict(zip(columns, map(iso, row), strict=True)) for row in found]
