"""The dossier: everything that is known of one contract's retention money at one moment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal

import duckdb

from etl import as_of as as_of_sql
from etl import references
from etl.catalogue import LANGUAGES, Log, Text, catalogue
from etl.config import Settings
from etl.errors import KeptError
from etl.evidence.chain import Record, decisions, released
from etl.intake.check import problems_from_json
from etl.ledger import models
from etl.marts import Marts, Progress, open_marts, open_past_marts, silent
from etl.sql import literal
from etl.store import Batch, Manifest, Warehouse

CENT = Decimal("0.01")
NEVER_CHARGED = frozenset({"aftercare.served"})
"""Clauses without a deduction: their breach is one of another clause as well."""
NO_EVIDENCE = frozenset({"contracts", "personnel", "pauses", "terms", "coverage", "waivers"})
"""Logs that show nothing done: a contract of which only these know is one with nothing to see."""


@dataclass(frozen=True)
class ClauseFinding:
    """One clause of the retention money: counts by state, verdict, deduction.

    Counted are the obligations that arose up to the due date. `raw_…` is the same with no waiver:
    what is excluded counts there as the breach or the gap that was waived.
    """

    clause: str
    verdict: str
    raw_verdict: str
    assumed: bool
    target: Decimal
    met: int
    breached: int
    unknown: int
    pending: int
    excluded: int
    raw_breached: int
    raw_unknown: int
    penalty_per_breach: Decimal
    deduction: Decimal
    raw_deduction: Decimal

    @property
    def due(self) -> int:
        """How many fell due: met, breached and unknown."""
        return self.met + self.breached + self.unknown

    @property
    def blocks(self) -> bool:
        """Whether it keeps the contract from being clean."""
        return self.verdict in ("broken", "undecided", "no_evidence") or self.pending > 0


@dataclass(frozen=True)
class LogState:
    """One log as it bears on the contract.

    `rows` of it name the contract and count; `through_at` is up to when it is complete, None where
    it says nothing; `stale`: it ends before `needed_until`, the due date or as_of, or was never
    loaded. Registers are never stale once loaded.
    """

    log: str
    loaded: bool
    rows: int
    through_at: datetime | None
    needed_until: datetime
    stale: bool


@dataclass(frozen=True)
class RejectedRow:
    """A refused row that names the contract and whose key does not count yet."""

    log: str
    batch: str
    file: str
    source_row: int
    key: tuple[str | None, ...]
    reasons: Text


@dataclass(frozen=True)
class WaitingRow:
    """A row that names the contract and waits: what `column` names is not known, or disagrees."""

    log: str
    batch: str
    file: str
    source_row: int
    key: tuple[str | None, ...]
    column: str
    value: str | None
    reason: Text


@dataclass(frozen=True)
class Waiver:
    """A row of the waivers log; `waived` is what it excludes (breached or unknown), else None.

    `counts`: approved by as_of, by another person than the one who asked.
    """

    clause: str
    subject: str
    reason: str
    requested_by: str | None
    approved_by: str | None
    approved_on: date | None
    counts: bool
    waived: str | None


@dataclass(frozen=True)
class Dossier:
    """What is known of one contract at `as_of`, from one manifest; money is exact.

    retention_amount − released = held; proposed_release is held less the deduction, never less
    than 0. `due_on` is None before acceptance. `marts` are where its figures come from.
    """

    marts: Marts
    contract_id: str
    name: str | None
    vendor: str | None
    buyer: str | None
    currency: str
    amount: Decimal
    retention_amount: Decimal
    released: Decimal
    accepted_on: date | None
    due_on: date | None
    as_of: datetime
    horizon_at: datetime
    timezone: str
    manifest: int
    verdict: str
    raw_verdict: str
    clauses: tuple[ClauseFinding, ...]
    logs: tuple[LogState, ...]
    rejected: tuple[RejectedRow, ...]
    waiting: tuple[WaitingRow, ...]
    waivers: tuple[Waiver, ...]
    penalty_cap: Decimal | None
    deduction: Decimal
    raw_deduction: Decimal
    records: tuple[Record, ...]

    @property
    def held(self) -> Decimal:
        """What is still held of the retention money; negative where more was released."""
        return self.retention_amount - self.released

    @property
    def proposed_release(self) -> Decimal:
        """What is held, less the proposed deduction; never less than 0."""
        return max(Decimal("0.00"), self.held - self.deduction)

    @property
    def provisional(self) -> bool:
        """Whether the money is not due yet at as_of, or has no due date."""
        return self.due_on is None or self.as_of.date() < self.due_on

    @property
    def bare(self) -> bool:
        """Whether no log holds a row about the contract: nothing was looked at."""
        return not any(log.rows for log in self.logs)

    @property
    def clean(self) -> bool:
        """Whether nothing speaks against releasing the money; never where nothing was loaded."""
        return self.verdict == "clean" and not self.bare

    @property
    def stale_logs(self) -> tuple[LogState, ...]:
        """The logs that end too early, or were never loaded."""
        return tuple(log for log in self.logs if log.stale)

    @property
    def blocking(self) -> tuple[ClauseFinding, ...]:
        """The clauses that keep the contract from being clean."""
        return tuple(clause for clause in self.clauses if clause.blocks)


def dossier(
    settings: Settings,
    contract: str,
    as_of: datetime | None = None,
    progress: Progress = silent,
) -> Dossier:
    """What is known now of a contract, looking from `as_of` (None: the data horizon).

    Quick once the marts are there. Raises KeptError where there is no such contract.
    """
    marts = open_marts(settings, as_of, progress)
    warehouse = Warehouse(settings)
    records = decisions(warehouse, contract)
    return dossier_of(marts, warehouse.manifest_numbered(marts.manifest), contract, records)


def dossier_then(settings: Settings, record: Record, progress: Progress = silent) -> Dossier:
    """What was known when `record` was made: its manifest, its as_of, the records before it.

    Under today's rules; `record.content["hashes"]["models"]` tells whether they are the same.
    Raises KeptError where its manifest is gone.
    """
    as_of = datetime.fromisoformat(record.as_of)
    marts = open_past_marts(settings, record.manifest, as_of, progress)
    warehouse = Warehouse(settings)
    before = [one for one in decisions(warehouse, record.contract_id) if one.seq < record.seq]
    manifest = warehouse.manifest_numbered(record.manifest)
    return dossier_of(marts, manifest, record.contract_id, before)


def dossier_of(
    marts: Marts, manifest: Manifest, contract: str, records: Sequence[Record]
) -> Dossier:
    """The dossier from these marts and these records of the contract.

    Raises KeptError where there is no such contract.
    """
    batches = {batch.sequence: batch for batch in manifest.batches}
    with marts.beside_logs() as (con, logs):
        create_views(con, logs)
        row = con.execute(
            "select name, vendor, buyer, currency, amount, retention_amount, accepted_on, due_on, "
            "verdict from retention where contract_id = ?",
            [contract],
        ).fetchone()
        if row is None:
            known = con.execute("select contract_id from retention order by all").fetchall()
            names = ", ".join(name for (name,) in known)
            raise KeptError("contract_unknown", contract=contract, known=names)
        name, vendor, buyer, currency, amount, retained, accepted_on, due_on, verdict = row
        rejected = tuple(_rejected(con, logs, contract, batches))
        waiting = tuple(_waiting(con, logs, contract, batches))
        raw, raw_verdict = _without_waivers(con, contract, bool(rejected or waiting))
        terms = _terms(con, contract)
        clauses = tuple(_clauses(con, contract, raw, terms))
        cap = terms["penalty_cap"]
        return Dossier(
            marts=marts,
            contract_id=contract,
            name=name,
            vendor=vendor,
            buyer=buyer,
            currency=currency,
            amount=amount,
            retention_amount=retained,
            released=released(records, contract),
            accepted_on=accepted_on,
            due_on=due_on,
            as_of=marts.as_of,
            horizon_at=marts.horizon_at,
            timezone=manifest.timezone,
            manifest=manifest.number,
            verdict=verdict,
            raw_verdict=raw_verdict,
            clauses=clauses,
            logs=tuple(_logs(con, contract, marts.as_of, due_on)),
            rejected=rejected,
            waiting=waiting,
            waivers=tuple(_waivers(con, contract, marts.as_of)),
            penalty_cap=cap,
            deduction=_capped((clause.deduction for clause in clauses), cap),
            raw_deduction=_capped((clause.raw_deduction for clause in clauses), cap),
            records=tuple(records),
        )


def create_views(con: duckdb.DuckDBPyConnection, logs: str) -> None:
    """The rows that count of each log, and the moment looked from, as the models see them."""
    for log in catalogue().logs.values():
        con.execute(references.counted_view_sql(log, logs))
        con.execute(f"create temp table recorded_{log.name} as {as_of_sql.recorded_sql(log, logs)}")
    con.execute("create temp view moment as select as_of from build")


def _terms(con: duckdb.DuckDBPyConnection, contract: str) -> dict[str, Decimal | None]:
    found = con.execute(
        "select term, value from contract_term where contract_id = ?", [contract]
    ).fetchall()
    return dict(found)


def _without_waivers(
    con: duckdb.DuckDBPyConnection, contract: str, open_rows: bool
) -> tuple[dict[str, tuple[str, int, int]], str]:
    """Per clause (verdict, breached, unknown), and the contract's verdict, had nothing been waived.

    The models themselves decide, reading the ledger's evidence in the place of its states.
    """
    whose = f"where contract_id = {literal(contract)}"
    given = (
        f"with fact_contract as (select * from marts.main.fact_contract {whose}), "
        "obligation as (select * replace (evidence as state) "
        f"from marts.main.obligation {whose}), "
        f"open_row as (select {literal(contract)} as contract_id where {open_rows}), "
        f"clause_verdict as (select * from ({models()['clause_verdict'].sql}) as raw) "
    )
    clauses = con.execute(
        f"{given} select clause, verdict, breached, unknown from clause_verdict"
    ).fetchall()
    row = con.execute(
        f"{given} select verdict from ({models()['retention'].sql}) as raw"
    ).fetchone()
    assert row is not None
    return {clause: (verdict, *counts) for clause, verdict, *counts in clauses}, row[0]


def _clauses(
    con: duckdb.DuckDBPyConnection,
    contract: str,
    raw: Mapping[str, tuple[str, int, int]],
    terms: Mapping[str, Decimal | None],
) -> Iterator[ClauseFinding]:
    found = con.execute(
        "select clause, verdict, assumed, target, met, breached, unknown, pending, excluded "
        "from clause_verdict where contract_id = ?",
        [contract],
    ).fetchall()
    for row in sorted(found, key=lambda row: list(catalogue().clauses).index(row[0])):
        clause, verdict, assumed, target, met, breached, unknown, pending, excluded = row
        raw_verdict, raw_breached, raw_unknown = raw[clause]
        penalty = terms[f"{clause}.penalty_per_breach"] or Decimal(0)
        charged = Decimal(0) if clause in NEVER_CHARGED else penalty
        yield ClauseFinding(
            clause=clause,
            verdict=verdict,
            raw_verdict=raw_verdict,
            assumed=assumed,
            target=target,
            met=met,
            breached=breached,
            unknown=unknown,
            pending=pending,
            excluded=excluded,
            raw_breached=raw_breached,
            raw_unknown=raw_unknown,
            penalty_per_breach=penalty,
            deduction=charged * breached,
            raw_deduction=charged * raw_breached,
        )


def _capped(deductions: Iterator[Decimal], cap: Decimal | None) -> Decimal:
    """Their sum in cents, half a cent upwards, and no more than the cap."""
    total = sum(deductions, Decimal(0))
    if cap is not None:
        total = min(total, cap)
    return total.quantize(CENT, ROUND_HALF_UP)


def _logs(
    con: duckdb.DuckDBPyConnection, contract: str, as_of: datetime, due_on: date | None
) -> Iterator[LogState]:
    """The logs whose rows are evidence; those that only say how to count are left out."""
    needed = as_of
    if due_on is not None:
        needed = min(as_of, datetime.combine(due_on, time(23, 59, 59)))
    states = {
        log: (loaded, through_at)
        for log, loaded, through_at in con.execute(
            "select log, loaded, through_at from log_through where contract_id = ?", [contract]
        ).fetchall()
    }
    for log in catalogue().logs.values():
        if log.name in NO_EVIDENCE:
            continue
        loaded, through_at = states[log.name]
        yield LogState(
            log=log.name,
            loaded=loaded,
            rows=_count(con, log, contract),
            through_at=through_at if loaded else None,
            needed_until=needed,
            stale=not loaded or through_at is None or through_at < needed,
        )


def _count(con: duckdb.DuckDBPyConnection, log: Log, contract: str) -> int:
    """How many rows of a log name the contract, as it stood at as_of."""
    found = con.execute(
        f"select count(*) from ({as_of_sql.base_sql(log)}) as base where contract_id = ?",
        [contract],
    ).fetchone()
    return found[0] if found else 0


def _rejected(
    con: duckdb.DuckDBPyConnection, logs: str, contract: str, batches: Mapping[int, Batch]
) -> Iterator[RejectedRow]:
    any_at_all = con.execute(
        f"select 1 from {logs}.rejects where contract_id = ? limit 1", [contract]
    ).fetchone()
    if any_at_all is None:
        return
    found = con.execute(
        f"select log, batch, source_row, key, problems from {logs}.open_rejects "
        "where contract_id = ? order by batch, source_row",
        [contract],
    ).fetchall()
    for log, batch, source_row, key, problems in found:
        reasons = problems_from_json(problems)
        where = catalogue().logs[log]
        yield RejectedRow(
            log=log,
            batch=batches[batch].id,
            file=batches[batch].file,
            source_row=source_row,
            key=tuple(key),
            reasons=Text(
                *("; ".join(one.text(where, language) for one in reasons) for language in LANGUAGES)
            ),
        )


def _waiting(
    con: duckdb.DuckDBPyConnection, logs: str, contract: str, batches: Mapping[int, Batch]
) -> Iterator[WaitingRow]:
    for log in catalogue().logs.values():
        if "contract_id" not in log.columns:
            continue
        key = ", ".join(f"cast(one.{name} as varchar)" for name in log.key)
        found = con.execute(
            f"select one.batch, one.source_row, [{key}], waits.column_name, waits.value, "
            f"waits.code from {logs}.{log.name} as one join {logs}.waiting as waits "
            "on waits.log = ? and waits.row_id = one.rowid where one.contract_id = ? "
            "order by one.batch, one.source_row",
            [log.name, contract],
        ).fetchall()
        for batch, source_row, cells, column, value, code in found:
            words = {"column": log.columns[column].label, "value": value or ""}
            yield WaitingRow(
                log=log.name,
                batch=batches[batch].id,
                file=batches[batch].file,
                source_row=source_row,
                key=tuple(cells),
                column=column,
                value=value,
                reason=Text(*(catalogue().message(code, one, **words) for one in LANGUAGES)),
            )


def _waivers(con: duckdb.DuckDBPyConnection, contract: str, as_of: datetime) -> Iterator[Waiver]:
    found = con.execute(
        "select waiver.clause, waiver.subject, waiver.reason, waiver.requested_by, "
        "waiver.approved_by, waiver.approved_on, "
        "coalesce(waiver.approved_on <= ? and waiver.approved_by <> waiver.requested_by, false), "
        "case when obligation.state = 'excluded' then obligation.evidence end "
        "from log_waivers as waiver left join obligation "
        "on obligation.contract_id = waiver.contract_id "
        "and obligation.clause = waiver.clause and obligation.subject = waiver.subject "
        "where waiver.contract_id = ? order by waiver.clause, waiver.subject",
        [as_of.date(), contract],
    ).fetchall()
    for row in found:
        yield Waiver(*row)
