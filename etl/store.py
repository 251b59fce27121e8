"""The warehouse on disk: files are the truth, the database is a cache.

    raw/<sha256>.<ext>           uploads as they came
    batches/<log>/<id>.parquet   typed rows: the log's columns, source_row, batch (its sequence)
    rejects/<id>.parquet         refused rows: source_row, key, contract_id, cells, problems
    manifests/<n>.json CURRENT   which batches count; CURRENT is swapped by rename
    generations/…duckdb          disposable, rebuilt from the above
    decisions/<seq>.json         decisions about retention money, a chain of hashes
    mappings/<hash>.toml         how the columns of a header set are taken, chosen once

Everything is written under a temporary name, synced and renamed; nothing published is changed.
"""

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
from pathlib import Path

from filelock import FileLock, Timeout

from etl.config import DEFAULT_TIMEZONE, Settings
from etl.errors import KeptError, NothingDoneError
from etl.state import State, manifest_json, manifest_statement

SCHEMA_VERSION = 1
KEPT_GENERATIONS = 3
# Only what has a name that Kept gives is ever swept: a folder may hold other people's files.
# DuckDB lays its log (.wal) and what does not fit into memory (.tmp) beside the file it writes.
_TEMPORARY = re.compile(r"\..+\.\d+\.tmp(\.tmp|\.wal(\.\w+)?)?")
_BATCH = re.compile(r"\d{5,}-[a-z_]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FOLDERS = ("raw", "batches", "rejects", "manifests", "generations", "decisions", "mappings")
_NETWORK_DRIVES = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "afs"})


