"""`kept export` and `kept report`: the published tables and figures, as files and as JSON."""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl

from etl.catalogue import STATES, Log, catalogue
from etl.errors import KeptError
from etl.intake.check import Problem, Reject, exact, problems_from_json
from etl.intake.match import MARK, STRAY_CELLS
from etl.ledger import computed_clauses
from etl.marts import Marts
from etl.sheets import text_cell
from etl.sql import literal
from etl.store import Batch, Warehouse
from etl.tables import MARK_SQL
from etl.verdict import verdict

TABLES: Mapping[str, tuple[str, ...]] = {
    "obligation": (
        "contract_id", "clause", "subject", "department", "equipment_id", "arose_on", "due_at",
        "done_at", "state",
    ),
    "compliance": (
        "contract_id", "clause", "month", "met", "breached", "unknown", "pending", "excluded",
        "rate", "rate_upper",
    ),
    "availability": (
        "contract_id", "equipment_id", "department", "month", "service_seconds", "down_seconds",
        "covered_seconds", "availability", "availability_with_loaner",
    ),
    "warranty": (
        "contract_id", "equipment_id", "department", "accepted_on", "base_expires_on",
        "extensions", "expires_on", "possible_expires_on", "status", "replacement_due",
    ),
    "spares": ("contract_id", "day", "on_hand", "units_in_service", "ratio", "state"),
    "retention": (
        "contract_id", "amount", "retention_amount", "accepted_on", "due_on", "verdict",
        "met", "breached", "unknown", "pending", "excluded",
    ),
}  # fmt: skip
_DAY_OR_INSTANT = {"due_at": "due_on", "done_at": "done_on"}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_FETCH = 10_000


def export(marts: Marts, table: str, target: Path | None) -> str | None:
    """Writes a published table to `target` (.csv, .xlsx, .parquet); without one, gives the CSV.

    Raises KeptError where there is no such table or the file cannot be written in that form.
    """
    if table not in TABLES:
        raise KeptError("table_unknown", table=table, tables=", ".join(TABLES))
    columns = TABLES[table]
    sql = f"select {', '.join(_published(column, table) for column in columns)} from {table} "
    sql += "order by all"
    with duckdb.connect(marts.path, read_only=True) as con:
        if target is not None and target.suffix.lower() == ".parquet":
            _demand_folder(target)
            con.execute(f"copy ({sql}) to {literal(target)} (format parquet)")
            return None
        cursor = con.execute(sql)
        return write_rows(columns, _rows(cursor), target)


def _published(column: str, table: str) -> str:
    """A due or done is a day or an instant, by its clause: both are published as ISO text."""
    if table != "obligation" or column not in _DAY_OR_INSTANT:
        return column
    return (
        f"coalesce(cast({_DAY_OR_INSTANT[column]} as varchar), "
        f"replace(cast({column} as varchar), ' ', 'T')) as {column}"
    )


def write_rows(
    columns: Sequence[str], rows: Iterable[Sequence[object]], target: Path | None
) -> str | None:
    """Rows as CSV or XLSX by the name of `target`; without one, the CSV as text.

    Text that a spreadsheet would take for a formula stays text. Raises KeptError.
    """
    if target is None:
        text = io.StringIO()
        _write_csv(text, columns, rows)
        return text.getvalue()
    _demand_folder(target)
    try:
        match target.suffix.lower():
            case ".csv":
                with target.open("w", encoding="utf-8-sig", newline="") as file:
                    _write_csv(file, columns, rows)
            case ".xlsx":
                _write_xlsx(target, columns, rows)
            case other:
                raise KeptError("format_unknown", file=target, suffix=other or "-")
    except OSError as error:
        raise KeptError("file_not_written", file=target) from error
    return None


def report(marts: Marts, contract: str | None = None) -> dict[str, Any]:
    """All figures per contract, as `kept report --json` prints them.

    Raises KeptError where there is no contract of that id.
    """
    with duckdb.connect(marts.path, read_only=True) as con:
        names = [
            row[0]
            for row in con.execute(
                "select contract_id from fact_contract order by contract_id"
            ).fetchall()
        ]
        if contract is not None and contract not in names:
            raise KeptError("contract_unknown", contract=contract, known=", ".join(names))
        clauses = _clauses(con, names)
        figures = {section: _by_contract(con, sql) for section, sql in _FIGURES.items()}
        figures["reopened"] = _reopened(con, names)
    return {
        "as_of": iso(marts.as_of),
        "contracts": {
            name: {
                "clauses": clauses[name],
                **{section: found[name] for section, found in figures.items()},
            }
            for name in ([contract] if contract is not None else names)
        },
        "rejected_rows": marts.rejected_rows,
        "waiting_rows": sum(marts.waiting_rows.values()),
    }


