"""The warehouse on disk: files are the truth, the database is a cache.

    raw/<sha256>.<ext>           uploads as they came
    batches/<log>/<id>.parquet   typed rows: the log's columns, source_row, batch (its sequence)
    rejects/<id>.parquet         refused rows: source_row, key, contract_id, cells, problems
    manifests/<n>.json CURRENT   which batches count; CURRENT is swapped by rename
    trash/<moment>/…             what was swept, for 30 days
    generations/…duckdb          disposable, rebuilt from the above
    decisions/<seq>.json         decisions about retention money, a chain of hashes
    mappings/<hash>.toml         how the columns of a header set are taken, chosen once

Everything is written under a temporary name, synced and renamed; nothing published is changed.
"""

import glob
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from filelock import FileLock, Timeout

from etl import journal
from etl.config import DEFAULT_TIMEZONE, Settings
from etl.disk import make_folder, restrict, room, sync
from etl.errors import DamagedError, KeptError, NothingDoneError
from etl.state import State, manifest_json, manifest_statement
from etl.trash import TRASH, empty, throw_away

SCHEMA_VERSION = 1
KEPT_GENERATIONS = 3
LEAST_ROOM = 1_000_000
"""Nobody begins to write with less free on the disk, in bytes."""
# Only what has a name that Kept gives is ever swept: a folder may hold other people's files.
# DuckDB lays its log (.wal) and what does not fit into memory (.tmp) beside the file it writes.
_TEMPORARY = re.compile(r"\..+\.\d+\.tmp(\.tmp|\.wal(\.\w+)?)?")
_BATCH = re.compile(r"([0-9]{5,})-[a-z_]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[1-9][0-9]*")
_GENERATION = re.compile(r"([0-9]+)-[0-9a-f]{12}(?:[-.]\w+)*\.(?:duckdb|json)")
_CURRENT = re.compile(r"([1-9][0-9]*)(?: ([0-9a-f]{64}))?")
FOLDERS = ("raw", "batches", "rejects", "manifests", "generations", "decisions", "mappings")
_NETWORK_DRIVES = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "afs"})


@dataclass(frozen=True)
class Batch:
    """What one load of one file (or sheet) added. `sequence` gives the order of all batches.

    `rows_sha256` and `rejects_sha256` are of its files, None where it has none or predates them.
    `columns` are those of its log that the file had; None where the batch predates them.
    """

    id: str
    sequence: int
    log: str
    file: str
    sheet: str | None
    sha256: str | None
    extension: str
    by: str
    at: str
    headers: tuple[str, ...]
    new: int
    changed: int
    unchanged: int
    rejected: int
    superseded: int
    schema_version: int = SCHEMA_VERSION
    rows_sha256: str | None = None
    rejects_sha256: str | None = None
    columns: tuple[str, ...] | None = None
    older: int = 0


@dataclass(frozen=True)
class Manifest:
    """The batches that count, and those undone; the state of knowledge at one time.

    `signature` is key and signature of the rest of it, None where it is not signed.
    """

    number: int
    parent_sha256: str | None
    timezone: str
    made_at: str
    next_sequence: int
    batches: tuple[Batch, ...]
    undone: tuple[Batch, ...]
    signature: str | None = None

    @property
    def loaded_logs(self) -> frozenset[str]:
        """The logs that were ever loaded and not undone, be it with no rows."""
        return frozenset(batch.log for batch in self.batches)

    def batch(self, identity: str) -> Batch:
        """The batch of that id. Raises KeptError where there is none or it was undone."""
        for batch in self.batches:
            if batch.id == identity:
                return batch
        undone = any(batch.id == identity for batch in self.undone)
        if undone:
            raise NothingDoneError("batch_undone", batch=identity)
        raise KeptError("batch_unknown", batch=identity)


