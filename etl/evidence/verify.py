"""`kept verify`: whether records, manifests, batches and packs are as they were written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from etl.catalogue import catalogue
from etl.checkpoint import NO_RECORD, Checkpoint
from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.evidence.anew import compute_anew
from etl.evidence.chain import PackWritten, Record, parse_record, record_files, records
from etl.evidence.chain_checks import check_chain, read_record, signatures
from etl.evidence.file_checks import check_files, strays
from etl.evidence.findings import Finding
from etl.evidence.manifest_checks import check_manifests
from etl.evidence.packcheck import SIGNED_SINCE, canonical, check, open_pack
from etl.marts import Progress, silent
from etl.state import State
from etl.store import Warehouse, now, sha256_of

_NOT_THERE = frozenset({"chain_rewritten", "chain_cut_short"})


@dataclass(frozen=True)
class Verification:
    """What was checked and what was found; `notes` could not be checked, and say why.

    `records` and `files` count what was looked at; `head` is the last record of the chain, or the
    record of the pack. `keys` are the public keys that signed, `known` whether all of them are
    among those of the state folder or those given.
    """

    path: Path
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    records: int
    files: int
    head: Checkpoint | None
    keys: tuple[str, ...] = ()
    known: bool = False

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
    keys: Sequence[str] = (),
) -> Verification:
    """Checks a pack (zip or folder), a record's file, or, without a path, the warehouse.

    A pack or a record is compared with the warehouse's chain as well, where there is one. With
    `anew`, what the decisions of the warehouse say, and what its pages show, is computed again from
    the batches. `keys` are public keys that may have signed, besides those of the state folder.
    Raises KeptError where the path is none of these.
    """
    if path is None or (path / "CURRENT").is_file() or (path / "manifests").is_dir():
        if path is not None and path.absolute() != settings.warehouse.absolute():
            settings = replace(settings, warehouse=path, state=None)
        return _verify_warehouse(settings, checkpoints, progress, anew, keys)
    if not path.exists():
        raise KeptError("file_missing", file=path)
    if path.suffix.lower() == ".json":
        return _verify_record(settings, path, checkpoints, keys)
    return _verify_pack(settings, path, checkpoints, keys)


def verify_chain(
    settings: Settings, checkpoints: Sequence[Checkpoint] = (), keys: Sequence[str] = ()
) -> Verification:
    """Checks only the records of the warehouse, quickly: for a page."""
    root = settings.warehouse
    chain = check_chain(settings, checkpoints, keys)
    known = {file.name for file in record_files(root)}
    others = [one for one in strays(root, "decisions", known) if one.code == "record_stray"]
    return Verification(
        path=root,
        findings=(*others, *chain.findings),
        notes=tuple(chain.notes),
        records=len(chain.records),
        files=len(chain.records),
        head=chain.entries[-1].checkpoint if chain.entries else None,
        keys=tuple(chain.keys),
        known=bool(chain.trusted) and chain.trusted.issuperset(chain.keys),
    )


def _verify_warehouse(
    settings: Settings,
    checkpoints: Sequence[Checkpoint],
    progress: Progress,
    anew: bool,
    keys: Sequence[str],
) -> Verification:
    warehouse = Warehouse(settings)
    root = settings.warehouse
    chain = check_chain(settings, checkpoints, keys)
    if not (chain.records or checkpoints or warehouse.holds_truth()):
        raise NothingDoneError("warehouse_empty", warehouse=root)
    may_sign = chain.trusted or frozenset(chain.keys)
    manifests = check_manifests(root, chain.entries, checkpoints, chain.seen, may_sign)
    findings = [*chain.findings, *manifests.findings]
    notes = [*chain.notes, *manifests.notes]
    signers = tuple(dict.fromkeys((*chain.keys, *manifests.keys)))
    files = (
        len(chain.records)
        + len(manifests.manifests)
        + check_files(
            root,
            manifests,
            chain.trusted or frozenset(signers),
            findings,
            notes,
            progress,
        )
    )
    if not findings:
        try:
            Warehouse(replace(settings, timezone=None)).checked()
        except KeptError as error:
            findings.append(Finding(error.code, error.values))
    if State(settings).key_is_exposed:
        notes.append(Finding("signing_key_exposed", {"folder": settings.state_folder}))
    if anew and not findings:
        decided = [one for one in chain.entries if isinstance(one, Record)]
        found, more = compute_anew(
            warehouse, decided, manifests.manifests, manifests.current, progress
        )
        findings += found
        notes += more
    return Verification(
        path=root,
        findings=tuple(findings),
        notes=tuple(notes),
        records=len(chain.records),
        files=files,
        head=chain.entries[-1].checkpoint if chain.entries else None,
        keys=signers,
        known=bool(chain.trusted) and chain.trusted.issuperset(signers),
    )


def checkpoint_now(settings: Settings, found: Verification) -> Checkpoint | None:
    """The checkpoint of a warehouse that was found sound, as it stands now.

    That of the last record where no manifest came since; else one of this moment, signed where the
    key is here. None where nothing was ever loaded.
    """
    warehouse = Warehouse(replace(settings, timezone=None))
    number = warehouse.manifest().number
    if not number:
        return found.head
    digest = sha256_of(warehouse.path("manifests", f"{number}.json"))
    head = found.head
    if head is not None and (head.manifest, head.manifest_sha256) == (number, digest):
        return head
    seq, last = (head.seq, head.hash) if head else (0, NO_RECORD)
    return State(settings).signed_checkpoint(Checkpoint(seq, last, now(), number, digest))


def _verify_pack(
    settings: Settings, path: Path, checkpoints: Sequence[Checkpoint], keys: Sequence[str]
) -> Verification:
    try:
        pack = open_pack(path)
        trusted = State(settings).known_keys() | set(keys)
        done = check(pack, keys=trusted)
    except ValueError as error:
        raise KeptError("pack_unreadable", file=path) from error
    findings, notes = (
        [Finding(code, _in_words(values)) for code, values in some]
        for some in (done.found, done.notes)
    )
    found = _with_chain(settings, path, done.record, findings, checkpoints, len(pack.names), keys)
    found = replace(found, notes=(*notes, *found.notes), keys=tuple(done.keys))
    if found.head is not None and record_files(settings.warehouse):
        archive = None if path.is_dir() else sha256_of(path)
        more = _of_written(settings, done.record, done.listing, archive)
        found = replace(found, findings=(*found.findings, *more))
    return replace(found, known=bool(trusted) and trusted.issuperset(found.keys))


def _of_written(
    settings: Settings, content: Mapping[str, Any], listing: str, archive: str | None
) -> Iterator[Finding]:
    """Whether the chain says that a pack of these bytes was written for the decision."""
    try:
        written = [
            one
            for one in records(Warehouse(settings))
            if isinstance(one, PackWritten) and one.decision == content["seq"]
        ]
    except KeptError:
        return
    values = {"seq": content["seq"], "warehouse": settings.warehouse}
    of_listing = [one for one in written if one.listing == listing]
    if not of_listing:
        if written or content["format"] >= SIGNED_SINCE:
            yield Finding("pack_not_recorded", values)
    elif archive is not None and archive not in {one.archive for one in of_listing}:
        yield Finding("pack_zip_changed", {})


def _verify_record(
    settings: Settings, path: Path, checkpoints: Sequence[Checkpoint], keys: Sequence[str]
) -> Verification:
    record = read_record(path)
    if record is None:
        # A file of the chain that is cut off, or JSON of something else: named as it is called.
        finding = Finding("record_cut_off", {"seq": path.name})
        return Verification(path, (finding,), (), 1, 1, None)
    findings = []
    if record.computed_hash != record.hash:
        findings.append(Finding("record_changed", {"seq": record.seq}))
    trusted = State(settings).known_keys() | set(keys)
    findings += signatures({record.seq: record}, trusted)
    return _with_chain(settings, path, record.content, findings, checkpoints, 1, keys)


def _with_chain(
    settings: Settings,
    path: Path,
    content: Mapping[str, Any],
    findings: list[Finding],
    checkpoints: Sequence[Checkpoint],
    files: int,
    keys: Sequence[str],
) -> Verification:
    """The record beside the checkpoints, and beside the warehouse's chain where there is one."""
    notes: list[Finding] = []
    if "hash" not in content:
        return Verification(path, tuple(findings), (), 0, files, None)
    try:
        record = parse_record(canonical(content))
    except ValueError:
        findings.append(Finding("pack_record_unreadable", {}))
        return Verification(path, tuple(findings), (), 0, files, None)
    for point in checkpoints:
        if point.seq == record.seq and point.hash != record.hash:
            findings.append(
                Finding("pack_not_of_checkpoint", {"seq": point.seq, "hash": point.hash})
            )
        elif point.seq != record.seq:
            notes.append(Finding("checkpoint_of_other", {"seq": point.seq, "is": record.seq}))
    if record_files(settings.warehouse):
        values = {"warehouse": settings.warehouse, "seq": record.seq}
        found = verify_chain(settings, [replace(record.checkpoint, signature="")], keys)
        findings += [
            Finding("pack_not_in_chain", values) if one.code in _NOT_THERE else one
            for one in found.findings
        ]
    else:
        notes.append(Finding("no_chain_to_compare", {"warehouse": settings.warehouse}))
    keys_of = () if record.key is None else (record.key,)
    return Verification(path, tuple(findings), tuple(notes), 1, files, record.checkpoint, keys_of)


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
        "keys": list(found.keys),
        "keys_known": found.known,
        "findings": [{"code": one.code, "text": one.text(language)} for one in found.findings],
        "notes": [{"code": one.code, "text": one.text(language)} for one in found.notes],
    }
