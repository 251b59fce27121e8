"""`kept load`: read, match, check, then merge and publish everything at once, or nothing."""

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from etl.catalogue import catalogue
from etl.check import Checked, check, problems_json, typed_columns
from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.ledger import fingerprint
from etl.marts import Progress, build_generation, finish_generation, silent
from etl.match import recognise
from etl.read import drop_staged, sniff
from etl.sql import literal
from etl.store import Batch, Manifest, Warehouse, now, sha256_of
from etl.tables import create_logs, difference, merge, merge_rows

SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
THROUGH = "--through"
_LOOSE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}:\d{2}(?::\d{2})?))?")


@dataclass(frozen=True)
class Loaded:
    """What became of one file or sheet; `batch` is None where nothing was to be kept."""

    file: str
    sheet: str | None
    log: str
    new: int
    changed: int
    unchanged: int
    rejected: int
    superseded: int
    totals_rows: int
    ignored_columns: tuple[str, ...]
    batch: str | None

    @property
    def place(self) -> str:
        """The file, and the sheet where there is one."""
        return self.file if self.sheet is None else f"{self.file} [{self.sheet}]"


@dataclass(frozen=True)
class LoadReport:
    """What a load did, or (`dry_run`) would do."""

    files: tuple[Loaded, ...]
    skipped: tuple[str, ...]
    waiting: dict[str, int]
    manifest: int
    dry_run: bool

    def as_json(self) -> dict[str, object]:
        """The report for machines."""
        return asdict(self)


@dataclass(frozen=True)
class _Prepared:
    """A file or sheet, read and checked, not yet merged."""

    path: Path | None
    file: str
    sheet: str | None
    sha256: str | None
    log: str
    table: str
    headers: tuple[str, ...]
    absent: tuple[str, ...]
    checked: Checked | None = None
    ignored: tuple[str, ...] = field(default=())


def load(
    settings: Settings,
    paths: Sequence[Path],
    *,
    log: str | None = None,
    by: str | None = None,
    through: str | None = None,
    replace_missing: bool = False,
    dry_run: bool = False,
    progress: Progress = silent,
    waiting_for: Callable[[str], None] = lambda _holder: None,
) -> LoadReport:
    """Loads files and folders into the warehouse, all of them or none.

    Raises KeptError, with nothing written, where a file is refused.
    """
    if log is not None and log not in catalogue().logs:
        raise KeptError("log_unknown_name", log=log, logs=", ".join(catalogue().logs))
    files, skipped = find_files(paths)
    warehouse = Warehouse(settings)
    manifest = warehouse.manifest()
    complete_at = None if through is None else parse_instant(through, manifest.timezone)
    warehouse.demand_space(4 * sum(file.stat().st_size for file in files))
    with _scratch() as (con, folder):
        work = _Load(
            warehouse,
            con,
            folder,
            by or settings.person,
            replace_missing,
            dry_run,
            progress,
            skipped,
        )
        prepared = list(work.prepare(files, log, manifest.timezone))
        if complete_at is not None:
            prepared.append(work.prepare_coverage(prepared, complete_at))
        if dry_run:
            return work.commit(manifest, prepared)
        with warehouse.lock(waiting_for):
            return work.commit(warehouse.manifest(), prepared)


def undo(settings: Settings, identity: str, progress: Progress = silent) -> Batch:
    """Takes a batch back: the logs are then what they would be had it never been loaded.

    Raises KeptError where there is no such batch.
    """
    warehouse = Warehouse(settings)
    warehouse.manifest().batch(identity)
    with warehouse.lock():
        manifest = warehouse.manifest()
        gone = manifest.batch(identity)
        left = tuple(batch for batch in manifest.batches if batch is not gone)
        following = warehouse.next_manifest(manifest, left, (*manifest.undone, gone))
        if left:
            build_generation(warehouse, following, progress)
        warehouse.publish(following)
    return gone


