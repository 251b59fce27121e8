"""The chain of records, checked: is each as it was written, in its place, and signed?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from etl.checkpoint import NO_RECORD, Checkpoint
from etl.config import Settings
from etl.errors import KeptError
from etl.evidence.chain import Entry, Record, parse_record, record_files
from etl.evidence.findings import Finding
from etl.evidence.timestamps import UNCHECKED, problems
from etl.state import State


@dataclass(frozen=True)
class ChainChecked:
    """What was found of the chain; `records` are those that can be read, by the number of the file.

    `seen` is the checkpoint in the state folder, `trusted` are the keys whose signatures count
    (none where no key is known).
    """

    records: Mapping[int, Entry | None]
    findings: list[Finding]
    notes: list[Finding]
    seen: Checkpoint | None
    trusted: frozenset[str]

    @property
    def entries(self) -> list[Entry]:
        """The records that can be read, in order."""
        return [record for _, record in sorted(self.records.items()) if record is not None]

    @property
    def keys(self) -> list[str]:
        """The public keys that the records name."""
        return list(dict.fromkeys(one.key for one in self.entries if one.key is not None))


def check_chain(
    settings: Settings, checkpoints: Sequence[Checkpoint], keys: Iterable[str]
) -> ChainChecked:
    """Checks every record of the warehouse against the others, its signature and checkpoints."""
    state = State(settings)
    trusted = state.known_keys() | frozenset(keys)
    findings: list[Finding] = []
    # Read before the records: one that is added meanwhile is no difference.
    try:
        seen = state.checkpoint()
    except KeptError as error:
        seen = None
        findings.append(Finding(error.code, error.values))
    records = {int(file.stem): read_record(file) for file in record_files(settings.warehouse)}
    checked = ChainChecked(records, findings, [], seen, trusted)
    findings += _single_records(records)
    findings += _order(records)
    findings += _times(records)
    findings += signatures(records, trusted)
    findings += _against(records, [*([seen] if seen else []), *checkpoints])
    may_sign = trusted or checked.keys
    for point in checkpoints:
        if may_sign and point.signature and not any(map(point.is_signed_by, may_sign)):
            findings.append(Finding("checkpoint_signature_wrong", {"seq": point.seq}))
    unsigned = [one.seq for one in checked.entries if one.key is None]
    if unsigned:
        checked.notes.append(Finding("records_unsigned", {"seqs": ranges(unsigned)}))
    _check_stamps(settings, checked)
    return checked


def read_record(file: Path) -> Entry | None:
    """The record of a file, None where it is none."""
    try:
        return parse_record(file.read_bytes())
    except (OSError, ValueError):
        return None


def _single_records(records: Mapping[int, Entry | None]) -> Iterator[Finding]:
    """What each file shows of itself: unreadable, changed, or under another's number."""
    swapped = set()
    for number, record in sorted(records.items()):
        if record is None:
            yield Finding("record_cut_off", {"seq": number})
        elif record.computed_hash != record.hash:
            yield Finding("record_changed", {"seq": number})
        elif record.seq != number and number not in swapped:
            other = records.get(record.seq)
            if other is not None and other.seq == number:
                swapped.add(record.seq)
                yield Finding("records_swapped", {"one": number, "other": record.seq})
            else:
                yield Finding("record_under_other_number", {"seq": number, "is": record.seq})


def _order(records: Mapping[int, Entry | None]) -> Iterator[Finding]:
    """Whether each record follows the one before; a gap is a record that was removed."""
    hashes = {0: NO_RECORD}
    for number in range(1, max(records, default=0) + 1):
        if number not in records:
            yield Finding("record_removed", {"seq": number})
            continue
        record = records[number]
        if record is None or record.computed_hash != record.hash or record.seq != number:
            continue
        hashes[number] = record.hash
        before = hashes.get(number - 1)
        if before is None or record.prev_hash == before:
            continue
        if number > 1 and record.prev_hash == hashes.get(number - 2):
            yield Finding("record_inserted", {"seq": number - 1})
        else:
            yield Finding("record_not_following", {"seq": number, "before": number - 1})


def _times(records: Mapping[int, Entry | None]) -> Iterator[Finding]:
    """Records dated before the one that they follow."""
    latest: Entry | None = None
    for number, record in sorted(records.items()):
        if record is None or record.seq != number:
            continue
        if latest is not None and instant(record.created_at) < instant(latest.created_at):
            values = {"seq": record.seq, "at": record.created_at, "before": latest.created_at}
            yield Finding("record_before_predecessor", values)
        latest = record


def signatures(records: Mapping[int, Entry | None], trusted: frozenset[str]) -> Iterator[Finding]:
    """Whether each record from the first signed one on is signed, by a key that is known.

    Where no key is known, one key must have signed them all.
    """
    key = None
    for number, record in sorted(records.items()):
        if record is None or record.computed_hash != record.hash:
            continue
        if record.key is None:
            if key is not None:
                yield Finding("record_unsigned", {"seq": number})
            continue
        if not record.checkpoint.is_signed_by(record.key):
            yield Finding("record_signature_wrong", {"seq": number})
        elif record.key not in (trusted or {key or record.key}):
            yield Finding("record_key_unknown", {"seq": number, "key": record.key})
        key = record.key


def _against(
    records: Mapping[int, Entry | None], checkpoints: Sequence[Checkpoint]
) -> Iterator[Finding]:
    """Whether the chain still holds what a checkpoint saw."""
    last = max(records, default=0)
    for point in checkpoints:
        record = records.get(point.seq)
        if point.seq > last:
            yield Finding("chain_cut_short", {"last": last, "seq": point.seq})
        elif record is not None and record.hash != point.hash:
            yield Finding("chain_rewritten", {"seq": point.seq, "hash": point.hash})


def _check_stamps(settings: Settings, checked: ChainChecked) -> None:
    stamped = False
    unstamped = []
    for record in checked.entries:
        if record.content.get("timestamp"):
            stamped = True
            for code, values in problems(settings, record.content):
                target = checked.notes if code == UNCHECKED else checked.findings
                target.append(Finding(code, values))
        elif stamped and isinstance(record, Record):
            unstamped.append(record.seq)
    if unstamped:
        checked.notes.append(Finding("records_unstamped", {"seqs": ranges(unstamped)}))


def ranges(numbers: Sequence[int]) -> str:
    """Numbers as people write them: 1–3, 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def instant(iso: str) -> datetime:
    """An instant with its offset."""
    return datetime.fromisoformat(iso)