def clauses_by_contract(marts: Marts) -> dict[str, dict[str, Any]]:
    """Counts, rates and verdict of every clause of every contract: contract → clause → figures."""
    with duckdb.connect(marts.path, read_only=True) as con:
        names = con.execute("select contract_id from fact_contract order by contract_id")
        return _clauses(con, [row[0] for row in names.fetchall()])


def _clauses(con: duckdb.DuckDBPyConnection, contracts: Sequence[str]) -> dict[str, dict[str, Any]]:
    counted = {
        (row[0], row[1]): [int(n) for n in row[2:]]
        for row in con.execute(
            f"select contract_id, clause, {', '.join(f'sum({s})' for s in STATES)} "
            "from compliance group by contract_id, clause"
        ).fetchall()
    }
    targets = {
        (row[0], row[1].removesuffix(".target")): row[2]
        for row in con.execute(
            "select contract_id, term, value from contract_term where term like '%.target'"
        ).fetchall()
    }
    evidence = {
        (row[0], row[1]): row[2]
        for row in con.execute(
            "select contract_id, clause, evidence from clause_evidence"
        ).fetchall()
    }
    return {
        name: {
            clause: clause_figures(
                counted.get((name, clause), (0,) * len(STATES)),
                targets[name, clause],
                evidence[name, clause],
            )
            for clause in computed_clauses()
        }
        for name in contracts
    }


# Grain of each: one contract, its id first. A figure of a fleet is weighed by time.
_FIGURES: Mapping[str, str] = {
    "availability": """
        select
            contract.contract_id,
            1 - sum(down_seconds) / nullif(sum(service_seconds), 0) as availability,
            1 - (sum(cover_down_seconds) - sum(covered_seconds))
                / nullif(sum(cover_service_seconds), 0) as availability_with_loaner,
            sum(repair_seconds) / nullif(sum(repairs), 0) / 3600 as mttr_hours,
            case
                when sum(service_seconds) > 0
                    then (sum(service_seconds) - sum(down_seconds))
                        / nullif(sum(counted_faults), 0) / 3600
            end as mtbf_hours,
            coalesce(sum(open_units), 0)::bigint as open_unit_months,
        from fact_contract as contract
        left join availability_slice as slice on contract.contract_id = slice.contract_id
        group by contract.contract_id
        """,
    "spares": """
        select contract.contract_id, spares.on_hand, spares.units_in_service, spares.ratio,
        from fact_contract as contract
        cross join build
        left join spares
            on contract.contract_id = spares.contract_id and spares.day = build.as_of::date
        """,
    "warranty": """
        select
            contract.contract_id,
            count(*) filter (where warranty.status = 'in_warranty') as in_warranty,
            count(*) filter (where warranty.status = 'expired') as expired,
            count(*) filter (where warranty.extensions > 0) as extended,
        from fact_contract as contract
        left join warranty on contract.contract_id = warranty.contract_id
        group by contract.contract_id
        """,
    "retention": f"select {', '.join(TABLES['retention'])} from retention",
}


def _by_contract(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, dict[str, Any]]:
    cursor = con.execute(sql)
    columns = [column[0] for column in cursor.description or ()][1:]
    return {
        row[0]: dict(zip(columns, (plain(iso(value)) for value in row[1:]), strict=True))
        for row in cursor.fetchall()
    }


