"""Decisions about retention money: who may decide what, and what is recorded of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from etl.catalogue import Text, catalogue
from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.evidence.chain import (
    ACTIONS,
    PAYING,
    Checkpoint,
    Record,
    append,
    decisions,
    parse_checkpoint,
    released,
    superseded,
)
from etl.evidence.dossier import CENT, Dossier, dossier, dossier_then
from etl.evidence.files import proof
from etl.evidence.people import same_person, signed_in, written
from etl.evidence.statement import money, statement
from etl.store import Warehouse, now, sha256_of

__all__ = [
    "ACTIONS",
    "Checkpoint",
    "Contradiction",
    "Decision",
    "Dossier",
    "Record",
    "checkpoint",
    "contradictions",
    "decide",
    "decisions",
    "dossier",
    "dossier_then",
    "drafted",
    "parse_checkpoint",
    "released",
    "standing",
    "superseded",
]

_NOTHING = Decimal("0.00")
_CLAUSE_RANK = {
    "kept": 0, "no_activity": 0, "not_promised": 0, "open": 1, "no_evidence": 2, "undecided": 2,
    "broken": 3,
}  # fmt: skip
_CONTRACT_RANK = {"clean": 0, "open_items": 1, "evidence_missing": 2, "breaches": 3}


@dataclass(frozen=True)
class Decision:
    """What people decided: release, partial, withhold or defer.

    `amount` is what a partial release pays; a release pays all that is held (None, or exactly
    that), withhold and defer pay nothing. `supersedes` is the seq of the record it corrects, whose
    amount then counts no longer.
    """

    action: str
    prepared_by: str
    approved_by: str
    amount: Decimal | None = None
    reasons: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    supersedes: int | None = None


@dataclass(frozen=True)
class Contradiction:
    """Something known now that speaks against a past decision.

    `what` is a message code `contradicts_…` (`breaches`, `unknown`, `verdict`, `contract_verdict`,
    `retention_amount`, `released_too_much`, `rejected_rows`, `waiting_rows`); `clause` is None for
    what concerns the contract. `then` and `now` are counts, verdicts or money as text.
    """

    what: str
    clause: str | None
    then: str
    now: str

    def text(self, language: str) -> str:
        """It as a sentence, in `language` (zh or en)."""
        labels = {
            "contradicts_verdict": catalogue().verdicts,
            "contradicts_contract_verdict": catalogue().contract_verdicts,
        }.get(self.what)
        then, now = (labels[one].title if labels else one for one in (self.then, self.now))
        clause = catalogue().clauses[self.clause].title if self.clause else ""
        return catalogue().message(self.what, language, clause=clause, then=then, now=now)


def drafted(found: Dossier, decision: Decision) -> Decision:
    """The decision as it would be recorded: names and texts trimmed, the amount filled in.

    Raises KeptError, with what is wrong and what to do, where it may not be taken: prepared and
    approved by one person, an amount that is not held, no written reason against the verdict or
    before the due date, a record to correct that is another contract's or was corrected before.
    """
    if decision.action not in ACTIONS:
        raise KeptError(
            "decision_action_unknown", action=decision.action, actions=", ".join(ACTIONS)
        )
    prepared_by, approved_by = (
        written(_text(name)) for name in (decision.prepared_by, decision.approved_by)
    )
    if not prepared_by or not approved_by:
        raise KeptError("decision_name_missing")
    if same_person(prepared_by, approved_by):
        raise KeptError("decision_same_person", name=approved_by)
    amount = _amount(decision, found.held + _given_back(found, decision.supersedes))
    reasons = _texts(decision.reasons)
    if not reasons:
        _demand_no_reason(found, decision.action)
    return replace(
        decision,
        prepared_by=prepared_by,
        approved_by=approved_by,
        amount=amount,
        reasons=reasons,
        conditions=_texts(decision.conditions),
    )


def decide(
    settings: Settings,
    contract: str,
    decision: Decision,
    as_of: datetime | None = None,
    seen: int | None = None,
    waiting_for: Callable[[str], None] = lambda _holder: None,
) -> Record:
    """Records a decision; it stands from then on, and is corrected only by a further one.

    `seen` is the manifest that those who decide looked at (`Dossier.manifest`): where data was
    loaded since, nothing is recorded. Raises KeptError as `drafted` does, and NothingDoneError.
    """
    found = dossier(settings, contract, as_of)
    # A day alone is its last second, so that of today is still ahead, and may be looked from.
    if as_of is not None and as_of.date() > datetime.now(ZoneInfo(found.timezone)).date():
        raise KeptError("decision_ahead", as_of=as_of.isoformat(" "))
    person = signed_in(settings)
    if person is not None:
        decision = replace(decision, approved_by=person)
    drafted(found, decision)
    warehouse = Warehouse(settings)
    manifest_sha256 = sha256_of(warehouse.path("manifests", f"{found.manifest}.json"))
    hashes = proof(found)
    with warehouse.lock(waiting_for):
        if warehouse.manifest().number != found.manifest or seen not in (None, found.manifest):
            raise NothingDoneError("decision_data_moved", contract=contract)
        # Somebody else may have decided on the same money meanwhile.
        records = decisions(warehouse, contract)
        found = replace(found, records=records, released=released(records, contract))
        final = drafted(found, decision)
        given_back = _given_back(found, final.supersedes)
        found = replace(found, released=found.released - given_back)
        return append(
            warehouse,
            {
                **statement(found, hashes, manifest_sha256),
                "created_at": now(),
                "authenticated": person is not None,
                "decision": {
                    "action": final.action,
                    "amount": money(final.amount or _NOTHING),
                    "reasons": list(final.reasons),
                    "conditions": list(final.conditions),
                    "prepared_by": final.prepared_by,
                    "approved_by": final.approved_by,
                },
                "supersedes": final.supersedes,
            },
        )


def contradictions(record: Record, now: Dossier) -> tuple[Contradiction, ...]:
    """What is known now that speaks against a past decision.

    Against money released: more breaches or gaps, a worse verdict. Against money kept back:
    breaches or gaps that are gone, a better verdict.
    """
    paid = record.action in PAYING
    found: list[Contradiction] = []

    def compare(what: str, clause: str | None, then: int, after: int) -> None:
        if (after > then) if paid else (after < then):
            found.append(Contradiction(f"contradicts_{what}", clause, str(then), str(after)))

    def compare_verdicts(
        what: str, clause: str | None, rank: dict[str, int], then: str, after: str
    ) -> None:
        if (rank[after] > rank[then]) if paid else (rank[after] < rank[then]):
            found.append(Contradiction(f"contradicts_{what}", clause, then, after))

    said = record.content
    compare_verdicts("contract_verdict", None, _CONTRACT_RANK, said["verdict"], now.verdict)
    before = {one["clause"]: one for one in said["clauses"]}
    for clause in now.clauses:
        then = before.get(clause.clause)
        if then is None:
            continue
        compare_verdicts("verdict", clause.clause, _CLAUSE_RANK, then["verdict"], clause.verdict)
        compare("breaches", clause.clause, then["breached"], clause.breached)
        compare("unknown", clause.clause, then["unknown"], clause.unknown)
    compare("rejected_rows", None, said["contrary"]["rejected"]["count"], len(now.rejected))
    compare("waiting_rows", None, said["contrary"]["waiting"]["count"], len(now.waiting))
    retained = Decimal(said["amounts"]["retention"])
    if retained != now.retention_amount:
        found.append(
            Contradiction(
                "contradicts_retention_amount", None, money(retained), money(now.retention_amount)
            )
        )
    if paid and now.held < 0:
        found.append(
            Contradiction(
                "contradicts_released_too_much",
                None,
                money(now.retention_amount),
                money(now.released),
            )
        )
    return tuple(found)


def checkpoint(record: Record) -> Checkpoint:
    """What proves later that the chain held this record."""
    return record.checkpoint


def standing(records: Sequence[Record]) -> tuple[Record, ...]:
    """The records that no later one corrects."""
    gone = superseded(records)
    return tuple(record for record in records if record.seq not in gone)


def _given_back(found: Dossier, seq: int | None) -> Decimal:
    """What the record to be corrected released: it is held again."""
    if seq is None:
        return _NOTHING
    by_seq = {record.seq: record for record in found.records}
    if seq not in by_seq:
        raise KeptError("decision_supersedes_unknown", seq=seq, contract=found.contract_id)
    if seq in superseded(found.records):
        raise KeptError("decision_supersedes_gone", seq=seq)
    return by_seq[seq].amount if by_seq[seq].action in PAYING else _NOTHING


def _amount(decision: Decision, held: Decimal) -> Decimal:
    """What is released: more than nothing, in cents, and no more than is held."""
    asked = decision.amount
    if decision.action not in PAYING:
        if asked:
            raise KeptError("decision_pays_nothing", action=_words(decision.action))
        return _NOTHING
    if held <= 0:
        raise KeptError("decision_nothing_held", held=money(held))
    if asked is None:
        if decision.action == "partial":
            raise KeptError("decision_amount_missing", held=money(held))
        return held
    if not asked.is_finite() or asked <= 0 or asked != asked.quantize(CENT):
        raise KeptError("decision_amount_not_money", amount=asked)
    if asked > held:
        raise KeptError("decision_amount_not_held", amount=money(asked), held=money(held))
    if decision.action == "release" and asked != held:
        raise KeptError("decision_release_is_all", amount=money(asked), held=money(held))
    return asked.quantize(CENT)


def _demand_no_reason(found: Dossier, action: str) -> None:
    """Raises KeptError where the decision needs a written reason."""
    if found.provisional:
        if found.due_on is None:
            raise KeptError("decision_reason_no_due")
        raise KeptError("decision_reason_early", due_on=found.due_on, as_of=found.as_of)
    verdict = catalogue().contract_verdicts[found.verdict].title
    if action in PAYING and found.bare:
        raise KeptError("decision_reason_bare", contract=found.contract_id)
    if (action in PAYING) != found.clean:
        raise KeptError("decision_reason_verdict", verdict=verdict, action=_words(action))


def _words(action: str) -> Text:
    return catalogue().messages[f"decision_{action}"]


def _texts(texts: Sequence[str]) -> tuple[str, ...]:
    """The texts that say anything, trimmed."""
    return tuple(text for one in texts if (text := _text(one).strip()))


def _text(text: str) -> str:
    """A text that can be kept. Raises KeptError where it is none."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise KeptError("decision_text_unreadable") from error
    return text.replace("\r\n", "\n").replace("\0", "")
