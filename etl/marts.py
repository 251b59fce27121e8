"""The published marts: a DuckDB file for the current data, and one for any other as-of."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from etl.config import Settings
from etl.errors import NothingDoneError
from etl.ledger import build_marts, fingerprint
from etl.references import find_waiting
from etl.sql import literal
from etl.store import Manifest, Warehouse
from etl.tables import create_logs, merge

Progress = Callable[[str, int, int], None]
KEPT_OTHER_DAYS = 12
KEPT_PASTS = 2
MOST_OPENED = 64


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
    generation = warehouse.generation(manifest, fingerprint())
    if not generation.exists():
        with warehouse.lock():
            if not generation.exists():
                build_generation(warehouse, manifest, progress)
    if as_of is None or as_of == _as_of_default(generation):
        return opened(generation, manifest)
    return opened(_other_day(warehouse, manifest, generation, as_of, progress), manifest)


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
    generation = warehouse.generation(manifest, fingerprint())
    if not generation.exists():
        generation = generation.with_name(f"past-{generation.name}")
        if generation.exists():
            generation.touch()
        else:
            _build(generation, warehouse, manifest, progress)
            _forget_older_pasts(generation)
    if as_of != _as_of_default(generation):
        return opened(_other_day(warehouse, manifest, generation, as_of, progress), manifest)
    return opened(generation, manifest)


def marts_are_built(settings: Settings, as_of: datetime | None = None) -> bool:
    """Whether `open_marts` would find them there.

    Raises KeptError where the warehouse holds nothing yet.
    """
    warehouse, manifest = _holding(settings)
    generation = warehouse.generation(manifest, fingerprint())
    return generation.exists() and (
        as_of is None
        or as_of == _as_of_default(generation)
        or _other_file(generation, as_of).exists()
    )


def rebuild(settings: Settings, progress: Progress = silent) -> Marts:
    """Builds the current generation anew from the batches, whatever is there."""
    warehouse, _ = _holding(settings)
    with warehouse.lock():
        manifest = warehouse.manifest()
        build_generation(warehouse, manifest, progress)
    return open_marts(settings)


def build_generation(warehouse: Warehouse, manifest: Manifest, progress: Progress = silent) -> Path:
    """Builds the generation of `manifest` from its batches alone; the caller holds the lock."""
    target = warehouse.generation(manifest, fingerprint())
    _build(target, warehouse, manifest, progress)
    return target


def generation_in_force(warehouse: Warehouse, progress: Progress = silent) -> Marts:
    """The generation of the manifest in force; the caller holds the lock.

    Raises KeptError where the warehouse holds nothing.
    """
    _, manifest = _holding(warehouse.settings)
    generation = warehouse.generation(manifest, fingerprint())
    if not generation.exists():
        build_generation(warehouse, manifest, progress)
    return opened(generation, manifest)


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
        _build(generation, warehouse, manifest, progress)
    if as_of is not None and as_of != _as_of_default(generation):
        return opened(_other_day(warehouse, manifest, generation, as_of, progress), manifest)
    return opened(generation, manifest)


def finish_generation(
    con: duckdb.DuckDBPyConnection, manifest: Manifest, progress: Progress = silent
) -> None:
    """Waiting rows and marts over the merged logs of the connection's own database."""
    find_waiting(con, "logs")
    for step in build_marts(con, "logs", manifest.loaded_logs, known_at(manifest)):
        progress(*step)


def known_at(manifest: Manifest) -> datetime:
    """The moment of the last load, in the deployment's time zone: nothing later is known."""
    latest = max(datetime.fromisoformat(batch.at) for batch in manifest.batches)
    return latest.astimezone(ZoneInfo(manifest.timezone)).replace(tzinfo=None)


def _build(target: Path, warehouse: Warehouse, manifest: Manifest, progress: Progress) -> None:
    with warehouse.writing(target) as temporary, duckdb.connect(temporary) as con:
        create_logs(con, "logs")
        for batch in manifest.batches:
            merge(con, "logs", warehouse, batch)
        finish_generation(con, manifest, progress)
        con.execute("checkpoint")


def _forget_older_pasts(newest: Path) -> None:
    pasts = {generation_of(file) for file in newest.parent.glob("past-*.duckdb")}
    there = sorted((file for file in pasts if file.exists()), key=lambda file: file.stat().st_mtime)
    for past in pasts - set(there[-KEPT_PASTS:]):
        for file in newest.parent.glob(f"{past.stem}*.duckdb"):
            file.unlink(missing_ok=True)


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


def _as_of_default(generation: Path) -> datetime | None:
    with duckdb.connect(generation, read_only=True) as con:
        found = con.execute("select as_of from build").fetchone()
    return found[0] if found else None


def _other_file(generation: Path, as_of: datetime) -> Path:
    stamp = as_of.strftime("%Y%m%dT%H%M%S%f")
    return generation.with_name(f"{generation.stem}-asof-{stamp}.duckdb")


def _other_day(
    warehouse: Warehouse,
    manifest: Manifest,
    generation: Path,
    as_of: datetime,
    progress: Progress,
) -> Path:
    target = _other_file(generation, as_of)
    if target.exists():
        target.touch()
        return target
    with warehouse.writing(target) as temporary, duckdb.connect(temporary) as con:
        con.execute(f"attach {literal(generation)} as source (read_only)")
        for step in build_marts(
            con, "source.logs", manifest.loaded_logs, known_at(manifest), as_of
        ):
            progress(*step)
        con.execute("checkpoint")
    others = sorted(
        generation.parent.glob(f"{generation.stem}-asof-*.duckdb"),
        key=lambda file: file.stat().st_mtime,
    )
    for file in others[:-KEPT_OTHER_DAYS]:
        file.unlink(missing_ok=True)
    return target


def opened(path: Path, manifest: Manifest) -> Marts:
    """The marts in the file `path`, a generation of `manifest` or another as-of of it."""
    return _opened(path, manifest.number, path.stat().st_ino)


@lru_cache(MOST_OPENED)
def _opened(path: Path, manifest: int, _inode: int) -> Marts:
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
