"""The chain of records: one file each, bound to the one before by its hash, and signed.

    decisions/<seq>.json   canonical JSON, written whole, never rewritten

A record is a decision, or says that the pack of one was written. Its hash is SHA-256 over the hash
of the record before it (64 zeros for the first) and the record itself without what came after: the
hash, the time stamp and the signature, which is that of its checkpoint. What is changed, removed,
put in or swapped later no longer fits, and what is written anew lacks the signature. Records of
format 1 are not signed.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from etl.checkpoint import NO_RECORD, Checkpoint
from etl.errors import KeptError, NothingDoneError
from etl.evidence.packcheck import body_of, canonical, checkpoint_of, hash_of, stamp_of
from etl.evidence.timestamps import stamped
from etl.state import State
from etl.store import Warehouse, sha256_of

FORMAT = 2
DECISION = "decision"
PACK_WRITTEN = "pack_written"
ACTIONS = ("release", "partial", "withhold", "defer")
PAYING = frozenset({"release", "partial"})
_NUMBER = re.compile(r"[1-9][0-9]*")


@dataclass(frozen=True)
class Entry:
    """One record of the chain; `content` is the whole of it, as in its file.

    Money in `content` is text, an exact decimal; counts are numbers; instants and dates ISO text.
    """

    content: Mapping[str, Any]

    @property
    def seq(self) -> int:
        """Its place in the chain, from 1."""
        return int(self.content["seq"])

    @property
    def hash(self) -> str:
        """The hash that it states."""
        return str(self.content["hash"])

    @property
    def prev_hash(self) -> str:
        """The hash of the record before."""
        return str(self.content["prev_hash"])

    @property
    def created_at(self) -> str:
        """When it was recorded, with its offset."""
        return str(self.content["created_at"])

    @property
    def contract_id(self) -> str:
        """The contract that it is about."""
        return str(self.content["contract_id"])

    @property
    def manifest(self) -> int:
        """The manifest that was in force: what was known."""
        return int(self.content["manifest"]["number"])

    @property
    def key(self) -> str | None:
        """The public key that signed it; None where it is not signed."""
        key: str | None = self.content.get("key")
        return key

    @cached_property
    def computed_hash(self) -> str:
        """The hash of what it says, whatever hash it states."""
        return hash_of(dict(self.content))

    @property
    def checkpoint(self) -> Checkpoint:
        """Its checkpoint, whose signature is its own."""
        content = dict(self.content)
        return Checkpoint(
            seq=self.seq,
            hash=self.hash,
            at=self.created_at,
            manifest=self.manifest,
            manifest_sha256=str(content["manifest"]["sha256"]),
            stamp=stamp_of(content),
            signature=str(content.get("signature", "")),
        )


@dataclass(frozen=True)
class PackWritten(Entry):
    """That the pack of a decision was written: which bytes it had."""

    @property
    def decision(self) -> int:
        """The number of the decision."""
        return int(self.content["decision"])

    @property
    def listing(self) -> str:
        """The SHA-256 of the pack's manifest.sha256, and so of all its files."""
        return str(self.content["listing"])

    @property
    def archive(self) -> str:
        """The SHA-256 of the zip."""
        return str(self.content["archive"])


@dataclass(frozen=True)
class Record(Entry):
    """One decision as it was recorded."""

    @property
    def action(self) -> str:
        """release, partial, withhold or defer."""
        return str(self.content["decision"]["action"])

    @property
    def amount(self) -> Decimal:
        """What it released; 0 where nothing."""
        return Decimal(self.content["decision"]["amount"])

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in the words of those who decided."""
        return tuple(self.content["decision"]["reasons"])

    @property
    def conditions(self) -> tuple[str, ...]:
        """On what conditions."""
        return tuple(self.content["decision"]["conditions"])

    @property
    def prepared_by(self) -> str:
        """Who prepared it."""
        return str(self.content["decision"]["prepared_by"])

    @property
    def approved_by(self) -> str:
        """Who approved it, another person."""
        return str(self.content["decision"]["approved_by"])

    @property
    def authenticated(self) -> bool:
        """Whether those who decided had signed in; else their names were typed."""
        return bool(self.content["authenticated"])

    @property
    def supersedes(self) -> int | None:
        """The record that it corrects."""
        found: int | None = self.content["supersedes"]
        return found

    @property
    def as_of(self) -> str:
        """The instant looked from, ISO, in the warehouse's time zone."""
        return str(self.content["as_of"])

    @property
    def verdict(self) -> str:
        """The verdict on the contract at that time."""
        return str(self.content["verdict"])

    @property
    def provisional(self) -> bool:
        """Whether it was decided before the money fell due."""
        return bool(self.content["provisional"])


def parse_record(raw: bytes) -> Entry:
    """A record from the bytes of its file: a Record or a PackWritten.

    Raises ValueError where they are cut off, are no record, or are not in canonical form.
    """
    content = json.loads(raw.decode("utf-8"))
    if not isinstance(content, dict) or canonical(content) != raw:
        raise ValueError("not canonical")
    try:
        return _read(content)
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError("no record") from error


def _read(content: dict[str, Any]) -> Entry:
    """The record; asks it everything that is asked of it later."""
    kind = content.get("kind", DECISION)
    entry = Record(content) if kind == DECISION else PackWritten(content)
    _ = (
        entry.computed_hash, entry.checkpoint.text, checkpoint_of(content), entry.contract_id,
        int(content["format"]), content["kept"],
    )  # fmt: skip
    if datetime.fromisoformat(entry.created_at).tzinfo is None:
        raise ValueError(entry.created_at)
    if not all(isinstance(content.get(name, ""), str) for name in ("key", "signature")):
        raise ValueError("key")
    if not isinstance(entry, Record):
        if kind != PACK_WRITTEN:
            raise ValueError(kind)
        _ = entry.decision, entry.listing, entry.archive
        return entry
    _ = (
        entry.action, entry.amount, entry.reasons, entry.conditions, entry.prepared_by,
        entry.approved_by, entry.authenticated, entry.supersedes, entry.verdict,
        entry.provisional, datetime.fromisoformat(entry.as_of), content["rules"],
        content["hashes"]["models"], dict(content["rows"]), list(content["clauses"]),
        dict(content["contrary"]),
    )  # fmt: skip
    return entry


