"""The PDF of a decision: decision.json in words, in both languages."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from importlib.resources import files
from typing import Any

from etl.catalogue import LANGUAGES, STATES, Label, Text, catalogue
from etl.evidence.chain import Record
from etl.pdf import compile_pdf
from etl.verdict import IDLE

Pair = dict[str, str]
_CONTRACT_TONES = {"clean": "good", "breaches": "bad", "evidence_missing": "warn"}
_CLAUSE_TONES = {"kept": "good", "broken": "bad", "undecided": "warn", "no_evidence": "warn"}
_LABELS = (
    "document", "verdict", "decision", "amounts", "people", "prepared_by",
    "approved_by", "reasons", "conditions", "clauses", "assumed", "contrary", "nothing_contrary",
    "waivers", "no_waivers", "rests_on", "checkpoint", "checkpoint_use",
)  # fmt: skip
CLAUSE_COLUMNS = ("clause", *STATES, "verdict")
WAIVER_COLUMNS = ("clause", "subject", "reason", "requested_by", "approved_by", "approved_on")


def write_document(content: Mapping[str, Any]) -> bytes:
    """The PDF of a record, or of a statement without a decision; the same for the same content.

    Raises NothingDoneError where the system has no font for Chinese.
    """
    template = (files("etl") / "evidence" / "decision.typ").read_text(encoding="utf-8")
    return compile_pdf(template, document(content))


def document(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the template shows: texts as zh and en, in the order of the page."""
    decision = content.get("decision")
    verdict = catalogue().contract_verdicts[content["verdict"]]
    attested = pair("evidence_signed" if "key" in content else "evidence_attested")
    counted = [one for one in content["clauses"] if one["verdict"] not in IDLE]
    columns = list(CLAUSE_COLUMNS)
    if any(Decimal(one["raw_deduction"]) for one in counted):
        columns.insert(-1, "deduction")
    return {
        "title": f"{content['contract_id']} {pair('evidence_document')['zh']}",
        "contract_id": content["contract_id"],
        "name": content["name"],
        "parties": " → ".join(filter(None, (content["vendor"], content["buyer"]))),
        "labels": {
            **{name: pair(f"evidence_{name}") for name in _LABELS},
            "attested": attested,
            "clause_columns": [pair(f"column_{name}") for name in columns],
            "waiver_columns": [pair(f"column_{name}") for name in (*WAIVER_COLUMNS, "counts")],
        },
        "verdict": {
            "title": _pair(verdict.title),
            "tone": _CONTRACT_TONES.get(content["verdict"], "plain"),
        },
        "notes": list(_notes(content)),
        "decision": None if decision is None else _decision(content, decision),
        "amounts": list(_amounts(content)),
        "clauses": [_clause(one, columns[1:-1]) for one in counted],
        "quiet": _quiet(content),
        "assumed": any(one["assumed"] for one in counted),
        "contrary": list(_contrary(content)),
        "waivers": [
            [
                catalogue().clauses[one["clause"]].title.zh,
                *(one[name] or "—" for name in WAIVER_COLUMNS[1:]),
                "✓" if one["counts"] else "✗",
            ]
            for one in content["waivers"]
        ],
        "rests_on": list(_rests_on(content)),
        "letter": pair("evidence_letter", letter=content["letter"]),
        "checkpoint": _checkpoint(content),
        "footer": f"{content['contract_id']} · {_moment(content['as_of'])} · "
        + " ".join(attested.values()),
        "digest": "SHA-256 " + (content.get("hash") or content["hashes"]["logs"]),
    }


def pair(code: str, **values: object) -> Pair:
    """A message in both languages."""
    return {one: catalogue().message(code, one, **values) for one in LANGUAGES}


def _pair(text: Text) -> Pair:
    return {one: text.get(one) for one in LANGUAGES}


def _moment(iso: str | None) -> str:
    return "—" if iso is None else iso.replace("T", " ")


def _money(content: Mapping[str, Any], amount: str) -> str:
    return f"{content['currency']} {Decimal(amount):,}"


def _notes(content: Mapping[str, Any]) -> Iterator[Pair]:
    if content["provisional"]:
        if content["due_on"] is None:
            yield pair("evidence_not_accepted")
        else:
            yield pair("evidence_provisional", due_on=content["due_on"])
    if content["contrary"]["bare"]:
        yield pair("evidence_bare")
    if content["raw_verdict"] != content["verdict"]:
        yield pair("evidence_raw_verdict", verdict=_title("contract", content["raw_verdict"]))
    if content.get("supersedes") is not None:
        yield pair("evidence_supersedes", seq=content["supersedes"])
    if content.get("decision") is None:
        yield pair("evidence_no_decision")


def _title(whose: str, verdict: str) -> Text:
    labels: Mapping[str, Label] = (
        catalogue().contract_verdicts if whose == "contract" else catalogue().verdicts
    )
    return labels[verdict].title


