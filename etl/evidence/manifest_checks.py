"""The manifests, checked: does each follow the one before, is the one in force the last, signed?"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from etl.checkpoint import Checkpoint
from etl.evidence.chain import Entry
from etl.evidence.chain_checks import instant
from etl.evidence.findings import Finding
from etl.signing import signer
from etl.state import manifest_json, manifest_statement
from etl.store import Batch, Manifest, parse_manifest, sha256_of

_ROLLED_BACK = frozenset({"manifest_rolled_back", "checkpoint_rolled_back"})
_CURRENT = re.compile(rb"(\d+)(?: ([0-9a-f]{64}))?\n")


@dataclass(frozen=True)
class Signed:
    """A manifest that can be read: its file's hash, and the key that signed it.

    `key` is None where nobody did, empty where the signature is not right.
    """

    manifest: Manifest
    sha256: str
    key: str | None


@dataclass(frozen=True)
class ManifestsChecked:
    """What was found of the manifests: `current` is the number of the one in force.

    `beyond` are those after it, which do not count.
    """

    current: int
    manifests: Mapping[int, Signed]
    beyond: list[Manifest]
    findings: list[Finding]
    notes: list[Finding]

    @property
    def keys(self) -> list[str]:
        """The public keys that signed them."""
        return list(dict.fromkeys(one.key for one in self.manifests.values() if one.key))

    @property
    def batches(self) -> list[Batch]:
        """Every batch that one of them names, as the first says."""
        return _batches(one.manifest for one in self.manifests.values())

    @property
    def listed(self) -> list[Batch]:
        """Every batch that any manifest names, also one that does not count."""
        return _batches([*(one.manifest for one in self.manifests.values()), *self.beyond])


def _batches(manifests: Iterable[Manifest]) -> list[Batch]:
    known: dict[str, Batch] = {}
    for manifest in manifests:
        for batch in (*manifest.batches, *manifest.undone):
            known.setdefault(batch.id, batch)
    return list(known.values())


def check_manifests(
    root: Path,
    records: Sequence[Entry],
    checkpoints: Sequence[Checkpoint],
    seen: Checkpoint | None,
    keys: frozenset[str],
) -> ManifestsChecked:
    """Checks the manifests of a warehouse among themselves, and against records and checkpoints.

    `seen` is the checkpoint in the state folder; `keys` may have signed (none: any one).
    """
    findings: list[Finding] = []
    current = _current(root, findings)
    manifests = dict(_read(root, current, findings))
    checked = ManifestsChecked(current, manifests, list(_beyond(root, current)), findings, [])
    for record in records:
        findings += _of_record(record, current, manifests)
    for point in (*([seen] if seen else []), *checkpoints):
        findings += _against(point, current, manifests)
    if not any(one.code in _ROLLED_BACK for one in findings):
        _check_beyond(root, checked, seen)
    findings += _growth(manifests)
    findings += _signatures(manifests, keys)
    _check_times(checked)
    return checked


def manifest_numbers(root: Path) -> list[int]:
    """The numbers of the manifests that are there."""
    files = root.glob("manifests/*.json")
    return sorted(int(file.stem) for file in files if file.stem.isdecimal())


def _current(root: Path, findings: list[Finding]) -> int:
    """The number of the manifest in force; where CURRENT says none, that of the last there is."""
    said = None
    with suppress(OSError):
        said = _CURRENT.fullmatch((root / "CURRENT").read_bytes())
    if said is None:
        last = max(manifest_numbers(root), default=0)
        if last:
            findings.append(Finding("current_unreadable", {"last": last}))
        return last
    number = int(said[1])
    file = root / "manifests" / f"{number}.json"
    if said[2] is not None and file.exists() and sha256_of(file) != said[2].decode():
        findings.append(Finding("current_other_manifest", {"number": number}))
    return number


def _read(root: Path, current: int, findings: list[Finding]) -> Iterator[tuple[int, Signed]]:
    """Every manifest up to the one in force; each holds the hash of the one before."""
    before: str | None = None
    for number in range(1, current + 1):
        file = root / "manifests" / f"{number}.json"
        if not file.exists():
            findings.append(Finding("manifest_missing", {"number": number}))
            before = None
            continue
        try:
            content = file.read_bytes()
            manifest = parse_manifest(content)
            _ = instant(manifest.made_at).timestamp()
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            findings.append(Finding("manifest_changed", {"number": number}))
            before = None
            continue
        if before is not None and manifest.parent_sha256 != before:
            findings.append(Finding("manifest_changed", {"number": number - 1}))
        before = sha256_of(file)
        yield number, Signed(manifest, before, _key(content))


def _key(content: bytes) -> str | None:
    raw = json.loads(content)
    if raw.get("signature") is None:
        return None
    as_written = manifest_json(raw).encode() == content
    return (as_written and signer(str(raw["signature"]), manifest_statement(raw))) or ""


def _growth(manifests: Mapping[int, Signed]) -> Iterator[Finding]:
    """Whether batches are only added and undone from one manifest to the next, never taken away."""
    known: dict[str, Batch] = {}
    for number, one in manifests.items():
        every = (*one.manifest.batches, *one.manifest.undone)
        counted = Counter(batch.id for batch in every)
        if one.manifest.number != number or max(counted.values(), default=1) > 1:
            yield Finding("manifest_not_following", {"number": number})
        for batch in every:
            if known.setdefault(batch.id, batch) != batch:
                yield Finding("manifest_disagrees", {"number": number, "batch": batch.id})
    for (number, before), (following, after) in pairwise(manifests.items()):
        if following == number + 1:
            yield from _step(following, before.manifest, after.manifest)


def _step(number: int, before: Manifest, after: Manifest) -> Iterator[Finding]:
    undone = {batch.id for batch in before.undone}
    known = {batch.id for batch in before.batches} | undone
    counts = {batch.id for batch in after.batches}
    for batch in sorted(known - counts - {one.id for one in after.undone}):
        yield Finding("batch_dropped", {"number": number, "batch": batch})
    for batch in sorted(undone & counts):
        yield Finding("batch_revived", {"number": number, "batch": batch})
    added = [one for one in (*after.batches, *after.undone) if one.id not in known]
    if (
        after.timezone != before.timezone
        or after.next_sequence < before.next_sequence
        or any(one.sequence < before.next_sequence for one in added)
    ):
        yield Finding("manifest_not_following", {"number": number})


def _signatures(manifests: Mapping[int, Signed], keys: frozenset[str]) -> Iterator[Finding]:
    """Whether each manifest from the first signed one on is signed, by a key that may have."""
    before = None
    for number, one in manifests.items():
        if one.key is None:
            if before is not None:
                yield Finding("manifest_unsigned", {"number": number})
            continue
        if not one.key:
            yield Finding("manifest_signature_wrong", {"number": number})
        elif one.key not in (keys or {before or one.key}):
            yield Finding("manifest_key_unknown", {"number": number, "key": one.key})
        before = one.key


def _against(point: Checkpoint, current: int, manifests: Mapping[int, Signed]) -> Iterator[Finding]:
    """Whether the manifest that a checkpoint saw is still that one, and still in the past."""
    if point.manifest is None:
        return
    there = manifests.get(point.manifest)
    values = {"number": point.manifest, "current": current}
    if point.manifest > current:
        yield Finding("checkpoint_rolled_back", values)
    elif there is not None and there.sha256 != point.manifest_sha256:
        yield Finding("checkpoint_manifest_changed", values)


def _of_record(record: Entry, current: int, manifests: Mapping[int, Signed]) -> Iterator[Finding]:
    """Whether the manifest that a record rests on is still that one, and older than the record."""
    there = manifests.get(record.manifest)
    values = {"number": record.manifest, "seq": record.seq, "current": current}
    if record.manifest > current:
        yield Finding("manifest_rolled_back", values)
    elif there is None:
        return
    elif there.sha256 != record.content["manifest"]["sha256"]:
        yield Finding("manifest_not_of_record", values)
    elif instant(record.created_at) < instant(there.manifest.made_at):
        times = {"at": record.created_at, "before": there.manifest.made_at}
        yield Finding("record_before_manifest", {**values, **times})


def _check_times(checked: ManifestsChecked) -> None:
    """Manifests made before the one that they follow; of a signed one, the clock was set back."""
    for (_, before), (number, after) in pairwise(checked.manifests.items()):
        times = {"at": after.manifest.made_at, "before": before.manifest.made_at}
        if instant(times["at"]) < instant(times["before"]):
            target = checked.notes if after.key else checked.findings
            target.append(Finding("manifest_before_predecessor", {"number": number, **times}))


def _beyond(root: Path, current: int) -> Iterator[Manifest]:
    for number in manifest_numbers(root):
        if number > current:
            with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
                yield parse_manifest((root / "manifests" / f"{number}.json").read_bytes())


def _check_beyond(root: Path, checked: ManifestsChecked, seen: Checkpoint | None) -> None:
    """Manifests after the one in force: loads that were taken away, or one that was killed."""
    for number in manifest_numbers(root):
        if number <= checked.current:
            continue
        values = {"number": number, "current": checked.current}
        unfinished = seen is not None and (seen.manifest, number - 1) == (checked.current,) * 2
        if unfinished:
            checked.notes.append(Finding("manifest_unfinished", values))
        else:
            checked.findings.append(Finding("manifest_beyond_current", values))
