"""What a record says of what was known: the dossier and its hashes, as canonical JSON takes it."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from etl import __version__
from etl.catalogue import catalogue
from etl.evidence.chain import FORMAT
from etl.evidence.dossier import CENT, Dossier
from etl.evidence.files import NOT_COUNTED, Proof
from etl.intake.check import exact
from etl.ledger import fingerprint
from etl.sql import listed

EXAMPLES = 20


def statement(found: Dossier, proof: Proof, manifest_sha256: str) -> dict[str, Any]:
    """Everything of a record but the decision itself: money as text, counts as numbers.

    Of breaches, gaps and rows that do not count it names the first twenty each; the files behind
    the hashes have them all.
    """
    named = _subjects(found)
    return {
        "format": FORMAT,
        "kept": __version__,
        "rules": fingerprint(),
        "contract_id": found.contract_id,
        "name": found.name,
        "vendor": found.vendor,
        "buyer": found.buyer,
        "letter": catalogue().figures["retention"].quote,
        "currency": found.currency,
        "amounts": {
            "contract": money(found.amount),
            "retention": money(found.retention_amount),
            "released_before": money(found.released),
            "held": money(found.held),
            "penalty_cap": None if found.penalty_cap is None else money(found.penalty_cap),
            "deduction": money(found.deduction),
            "raw_deduction": money(found.raw_deduction),
            "proposed_release": money(found.proposed_release),
        },
        "accepted_on": _iso(found.accepted_on),
        "due_on": _iso(found.due_on),
        "provisional": found.provisional,
        "as_of": _iso(found.as_of),
        "horizon_at": _iso(found.horizon_at),
        "timezone": found.timezone,
        "manifest": {"number": found.manifest, "sha256": manifest_sha256},
        "hashes": {"logs": proof.logs, "terms": proof.terms, "models": proof.models},
        "verdict": found.verdict,
        "raw_verdict": found.raw_verdict,
        "clauses": [
            {
                "clause": one.clause,
                "verdict": one.verdict,
                "raw_verdict": one.raw_verdict,
                "assumed": one.assumed,
                "target": exact(one.target),
                "met": one.met,
                "breached": one.breached,
                "unknown": one.unknown,
                "pending": one.pending,
                "excluded": one.excluded,
                "raw_breached": one.raw_breached,
                "raw_unknown": one.raw_unknown,
                "penalty_per_breach": exact(one.penalty_per_breach),
                "deduction": exact(one.deduction),
                "raw_deduction": exact(one.raw_deduction),
            }
            for one in found.clauses
        ],
        "rows": dict(proof.rows),
        "contrary": {
            "bare": found.bare,
            "breached": named["breached"],
            "unknown": named["unknown"],
            "rejected": {
                "count": len(found.rejected),
                "first": [
                    {"log": row.log, "file": row.file, "source_row": row.source_row}
                    for row in found.rejected[:EXAMPLES]
                ],
            },
            "waiting": {
                "count": len(found.waiting),
                "first": [
                    {"log": row.log, "file": row.file, "source_row": row.source_row}
                    for row in found.waiting[:EXAMPLES]
                ],
            },
            "stale_logs": [
                {
                    "log": log.log,
                    "loaded": log.loaded,
                    "through_at": _iso(log.through_at),
                    "needed_until": _iso(log.needed_until),
                }
                for log in found.stale_logs
            ],
        },
        "waivers": [
            {
                "clause": one.clause,
                "subject": one.subject,
                "reason": one.reason,
                "requested_by": one.requested_by,
                "approved_by": one.approved_by,
                "approved_on": _iso(one.approved_on),
                "counts": one.counts,
                "waived": one.waived,
            }
            for one in found.waivers
        ],
    }


def differing(said: Any, computed: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two statements differ: the place (`clauses.sla.response.met`), and both values."""
    if isinstance(said, dict) and isinstance(computed, dict):
        for name in sorted(said.keys() | computed.keys()):
            inside = f"{place}.{name}" if place else name
            yield from differing(said.get(name), computed.get(name), inside)
    elif isinstance(said, list) and isinstance(computed, list):
        yield from differing(_by_name(said), _by_name(computed), place)
    elif said != computed:
        yield place, said, computed


def _by_name(rows: Sequence[Any]) -> dict[str, Any]:
    """Rows by their clause or log, where each has one of its own; else by their number."""
    for name in ("clause", "log"):
        names = [row.get(name) if isinstance(row, dict) else None for row in rows]
        if rows and None not in names and len({*map(str, names)}) == len(names):
            return dict(zip(map(str, names), rows, strict=True))
    return {str(number): row for number, row in enumerate(rows, start=1)}


def money(value: Decimal) -> str:
    """An amount as text: exact, with cents at least."""
    text = exact(value)
    return text if value != value.quantize(CENT) else format(value.quantize(CENT), "f")


def _iso(value: date | datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _subjects(found: Dossier) -> dict[str, dict[str, dict[str, Any]]]:
    """state -> clause -> how many of the obligations counted are in it, and the first of them."""
    states: dict[str, dict[str, dict[str, Any]]] = {"breached": {}, "unknown": {}}
    for one in found.clauses:
        for state, count in (("breached", one.breached), ("unknown", one.unknown)):
            if count:
                states[state][one.clause] = {"count": count, "first": []}
    with found.marts.beside_logs() as (con, _):
        rows = con.execute(
            "select clause, state, subject from obligation where contract_id = ? "
            f"and state in ('breached', 'unknown') and clause not in {listed(NOT_COUNTED)} "
            "and arose_on <= cast(? as date) qualify row_number() over "
            "(partition by clause, state order by subject) <= ? order by clause, subject",
            [found.contract_id, found.due_on, EXAMPLES],
        ).fetchall()
    for clause, state, subject in rows:
        states[state][clause]["first"].append(subject)
    return states
