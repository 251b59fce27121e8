"""Retention money: each contract's amount and verdict, and the dossier of one of them."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pandas as pd

from dashboard.queries import Book, Selection, frame
from dashboard.queries.answers import per_generation, per_view
from etl.catalogue import catalogue
from etl.config import Settings
from etl.evidence.chain import Record, decisions, released
from etl.evidence.decisions import Decision, Dossier, dossier, dossier_then
from etl.evidence.missing import Missing, missing
from etl.evidence.waivers import batches
from etl.sensitivity import QUALITY
from etl.store import Batch, Warehouse

MOST_SUBJECTS = 1000
_DAY_END = time(23, 59, 59)


def records(settings: Settings) -> tuple[Record, ...]:
    """Every decision recorded. Raises KeptError where one cannot be read."""
    return decisions(Warehouse(settings))


@per_generation
def _contracts(book: Book) -> pd.DataFrame:
    found = frame(
        book,
        """
        with blocked as (
            select
                contract_id,
                count(*) filter (
                    where verdict in ('broken', 'undecided', 'no_evidence') or pending > 0
                ) as blocking,
            from clause_verdict group by contract_id
        )
        select
            contract_id, coalesce(name, '') as name, coalesce(vendor, '') as vendor, currency,
            retention_amount::varchar as retention_amount, due_on, retention.verdict,
            narrow.other_verdict as narrow_verdict, blocking,
            date_diff('day', ?::date, due_on) as days,
        from retention
        join blocked using (contract_id)
        join retention_alternative as narrow using (contract_id)
        order by due_on nulls last, contract_id
        """,
        [book.as_of],
    )
    found["retention_amount"] = pd.Series(
        [Decimal(amount) for amount in found["retention_amount"]], dtype=object
    )
    return found


def contracts(book: Book, recorded: Sequence[Record]) -> pd.DataFrame:
    """Every contract with its retention money, the first due first.

    Columns: contract_id, name, vendor, currency, retention_amount, released, held (Decimal),
    due_on, days (until due, negative after), verdict, narrow_verdict (under the narrow reading of
    what counts), blocking (clauses that keep it from clean).
    """
    found = _contracts(book).copy()
    paid = [released(recorded, name) for name in found["contract_id"]]
    found["released"] = pd.Series(paid, dtype=object)
    found["held"] = found["retention_amount"] - found["released"]
    return found


def narrow_reading(book: Book, contract: str) -> dict[str, Any]:
    """The verdict where only promises about quality count: other_verdict, and the states' counts
    that it rests on.
    """
    found = frame(book, "select * from retention_alternative where contract_id = ?", [contract])
    return dict(found.iloc[0])


@per_view(16)
def _dossier(
    book: Book, contract: str, as_of: date | None, recorded: int, _settings: Settings
) -> Dossier:
    at = None if as_of is None else datetime.combine(as_of, _DAY_END)
    return dossier(_settings, contract, at)


def dossier_in_view(
    book: Book,
    settings: Settings,
    contract: str,
    as_of: date | None,
    recorded: Sequence[Record],
) -> Dossier:
    """What is known of a contract at the end of `as_of` (None: the data horizon).

    Raises KeptError as `etl.evidence.decisions.dossier` does.
    """
    return _dossier(book, contract, as_of, len(recorded), settings)


def counted(found: Dossier, clause: str | None = None, *states: str) -> Selection:
    """The obligations that count for the retention money; of one clause, in some states."""
    return Selection(
        found.contract_id,
        clauses=(clause,) if clause else tuple(one.clause for one in found.clauses),
        states=states,
        arose_until=found.due_on or date.min,
    )


def counted_narrowly(found: Dossier) -> Selection:
    """The obligations that count where only promises about quality do."""
    groups = catalogue().clauses
    return Selection(
        found.contract_id,
        clauses=tuple(one.clause for one in found.clauses if groups[one.clause].group in QUALITY),
        arose_until=found.due_on or date.min,
    )


@per_view(8)
def _missing(book: Book, contract: str, _found: Dossier) -> tuple[Missing, ...]:
    return missing(_found.marts, contract)


def missing_evidence(book: Book, found: Dossier) -> tuple[Missing, ...]:
    """What would decide each unknown obligation of the contract."""
    return _missing(book, found.contract_id, found)


@per_view(8)
def _waiver_batches(
    book: Book, contract: str, _found: Dossier, _settings: Settings
) -> dict[tuple[str, str], Batch]:
    manifest = Warehouse(_settings).manifest_numbered(_found.manifest)
    return dict(batches(_found.marts, manifest, contract))


def waiver_batches(book: Book, settings: Settings, found: Dossier) -> dict[tuple[str, str], Batch]:
    """By clause and subject: the batch that each waiver of the contract came with."""
    return _waiver_batches(book, found.contract_id, found, settings)


@per_view()
def to_waive(book: Book, contract: str, clause: str, until: date | None) -> pd.DataFrame:
    """What could be waived of a clause, the latest first: subject, state, arose_on, department."""
    return frame(
        book,
        f"""
        select subject, state, arose_on, coalesce(department, '') as department, from obligation
        where contract_id = ? and clause = ? and state in ('breached', 'unknown') and arose_on <= ?
        order by arose_on desc, subject limit {MOST_SUBJECTS:d}
        """,
        [contract, clause, until or date.max],
    )


def days_to_due(found: Dossier) -> int | None:
    """Days from as_of until the money falls due, negative after; None without a due date."""
    return None if found.due_on is None else (found.due_on - found.as_of.date()).days


def held_after(found: Dossier, decision: Decision) -> Decimal:
    """What is held once the decision stands, a record it corrects no longer counted."""
    given_back = sum(
        (one.amount for one in found.records if one.seq == decision.supersedes), Decimal(0)
    )
    return found.held + given_back - (decision.amount or Decimal(0))


@per_view(8)
def _then(book: Book, seq: int, record_hash: str, _settings: Settings, _record: Record) -> Dossier:
    return dossier_then(_settings, _record)


def dossier_at(book: Book, settings: Settings, record: Record) -> Dossier:
    """What was known when `record` was made. Raises KeptError where that is gone."""
    return _then(book, record.seq, record.hash, settings, record)


def as_recorded(then: Dossier, record: Record) -> bool:
    """Whether what is computed today of that day is what the record says of it."""
    said = {
        one["clause"]: (one["verdict"], one["met"], one["breached"], one["unknown"])
        for one in record.content["clauses"]
    }
    found = {one.clause: (one.verdict, one.met, one.breached, one.unknown) for one in then.clauses}
    return said == found and then.verdict == record.verdict