def _reopened(
    con: duckdb.DuckDBPyConnection, contracts: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Tickets and those reopened per contract, and in `months` by the month of their report."""
    found: dict[str, dict[str, Any]] = {
        name: {"tickets": 0, "reopened": 0, "months": {}} for name in contracts
    }
    for contract, month, tickets, reopened in con.execute(
        "select contract_id, month, sum(tickets)::bigint, sum(reopened)::bigint from reopened "
        "group by contract_id, month order by contract_id, month"
    ).fetchall():
        of_contract = found[contract]
        of_contract["months"][month] = {"tickets": tickets, "reopened": reopened}
        of_contract["tickets"] += tickets
        of_contract["reopened"] += reopened
    return found


def clause_figures(counts: Sequence[int], target: Decimal, evidence: str) -> dict[str, Any]:
    """Counts by state, rates and verdict of one clause; a rate is None where nothing was due."""
    met, breached, unknown, pending, excluded = counts
    due = met + breached + unknown
    return {
        "met": met,
        "breached": breached,
        "unknown": unknown,
        "pending": pending,
        "excluded": excluded,
        "rate": met / due if due else None,
        "rate_upper": (met + unknown) / due if due else None,
        "verdict": verdict(met, breached, unknown, pending, target, evidence),
    }


def write_rejects(warehouse: Warehouse, batch: Batch, target: Path | None) -> str | None:
    """The rejected rows of a batch, in their original columns, each with where and why.

    The file can be corrected and loaded again: the added columns are ignored then.
    """
    columns, rows = rejected_rows(warehouse, batch)
    return write_rows(columns, rows, target)


def rejected_rows(
    warehouse: Warehouse, batch: Batch, source_rows: Collection[int] | None = None
) -> tuple[list[str], list[list[object]]]:
    """The columns of a file of rejects, and the rejected rows of a batch in it.

    With `source_rows`, only those that began there.
    """
    source = warehouse.rejects_of(batch)
    log = catalogue().logs[batch.log]
    found: list[tuple[int, list[str | None], str, str]] = []
    if source is not None:
        with duckdb.connect() as con:
            found = con.execute(
                f"select source_row, cells, problems, {MARK_SQL} from read_parquet(?) "
                "order by source_row",
                [str(source)],
            ).fetchall()
    return _reject_columns(batch.headers), [
        _reject_row(log, batch.headers, source_row, cells, problems_from_json(problems), mark)
        for source_row, cells, problems, mark in found
        if source_rows is None or source_row in source_rows
    ]


def rejects_as_csv(
    log: Log, headers: Sequence[str], rejects: Iterable[Reject], marks: Mapping[int, str]
) -> bytes:
    """Rows refused in a preview, as `write_rejects` writes those of a batch.

    `marks` says by what each is known, by its source row.
    """
    rows = (
        _reject_row(log, headers, one.source_row, one.cells, one.problems, marks[one.source_row])
        for one in rejects
    )
    return (write_rows(_reject_columns(headers), rows, None) or "").encode("utf-8-sig")


def _reject_columns(headers: Sequence[str]) -> list[str]:
    return [*headers, STRAY_CELLS, "源行号 source row", "问题列 columns", "原因", "reasons", MARK]


def _reject_row(
    log: Log,
    headers: Sequence[str],
    source_row: int,
    cells: Sequence[str | None],
    reasons: Sequence[Problem],
    mark: str,
) -> list[object]:
    width = len(headers)
    codes = {reason.code for reason in reasons}
    stray = "".join(cell for cell in cells[width:] if cell)
    if not stray and codes & {"row_cut_off", "row_not_mended"}:
        stray = "?"
    return [
        *cells[:width],
        *[None] * (width - len(cells)),
        stray or None,
        source_row,
        "; ".join(dict.fromkeys(r.column for r in reasons if r.column)),
        "; ".join(r.text(log, "zh") for r in reasons),
        "; ".join(r.text(log, "en") for r in reasons),
        mark,
    ]


def plain(value: object) -> object:
    """An exact decimal as a number that JSON and spreadsheets know; everything else as it is."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def iso(value: object) -> object:
    """Instants and dates as ISO text without zone; everything else as it is."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[Sequence[object]]:
    while rows := cursor.fetchmany(_FETCH):
        yield from rows


def _write_csv(
    file: io.TextIOBase, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([_safe(column) for column in columns])
    for row in rows:
        writer.writerow([_safe(iso(value)) for value in row])


def _safe(value: object) -> object:
    if isinstance(value, Decimal):
        return exact(value)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return value


def _write_xlsx(target: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"

    def cell(value: object) -> object:
        return text_cell(sheet, value) if isinstance(value, str) else value

    sheet.append([cell(column) for column in columns])
    for row in rows:
        sheet.append([cell(iso(value)) for value in row])
    book.save(target)


def _demand_folder(target: Path) -> None:
    if not target.absolute().parent.is_dir():
        raise KeptError("folder_missing", folder=target.absolute().parent)
