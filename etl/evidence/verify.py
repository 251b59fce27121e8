"""`kept verify`: whether records, manifests, batches and packs are as they were written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.evidence.chain import FIRST, Checkpoint, Record, parse_record, record_files
from etl.evidence.dossier import dossier_of
from etl.evidence.files import Proof, proof
from etl.evidence.pack import differing_hashes
from etl.evidence.packcheck import canonical, check, open_pack
from etl.marts import Progress, build_apart, silent
from etl.scratch import scratch
from etl.store import Batch, Manifest, Warehouse, sha256_of

_NOT_THERE = frozenset({"chain_rewritten", "chain_cut_short"})


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was written: a message code and its values."""

    code: str
    values: Mapping[str, object]

    def text(self, language: str) -> str:
        """What was found, as a sentence."""
        return catalogue().message(self.code, language, **self.values)


@dataclass(frozen=True)
class Verification:
    """What was checked and what was found; `notes` could not be checked, and say why.

    `records` and `files` count what was looked at; `head` is the last record of the chain, or the
    record of the pack.
    """

    path: Path
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    records: int
    files: int
    head: Checkpoint | None

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(
    settings: Settings,
    path: Path | None = None,
    checkpoints: Sequence[Checkpoint] = (),
    progress: Progress = silent,
    anew: bool = False,
) -> Verification:
    """Checks a pack (zip or folder), a record's file, or, without a path, the warehouse.

    A pack or a record is compared with the warehouse's chain as well, where there is one. With
    `anew`, what each decision of the warehouse rests on is computed again from the batches. Raises
    KeptError where the path is none of these.
    """
    if path is None or (path / "CURRENT").is_file() or (path / "manifests").is_dir():
        root = settings.warehouse if path is None else path
        return _verify_warehouse(replace(settings, warehouse=root), checkpoints, progress, anew)
    if not path.exists():
        raise KeptError("file_missing", file=path)
    if path.suffix.lower() == ".json":
        return _verify_record(settings, path, checkpoints)
    return _verify_pack(settings, path, checkpoints)


def verify_chain(settings: Settings, checkpoints: Sequence[Checkpoint] = ()) -> Verification:
    """Checks only the decisions of the warehouse, quickly: for a page."""
    root = settings.warehouse
    records = {int(file.stem): _read(file) for file in record_files(root)}
    findings = [
        *_strays(root),
        *_single_records(records),
        *_order(records),
        *_against(records, checkpoints),
    ]
    read = [record for _, record in sorted(records.items()) if record is not None]
    return Verification(
        path=root,
        findings=tuple(findings),
        notes=(),
        records=len(records),
        files=len(records),
        head=read[-1].checkpoint if read else None,
    )


def _read(file: Path) -> Record | None:
    """The record of a file, None where it is none."""
    try:
        return parse_record(file.read_bytes())
    except (OSError, ValueError):
        return None


def _strays(root: Path) -> Iterator[Finding]:
    known = {file.name for file in record_files(root)}
    for file in sorted(root.glob("decisions/*")):
        if file.name not in known and not file.name.startswith("."):
            yield Finding("record_stray", {"file": file.name})


def _single_records(records: Mapping[int, Record | None]) -> Iterator[Finding]:
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


def _order(records: Mapping[int, Record | None]) -> Iterator[Finding]:
    """Whether each record follows the one before; a gap is a record that was removed."""
    hashes = {0: FIRST}
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


def _against(
    records: Mapping[int, Record | None], checkpoints: Sequence[Checkpoint]
) -> Iterator[Finding]:
    """Whether the chain still holds what a checkpoint saw."""
    last = max(records, default=0)
    for point in checkpoints:
        record = records.get(point.seq)
        if point.seq > last:
            yield Finding("chain_cut_short", {"last": last, "seq": point.seq})
        elif record is not None and record.hash != point.hash:
            yield Finding("chain_rewritten", {"seq": point.seq, "hash": point.hash})


