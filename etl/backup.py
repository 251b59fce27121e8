"""`kept backup` and `kept restore`: the truth of a warehouse in one file, and a warehouse of it.

    <backup>.zip
      CURRENT, manifests/…, batches/…, rejects/…, raw/…, decisions/…, mappings/…   as they are
      kept-backup.json   {"format": 1, "files": {name: {"sha256": …, "size": …}}, …}

The cache in `generations/` is left out: it is built anew.
"""

import hashlib
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from etl import __version__
from etl.disk import restrict, room, sync
from etl.errors import DamagedError, KeptError, NothingDoneError
from etl.store import FOLDERS, Current, Manifest, Warehouse, is_temporary, now

FORMAT = 1
LISTING = "kept-backup.json"
_TRUTH = tuple(folder for folder in FOLDERS if folder != "generations")
_MOST_LISTING_BYTES = 1 << 28
_PACKED = frozenset({".parquet", ".xlsx", ".xlsm", ".xlsb", ".ods", ".zip"})
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, KeyError, TypeError)

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Backup:
    """A backup that was written or restored: how many files of how many bytes, of which manifest.

    `damaged` are files of the warehouse that were missing or changed before the backup was made.
    """

    files: int
    size: int
    manifest: int
    damaged: tuple[KeptError, ...]


@dataclass(frozen=True)
class _Entry:
    sha256: str
    size: int


def _silent(_what: str, _done: int, _of: int) -> None:
    pass


def backup(
    warehouse: Warehouse,
    target: Path,
    progress: Tell = _silent,
    waiting_for: Callable[[str], None] = lambda _holder: None,
) -> Backup:
    """Writes everything but the cache into the zip `target`, under the lock, and reads that again.

    Raises KeptError where `target` is there already or inside the warehouse, and NothingDoneError
    where nothing was loaded yet or the disk has no room.
    """
    if target.exists():
        raise KeptError("backup_exists", file=target)
    if not target.absolute().parent.is_dir():
        raise KeptError("folder_missing", folder=target.absolute().parent)
    if warehouse.root.resolve() in target.resolve().parents:
        raise KeptError("backup_inside", file=target, warehouse=warehouse.root)
    if not warehouse.manifest().number:
        raise NothingDoneError("warehouse_empty", warehouse=warehouse.root)
    temporary = target.with_name(f".{target.name}.{secrets.randbits(48)}.tmp")
    try:
        with warehouse.lock(waiting_for):
            for left in target.parent.glob(f".{target.name}.*.tmp"):
                if is_temporary(left.name):
                    left.unlink(missing_ok=True)
            manifest, files = warehouse.manifest(), dict(_files(warehouse))
            needed = sum(file.stat().st_size for file in files.values())
            with room({target.absolute().parent: needed}):
                entries = _write(temporary, files, progress)
        with _opened(temporary) as (pack, _):
            for done, (name, entry) in enumerate(entries.items()):
                progress(name, done, len(entries))
                _copy(pack, name, entry, None)
        restrict(temporary)
        sync(temporary)
        os.replace(temporary, target)
        sync(target.absolute().parent)
    finally:
        temporary.unlink(missing_ok=True)
    return _made(warehouse, manifest, entries)


def restore(
    file: Path,
    warehouse: Warehouse,
    progress: Tell = _silent,
    waiting_for: Callable[[str], None] = lambda _holder: None,
) -> Backup:
    """Makes a warehouse of a backup, CURRENT last, in an empty folder or one to be made.

    What a restore of the same backup left there that was killed is gone on with. Raises KeptError
    where the file is no backup or damaged, or anything else is in the folder.
    """
    with _opened(file) as (pack, entries):
        needed = sum(entry.size for entry in entries.values())
        with room({warehouse.root: needed}), warehouse.lock(waiting_for, unchecked=True):
            there = _demand_only(warehouse, entries)
            written: list[Path] = []
            try:
                for done, (name, entry) in enumerate(entries.items()):
                    progress(name, done, len(entries))
                    if name in there or name == "CURRENT":
                        continue
                    target = warehouse.path(*name.split("/"))
                    written.append(target)
                    with warehouse.writing(target) as temporary, temporary.open("wb") as out:
                        _copy(pack, name, entry, out)
                manifest = _in_force(pack, warehouse, entries)
                sha256 = entries[f"manifests/{manifest.number}.json"].sha256
                warehouse.name_current(Current(manifest.number, sha256))
            except BaseException:
                if not warehouse.path("CURRENT").exists():
                    for target in written:
                        target.unlink(missing_ok=True)
                raise
    return _made(warehouse, manifest, entries)


def _files(warehouse: Warehouse) -> Iterator[tuple[str, Path]]:
    """What belongs into a backup: name → file."""
    yield "CURRENT", warehouse.path("CURRENT")
    for folder in _TRUTH:
        for place, folders, names in os.walk(warehouse.path(folder)):
            folders.sort()
            for file in (Path(place, name) for name in sorted(names)):
                if file.is_file() and not is_temporary(file.name):
                    yield file.relative_to(warehouse.root).as_posix(), file


