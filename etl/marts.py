"""The published marts: a DuckDB file for the current data, and one for any other as-of."""

import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from etl import journal
from etl.config import Settings
from etl.disk import room
from etl.errors import NothingDoneError
from etl.generations import forget, is_sound, last_used, seal, was_used
from etl.ledger import build_marts, fingerprint
from etl.references import find_waiting
from etl.scratch import lasting
from etl.sql import literal
from etl.store import Manifest, Warehouse
from etl.tables import create_logs, merge

Progress = Callable[[str, int, int], None]
KEPT_OTHER_DAYS = 12
KEPT_PASTS = 2
MOST_OPENED = 64
LEAST_GENERATION_BYTES = 24_000_000
ROOM_PER_BATCH = 12
"""A generation has about the least size and so many times that of its compressed batches."""


@dataclass(frozen=True)
class Marts:
    """A DuckDB file to open read-only, never changed once it is there.

    `as_of` and `horizon_at` are in the deployment's time zone; `key` names the content.
    """

    path: Path
    key: str
    as_of: datetime
    horizon_at: datetime
    manifest: int
    rejected_rows: int
    waiting_rows: dict[str, int]

    @property
    def generation(self) -> Path:
        """The file with the merged logs, in the schema `logs`: its own, or that beside it."""
        return generation_of(self.path)

    def beside_logs(self) -> AbstractContextManager[tuple[duckdb.DuckDBPyConnection, str]]:
        """A connection that uses the marts, and the schema in it that holds the merged logs."""
        return beside_logs(self.path)


