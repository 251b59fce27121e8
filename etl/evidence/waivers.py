"""Waivers entered by hand: a row of the waivers log, loaded and undone like any other."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError
from etl.evidence.missing import demand_contract
from etl.evidence.people import same_person, written
from etl.intake.cells import EMPTY_WORDS
from etl.intake.load import LoadReport, load
from etl.marts import Marts
from etl.scratch import scratch
from etl.store import Batch, Manifest, Warehouse

FILE = "waiver.csv"
_COLUMNS = (
    "contract_id", "clause", "subject", "reason", "requested_by", "approved_by", "approved_on",
)  # fmt: skip


@dataclass(frozen=True)
class Waiver:
    """What is to be waived: one obligation of a contract, why, and by whom."""

    contract_id: str
    clause: str
    subject: str
    reason: str
    requested_by: str
    approved_by: str
    approved_on: date | None


def checked(marts: Marts, waiver: Waiver, today: date) -> Waiver:
    """The waiver as it would be entered, its texts trimmed.

    Raises KeptError, with what is wrong, where the ledger would not follow it: nothing to waive,
    no reason, no names or one person's, no date or one that is still ahead.
    """
    found = replace(
        waiver,
        subject=written(waiver.subject),
        reason=" ".join(waiver.reason.split()),
        requested_by=written(waiver.requested_by),
        approved_by=written(waiver.approved_by),
    )
    if found.clause not in catalogue().clauses:
        raise KeptError("waiver_clause_unknown", clause=found.clause)
    title = catalogue().clauses[found.clause].title
    if _says_nothing(found.subject):
        raise KeptError("waiver_no_subject")
    with marts.beside_logs() as (con, _logs):
        demand_contract(con, found.contract_id)
        evidence = con.execute(
            "select evidence from obligation where contract_id = ? and clause = ? and subject = ?",
            [found.contract_id, found.clause, found.subject],
        ).fetchone()
    if evidence is None:
        raise KeptError("waiver_no_obligation", clause=title, subject=found.subject)
    if evidence[0] not in ("breached", "unknown"):
        state = catalogue().states[evidence[0]].title
        raise KeptError("waiver_nothing", clause=title, subject=found.subject, state=state)
    if _says_nothing(found.reason):
        raise KeptError("waiver_no_reason")
    for name, code in (
        (found.requested_by, "waiver_no_requester"),
        (found.approved_by, "waiver_no_approver"),
    ):
        if _says_nothing(name):
            raise KeptError(code)
    if same_person(found.requested_by, found.approved_by):
        raise KeptError("waiver_one_person", name=found.approved_by)
    if found.approved_on is None:
        raise KeptError("waiver_no_date")
    if found.approved_on > today:
        raise KeptError("waiver_ahead", day=found.approved_on)
    return found


def enter(settings: Settings, marts: Marts, waiver: Waiver, by: str | None = None) -> LoadReport:
    """Checks the waiver against the ledger in `marts` and loads it as a batch of its own.

    Raises KeptError as `checked` does, and as a load does.
    """
    found = checked(marts, waiver, today(settings))
    with scratch("waiver") as folder:
        file = folder / FILE
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_ALL)
            writer.writerow(_COLUMNS)
            writer.writerow([getattr(found, name) for name in _COLUMNS])
        return load(settings, [file], log="waivers", by=by)


def batches(marts: Marts, manifest: Manifest, contract: str) -> Mapping[tuple[str, str], Batch]:
    """By clause and subject: the batch that each waiver of the contract came with."""
    by_sequence = {batch.sequence: batch for batch in manifest.batches}
    with marts.beside_logs() as (con, logs):
        rows = con.execute(
            f"select clause, subject, batch from {logs}.waivers where contract_id = ?", [contract]
        ).fetchall()
    return {(clause, subject): by_sequence[batch] for clause, subject, batch in rows}


def today(settings: Settings) -> date:
    """The day by the warehouse's clock."""
    return datetime.now(ZoneInfo(Warehouse(settings).manifest().timezone)).date()


def _says_nothing(text: str) -> bool:
    """Whether the log would read it as an empty cell."""
    return text.lower() in EMPTY_WORDS