def records(warehouse: Warehouse) -> tuple[Entry, ...]:
    """Every record of the chain, in order.

    Raises KeptError where one cannot be read: `kept verify` then says what is wrong.
    """
    found = []
    for file in record_files(warehouse.root):
        try:
            found.append(parse_record(file.read_bytes()))
        except (OSError, ValueError) as error:
            raise KeptError("record_unreadable", record=file.name) from error
    return tuple(found)


def decisions(warehouse: Warehouse, contract: str | None = None) -> tuple[Record, ...]:
    """The decisions on one contract or on all, in order. Raises KeptError as `records` does."""
    return tuple(
        one
        for one in records(warehouse)
        if isinstance(one, Record) and contract in (None, one.contract_id)
    )


def record_files(warehouse: Path) -> list[Path]:
    """The files of the records by their number; other files in the folder are left out."""
    files = [file for file in warehouse.glob("decisions/*.json") if _NUMBER.fullmatch(file.stem)]
    return sorted(files, key=lambda file: int(file.stem))


def superseded(records: Iterable[Record]) -> frozenset[int]:
    """The records that a later one corrects: they count no longer."""
    return frozenset(one.supersedes for one in records if one.supersedes is not None)


def released(records: Sequence[Record], contract: str) -> Decimal:
    """Σ of what was released of a contract's money by the records that stand."""
    gone = superseded(records)
    return sum(
        (
            one.amount
            for one in records
            if one.contract_id == contract and one.seq not in gone and one.action in PAYING
        ),
        Decimal("0.00"),
    )


def given_back(records: Sequence[Record], contract: str, seq: int | None) -> Decimal:
    """What a record that is to be corrected released: it is held again. None: nothing.

    Raises KeptError where there is no such record on the contract, or it was corrected before.
    """
    if seq is None:
        return Decimal("0.00")
    by_seq = {one.seq: one for one in records if one.contract_id == contract}
    if seq not in by_seq:
        raise KeptError("decision_supersedes_unknown", seq=seq, contract=contract)
    if seq in superseded(records):
        raise KeptError("decision_supersedes_gone", seq=seq)
    return by_seq[seq].amount if by_seq[seq].action in PAYING else Decimal("0.00")


def append(warehouse: Warehouse, content: Mapping[str, Any]) -> Entry:
    """Adds a record to the chain; the caller holds the lock.

    seq, prev_hash, hash, key, the signature and a decision's time stamp are given here. Written
    under a temporary name, synced, and linked to its own: killed at any moment, the record is there
    whole or not at all, and none is overwritten. Raises KeptError where the chain before it is not
    as it was written, NothingDoneError where it cannot be signed or stamped, or where the clock is
    behind the last record.
    """
    settings, state = warehouse.settings, State(warehouse.settings)
    key = state.signing_key()
    if not os.access(state.root, os.W_OK):
        raise NothingDoneError("state_unusable", folder=state.root)
    last = _last_of_a_sound_chain(warehouse, state, content["manifest"]["number"])
    if last and datetime.fromisoformat(content["created_at"]) < datetime.fromisoformat(
        last.created_at
    ):
        raise NothingDoneError("clock_behind", now=content["created_at"], last=last.created_at)
    whole = {
        **content,
        "format": FORMAT,
        "seq": last.seq + 1 if last else 1,
        "prev_hash": last.hash if last else NO_RECORD,
        "key": key.public,
        "timestamp_authority": None,
    }
    if content["kind"] == DECISION and settings.timestamp_url:
        whole["timestamp_authority"] = settings.timestamp_url
        whole["timestamp"] = stamped(settings, body_of(whole), content["created_at"])
    whole["hash"] = hash_of(whole)
    whole["signature"] = Record(whole).checkpoint.signed(key).signature
    made = _read(whole)
    warehouse.add(warehouse.path("decisions", f"{made.seq}.json"), canonical(whole))
    with suppress(OSError):  # the record is there, and its signature proves it
        state.keep(made.checkpoint)
    return made


def _last_of_a_sound_chain(warehouse: Warehouse, state: State, manifest: int) -> Entry | None:
    """The last record; `manifest` is the one in force.

    Raises KeptError where chain or manifests are not as the last checkpoint saw them.
    """
    last: Entry | None = None
    seen = state.checkpoint()
    hashes = {0: NO_RECORD}
    for record in records(warehouse):
        seq, prev_hash = (last.seq + 1, last.hash) if last else (1, NO_RECORD)
        if (record.seq, record.prev_hash, record.hash) != (seq, prev_hash, record.computed_hash):
            raise KeptError("chain_unsound", seq=seq)
        hashes[record.seq] = record.hash
        last = record
    if seen is not None and hashes.get(seen.seq) != seen.hash:
        raise KeptError("chain_unsound", seq=seen.seq)
    if seen is not None and not state.still_holds(seen, manifest):
        raise KeptError("manifests_unsound", number=seen.manifest)
    return last


def manifest_in_force(warehouse: Warehouse) -> dict[str, Any]:
    """Number and hash of the manifest in force, as records name it."""
    number = warehouse.manifest().number
    return {"number": number, "sha256": sha256_of(warehouse.path("manifests", f"{number}.json"))}