@contextmanager
def beside_logs(path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A connection that uses the marts in the file `path`, and the schema of the merged logs in it.

    An instance of its own: one that pages share would keep what is attached to it.
    """
    generation = generation_of(path)
    with duckdb.connect() as con:
        con.execute(f"attach {literal(path)} as marts (read_only)")
        logs = "marts.logs"
        if generation != path:
            con.execute(f"attach {literal(generation)} as known (read_only)")
            logs = "known.logs"
        con.execute("use marts")
        yield con, logs


def silent(_name: str, _done: int, _of: int) -> None:
    """Progress that nobody watches."""


def open_marts(
    settings: Settings, as_of: datetime | None = None, progress: Progress = silent
) -> Marts:
    """The marts of the current data at `as_of` (None: the data horizon), built where need be.

    Raises KeptError where the warehouse holds nothing yet.
    """
    warehouse, manifest = _holding(settings)
    generation = whole_generation(warehouse, manifest, progress)
    return _at(warehouse, manifest, generation, as_of, progress)


def open_past_marts(
    settings: Settings, number: int, as_of: datetime, progress: Progress = silent
) -> Marts:
    """The marts of what an earlier manifest knew, at `as_of`; under today's rules.

    Where its generation is gone it is built anew, and the last two of these are kept. Raises
    KeptError where the manifest cannot be read.
    """
    warehouse = Warehouse(settings)
    if number == warehouse.manifest().number:
        return open_marts(settings, as_of, progress)
    manifest = warehouse.manifest_numbered(number)
    generation = sound_generation(warehouse, manifest)
    if generation is None:
        named = warehouse.generation(manifest, fingerprint())
        named = _home(warehouse, named.parent) / f"past-{named.name}"
        generation = _sound(named, warehouse, manifest)
        if generation is not None:
            was_used(generation)
        else:
            generation = _build(named, warehouse, manifest, progress)
            _forget_older_pasts(generation)
    return _at(warehouse, manifest, generation, as_of, progress)


def marts_are_built(settings: Settings, as_of: datetime | None = None) -> bool:
    """Whether `open_marts` would find them there.

    Raises KeptError where the warehouse holds nothing yet.
    """
    warehouse, manifest = _holding(settings)
    generation = sound_generation(warehouse, manifest)
    return generation is not None and (
        as_of is None
        or as_of == opened(generation, manifest).as_of
        or _sound(_other_file(warehouse, generation, as_of), warehouse, manifest) is not None
    )


def sound_generation(warehouse: Warehouse, manifest: Manifest) -> Path | None:
    """The generation of `manifest` where it is there and as it was written."""
    named = warehouse.generation(manifest, fingerprint())
    apart = _home(warehouse, named.parent) / named.name
    return _sound(named, warehouse, manifest) or _sound(apart, warehouse, manifest)


def whole_generation(
    warehouse: Warehouse, manifest: Manifest, progress: Progress = silent, *, locked: bool = False
) -> Path:
    """The generation of `manifest`, built from the batches where it is missing or damaged.

    `locked`: the caller holds the lock. Raises DamagedError where a file of a batch is damaged.
    """
    found = sound_generation(warehouse, manifest)
    if found is not None:
        return found
    with nullcontext() if locked or not warehouse.is_writable else warehouse.lock():
        found = sound_generation(warehouse, manifest)  # another may have built it meanwhile
        if found is None:
            _note_why(warehouse.generation(manifest, fingerprint()))
            found = build_generation(warehouse, manifest, progress)
        return found


def rebuild(settings: Settings, progress: Progress = silent) -> Marts:
    """Builds the current generation anew from the batches, whatever is there."""
    warehouse, _ = _holding(settings)
    with warehouse.lock():
        manifest = warehouse.manifest()
        build_generation(warehouse, manifest, progress)
    return open_marts(settings)


def build_generation(warehouse: Warehouse, manifest: Manifest, progress: Progress = silent) -> Path:
    """Builds the generation of `manifest` from its batches alone; the caller holds the lock.

    In a warehouse that can only be read it is built in a folder that goes with the process.
    """
    named = warehouse.generation(manifest, fingerprint())
    return _build(_home(warehouse, named.parent) / named.name, warehouse, manifest, progress)


def generation_in_force(warehouse: Warehouse, progress: Progress = silent) -> Marts:
    """The generation of the manifest in force; the caller holds the lock.

    Raises KeptError where the warehouse holds nothing.
    """
    _, manifest = _holding(warehouse.settings)
    return opened(whole_generation(warehouse, manifest, progress, locked=True), manifest)


def build_apart(
    warehouse: Warehouse,
    manifest: Manifest,
    as_of: datetime | None,
    folder: Path,
    progress: Progress = silent,
) -> Marts:
    """The marts of a manifest at `as_of` (None: the data horizon), from its batches alone.

    Built in `folder`: what lies there from an earlier call is used again, nothing of
    `generations/` is.
    """
    generation = folder / f"{manifest.number}.duckdb"
    if not generation.exists():
        generation = _build(generation, warehouse, manifest, progress)
    return _at(warehouse, manifest, generation, as_of, progress)


def finish_generation(
    con: duckdb.DuckDBPyConnection, manifest: Manifest, progress: Progress = silent
) -> None:
    """Waiting rows and marts over the merged logs of the connection's own database."""
    find_waiting(con, "logs")
    for step in build_marts(
        con, "logs", manifest.loaded_logs, known_at(manifest), timezone=manifest.timezone
    ):
        progress(*step)


def known_at(manifest: Manifest) -> datetime:
    """The moment of the last load, in the deployment's time zone: nothing later is known."""
    latest = max(datetime.fromisoformat(batch.at) for batch in manifest.batches)
    return latest.astimezone(ZoneInfo(manifest.timezone)).replace(tzinfo=None)


def _build(named: Path, warehouse: Warehouse, manifest: Manifest, progress: Progress) -> Path:
    """Builds a generation and gives its file, called `named` where nothing damaged has the name."""
    target = _free_name(named, warehouse, manifest)
    batches = sum(warehouse.rows_of(batch).stat().st_size for batch in manifest.batches)
    with (
        room({target.parent: LEAST_GENERATION_BYTES + ROOM_PER_BATCH * batches}),
        warehouse.writing(target) as temporary,
        duckdb.connect(temporary) as con,
    ):
        create_logs(con, "logs")
        for batch in manifest.batches:
            merge(con, "logs", warehouse, batch)
        finish_generation(con, manifest, progress)
        con.execute("checkpoint")
    _published(target, named, warehouse, manifest)
    return target


def _sound(named: Path, warehouse: Warehouse, manifest: Manifest) -> Path | None:
    """The file called `named`, or the one that was built in its place, as it was written."""
    sha256 = warehouse.sha256_of_manifest(manifest.number)
    return next((file for file in _called(named) if is_sound(file, sha256)), None)


def _called(named: Path) -> list[Path]:
    """The file `named` and those built in its place, where they are there."""
    others = named.parent.glob(f"{named.stem}.*.duckdb")
    found = [named, *(file for file in others if "-asof-" not in file.name[len(named.stem) :])]
    return [file for file in found if file.exists()]


def _free_name(named: Path, warehouse: Warehouse, manifest: Manifest) -> Path:
    """`named`, or another name where a damaged file has that one.

    Readers may have the damaged one open, and DuckDB gives a process that opens a name again what
    it has open under that name.
    """
    if not named.exists() or _sound(named, warehouse, manifest) == named:
        return named
    return named.with_name(f"{named.stem}.{secrets.token_hex(4)}.duckdb")


def _published(target: Path, named: Path, warehouse: Warehouse, manifest: Manifest) -> None:
    """Seals a file that was built and deletes the damaged ones that it takes the place of."""
    seal(target, warehouse.sha256_of_manifest(manifest.number))
    for file in _called(named):
        if file != target:
            with suppress(OSError):  # a system that keeps files which are open
                forget(file)


def _note_why(named: Path) -> None:
    """Says why a file is built that should be there."""
    journal.note("cache_damaged" if _called(named) else "cache_missing", file=named.name)


def _home(warehouse: Warehouse, folder: Path) -> Path:
    """Where the cache of a warehouse is written: `folder`, or, where it can only be read, a folder
    that goes with the process.
    """
    if warehouse.is_writable or folder.parent != warehouse.root:
        return folder
    mark = hashlib.sha256(str(warehouse.root.absolute()).encode()).hexdigest()[:12]
    apart = lasting(f"read-only-{mark}") / folder.name
    if not apart.exists():
        apart.mkdir()
        # Who has a generation finds the manifests beside its folder.
        _lend(warehouse.path("manifests"), apart.with_name("manifests"))
    return apart


def _lend(source: Path, target: Path) -> None:
    """Makes what is at `source` be at `target` too."""
    try:
        target.symlink_to(source.absolute())
    except OSError:  # a system without links
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)