def _decision(content: Mapping[str, Any], decision: Mapping[str, Any]) -> dict[str, Any]:
    pays = Decimal(decision["amount"]) > 0
    signed = "authenticated" if content["authenticated"] else "unauthenticated"
    return {
        "action": pair(f"decision_{decision['action']}"),
        "amount": _money(content, decision["amount"]) if pays else "",
        "prepared_by": decision["prepared_by"],
        "approved_by": decision["approved_by"],
        "authenticated": pair(f"evidence_{signed}"),
        "reasons": decision["reasons"],
        "conditions": decision["conditions"],
    }


def _amounts(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    amounts = content["amounts"]
    for name in ("contract", "retention", "released_before", "held"):
        yield _amount(content, name, amounts[name])
    if amounts["deduction"] != amounts["raw_deduction"]:
        yield _amount(content, "raw_deduction", amounts["raw_deduction"])
    yield _amount(content, "deduction", amounts["deduction"])
    yield _amount(content, "proposed_release", amounts["proposed_release"])
    if content.get("decision") is not None:
        paid = content["decision"]["amount"]
        yield _amount(content, "released", paid, strong=True)


def _amount(
    content: Mapping[str, Any], name: str, amount: str, strong: bool = False
) -> dict[str, Any]:
    return {
        "label": pair(f"evidence_amount_{name}"),
        "value": _money(content, amount),
        "strong": strong,
    }


def _clause(one: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    raw = None
    if one["raw_verdict"] != one["verdict"]:
        raw = pair("evidence_without_waivers", verdict=_title("clause", one["raw_verdict"]))
    return {
        "title": _pair(catalogue().clauses[one["clause"]].title),
        "assumed": one["assumed"],
        "counts": [str(one[name]) for name in columns],
        "verdict": _pair(_title("clause", one["verdict"])),
        "tone": _CLAUSE_TONES.get(one["verdict"], "plain"),
        "raw": raw,
    }


def _quiet(content: Mapping[str, Any]) -> Pair:
    """The clauses under which nothing happened, in one line."""
    titles = [
        catalogue().clauses[one["clause"]].title
        for one in content["clauses"]
        if one["verdict"] == "no_activity"
    ]
    if not titles:
        return dict.fromkeys(LANGUAGES, "")
    return {
        one: catalogue().message(
            "evidence_quiet", one, clauses=between.join(title.get(one) for title in titles)
        )
        for one, between in zip(LANGUAGES, ("、", ", "), strict=True)
    }


def _contrary(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    found = content["contrary"]
    for state in ("breached", "unknown"):
        for clause in catalogue().clauses:
            if clause not in found[state]:
                continue
            some = found[state][clause]
            yield {
                "title": pair(
                    f"evidence_contrary_{state}",
                    clause=catalogue().clauses[clause].title,
                    count=some["count"],
                ),
                "items": some["first"],
                "more": some["count"] > len(some["first"]),
            }
    for what in ("rejected", "waiting"):
        some = found[what]
        if some["count"]:
            yield {
                "title": pair(f"evidence_contrary_{what}", count=some["count"]),
                "items": [f"{row['file']} #{row['source_row']}" for row in some["first"]],
                "more": some["count"] > len(some["first"]),
            }
    for one in found["stale_logs"]:
        code = "evidence_stale" if one["through_at"] else "evidence_stale_silent"
        yield {
            "title": pair(
                code if one["loaded"] else "evidence_not_loaded",
                log=catalogue().logs[one["log"]].label,
                through_at=_moment(one["through_at"]),
                needed_until=_moment(one["needed_until"]),
            ),
            "items": [],
            "more": False,
        }


def _rests_on(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    manifest = content["manifest"]
    stamp = content.get("timestamp")
    signed = [("key", content["key"], True)] if "key" in content else []
    if stamp:
        signed.append(
            ("timestamp", f"{_moment(stamp['at'])} · {content['timestamp_authority']}", False)
        )
    for name, value, mono in (
        ("as_of", f"{_moment(content['as_of'])} ({content['timezone']})", False),
        ("horizon", _moment(content["horizon_at"]), False),
        ("accepted_on", content["accepted_on"] or "—", False),
        ("due_on", content["due_on"] or "—", False),
        ("manifest", f"{manifest['number']} · {manifest['sha256']}", True),
        ("logs", content["hashes"]["logs"], True),
        ("terms", content["hashes"]["terms"], True),
        ("models", content["hashes"]["models"], True),
        ("kept", content["kept"], False),
        *signed,
    ):
        yield {"label": pair(f"evidence_rests_{name}"), "value": value, "mono": mono}


def _checkpoint(content: Mapping[str, Any]) -> str | None:
    if "hash" not in content:
        return None
    return Record(content).checkpoint.text