@dataclass(frozen=True)
class Current:
    """What CURRENT names: a manifest's number and the SHA-256 of its file.

    The hash is None where an earlier version of Kept wrote it.
    """

    number: int
    sha256: str | None

    @classmethod
    def parsed(cls, text: str) -> "Current":
        """What the text of the file names. Raises ValueError where it names nothing."""
        found = _CURRENT.fullmatch(text.strip())
        if found is None:
            raise ValueError(text)
        return cls(int(found[1]), found[2])


class Warehouse:
    """The folder of one deployment. Reading never locks; writing holds `lock()`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.root = settings.warehouse
        self._added: list[Path] = []

    @property
    def is_writable(self) -> bool:
        """Whether anything can be written there; a folder that is still to be made counts too."""
        places = [one for one in (self.root, self.path("generations")) if one.exists()]
        return all(os.access(one, os.W_OK) for one in places)

    def path(self, *parts: str) -> Path:
        """A path inside the warehouse."""
        return self.root.joinpath(*parts)

    def current(self) -> Current | None:
        """What CURRENT names; None where there is none.

        Raises KeptError where it cannot be read, DamagedError where it names nothing.
        """
        try:
            text = self.path("CURRENT").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            text = ""
        except OSError as error:
            raise KeptError("warehouse_unreadable", warehouse=self.root) from error
        try:
            return Current.parsed(text)
        except ValueError as error:
            raise DamagedError("current_damaged", warehouse=self.root) from error

    def manifest(self) -> Manifest:
        """The current manifest; an empty one, numbered 0, before the first load.

        Raises KeptError where a time zone is asked for that the warehouse was not made in, and
        DamagedError where CURRENT or its manifest is missing, changed or older than the others.
        """
        while True:
            current = self.current()
            try:
                found = self._named_by(current)
                break
            except DamagedError:
                if self.current() == current:  # else a writer came in between
                    raise
        asked = self.settings.timezone
        if asked is not None and found.number and asked != found.timezone:
            raise KeptError("timezone_fixed", timezone=found.timezone, asked=asked)
        return found

    def _named_by(self, current: Current | None) -> Manifest:
        """The manifest that CURRENT names, where nothing contradicts it."""
        number = 0 if current is None else current.number
        if current is None:
            if self.holds_truth() and not self._is_of_a_writer(0):
                raise DamagedError("current_missing", warehouse=self.root)
            zone = self.settings.timezone or DEFAULT_TIMEZONE
            return Manifest(0, None, zone, "", 1, (), ())
        found = self.manifest_numbered(number)
        if current.sha256 not in (None, self.sha256_of_manifest(number)):
            raise DamagedError("manifest_replaced", warehouse=self.root, number=number)
        if self.path("manifests", f"{number + 1}.json").exists():
            last = self.numbers()[-1]
            if last > number + 1 or not self._is_of_a_writer(number):
                raise DamagedError("current_behind", warehouse=self.root, number=number, last=last)
        return found

    def _is_in_force(self, number: int) -> bool:
        try:
            current = self.current()
        except KeptError:
            return False
        return number == (0 if current is None else current.number)

    def numbers(self) -> list[int]:
        """The numbers of the manifests that are there, be they in force or not."""
        files = self.root.glob("manifests/*.json")
        return sorted(int(file.stem) for file in files if _NUMBER.fullmatch(file.stem))

    def sha256_of_manifest(self, number: int) -> str:
        """The hash of a manifest's file, "" where there is none."""
        try:
            return sha256_of(self.path("manifests", f"{number}.json"))
        except FileNotFoundError:
            return ""

    def _is_of_a_writer(self, number: int) -> bool:
        """Whether what lies beyond that manifest is of a writer that began there.

        It is at work, or was killed and left lock.json behind.
        """
        holder = _read_holder(self.path("lock.json"))
        # An earlier version of Kept did not note where it began.
        return holder is not None and holder.get("from", number) == number

    def holds_truth(self) -> bool:
        """Whether any file of data is there, whatever CURRENT says."""
        names = ("manifests/[1-9]*.json", "batches/*/[!.]*.parquet", "decisions/[1-9]*.json")
        return any(True for one in names for _ in self.root.glob(one)) or any(
            _SHA256.fullmatch(file.name.split(".")[0]) for file in self.root.glob("raw/*")
        )

    def manifest_numbered(self, number: int | str) -> Manifest:
        """An earlier (or the current) manifest. Raises DamagedError where it cannot be read."""
        try:
            found = parse_manifest(self.path("manifests", f"{number}.json").read_bytes())
            if found.number != int(number):
                raise ValueError(found.number)
            return found
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DamagedError("warehouse_damaged", warehouse=self.root, number=number) from error

    def files_of(self, batch: Batch) -> Iterator[tuple[Path, str | None]]:
        """The files of a batch, each with the hash it had when it was written, where one is kept:
        its rows, its rejects, the upload."""
        yield self.path("batches", batch.log, f"{batch.id}.parquet"), batch.rows_sha256
        if batch.rejected:
            yield self.path("rejects", f"{batch.id}.parquet"), batch.rejects_sha256
        if batch.sha256 is not None:
            yield self.path("raw", f"{batch.sha256}{batch.extension}"), batch.sha256

    def rows_of(self, batch: Batch) -> Path:
        """The typed rows of a batch. Raises DamagedError where they are missing or changed."""
        return self._whole(batch, "batches")

    def rejects_of(self, batch: Batch) -> Path | None:
        """Its refused rows, None where it has none. Raises DamagedError as `rows_of` does."""
        return self._whole(batch, "rejects") if batch.rejected else None

    def raw_of(self, batch: Batch) -> Path | None:
        """Its upload, None where it had none. Raises DamagedError as `rows_of` does."""
        return None if batch.sha256 is None else self._whole(batch, "raw")

    def damage_of(self, batch: Batch) -> Iterator[DamagedError]:
        """Which files of a batch are missing or changed."""
        for file, sha256 in self.files_of(batch):
            try:
                self._demand_whole(batch, file, sha256)
            except DamagedError as error:
                yield error

    def _whole(self, batch: Batch, folder: str) -> Path:
        for file, sha256 in self.files_of(batch):
            if file.relative_to(self.root).parts[0] == folder:
                self._demand_whole(batch, file, sha256)
                return file
        raise LookupError(folder)

    def _demand_whole(self, batch: Batch, file: Path, sha256: str | None) -> None:
        name = file.relative_to(self.root).as_posix()
        values = {"file": name, "source": batch.file, "batch": batch.id}
        try:
            found = _known_sha256(file, *_identity(file))
        except OSError as error:
            raise DamagedError("batch_gone", **values) from error
        if sha256 not in (None, found):
            raise DamagedError("batch_damaged", **values)

    def unlisted(self, manifest: Manifest) -> list[Path]:
        """The files of batches, rejects, uploads and manifests that `manifest` knows nothing of.

        Manifests come first, then the rest by name.
        """
        batches = (*manifest.batches, *manifest.undone)
        listed = {file for batch in batches for file, _ in self.files_of(batch)}
        listed |= {self.path("manifests", f"{n}.json") for n in range(1, manifest.number + 1)}
        found = []
        for folder in ("manifests", "batches/*", "rejects", "raw"):
            for file in sorted(self.root.glob(f"{folder}/*")):
                if file.is_file() and file not in listed and not is_temporary(file.name):
                    found.append(file)
        return found

    def generation(self, manifest: Manifest, fingerprint: str) -> Path:
        """Where the generation of `manifest` under the rules `fingerprint` is, or would be."""
        return self.path("generations", f"{manifest.number}-{fingerprint[:12]}.duckdb")

    @contextmanager
    def lock(
        self,
        waiting_for: Callable[[str], None] = lambda _holder: None,
        *,
        unchecked: bool = False,
    ) -> Iterator[None]:
        """Alone in the warehouse; `waiting_for` is told for whom one waits.

        What a killed writer left goes to the trash first. What this one adds
        is taken away again where it fails. `unchecked` is for those who put a damaged warehouse
        right: nothing is looked at and nothing swept. Raises KeptError when another writer does
        not finish in time, DamagedError as `manifest` does.
        """
        self._demand_a_usable_folder()
        is_new = not self.path("CURRENT").exists()
        made = not self.root.exists()
        make_folder(self.root)
        lock = FileLock(self.path("lock"), mode=0o640)
        holder = self.path("lock.json")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting_for(_holder(holder))
            try:
                lock.acquire(timeout=self.settings.lock_timeout_seconds)
            except Timeout as error:
                raise NothingDoneError("warehouse_busy", holder=_holder(holder)) from error
        try:
            with room({self.root: LEAST_ROOM}), self._held(unchecked):
                yield
        finally:
            if is_new and not self.path("CURRENT").exists():
                self._leave_no_trace(made)
            lock.release()

    @contextmanager
    def _held(self, unchecked: bool) -> Iterator[None]:
        holder = self.path("lock.json")
        began = None if unchecked else self.checked()
        left = [] if began is None else self._left_behind(began)
        by = _holder(holder)
        with self.writing(holder) as temporary:
            about = {
                "by": self.settings.person,
                "pid": os.getpid(),
                "since": now(),
                "from": None if began is None else began.number,
            }
            temporary.write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        self._added.clear()
        try:
            if began is not None:
                self._sweep(began, left, by)
            yield
        except BaseException:
            if began is not None and self._is_in_force(began.number):
                for file in self._added:
                    file.unlink(missing_ok=True)
            self._sweep_temporary()
            raise
        finally:
            holder.unlink(missing_ok=True)

    def keep_raw(self, source: Path, sha256: str, extension: str) -> None:
        """Keeps an upload as it came. Raises KeptError where it changed while it was read."""
        target = self.path("raw", f"{sha256}{extension}")
        if target.exists() and sha256_of(target) == sha256:
            return
        with self.writing(target) as temporary:
            if copy_hashed(source, temporary) != sha256:
                raise KeptError("file_changed", file=source.name)

    @contextmanager
    def writing(self, target: Path) -> Iterator[Path]:
        """A temporary name to write to; what is there at the end is synced and becomes `target`."""
        make_folder(target.parent)
        temporary = _temporary_name(target)
        if not target.exists() and target.parent != self.root:
            self._added.append(target)
        try:
            yield temporary
            _finish(temporary)
            os.replace(temporary, target)
            sync(target.parent)
        finally:
            for file in temporary.parent.glob(f"{glob.escape(temporary.name)}*"):
                _remove(file)

    def add(self, target: Path, content: bytes) -> None:
        """Writes a file that is never rewritten: whole or not at all.

        Raises FileExistsError where there is one of that name.
        """
        make_folder(target.parent)
        temporary = _temporary_name(target)
        try:
            temporary.write_bytes(content)
            _finish(temporary)
            _link(temporary, target)
            journal.wrote(target.relative_to(self.root).as_posix())
            sync(target.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def following(self, manifest: Manifest) -> tuple[Manifest, bytes]:
        """`manifest` bound to the one before it by its hash and signed, and its file's content."""
        parent = self.sha256_of_manifest(manifest.number - 1) or None
        manifest = replace(manifest, parent_sha256=parent, signature=None)
        signature = State(self.settings).sign(manifest_statement(asdict(manifest)))
        manifest = replace(manifest, signature=signature)
        return manifest, manifest_json(asdict(manifest)).encode()

    def publish(self, manifest: Manifest) -> Manifest:
        """Makes `manifest` the current one; the caller holds the lock and has built its files."""
        manifest, content = self.following(manifest)
        sha256 = hashlib.sha256(content).hexdigest()
        with self.writing(self.path("manifests", f"{manifest.number}.json")) as temporary:
            temporary.write_bytes(content)
        self.name_current(Current(manifest.number, sha256))
        State(self.settings).keep_manifest(manifest.number, sha256, manifest.made_at)
        self._forget_generations(manifest.number)
        return manifest

    def name_current(self, current: Current) -> None:
        """Swaps CURRENT: from here on that manifest is the one in force."""
        try:
            with self.writing(self.path("CURRENT")) as temporary:
                temporary.write_text(f"{current.number} {current.sha256}\n", encoding="utf-8")
        finally:
            if self._is_in_force(current.number):
                journal.wrote(f"manifests/{current.number}.json")

    def next_manifest(
        self, manifest: Manifest, batches: tuple[Batch, ...], undone: tuple[Batch, ...]
    ) -> Manifest:
        """The successor of `manifest` with these batches; not yet published."""
        highest = max((batch.sequence for batch in (*batches, *undone)), default=0)
        return replace(
            manifest,
            number=manifest.number + 1,
            made_at=now(),
            next_sequence=max(manifest.next_sequence, highest + 1),
            batches=batches,
            undone=undone,
        )

    def _forget_generations(self, newest: int) -> None:
        """Deletes the generations older than the last few, and those of no manifest in force."""
        for file in self.root.glob("generations/*"):
            name = _GENERATION.fullmatch(file.name)
            if name and not newest - KEPT_GENERATIONS < int(name[1]) <= newest:
                file.unlink(missing_ok=True)

    def _leave_no_trace(self, made: bool) -> None:
        """Takes away the empty folders of a warehouse that came to nothing."""
        for folder in [*self.root.glob("batches/*"), *(self.path(name) for name in FOLDERS)]:
            with suppress(OSError):
                folder.rmdir()
        self.path("lock").unlink(missing_ok=True)
        if made:
            with suppress(OSError):
                self.root.rmdir()

    def checked(self) -> Manifest:
        """The current manifest, as `manifest` gives it, where nothing lies beyond it.

        Raises DamagedError where there is more than a killed writer may have left.
        """
        manifest = self.manifest()
        self._left_behind(manifest)
        return manifest

    def _left_behind(self, manifest: Manifest) -> list[Path]:
        """What a writer left that began from `manifest` and was killed; raises DamagedError."""
        found = [file for file in self.unlisted(manifest) if self._is_newer(file, manifest)]
        beyond = [file for file in found if file.parent.name != "raw"]
        killed = self._is_of_a_writer(manifest.number)
        if any(number > manifest.number + 1 for number in self.numbers()):
            killed = False
        if beyond and not killed:
            name = beyond[0].relative_to(self.root).as_posix()
            raise DamagedError("files_beyond", warehouse=self.root, file=name, count=len(beyond))
        return found if killed else []

    def _is_newer(self, file: Path, manifest: Manifest) -> bool:
        """Whether a file that nobody names is called as one that comes after `manifest`."""
        folder = file.relative_to(self.root).parts[0]
        if folder == "raw":  # their names give no order
            return _SHA256.fullmatch(file.name.split(".")[0]) is not None
        if folder == "manifests":
            return _NUMBER.fullmatch(file.stem) is not None
        batch = _BATCH.fullmatch(file.stem)
        return batch is not None and int(batch[1]) >= manifest.next_sequence

    def _sweep(self, manifest: Manifest, left: list[Path], by: str) -> None:
        """Takes away what is left behind, and what has lain in the trash long enough."""
        self._sweep_temporary()
        folder = throw_away(self.root, left)
        if folder is not None:
            trash = folder.relative_to(self.root).as_posix()
            journal.note("unfinished_thrown_away", by=by, trash=trash, count=len(left))
        empty(self.root)
        self._forget_generations(manifest.number)

    def _sweep_temporary(self) -> None:
        """Deletes temporary files, those alone that have a name which Kept gives."""
        for folder in (
            ".", "raw", "batches/*", "rejects", "manifests", "generations", "decisions", "mappings",
        ):  # fmt: skip
            for file in self.root.glob(f"{folder}/.*.tmp*"):
                if is_temporary(file.name) and not _is_being_built(file):
                    _remove(file)

    def _demand_a_usable_folder(self) -> None:
        if self.root.exists() and not self.root.is_dir():
            raise KeptError("warehouse_no_folder", warehouse=self.root)
        strangers = self.root.exists() and not self.path("CURRENT").exists()
        if strangers and any(
            file.name not in (*FOLDERS, TRASH, "lock", "lock.json") and not is_temporary(file.name)
            for file in self.root.iterdir()
        ):
            raise KeptError("warehouse_not_empty", warehouse=self.root)
        folder = self.root.absolute()
        drive = _file_system(folder)
        if drive in _NETWORK_DRIVES:
            raise KeptError("warehouse_on_network", warehouse=self.root, drive=drive)
        nearest = next(p for p in (folder, *folder.parents) if p.exists())
        if not os.access(nearest, os.W_OK):
            raise KeptError("warehouse_not_writable", warehouse=self.root)


def parse_manifest(content: bytes) -> Manifest:
    """A manifest from its file. Raises ValueError, TypeError or KeyError where it is none."""
    raw = json.loads(content.decode())
    return Manifest(
        **{
            **raw,
            "batches": tuple(_batch(row) for row in raw["batches"]),
            "undone": tuple(_batch(row) for row in raw["undone"]),
        }
    )


def now() -> str:
    """The moment, with its offset, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_hashed(source: Path, target: Path) -> str:
    """Copies a file in pieces and gives the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as write:
        while piece := read.read(1 << 20):
            digest.update(piece)
            write.write(piece)
    return digest.hexdigest()


def _is_being_built(file: Path) -> bool:
    """Readers build other days and past manifests without the lock: left alone for a day."""
    try:
        unlocked = "-asof-" in file.name or file.name.startswith(".past-")
        return unlocked and time.time() - file.stat().st_mtime < 86_400
    except FileNotFoundError:
        return True


def _link(source: Path, target: Path) -> None:
    """Gives `source` the name `target` as well, never overwriting what has it."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        # A file system without links: the caller holds the lock, so nobody comes in between.
        if target.exists():
            raise FileExistsError(target) from error
        os.rename(source, target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _batch(raw: Mapping[str, object]) -> Batch:
    columns = raw.get("columns")
    return Batch(
        **{  # type: ignore[arg-type]
            **raw,
            "headers": tuple(raw["headers"]),  # type: ignore[arg-type]
            "columns": None if columns is None else tuple(columns),  # type: ignore[arg-type]
        }
    )


def _read_holder(file: Path) -> dict[str, object] | None:
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return raw if isinstance(raw, dict) else None


def _holder(file: Path) -> str:
    raw = _read_holder(file)
    try:
        return "?" if raw is None else f"{raw['by']} (pid {raw['pid']}, {raw['since']})"
    except KeyError:
        return "?"


def is_temporary(name: str) -> bool:
    """Whether a file's name is one that Kept gives to what is being written."""
    return _TEMPORARY.fullmatch(name) is not None


def _temporary_name(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.randbits(48)}.tmp")


def _identity(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


@lru_cache(4096)
def _known_sha256(file: Path, _inode: int, _size: int, _mtime_ns: int) -> str:
    return sha256_of(file)


def _finish(file: Path) -> None:
    """Syncs a file that was written, and leaves it to its owner and group alone."""
    if not file.is_dir():
        restrict(file)
    sync(file)


def _file_system(folder: Path) -> str | None:
    """The type of the file system that `folder` is (or will be) on, where the system tells."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    best, kind = "", None
    for line in mounts:
        _, mount, name, *_ = line.split(" ")
        inside = folder == Path(mount) or Path(mount) in folder.parents
        if inside and len(mount) >= len(best):
            best, kind = mount, name
    return kind