def _forget_older_pasts(newest: Path) -> None:
    pasts = {generation_of(file) for file in newest.parent.glob("past-*.duckdb")}
    there = sorted((file for file in pasts if file.exists()), key=last_used)
    for past in pasts - set(there[-KEPT_PASTS:]):
        for file in newest.parent.glob(f"{past.stem}*.duckdb"):
            forget(file)


def generation_of(path: Path) -> Path:
    """The file with the merged logs that belongs to marts of any day: itself, or beside it."""
    return path.with_name(f"{path.stem.split('-asof-')[0]}.duckdb")


def _holding(settings: Settings) -> tuple[Warehouse, Manifest]:
    """The warehouse and its manifest, where it holds anything."""
    warehouse = Warehouse(settings)
    manifest = warehouse.manifest()
    if not manifest.loaded_logs:
        raise NothingDoneError("warehouse_empty", warehouse=settings.warehouse)
    return warehouse, manifest


def _other_file(warehouse: Warehouse, generation: Path, as_of: datetime) -> Path:
    stamp = as_of.strftime("%Y%m%dT%H%M%S%f")
    home = _home(warehouse, generation.parent)
    return home / f"{generation.stem}-asof-{stamp}.duckdb"


def _at(
    warehouse: Warehouse,
    manifest: Manifest,
    generation: Path,
    as_of: datetime | None,
    progress: Progress,
) -> Marts:
    """The marts beside `generation` at `as_of`, built where need be."""
    latest = opened(generation, manifest)
    if as_of is None or as_of == latest.as_of:
        return latest
    named = _other_file(warehouse, generation, as_of)
    target = _sound(named, warehouse, manifest)
    if target is not None:
        was_used(target)
        return opened(target, manifest)
    if _called(named):
        _note_why(named)
    target = _free_name(named, warehouse, manifest)
    home = target.parent
    if home != generation.parent and not (home / generation.name).exists():
        _lend(generation, home / generation.name)
    with (
        room({home: generation.stat().st_size}),
        warehouse.writing(target) as temporary,
        duckdb.connect(temporary) as con,
    ):
        con.execute(f"attach {literal(generation)} as source (read_only)")
        for step in build_marts(
            con,
            "source.logs",
            manifest.loaded_logs,
            known_at(manifest),
            as_of,
            timezone=manifest.timezone,
        ):
            progress(*step)
        con.execute("checkpoint")
    _published(target, named, warehouse, manifest)
    others = sorted(home.glob(f"{generation.stem}-asof-*.duckdb"), key=last_used)
    for file in others[:-KEPT_OTHER_DAYS]:
        forget(file)
    return opened(target, manifest)


def opened(path: Path, manifest: Manifest) -> Marts:
    """The marts in the file `path`, a generation of `manifest` or another as-of of it."""
    stat = path.stat()
    return _opened(path, manifest.number, (stat.st_ino, stat.st_size, stat.st_mtime_ns))


@lru_cache(MOST_OPENED)
def _opened(path: Path, manifest: int, _identity: tuple[int, int, int]) -> Marts:
    """A published file never changes, and to count what was refused takes time: once will do."""
    with duckdb.connect(path, read_only=True) as con:
        found = con.execute("select as_of, horizon_at from build").fetchone()
        assert found is not None
    with duckdb.connect(generation_of(path), read_only=True) as con:
        rejected = con.execute("select count(*) from logs.open_rejects").fetchone()
        waiting = con.execute(
            "select log, count(*) from logs.waiting group by log order by log"
        ).fetchall()
    return Marts(
        path=path,
        key=path.stem,
        as_of=found[0],
        horizon_at=found[1],
        manifest=manifest,
        rejected_rows=rejected[0] if rejected else 0,
        waiting_rows=dict(waiting),
    )
