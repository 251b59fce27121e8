"""Decisions about retention money: who may decide what, and what is recorded of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from etl.catalogue import LANGUAGES, Text, catalogue
from etl.checkpoint import Checkpoint, parse_checkpoint
from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.evidence.chain import (
    ACTIONS,
    DECISION,
    PAYING,
    Record,
    append,
    decisions,
    given_back,
    manifest_in_force,
    released,
    superseded,
)
from etl.evidence.dossier import CENT, Dossier, create_views, dossier, dossier_then
from etl.evidence.files import proof, write_snapshot
from etl.evidence.people import same_person, signed_in, written
from etl.evidence.reproduce import dossier_alone
from etl.evidence.statement import money, statement
from etl.marts import generation_in_force
from etl.scratch import scratch
from etl.store import Warehouse, now

__all__ = [
    "ACTIONS",
    "Checkpoint",
    "Contradiction",
    "Decision",
    "Dossier",
    "Record",
    "changed_figures",
    "contradictions",
    "decide",
    "decisions",
    "dossier",
    "dossier_then",
    "drafted",
    "figures",
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
    amount = _amount(
        decision,
        found.held + given_back(found.records, found.contract_id, decision.supersedes),
    )
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
    seen: Dossier | None = None,
    waiting_for: Callable[[str], None] = lambda _holder: None,
) -> Record:
    """Records a decision; it stands from then on, and is corrected only by a further one.

    `seen` is what those who decide looked at (None: what is known now, from `as_of`). Where data
    was loaded since, the record names the newer manifest, unless the contract's figures are others
    than those seen. Raises KeptError as `drafted` does, and NothingDoneError.
    """
    found = seen or dossier(settings, contract, as_of)
    # A day alone is its last second, so that of today is still ahead, and may be looked from.
    if as_of is not None and as_of.date() > datetime.now(ZoneInfo(found.timezone)).date():
        raise KeptError("decision_ahead", as_of=as_of.isoformat(" "))
    person = signed_in(settings)
    if person is not None:
        decision = replace(decision, approved_by=person)
    drafted(found, decision)
    warehouse = Warehouse(settings)
    hashes = proof(found) if warehouse.manifest().number == found.manifest else None
    with warehouse.lock(waiting_for):
        manifest = manifest_in_force(warehouse)
        # Somebody else may have decided on the same money meanwhile.
        records = decisions(warehouse, contract)
        found = replace(found, records=records, released=released(records, contract))
        with _in_force(warehouse, found) as known:
            final = drafted(known, decision)
            if hashes is None or known.manifest != found.manifest:
                hashes = proof(known)
            freed = given_back(records, contract, final.supersedes)
            without = replace(known, released=known.released - freed)
            content = statement(without, hashes, manifest["sha256"])
        made = append(
            warehouse,
            {
                **content,
                "kind": DECISION,
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
    assert isinstance(made, Record)
    return made


@contextmanager
def _in_force(warehouse: Warehouse, seen: Dossier) -> Iterator[Dossier]:
    """What the manifest in force says of what was seen, from the same instant; needs the lock.

    The ledger of the contract alone is computed for that. Raises NothingDoneError where a figure
    is another one.
    """
    manifest = warehouse.manifest()
    if manifest.number == seen.manifest:
        yield seen
        return
    with scratch("decide") as folder:
        with generation_in_force(warehouse).beside_logs() as (con, logs):
            create_views(con, logs)
            write_snapshot(con, logs, seen.contract_id, folder, parquet=True)
        found = dossier_alone(folder, manifest, seen.contract_id, seen.as_of, folder / "ledger")
        found = replace(found, records=seen.records, released=seen.released)
        if changes := changed_figures(seen, found):
            raise NothingDoneError(
                "decision_data_moved",
                contract=seen.contract_id,
                manifest=manifest.number,
                changes=Text(
                    "；".join(one.zh for one in changes), "; ".join(one.en for one in changes)
                ),
            )
        yield found


def changed_figures(then: Dossier, now: Dossier) -> tuple[Text, ...]:
    """The figures of a contract that are no longer those that were seen, each in words."""
    before, after = figures(then), figures(now)
    return tuple(
        Text(
            *(
                catalogue().message(
                    "decision_figure_changed",
                    one,
                    what=label,
                    then=before.get(name, (label, "—"))[1],
                    now=value,
                )
                for one in LANGUAGES
            )
        )
        for name, (label, value) in after.items()
        if before.get(name, (label, "—"))[1] != value
    )


def figures(found: Dossier) -> dict[str, tuple[Text, Text | str]]:
    """The figures of a contract that a decision is taken on: what each is called, and its value."""
    messages, verdicts = catalogue().messages, catalogue().contract_verdicts
    shown: dict[str, tuple[Text, Text | str]] = {
        "verdict": (messages["evidence_verdict"], verdicts[found.verdict].title),
        "raw_verdict": (messages["column_raw_verdict"], verdicts[found.raw_verdict].title),
        "retention": (messages["evidence_amount_retention"], money(found.retention_amount)),
        "deduction": (messages["evidence_amount_deduction"], money(found.deduction)),
        "raw_deduction": (messages["evidence_amount_raw_deduction"], money(found.raw_deduction)),
        "accepted_on": (messages["evidence_rests_accepted_on"], _day(found.accepted_on)),
        "due_on": (messages["evidence_rests_due_on"], _day(found.due_on)),
        "rejected": (messages["evidence_sheet_rejected"], str(len(found.rejected))),
        "waiting": (messages["evidence_sheet_waiting"], str(len(found.waiting))),
        "waivers": (messages["evidence_waivers"], str(sum(one.counts for one in found.waivers))),
    }  # fmt: skip
    for clause in found.clauses:
        title = catalogue().clauses[clause.clause].title
        verdict = catalogue().verdicts[clause.verdict].title
        shown[f"{clause.clause}.verdict"] = (_of(title, messages["evidence_verdict"]), verdict)
        for state, label in catalogue().states.items():
            count = str(getattr(clause, state))
            shown[f"{clause.clause}.{state}"] = (_of(title, label.title), count)
    for log in found.logs:
        said = messages["figure_log_ends_early" if log.stale else "figure_log_complete"]
        shown[f"logs.{log.log}"] = (catalogue().logs[log.log].label, said)
    return shown


def _of(whose: Text, what: Text) -> Text:
    return Text(f"{whose.zh} {what.zh}", f"{whose.en}, {what.en}")


def _day(day: date | None) -> str:
    return "—" if day is None else day.isoformat()


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


def standing(records: Sequence[Record]) -> tuple[Record, ...]:
    """The records that no later one corrects."""
    gone = superseded(records)
    return tuple(record for record in records if record.seq not in gone)


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