def find_files(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The files to load, in the order in which they count, and the names left out of folders.

    Raises KeptError where a path does not exist or a folder holds nothing to load.
    """
    found: list[Path] = []
    skipped: list[str] = []
    for path in paths:
        try:
            str(path).encode()
            path.stat()
        except UnicodeEncodeError as error:
            raise KeptError("file_name_unreadable", file=ascii(str(path))) from error
        except FileNotFoundError as error:
            raise KeptError("file_missing", file=path) from error
        except OSError as error:
            raise KeptError("file_unreadable", file=path.name) from error
        if path.is_dir():
            inside = [file for file in path.rglob("*") if file.is_file()]
            taken = [file for file in inside if _looks_loadable(file)]
            if not taken:
                raise NothingDoneError("folder_empty", folder=path)
            found += taken
            skipped += [file.name for file in inside if file not in taken]
        elif path.is_file():
            found.append(path)
        else:
            raise KeptError("file_not_regular", file=path)
    unique = {file.resolve(): file for file in found}
    return sorted(unique.values(), key=lambda file: (file.name, str(file))), skipped


def parse_instant(text: str, timezone: str) -> datetime:
    """An instant in the deployment's time zone; a date alone is the last second of that day.

    Raises KeptError where the text is no instant.
    """
    text = text.strip()
    if spelled := _LOOSE.fullmatch(text):
        year, month, day, time = spelled.groups()
        text = f"{year}-{month:0>2}-{day:0>2}"
        if time:
            text += f" {time:0>{8 if time.count(':') > 1 else 5}}"
    try:
        instant = datetime.fromisoformat(text)
        if len(text) <= len("2026-01-05"):
            return instant.replace(hour=23, minute=59, second=59)
        if instant.tzinfo is not None:
            instant = instant.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise KeptError("instant_unreadable", value=text) from error
    return instant


def _looks_loadable(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and not file.name.startswith((".", "~$"))


@contextmanager
def _scratch() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    with tempfile.TemporaryDirectory(prefix="kept-") as name:
        folder = Path(name)
        with duckdb.connect(folder / "stage.duckdb") as con:
            con.execute("set enable_progress_bar = false")
            yield con, folder


@dataclass(frozen=True)
class _Load:
    """One load on its way; `con` is a scratch database in `folder`."""

    warehouse: Warehouse
    con: duckdb.DuckDBPyConnection
    folder: Path
    by: str
    replace_missing: bool
    dry_run: bool
    progress: Progress
    skipped: list[str]

    def prepare(
        self, files: Sequence[Path], forced: str | None, timezone: str
    ) -> Iterator[_Prepared]:
        """Reads, recognises and checks the files; nothing of the warehouse is touched."""
        con, limits = self.con, self.warehouse.settings.limits
        number = 0
        for done, path in enumerate(files):
            self.progress(path.name, done, len(files))
            recognised = False
            passed_over: list[str] = []
            with sniff(path, limits=limits) as source:
                sha256 = sha256_of(path)
                for sheet, readings in groupby(source.tables(), key=lambda table: table.sheet):
                    match = recognise(list(readings), forced, f"{path.stem} {sheet or ''}")
                    if match is None:
                        passed_over.append(f"{path.name} [{sheet}]")
                        continue
                    recognised = True
                    number += 1
                    source.stage(con, match.table, match.header_index, len(match.headers), "staged")
                    checked = check(con, "staged", match, timezone, f"typed_{number}")
                    drop_staged(con, "staged")
                    yield _Prepared(
                        path=path,
                        file=path.name,
                        sheet=sheet,
                        sha256=sha256,
                        log=match.log.name,
                        table=checked.table,
                        headers=match.headers,
                        absent=tuple(c for c in match.log.columns if c not in match.columns),
                        checked=checked,
                        ignored=match.ignored,
                    )
            if not recognised:
                raise KeptError("log_unknown", file=path.name)
            self.skipped.extend(passed_over)

    def prepare_coverage(self, prepared: Sequence[_Prepared], complete_at: datetime) -> _Prepared:
        """The coverage rows that `--through` states for the logs of this load."""
        con, log = self.con, catalogue().logs["coverage"]
        con.execute(f"create table typed_through ({typed_columns(log)}, source_row bigint)")
        names = sorted({one.log for one in prepared} - {log.name})
        for row, name in enumerate(names, start=1):
            con.execute(
                "insert into typed_through values (?, null, ?, ?)", [name, complete_at, row]
            )
        con.execute(
            "create table through as select source_row, "
            + ", ".join(log.columns)
            + " from typed_through"
        )
        return _Prepared(None, THROUGH, None, None, log.name, "through", tuple(log.columns), ())

    def commit(self, manifest: Manifest, prepared: Sequence[_Prepared]) -> LoadReport:
        """Merges what was prepared into a copy of the logs and, unless dry, publishes it."""
        con, warehouse, dry_run = self.con, self.warehouse, self.dry_run
        following = self.folder / "next.duckdb"
        self._copy_current(manifest, following)
        con.execute(f"attach {literal(following)} as next")
        batches: list[Batch] = []
        results: list[Loaded] = []
        loaded_logs = set(manifest.loaded_logs)
        for one in prepared:
            sequence = manifest.next_sequence + len(batches)
            result, batch = self._merge_one(one, sequence, one.log not in loaded_logs)
            results.append(result)
            if batch is not None:
                batches.append(batch)
                loaded_logs.add(batch.log)
                if not dry_run:
                    self._keep(one, batch)
        con.execute("detach next")
        published = manifest
        if batches:
            published = warehouse.next_manifest(
                manifest, (*manifest.batches, *batches), manifest.undone
            )
            with duckdb.connect(following) as own:
                finish_generation(own, published, self.progress)
                own.execute("checkpoint")
            if not dry_run:
                target = warehouse.generation(published, fingerprint())
                with warehouse.writing(target) as temporary:
                    shutil.copyfile(following, temporary)
                published = warehouse.publish(published)
        return LoadReport(
            files=tuple(results),
            skipped=tuple(sorted(self.skipped)),
            waiting=_waiting(following) if batches or manifest.batches else {},
            manifest=manifest.number if dry_run else published.number,
            dry_run=dry_run,
        )

    def _copy_current(self, manifest: Manifest, target: Path) -> None:
        """The merged logs of `manifest` at `target`, without its marts."""
        warehouse = self.warehouse
        current = warehouse.generation(manifest, fingerprint())
        if manifest.batches and not current.exists() and not self.dry_run:
            build_generation(warehouse, manifest, self.progress)
        if manifest.batches and current.exists():
            shutil.copyfile(current, target)
            with duckdb.connect(target) as con:
                marts = con.execute(
                    "select table_name from duckdb_tables() where schema_name = 'main'"
                ).fetchall()
                for (name,) in marts:
                    con.execute(f'drop table "{name}"')
            return
        with duckdb.connect(target) as con:
            create_logs(con, "logs")
            for batch in manifest.batches:
                merge(con, "logs", warehouse, batch)

    def _merge_one(
        self, one: _Prepared, sequence: int, first_of_its_log: bool
    ) -> tuple[Loaded, Batch | None]:
        """Merges a file into the next logs where it changes anything; its batch, else None."""
        con, log = self.con, catalogue().logs[one.log]
        found = difference(con, "next.logs", log, one.table, one.absent)
        if found.emptied and not self.replace_missing:
            raise KeptError(
                "columns_would_empty",
                file=one.file,
                columns="、".join(
                    f"{log.columns[name].label.zh} ({name})" for name in found.emptied
                ),
            )
        rejected = len(one.checked.rejects) if one.checked else 0
        new_rejects = self._note_rejects(one, sequence) if rejected else 0
        wanted = found.new or found.changed or new_rejects or first_of_its_log
        batch = None
        if wanted:
            merge_rows(con, "next.logs", log, one.table, sequence)
            if rejected:
                con.execute("insert into next.logs.rejects from refused")
            batch = Batch(
                id=f"{sequence:05d}-{one.log}",
                sequence=sequence,
                log=one.log,
                file=one.file,
                sheet=one.sheet,
                sha256=one.sha256,
                extension=one.path.suffix.lower() if one.path else "",
                by=self.by,
                at=now(),
                headers=one.headers,
                new=found.new,
                changed=found.changed,
                unchanged=found.unchanged,
                rejected=rejected,
                superseded=found.superseded,
            )
        return (
            Loaded(
                file=one.file,
                sheet=one.sheet,
                log=one.log,
                new=found.new,
                changed=found.changed,
                unchanged=found.unchanged,
                rejected=rejected,
                superseded=found.superseded,
                totals_rows=one.checked.totals if one.checked else 0,
                ignored_columns=one.ignored,
                batch=batch.id if batch else None,
            ),
            batch,
        )

    def _note_rejects(self, one: _Prepared, sequence: int) -> int:
        """Puts the rejects into the table `refused`; how many of them were not refused before."""
        assert one.checked is not None
        con = self.con
        con.execute("create or replace temp table refused as from next.logs.rejects limit 0")
        con.executemany(
            "insert into refused values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                [sequence, one.log, r.source_row, list(r.key), r.contract_id, list(r.cells),
                 list(r.texts),             problems_json(r.problems)]
                for r in one.checked.rejects
            ],
        )  # fmt: skip
        counted = con.execute(
            "select count(*) from refused "
            "where not exists (select 1 from next.logs.open_rejects as known "
            "where known.log = refused.log and known.texts = refused.texts)"
        ).fetchone()
        return counted[0] if counted else 0

    def _keep(self, one: _Prepared, batch: Batch) -> None:
        """Writes the files of a batch: the upload, its typed rows, its rejects."""
        con, warehouse = self.con, self.warehouse
        if one.path is not None and one.sha256 is not None:
            warehouse.keep_raw(one.path, one.sha256, batch.extension)
        rows = warehouse.path("batches", batch.log, f"{batch.id}.parquet")
        with warehouse.writing(rows) as temporary:
            con.execute(
                f"copy (select *, {batch.sequence} as batch from {one.table}) "
                f"to {literal(temporary)} (format parquet, compression zstd)"
            )
        if batch.rejected:
            with warehouse.writing(warehouse.path("rejects", f"{batch.id}.parquet")) as temporary:
                con.execute(
                    "copy (select source_row, key, contract_id, cells, texts, problems "
                    f"from refused) to {literal(temporary)} (format parquet, compression zstd)"
                )


def _waiting(generation: Path) -> dict[str, int]:
    with duckdb.connect(generation, read_only=True) as con:
        tables = con.execute(
            "select 1 from duckdb_tables() where schema_name = 'logs' and table_name = 'waiting'"
        ).fetchone()
        if tables is None:
            return {}
        rows = con.execute("select log from logs.waiting").fetchall()
    return dict(Counter(name for (name,) in rows))