def _verify_warehouse(
    settings: Settings, checkpoints: Sequence[Checkpoint], progress: Progress, anew: bool
) -> Verification:
    warehouse = Warehouse(settings)
    chain = verify_chain(settings, checkpoints)
    if not (chain.records or checkpoints or warehouse.holds_truth()):
        raise NothingDoneError("warehouse_empty", warehouse=settings.warehouse)
    findings = list(chain.findings)
    notes: list[Finding] = []
    current = _current(warehouse, findings)
    manifests = dict(_manifests(warehouse, current, findings))
    records = [one for file in record_files(warehouse.root) if (one := _read(file)) is not None]
    findings += _records_manifests(records, current, manifests)
    batches = _batches(manifests, findings)
    files = chain.files + len(manifests)
    for done, batch in enumerate(batches):
        progress(batch.id, done, len(batches))
        files += _check_batch(warehouse, batch, findings, notes)
    if anew and not findings:
        _compute_anew(warehouse, records, manifests, findings, notes, progress)
    return replace(chain, findings=tuple(findings), notes=tuple(notes), files=files)


def _current(warehouse: Warehouse, findings: list[Finding]) -> int:
    """The number of the manifest in force; where CURRENT says none, that of the last there is."""
    last = max(warehouse.numbers(), default=0)
    try:
        current = warehouse.current()
    except KeptError:
        current = None
    if current is None:
        if warehouse.holds_truth():
            findings.append(Finding("current_unreadable", {"last": last}))
        return last
    try:
        warehouse.manifest()
    except KeptError as error:
        if error.code in ("current_behind", "manifest_replaced"):
            findings.append(Finding(error.code, error.values))
    return current.number


def _manifests(
    warehouse: Warehouse, current: int, findings: list[Finding]
) -> Iterator[tuple[int, tuple[str, Manifest]]]:
    """Every manifest up to the one in force, with its hash; each holds that of the one before."""
    before: str | None = None
    for number in range(1, current + 1):
        file = warehouse.path("manifests", f"{number}.json")
        if not file.exists():
            findings.append(Finding("manifest_missing", {"number": number}))
            before = None
            continue
        digest = sha256_of(file)
        try:
            manifest = warehouse.manifest_numbered(number)
        except KeptError:
            findings.append(Finding("manifest_changed", {"number": number}))
            before = None
            continue
        if before is not None and manifest.parent_sha256 != before:
            findings.append(Finding("manifest_changed", {"number": number - 1}))
        before = digest
        yield number, (digest, manifest)


def _records_manifests(
    records: Sequence[Record], current: int, manifests: Mapping[int, tuple[str, Manifest]]
) -> Iterator[Finding]:
    """Whether the manifests that decisions rest on are still those, and still in the past."""
    for record in records:
        values = {"number": record.manifest, "seq": record.seq, "current": current}
        digest, _ = manifests.get(record.manifest, (None, None))
        if record.manifest > current:
            yield Finding("manifest_rolled_back", values)
        elif digest is not None and digest != record.content["manifest"]["sha256"]:
            yield Finding("manifest_not_of_record", values)


def _compute_anew(
    warehouse: Warehouse,
    records: Sequence[Record],
    manifests: Mapping[int, tuple[str, Manifest]],
    findings: list[Finding],
    notes: list[Finding],
    progress: Progress,
) -> None:
    """Whether what decisions rest on is what the batches give, whatever the cache says."""
    computed: dict[tuple[int, str, str], Proof] = {}
    with scratch("anew") as folder:
        for record in records:
            key = (record.manifest, record.as_of, record.contract_id)
            if key not in computed:
                _, manifest = manifests[record.manifest]
                as_of = datetime.fromisoformat(record.as_of)
                marts = build_apart(warehouse, manifest, as_of, folder, progress)
                computed[key] = proof(dossier_of(marts, manifest, record.contract_id, ()))
            if computed[key].models != record.content["hashes"]["models"]:
                kept = record.content["kept"]
                notes.append(Finding("record_of_other_rules", {"seq": record.seq, "kept": kept}))
            elif differing := differing_hashes(record, computed[key]):
                values = {"seq": record.seq, "what": ", ".join(differing)}
                findings.append(Finding("record_not_of_batches", values))


def _batches(manifests: Mapping[int, tuple[str, Manifest]], findings: list[Finding]) -> list[Batch]:
    """Every batch that a manifest names; all of them must say the same of it."""
    known: dict[str, Batch] = {}
    for number, (_, manifest) in manifests.items():
        for batch in (*manifest.batches, *manifest.undone):
            if known.setdefault(batch.id, batch) != batch:
                findings.append(
                    Finding("manifest_disagrees", {"number": number, "batch": batch.id})
                )
    return list(known.values())


