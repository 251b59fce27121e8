"""The chain of decision records: one file each, bound to the one before by its hash.

    decisions/<seq>.json   canonical JSON, written whole, never rewritten

The hash of a record is SHA-256 over the hash of the one before it (64 zeros for the first) and the
record itself without its own hash, in canonical JSON. What is changed, removed, put in or swapped
later no longer fits; what is cut off or rewritten from some record on is told by a checkpoint that
left the house. The chain is system-attested: it says what was recorded here, and nobody signed it.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from etl.errors import KeptError
from etl.evidence.packcheck import canonical, hash_of
from etl.store import Warehouse

FORMAT = 1
FIRST = "0" * 64
ACTIONS = ("release", "partial", "withhold", "defer")
PAYING = frozenset({"release", "partial"})
_NUMBER = re.compile(r"[1-9][0-9]*")
_CHECKPOINT = re.compile(r"\D*(\d+)\D*?\b([0-9a-fA-F]{64})(?:\W+(\S.*?))?\s*")


@dataclass(frozen=True)
class Checkpoint:
    """What proves later that the chain held this record: `text` is what goes on paper."""

    seq: int
    hash: str
    at: str

    @property
    def text(self) -> str:
        """Sequence, hash and time, as `kept verify --checkpoint` takes them."""
        return " ".join(filter(None, (str(self.seq), self.hash, self.at)))


@dataclass(frozen=True)
class Record:
    """One decision as it was recorded; `content` is the whole record, as in its file.

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
        """The contract decided on."""
        return str(self.content["contract_id"])

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
    def manifest(self) -> int:
        """The manifest that was in force: what was known."""
        return int(self.content["manifest"]["number"])

    @property
    def verdict(self) -> str:
        """The verdict on the contract at that time."""
        return str(self.content["verdict"])

    @property
    def provisional(self) -> bool:
        """Whether it was decided before the money fell due."""
        return bool(self.content["provisional"])

    @cached_property
    def computed_hash(self) -> str:
        """The hash of what it says, whatever hash it states."""
        return hash_of(dict(self.content))

    @property
    def checkpoint(self) -> Checkpoint:
        """Its checkpoint."""
        return Checkpoint(self.seq, self.hash, self.created_at)


def parse_record(raw: bytes) -> Record:
    """A record from the bytes of its file.

    Raises ValueError where they are cut off, are no record, or are not in canonical form.
    """
    content = json.loads(raw.decode("utf-8"))
    if not isinstance(content, dict) or canonical(content) != raw:
        raise ValueError("not canonical")
    record = Record(content)
    try:
        # Everything that is asked of a record later.
        _ = (
            record.computed_hash, record.checkpoint.text, record.contract_id, record.action,
            record.amount, record.reasons, record.conditions, record.prepared_by,
            record.approved_by, record.authenticated, record.supersedes, record.manifest,
            record.verdict, record.provisional, datetime.fromisoformat(record.as_of),
            content["manifest"]["sha256"], content["hashes"]["models"], dict(content["rows"]),
            content["kept"], list(content["clauses"]), dict(content["contrary"]),
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError("no record") from error
    return record


def parse_checkpoint(text: str) -> Checkpoint:
    """A checkpoint as it was printed: sequence, hash, and a time or none.

    Raises KeptError where the text is none.
    """
    found = _CHECKPOINT.fullmatch(text)
    if found is None:
        raise KeptError("checkpoint_unreadable", value=text)
    seq, digest, at = found.groups()
    return Checkpoint(int(seq), digest.lower(), at or "")


def decisions(warehouse: Warehouse, contract: str | None = None) -> tuple[Record, ...]:
    """The records of one contract or of all, in their order.

    Raises KeptError where one cannot be read: `kept verify` then says what is wrong.
    """
    found = []
    for file in record_files(warehouse.root):
        try:
            found.append(parse_record(file.read_bytes()))
        except (OSError, ValueError) as error:
            raise KeptError("record_unreadable", record=file.name) from error
    return tuple(one for one in found if contract is None or one.contract_id == contract)


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


def append(warehouse: Warehouse, content: Mapping[str, Any]) -> Record:
    """Adds a record to the chain; the caller holds the lock.

    seq, prev_hash and hash are given here. Written under a temporary name, synced, and linked to
    its own: killed at any moment, the record is there whole or not at all, and none is overwritten.
    Raises KeptError where the chain before it is not as it was written.
    """
    seq, prev_hash = 1, FIRST
    for record in decisions(warehouse):
        if (record.seq, record.prev_hash, record.hash) != (seq, prev_hash, record.computed_hash):
            raise KeptError("chain_unsound", seq=seq)
        seq, prev_hash = seq + 1, record.hash
    whole = {**content, "seq": seq, "prev_hash": prev_hash}
    record = Record({**whole, "hash": hash_of(whole)})
    warehouse.add(warehouse.path("decisions", f"{seq}.json"), canonical(record.content))
    return record
