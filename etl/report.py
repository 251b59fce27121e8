"""`kept export` and `kept report`: the published tables and figures, as files and as JSON."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from etl.catalogue import STATES, catalogue
from etl.check import STRAY_CELLS, problems_from_json
from etl.errors import KeptError
from etl.ledger import computed_clauses
from etl.marts import Marts
from etl.sql import literal
from etl.store import Batch, Manifest, Warehouse
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
}  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_FETCH = 10_000


def export(marts: Marts, table: str, target: Path | None) -> str | None:
    """Writes a published table to `target` (.csv, .xlsx, .parquet); without one, gives the CSV.

    Raises KeptError where there is no such table or the file cannot be written in that form.
    """
    if table not in TABLES:
        raise KeptError("table_unknown", table=table, tables=", ".join(TABLES))
    columns = TABLES[table]
    sql = f"select {', '.join(columns)} from {table} order by all"
    with duckdb.connect(marts.path, read_only=True) as con:
        if target is not None and target.suffix.lower() == ".parquet":
            _demand_folder(target)
            con.execute(f"copy ({sql}) to {literal(target)} (format parquet)")
            return None
        cursor = con.execute(sql)
        return write_rows(columns, _rows(cursor), target)


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


def report(marts: Marts, manifest: Manifest, contract: str | None = None) -> dict[str, Any]:
    """All figures per contract, as `kept report --json` prints them.

    Raises KeptError where there is no such contract.
    """
    with duckdb.connect(marts.path, read_only=True) as con:
        contracts = [
            row[0]
            for row in con.execute(
                "select contract_id from fact_contract order by contract_id"
            ).fetchall()
        ]
        if contract is not None:
            if contract not in contracts:
                raise KeptError("contract_unknown", contract=contract, known=", ".join(contracts))
            contracts = [contract]
        counted = {
            (row[0], row[1]): row[2:]
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
    clauses = {
        identity: {
            clause: clause_figures(
                [int(n) for n in counted.get((identity, clause), (0,) * len(STATES))],
                targets[identity, clause],
                catalogue().clauses[clause].log in manifest.loaded_logs,
            )
            for clause in computed_clauses()
        }
        for identity in contracts
    }
    return {
        "as_of": iso(marts.as_of),
        "contracts": {identity: {"clauses": clauses[identity]} for identity in contracts},
        "rejected_rows": marts.rejected_rows,
        "waiting_rows": sum(marts.waiting_rows.values()),
    }


def clause_figures(counts: Sequence[int], target: Decimal, has_evidence: bool) -> dict[str, Any]:
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
        "verdict": verdict(met, breached, unknown, pending, target, has_evidence),
    }


def write_rejects(warehouse: Warehouse, batch: Batch, target: Path | None) -> str | None:
    """The rejected rows of a batch, in their original columns, each with where and why.

    The file can be corrected and loaded again: the added columns are ignored then.
    """
    source = warehouse.path("rejects", f"{batch.id}.parquet")
    log = catalogue().logs[batch.log]
    rows: list[list[object]] = []
    if source.exists():
        with duckdb.connect() as con:
            found = con.execute(
                "select source_row, cells, problems from read_parquet(?) order by source_row",
                [str(source)],
            ).fetchall()
        width = len(batch.headers)
        for source_row, cells, problems in found:
            reasons = problems_from_json(problems)
            padded = [*cells[:width], *[None] * (width - len(cells))]
            codes = {reason.code for reason in reasons}
            stray = "".join(cell for cell in cells[width:] if cell)
            if not stray and codes & {"row_cut_off", "row_not_mended"}:
                stray = "?"
            rows.append(
                [
                    *padded,
                    stray or None,
                    source_row,
                    "; ".join(dict.fromkeys(r.column for r in reasons if r.column)),
                    "; ".join(r.text(log, "zh") for r in reasons),
                    "; ".join(r.text(log, "en") for r in reasons),
                ]
            )
    columns = [
        *batch.headers,
        STRAY_CELLS,
        "源行号 source row",
        "问题列 columns",
        "原因",
        "reasons",
    ]
    return write_rows(columns, rows, target)


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
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return value


def _write_xlsx(target: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"

    def cell(value: object) -> object:
        if not isinstance(value, str):
            return value
        made = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("\ufffd", value))
        made.data_type = "s"  # never a formula, whatever it begins with
        return made

    sheet.append([cell(column) for column in columns])
    for row in rows:
        sheet.append([cell(iso(value)) for value in row])
    book.save(target)


def _demand_folder(target: Path) -> None:
    if not target.absolute().parent.is_dir():
        raise KeptError("folder_missing", folder=target.absolute().parent)