@dataclass(frozen=True)
class Batch:
    """What one load of one file (or sheet) added. `sequence` gives the order of all batches.

    `rows_sha256` and `rejects_sha256` are of its files, None where it has none or predates them.
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


class Warehouse:
    """The folder of one deployment. Reading never locks; writing holds `lock()`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.root = settings.warehouse

    def path(self, *parts: str) -> Path:
        """A path inside the warehouse."""
        return self.root.joinpath(*parts)

    def manifest(self) -> Manifest:
        """The current manifest; an empty one, numbered 0, before the first load.

        Raises KeptError where a time zone is asked for that the warehouse was not made in, or
        where the warehouse is damaged.
        """
        current = self.path("CURRENT")
        try:
            number = current.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            zone = self.settings.timezone or DEFAULT_TIMEZONE
            return Manifest(0, None, zone, "", 1, (), ())
        except (NotADirectoryError, PermissionError, UnicodeDecodeError) as error:
            raise KeptError("warehouse_unreadable", warehouse=self.root) from error
        found = self.manifest_numbered(number)
        asked = self.settings.timezone
        if asked is not None and asked != found.timezone:
            raise KeptError("timezone_fixed", timezone=found.timezone, asked=asked)
        return found

    def manifest_numbered(self, number: int | str) -> Manifest:
        """An earlier (or the current) manifest. Raises KeptError where it cannot be read."""
        try:
            return parse_manifest(self.path("manifests", f"{number}.json").read_bytes())
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise KeptError("warehouse_damaged", warehouse=self.root, number=number) from error

    def generation(self, manifest: Manifest, fingerprint: str) -> Path:
        """Where the generation of `manifest` under the rules `fingerprint` is, or would be."""
        return self.path("generations", f"{manifest.number}-{fingerprint[:12]}.duckdb")

    @contextmanager
    def lock(self, waiting_for: Callable[[str], None] = lambda _holder: None) -> Iterator[None]:
        """Alone in the warehouse; `waiting_for` is told for whom one waits.

        Raises KeptError when another writer does not finish in time.
        """
        self._demand_a_usable_folder()
        is_new = not self.path("CURRENT").exists()
        made = not self.root.exists()
        self.root.mkdir(parents=True, exist_ok=True)
        holder = self.path("lock.json")
        lock = FileLock(self.path("lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting_for(_holder(holder))
            try:
                lock.acquire(timeout=self.settings.lock_timeout_seconds)
            except Timeout as error:
                raise NothingDoneError("warehouse_busy", holder=_holder(holder)) from error
        try:
            holder.write_text(
                json.dumps(
                    {"by": self.settings.person, "pid": os.getpid(), "since": now()},
                    ensure_ascii=False,
                ),
                encoding="utf-8",
            )
            self._sweep()
            yield
        except BaseException:
            self._sweep()
            raise
        finally:
            holder.unlink(missing_ok=True)
            if is_new and not self.path("CURRENT").exists():
                self._leave_no_trace(made)
            lock.release()

    def demand_space(self, needed_bytes: int) -> None:
        """Raises KeptError where the disk has not that much room."""
        folder = next(p for p in (self.root, *self.root.absolute().parents) if p.exists())
        free = shutil.disk_usage(folder).free
        if free < needed_bytes:
            raise NothingDoneError(
                "disk_full", needed=_megabytes(needed_bytes), free=_megabytes(free), folder=folder
            )

    def keep_raw(self, source: Path, sha256: str, extension: str) -> None:
        """Keeps an upload as it came. Raises KeptError where it changed while it was read."""
        target = self.path("raw", f"{sha256}{extension}")
        if target.exists():
            return
        with self.writing(target) as temporary:
            if copy_hashed(source, temporary) != sha256:
                raise KeptError("file_changed", file=source.name)

    @contextmanager
    def writing(self, target: Path) -> Iterator[Path]:
        """A temporary name to write to; what is there at the end is synced and becomes `target`."""
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.randbits(48)}.tmp")
        try:
            yield temporary
            _sync(temporary)
            os.replace(temporary, target)
            _sync(target.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def add(self, target: Path, content: bytes) -> None:
        """Writes a file that is never rewritten: whole or not at all.

        Raises FileExistsError where there is one of that name.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.randbits(48)}.tmp")
        try:
            temporary.write_bytes(content)
            _sync(temporary)
            _link(temporary, target)
            _sync(target.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def publish(self, manifest: Manifest) -> Manifest:
        """Makes `manifest` the current one; the caller holds the lock and has built its files."""
        parent = self.path("manifests", f"{manifest.number - 1}.json")
        parent_sha256 = sha256_of(parent) if parent.exists() else None
        manifest = replace(manifest, parent_sha256=parent_sha256, signature=None)
        state = State(self.settings)
        manifest = replace(manifest, signature=state.sign(manifest_statement(asdict(manifest))))
        with self.writing(self.path("manifests", f"{manifest.number}.json")) as temporary:
            temporary.write_bytes(manifest_json(asdict(manifest)).encode())
        with self.writing(self.path("CURRENT")) as temporary:
            temporary.write_text(f"{manifest.number}\n", encoding="utf-8")
        sha256 = sha256_of(self.path("manifests", f"{manifest.number}.json"))
        state.keep_manifest(manifest.number, sha256, manifest.made_at)
        self._forget_old_generations(manifest.number)
        return manifest

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

    def _forget_old_generations(self, newest: int) -> None:
        for file in self.root.glob("generations/*.duckdb"):
            number = file.name.split("-")[0]
            if number.isdecimal() and int(number) <= newest - KEPT_GENERATIONS:
                file.unlink(missing_ok=True)

    def _leave_no_trace(self, made: bool) -> None:
        """Takes away the empty folders of a warehouse that came to nothing."""
        for folder in [*self.root.glob("batches/*"), *(self.path(name) for name in _FOLDERS)]:
            with suppress(OSError):
                folder.rmdir()
        self.path("lock").unlink(missing_ok=True)
        if made:
            with suppress(OSError):
                self.root.rmdir()

    def _sweep(self) -> None:
        """Removes what a killed writer left behind; the caller holds the lock."""
        known = {batch.id for batch in self._every_batch()}
        folders = (
            ".", "raw", "batches/*", "rejects", "manifests", "generations", "decisions", "mappings",
        )  # fmt: skip
        for file in (file for folder in folders for file in self.root.glob(f"{folder}/.*.tmp*")):
            if _TEMPORARY.fullmatch(file.name) and not _is_being_built(file):
                _remove(file)
        for file in [*self.root.glob("batches/*/*.parquet"), *self.root.glob("rejects/*.parquet")]:
            if _BATCH.fullmatch(file.stem) and file.stem not in known:
                file.unlink(missing_ok=True)
        hashes = {batch.sha256 for batch in self._every_batch()}
        for file in self.path("raw").glob("*"):
            name = file.name.split(".")[0]
            if _SHA256.fullmatch(name) and name not in hashes:
                file.unlink(missing_ok=True)
        current = self.manifest().number
        for file in [*self.root.glob("manifests/*.json"), *self.root.glob("generations/*.duckdb")]:
            number = file.stem.split("-")[0]
            if number.isdecimal() and int(number) > current:
                file.unlink(missing_ok=True)
        self._forget_old_generations(current)

    def _every_batch(self) -> tuple[Batch, ...]:
        manifest = self.manifest()
        return manifest.batches + manifest.undone

    def _demand_a_usable_folder(self) -> None:
        if self.root.exists() and not self.root.is_dir():
            raise KeptError("warehouse_no_folder", warehouse=self.root)
        strangers = self.root.exists() and not self.path("CURRENT").exists()
        if strangers and any(
            file.name not in (*_FOLDERS, "lock", "lock.json")
            and not _TEMPORARY.fullmatch(file.name)
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
    return Batch(**{**raw, "headers": tuple(raw["headers"])})  # type: ignore[arg-type]


def _holder(file: Path) -> str:
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        return f"{raw['by']} (pid {raw['pid']}, {raw['since']})"
    except (OSError, ValueError, KeyError):
        return "?"


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"


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