def _check_batch(
    warehouse: Warehouse, batch: Batch, findings: list[Finding], notes: list[Finding]
) -> int:
    """Checks the files of a batch; how many there were."""
    named: list[tuple[Path, str | None]] = [
        (warehouse.path("batches", batch.log, f"{batch.id}.parquet"), batch.rows_sha256)
    ]
    if batch.rejected:
        named.append((warehouse.path("rejects", f"{batch.id}.parquet"), batch.rejects_sha256))
    if batch.sha256 is not None:
        named.append((warehouse.path("raw", f"{batch.sha256}{batch.extension}"), batch.sha256))
    for file, digest in named:
        name = file.relative_to(warehouse.root).as_posix()
        values = {"batch": batch.id, "file": name, "source": batch.file}
        if not file.exists():
            findings.append(Finding("batch_file_missing", values))
        elif digest is None:
            notes.append(Finding("batch_without_hash", values))
        elif sha256_of(file) != digest:
            findings.append(Finding("batch_file_changed", values))
    return len(named)


def _verify_pack(settings: Settings, path: Path, checkpoints: Sequence[Checkpoint]) -> Verification:
    try:
        pack = open_pack(path)
    except ValueError as error:
        raise KeptError("pack_unreadable", file=path) from error
    content, found = check(pack)
    findings = [Finding(code, _in_words(values)) for code, values in found]
    return _with_chain(settings, path, content, findings, checkpoints, len(pack.names))


def _verify_record(
    settings: Settings, path: Path, checkpoints: Sequence[Checkpoint]
) -> Verification:
    record = _read(path)
    if record is None:
        # A file of the chain that is cut off, or JSON of something else: named as it is called.
        finding = Finding("record_cut_off", {"seq": path.name})
        return Verification(path, (finding,), (), 1, 1, None)
    findings = []
    if record.computed_hash != record.hash:
        findings.append(Finding("record_changed", {"seq": record.seq}))
    return _with_chain(settings, path, record.content, findings, checkpoints, 1)


def _with_chain(
    settings: Settings,
    path: Path,
    content: Mapping[str, Any],
    findings: list[Finding],
    checkpoints: Sequence[Checkpoint],
    files: int,
) -> Verification:
    """The record beside the checkpoints, and beside the warehouse's chain where there is one."""
    notes: list[Finding] = []
    head = None
    if "hash" in content:
        try:
            record = parse_record(canonical(content))
        except ValueError:
            findings.append(Finding("pack_record_unreadable", {}))
            return Verification(path, tuple(findings), (), 0, files, None)
        head = record.checkpoint
        for point in checkpoints:
            if point.seq == record.seq and point.hash != record.hash:
                findings.append(
                    Finding("pack_not_of_checkpoint", {"seq": point.seq, "hash": point.hash})
                )
            elif point.seq != record.seq:
                notes.append(Finding("checkpoint_of_other", {"seq": point.seq, "is": record.seq}))
        if record_files(settings.warehouse):
            values = {"warehouse": settings.warehouse, "seq": record.seq}
            findings += [
                Finding("pack_not_in_chain", values) if one.code in _NOT_THERE else one
                for one in verify_chain(settings, [record.checkpoint]).findings
            ]
        else:
            notes.append(Finding("no_chain_to_compare", {"warehouse": settings.warehouse}))
    return Verification(
        path=path,
        findings=tuple(findings),
        notes=tuple(notes),
        records=1 if head else 0,
        files=files,
        head=head,
    )


def _in_words(values: Mapping[str, Any]) -> dict[str, object]:
    """Clauses and states as people read them."""
    words: dict[str, object] = dict(values)
    if (clause := str(values.get("clause"))) in catalogue().clauses:
        words["clause"] = catalogue().clauses[clause].title
    if (state := str(values.get("state"))) in catalogue().states:
        words["state"] = catalogue().states[state].title
    return words


def as_json(found: Verification, language: str) -> dict[str, Any]:
    """The verification for machines."""
    head = found.head
    return {
        "path": str(found.path),
        "sound": found.sound,
        "records": found.records,
        "files": found.files,
        "head": None if head is None else {"seq": head.seq, "hash": head.hash, "at": head.at},
        "findings": [{"code": one.code, "text": one.text(language)} for one in found.findings],
        "notes": [{"code": one.code, "text": one.text(language)} for one in found.notes],
    }