def _write(target: Path, files: Mapping[str, Path], progress: Tell) -> dict[str, _Entry]:
    entries = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as pack:
        for done, (name, file) in enumerate(files.items()):
            progress(name, done, len(files))
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o640 << 16
            packed = file.suffix.lower() in _PACKED
            info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            try:
                large = file.stat().st_size >= 1 << 30
                source = file.open("rb")
            except FileNotFoundError:  # a mapping that was forgotten meanwhile
                continue
            with source, pack.open(info, "w", force_zip64=large) as out:
                entries[name] = _pour(source, out)
        about = {
            "format": FORMAT,
            "kept": __version__,
            "made_at": now(),
            "files": {
                name: {"sha256": one.sha256, "size": one.size} for name, one in entries.items()
            },
        }
        pack.writestr(LISTING, json.dumps(about, ensure_ascii=False, indent=1))
    return entries


def _pour(source: IO[bytes], target: IO[bytes] | None, most: int | None = None) -> _Entry:
    """Copies a file in pieces, no more than one byte beyond `most`; what it was."""
    digest, size = hashlib.sha256(), 0
    while piece := source.read(1 << 20):
        digest.update(piece)
        size += len(piece)
        if target is not None:
            target.write(piece)
        if most is not None and size > most:
            break
    return _Entry(digest.hexdigest(), size)


def _copy(pack: zipfile.ZipFile, name: str, entry: _Entry, target: IO[bytes] | None) -> None:
    """Copies a member, which must be as it was listed. Raises KeptError."""
    try:
        with pack.open(name) as source:
            found = _pour(source, target, entry.size)
    except _BROKEN as error:
        raise KeptError("backup_damaged", file=pack.filename, name=name) from error
    if found != entry:
        raise KeptError("backup_damaged", file=pack.filename, name=name)


@contextmanager
def _opened(file: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, _Entry]]]:
    """A backup and its listing. Raises KeptError where it is none."""
    if not file.exists():
        raise KeptError("file_missing", file=file)
    try:
        pack = zipfile.ZipFile(file)
    except (OSError, *_BROKEN) as error:
        raise KeptError("backup_unreadable", file=file) from error
    with pack:
        try:
            entries = _listed(pack)
        except (OSError, *_BROKEN) as error:
            raise KeptError("backup_unreadable", file=file) from error
        yield pack, entries


def _listed(pack: zipfile.ZipFile) -> dict[str, _Entry]:
    """The listing; every member must be in it and have a name that stays in the warehouse."""
    if pack.getinfo(LISTING).file_size > _MOST_LISTING_BYTES:
        raise ValueError(LISTING)
    about = json.loads(pack.read(LISTING))
    if about["format"] != FORMAT:
        raise ValueError(about["format"])
    entries = {
        str(name): _Entry(str(one["sha256"]), int(one["size"]))
        for name, one in about["files"].items()
    }
    if sorted(pack.namelist()) != sorted((*entries, LISTING)) or "CURRENT" not in entries:
        raise ValueError("members")
    for name in entries:
        parts = PurePosixPath(name).parts
        safe = "/".join(parts) == name and not set(name) & set("\\:\0") and ".." not in parts
        if not safe or (name != "CURRENT" and (len(parts) < 2 or parts[0] not in _TRUTH)):
            raise ValueError(name)
    return entries


def _demand_only(warehouse: Warehouse, entries: Mapping[str, _Entry]) -> frozenset[str]:
    """The files that are there and of this backup. Raises KeptError where there are any others."""
    there = set()
    for place, _, names in os.walk(warehouse.root):
        for file in (Path(place, name) for name in names):
            name = file.relative_to(warehouse.root).as_posix()
            if name in ("lock", "lock.json") or is_temporary(file.name):
                continue
            with file.open("rb") as source:
                if name == "CURRENT" or entries.get(name) != _pour(source, None):
                    raise KeptError("restore_not_empty", folder=warehouse.root, file=name)
            there.add(name)
    return frozenset(there)


def _in_force(
    pack: zipfile.ZipFile, warehouse: Warehouse, entries: Mapping[str, _Entry]
) -> Manifest:
    """The manifest that the backup's CURRENT names. Raises KeptError where it is not in it."""
    try:
        current = Current.parsed(pack.read("CURRENT").decode("utf-8"))
    except _BROKEN as error:
        raise KeptError("backup_damaged", file=pack.filename, name="CURRENT") from error
    name = f"manifests/{current.number}.json"
    if name not in entries or current.sha256 not in (None, entries[name].sha256):
        raise KeptError("backup_damaged", file=pack.filename, name=name)
    return warehouse.manifest_numbered(current.number)


def _made(warehouse: Warehouse, manifest: Manifest, entries: Mapping[str, _Entry]) -> Backup:
    damaged = []
    for batch in (*manifest.batches, *manifest.undone):
        for file, sha256 in warehouse.files_of(batch):
            name = file.relative_to(warehouse.root).as_posix()
            values = {"file": name, "source": batch.file, "batch": batch.id}
            if name not in entries:
                damaged.append(DamagedError("batch_gone", **values))
            elif sha256 not in (None, entries[name].sha256):
                damaged.append(DamagedError("batch_damaged", **values))
    size = sum(entry.size for entry in entries.values())
    return Backup(len(entries), size, manifest.number, tuple(damaged))
