"""`kept load`: read, match, check, then merge and publish everything at once, or nothing."""

import hashlib
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from etl.catalogue import Text, catalogue
from etl.config import Settings
from etl.disk import room
from etl.errors import KeptError, NothingDoneError
from etl.generations import seal
from etl.intake.check import Checked, check, problems_json, typed_columns
from etl.intake.lacking import Lacking, lacking
from etl.intake.mapping import ColumnMapping
from etl.intake.match import LACKS, MARK, Match, Note, fitting, recognise, stage
from etl.intake.read import drop_staged, sniff
from etl.intake.remembered import remembered
from etl.intake.reuse import demand_same_things, note_units
from etl.intake.zones import local_now
from etl.ledger import fingerprint
from etl.lone_event import LoneEvent, lone_event
from etl.marts import (
    LEAST_GENERATION_BYTES,
    Progress,
    finish_generation,
    silent,
    sound_generation,
    whole_generation,
)
from etl.names import natural
from etl.scratch import scratch
from etl.sql import literal
from etl.store import Batch, Manifest, Warehouse, now, sha256_of
from etl.tables import MARK_SQL, create_logs, difference, fold, merge, put, shown_sql, take_out

SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".zip"})
THROUGH = "--through"
BEGINS = ("tickets", "complaints", "parts", "inspections")
"""The logs of which a file that is complete up to an instant has no row that begins later."""
ROOM_PER_FILE = 3
"""A file and its rows, typed and merged, need about so many times its room."""
_LOOSE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}:\d{2}(?::\d{2})?))?")


@dataclass(frozen=True)
class Loaded:
    """What became of one file or sheet; `batch` is None where nothing was to be kept.

    `unread`: column → word that nobody translated → how often; `lacking`: the clauses that it
    leaves without evidence.
    """

    file: str
    sheet: str | None
    log: str
    new: int
    changed: int
    unchanged: int
    rejected: int
    superseded: int
    older: int
    totals_rows: int
    ignored_columns: tuple[str, ...]
    batch: str | None
    notes: tuple[Note, ...] = ()
    unread: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    lacking: tuple[Lacking, ...] = ()

    @property
    def place(self) -> str:
        """The file, and the sheet where there is one."""
        return self.file if self.sheet is None else f"{self.file} [{self.sheet}]"

    @property
    def remarks(self) -> tuple[Note, ...]:
        """What of its content a person should know: words nobody translated, columns it lacks."""
        columns = catalogue().logs[self.log].columns
        unread = (
            Note(
                "words_unread",
                {
                    "column": columns[name].label,
                    "words": "、".join(f"{word} ({count})" for word, count in words.items()),
                },
            )
            for name, words in self.unread.items()
        )
        return (*unread, *(one.note for one in self.lacking))


@dataclass(frozen=True)
class LoadReport:
    """What a load did, or (`dry_run`) would do; `lapsed` and `lone_event` as of `Built`."""

    files: tuple[Loaded, ...]
    skipped: tuple[str, ...]
    waiting: dict[str, int]
    manifest: int
    dry_run: bool
    lapsed: Mapping[str, int] = field(default_factory=dict)
    lone_event: LoneEvent | None = None

    @property
    def remarks(self) -> tuple[Note, ...]:
        """What of all files a person should know: tickets that count nowhere, a lone event."""
        found = []
        if self.lapsed:
            found.append(Note("load_lapsed", self.lapsed))
        if self.lone_event is not None:
            batch = batch_id(self.lone_event.batch, self.lone_event.log)
            place = next((one.place for one in self.files if one.batch == batch), "")
            found.append(Note("lone_event", self.lone_event.texts(place)))
        return tuple(found)

    def as_json(self) -> dict[str, object]:
        """The report for machines."""
        return asdict(self)


def batch_id(sequence: int, log: str) -> str:
    """The id of a batch."""
    return f"{sequence:05d}-{log}"


@dataclass(frozen=True)
class Prepared:
    """A file or sheet, read and checked, not yet merged; `columns` are those that it has."""

    path: Path | None
    file: str
    sheet: str | None
    sha256: str | None
    log: str
    table: str
    headers: tuple[str, ...]
    columns: tuple[str, ...]
    checked: Checked | None = None
    ignored: tuple[str, ...] = field(default=())
    marks: str | None = None

    @property
    def place(self) -> str:
        """The file, and the sheet where there is one, as messages name it."""
        return self.checked.match.table.place if self.checked else self.file

    @property
    def absent(self) -> tuple[str, ...]:
        """The columns of its log that it does not have."""
        return tuple(c for c in catalogue().logs[self.log].columns if c not in self.columns)

    @property
    def refused(self) -> str:
        """The table that its rejects go into."""
        return f"refused_{self.table}"

    @property
    def folded(self) -> str:
        """The table that says what becomes of its rows."""
        return f"kinds_{self.table}"


def load(
    settings: Settings,
    paths: Sequence[Path],
    *,
    log: str | None = None,
    mappings: Sequence[ColumnMapping] = (),
    by: str | None = None,
    through: str | None = None,
    replace_missing: bool = False,
    corrections: bool = False,
    dry_run: bool = False,
    progress: Progress = silent,
    waiting_for: Callable[[str], None] = lambda _holder: None,
) -> LoadReport:
    """Loads files and folders into the warehouse, all of them or none.

    `mappings` are laid over what is found in the files that have their headers; after them come
    those that the warehouse remembers. With `corrections`, a number may come to be of another
    contract, time or name. Raises KeptError, with nothing written, where a file is refused.
    """
    if log is not None and log not in catalogue().logs:
        raise KeptError("log_unknown_name", log=log, logs=", ".join(catalogue().logs))
    files, skipped = find_files(paths)
    warehouse = Warehouse(settings)
    manifest = warehouse.manifest()
    complete_at = None if through is None else parse_instant(through, manifest.timezone)
    with room(room_for(warehouse, manifest, files)), staging() as (con, folder):
        work = Work(
            warehouse,
            con,
            folder,
            by or settings.person,
            replace_missing,
            corrections,
            progress,
            skipped,
        )
        prepared = list(work.prepare(files, log, manifest.timezone, mappings))
        if complete_at is not None:
            prepared.append(work.prepare_coverage(prepared, complete_at))
        if dry_run:
            return work.report(work.build(manifest, prepared), manifest.number, dry_run=True)
        with warehouse.lock(waiting_for):
            return work.publish(work.build(ready(warehouse, progress), prepared))


def room_for(
    warehouse: Warehouse, manifest: Manifest, files: Iterable[Path] = ()
) -> dict[Path, int]:
    """The bytes that loading `files` (or undoing a batch) needs, for scratch and in the warehouse.

    Both hold the rows, and a copy of the generation.
    """
    generation = sound_generation(warehouse, manifest) if manifest.batches else None
    needed = generation.stat().st_size if generation else LEAST_GENERATION_BYTES
    needed += ROOM_PER_FILE * sum(file.stat().st_size for file in files)
    return {warehouse.root: needed, Path(tempfile.gettempdir()): needed}


def undo(settings: Settings, identity: str, progress: Progress = silent) -> Batch:
    """Takes a batch back: the logs are then what they would be had it never been loaded.

    Raises KeptError where there is no such batch.
    """
    warehouse = Warehouse(settings)
    manifest = warehouse.manifest()
    manifest.batch(identity)
    with room(room_for(warehouse, manifest)), scratch("undo") as folder, warehouse.lock():
        manifest = warehouse.manifest()
        after = without(warehouse, manifest, identity, folder / "next.duckdb", progress)
        publish(warehouse, after, folder / "next.duckdb")
    return manifest.batch(identity)


def without(
    warehouse: Warehouse,
    manifest: Manifest,
    identity: str,
    target: Path,
    progress: Progress = silent,
) -> Manifest:
    """The successor of `manifest` without that batch, its generation built at `target`.

    Raises KeptError where there is no such batch.
    """
    gone = manifest.batch(identity)
    left = tuple(batch for batch in manifest.batches if batch is not gone)
    after = warehouse.next_manifest(manifest, left, (*manifest.undone, gone))
    if not left:
        return after
    target.unlink(missing_ok=True)
    if sound_generation(warehouse, manifest):
        copy_logs(warehouse, manifest, target)
        with duckdb.connect(target) as con:
            take_out(con, "logs", warehouse, gone, left)
    else:
        copy_logs(warehouse, after, target)
    with duckdb.connect(target) as con:
        finish_generation(con, after, progress)
        con.execute("checkpoint")
    return after


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
            taken = [file for file in inside if is_loadable(file)]
            if not taken:
                raise NothingDoneError("folder_empty", folder=path)
            found += taken
            skipped += [file.name for file in inside if file not in taken]
        elif path.is_file():
            found.append(path)
        else:
            raise KeptError("file_not_regular", file=path)
    unique = {file.resolve(): file for file in found}
    return sorted(unique.values(), key=lambda file: (natural(file.name), str(file))), skipped


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


def ready(warehouse: Warehouse, progress: Progress) -> Manifest:
    """The current manifest; its generation is there, for whoever reads while a load goes on."""
    manifest = warehouse.manifest()
    if manifest.batches:
        whole_generation(warehouse, manifest, progress, locked=True)
    return manifest


def is_loadable(file: Path) -> bool:
    """Whether a file of a folder is one to load, by its name."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith((".", "~$"))


@contextmanager
def staging(purpose: str = "load") -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A scratch folder, and a database in it in which files are read and checked."""
    with scratch(purpose) as folder, duckdb.connect(folder / "stage.duckdb") as con:
        con.execute("set enable_progress_bar = false")
        yield con, folder


Noted = Callable[[int, Prepared], None]


def _unnoted(_place: int, _one: Prepared) -> None:
    """What comes before a merge that nobody wants to look at."""


def _unwatched(_stage: str) -> None:
    """A stage that begins unwatched."""


@dataclass(frozen=True)
class Built:
    """The state after a load, built in the scratch folder and not published.

    `after` is None where nothing would change; `batches` are what it would add to `before`. Of the
    rows that it adds: `lapsed` counts the tickets cancelled, duplicate, and of both those that were
    late; `lone_event` is the latest event of all, where it stands alone.
    """

    before: Manifest
    after: Manifest | None
    generation: Path
    files: tuple[Loaded, ...]
    batches: tuple[tuple[Prepared, Batch], ...] = ()
    lapsed: Mapping[str, int] = field(default_factory=dict)
    lone_event: LoneEvent | None = None


@dataclass(frozen=True)
class Work:
    """One load on its way; `con` is a scratch database in `folder`."""

    warehouse: Warehouse
    con: duckdb.DuckDBPyConnection
    folder: Path
    by: str
    replace_missing: bool
    corrections: bool
    progress: Progress
    skipped: list[str]
    begins: Callable[[str], None] = _unwatched

    def prepare(
        self,
        files: Sequence[Path],
        forced: str | None,
        timezone: str,
        mappings: Sequence[ColumnMapping] = (),
        now: datetime | None = None,
    ) -> Iterator[Prepared]:
        """Reads, recognises and checks the files; nothing of the warehouse is touched.

        `now` is the moment of loading, a local time of `timezone`; by default, what the clock says.
        """
        moment = now or local_now(timezone)
        con, limits = self.con, self.warehouse.settings.limits
        known = remembered(self.warehouse)
        unfit = list(mappings)
        number = 0
        for done, path in enumerate(files):
            self.progress(path.name, done, len(files))
            recognised = False
            passed_over: list[str] = []
            with sniff(path, limits=limits, scratch=self.folder) as source:
                sha256 = sha256_of(path)
                for sheet, group in groupby(source.tables(), key=lambda table: table.sheet):
                    readings = list(group)
                    unfit = [one for one in unfit if not fitting(readings, one)]
                    hint = f"{path.stem} {sheet or ''}"
                    match = recognise(readings, forced, hint, mappings, known)
                    if match is None:
                        passed_over.append(f"{path.name} [{sheet}]")
                        continue
                    recognised = True
                    number += 1
                    stage(source, con, match, "staged")
                    checked = check(con, "staged", match, timezone, f"typed_{number}", moment)
                    marks = self._marks(match, checked.table)
                    rows = self._rows(match, checked.table, f"rows_{number}")
                    drop_staged(con, "staged")
                    yield Prepared(
                        path=path,
                        file=path.name,
                        sheet=sheet,
                        sha256=sha256,
                        log=match.log.name,
                        table=rows,
                        headers=match.headers,
                        columns=tuple(c for c in match.log.columns if c in match.given),
                        checked=checked,
                        ignored=match.ignored,
                        marks=marks,
                    )
            if not recognised:
                raise KeptError("log_unknown", file=path.name)
            self.skipped.extend((*passed_over, *source.hidden))
        if unfit:
            raise KeptError("mapping_fits_none", mapping=unfit[0].profile or unfit[0].log)

    def prepare_coverage(self, prepared: Sequence[Prepared], complete_at: datetime) -> Prepared:
        """The coverage rows that `--through` states for the logs of this load.

        Raises KeptError where a file has rows that begin later.
        """
        con, log = self.con, catalogue().logs["coverage"]
        for one in prepared:
            self._demand_begun(one, complete_at)
        con.execute(f"create table typed_through ({typed_columns(log)}, source_row bigint)")
        names = sorted({one.log for one in prepared} - {log.name})
        for row, name in enumerate(names, start=1):
            con.execute(
                "insert into typed_through values (?, null, ?, ?)", [name, complete_at, row]
            )
        con.execute(
            "create table through as select *, cast(null as varchar) as days, "
            "cast(null as varchar) as recorded from typed_through"
        )
        columns = tuple(log.columns)
        return Prepared(None, THROUGH, None, None, log.name, "through", columns, columns)

    def _demand_begun(self, one: Prepared, complete_at: datetime) -> None:
        """Refuses a file of which rows begin after the instant up to which it is complete."""
        log = catalogue().logs[one.log]
        if log.name not in BEGINS:
            return
        begun = f"cast({log.begins} as timestamp)"
        shown = shown_sql("days", str(log.begins), begun)
        key = ", ".join(f"cast({name} as varchar)" for name in log.key)
        found = self.con.execute(
            f"select concat_ws('/', {key}), source_row, {shown}, count(*) over () "
            f"from {one.table} where {begun} > ? order by source_row limit 3",
            [complete_at],
        ).fetchall()
        if found:
            raise KeptError(
                "begins_after_through",
                file=one.place,
                log=log.label,
                column=log.columns[str(log.begins)].label,
                through=f"{complete_at:%Y-%m-%d %H:%M:%S}",
                count=found[0][3],
                examples=Text(
                    "；".join(f"第 {row} 行 {key}（{at}）" for key, row, at, _ in found),
                    "; ".join(f"row {row} {key} ({at})" for key, row, at, _ in found),
                ),
            )

    def build(
        self, manifest: Manifest, prepared: Sequence[Prepared], before_merging: Noted = _unnoted
    ) -> Built:
        """Merges what was prepared into a copy of the logs and builds the marts over them.

        `before_merging` is told of each file that is about to be merged into `next.logs`.
        """
        con = self.con
        self.begins("merge")
        generation = self.folder / "next.duckdb"
        generation.unlink(missing_ok=True)
        copy_logs(self.warehouse, manifest, generation)
        con.execute(f"attach {literal(generation)} as next")
        batches: list[tuple[Prepared, Batch]] = []
        results: list[Loaded] = []
        loaded_logs = set(manifest.loaded_logs)
        try:
            note_units(con, "next.logs", ((one.log, one.table) for one in prepared))
            for done, one in enumerate(prepared):
                self.progress(one.file, done, len(prepared))
                sequence = manifest.next_sequence + len(batches)
                log = catalogue().logs[one.log]
                fold(con, "next.logs", log, one.table, one.columns, one.folded)
                if not self.corrections:
                    demand_same_things(con, "next.logs", log, one.table, one.folded, one.place)
                before_merging(done, one)
                result, batch = self._merge_one(one, sequence, one.log not in loaded_logs)
                results.append(result)
                if batch is not None:
                    batches.append((one, batch))
                    loaded_logs.add(batch.log)
        finally:
            con.execute("detach next")
        built = Built(manifest, None, generation, tuple(results), tuple(batches))
        if not batches:
            return built
        added = {batch.sequence: batch for _, batch in batches}
        after = self.warehouse.next_manifest(
            manifest, (*manifest.batches, *added.values()), manifest.undone
        )
        self.begins("build")
        with duckdb.connect(generation) as own:
            finish_generation(own, after, self.progress)
            own.execute("checkpoint")
            latest = lone_event(own, "logs")
            return replace(
                built,
                after=after,
                lapsed=_lapsed(own, added),
                lone_event=latest if latest and latest.batch in added else None,
            )

    def publish(self, built: Built) -> LoadReport:
        """Makes what was built the current state; the caller holds the lock."""
        if built.after is None:
            return self.report(built, built.before.number)
        kept = tuple(self._keep(one, batch) for one, batch in built.batches)
        after = replace(built.after, batches=(*built.before.batches, *kept))
        return self.report(built, publish(self.warehouse, after, built.generation).number)

    def report(self, built: Built, manifest: int, *, dry_run: bool = False) -> LoadReport:
        """What became, or would become, of every file; `manifest` is the one then in force."""
        return LoadReport(
            files=built.files,
            skipped=tuple(sorted(self.skipped)),
            waiting=_waiting(built.generation) if built.after or built.before.batches else {},
            manifest=manifest,
            dry_run=dry_run,
            lapsed=built.lapsed,
            lone_event=built.lone_event,
        )

    def _merge_one(
        self, one: Prepared, sequence: int, first_of_its_log: bool
    ) -> tuple[Loaded, Batch | None]:
        """Merges a file into the next logs where it changes anything; its batch, else None."""
        con, log = self.con, catalogue().logs[one.log]
        found = difference(con, "next.logs", log, one.folded, one.absent)
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
        wanted = wanted or self._closes(one)
        batch = None
        if wanted:
            put(con, "next.logs", log, one.table, one.folded, one.columns, sequence)
            if rejected:
                con.execute(f"insert into next.logs.rejects from {one.refused}")
            if one.marks:
                con.execute(
                    f"insert into next.logs.mended select mark, {sequence} from {one.marks}"
                )
            batch = Batch(
                id=batch_id(sequence, one.log),
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
                columns=one.columns,
                older=found.older,
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
                older=found.older,
                totals_rows=one.checked.totals if one.checked else 0,
                ignored_columns=one.ignored,
                batch=batch.id if batch else None,
                notes=one.checked.match.notes if one.checked else (),
                unread=one.checked.unread if one.checked else {},
                lacking=lacking(one.log, one.columns),
            ),
            batch,
        )

    def _rows(self, match: Match, typed: str, name: str) -> str:
        """The typed rows with `recorded`: what a row of a request gives, else null."""
        kind, recorded, source = "view", "cast(null as varchar)", f"{typed} as typed"
        if LACKS in match.headers:
            given = ", ".join(
                f"case when {_is_given(match, column)} then {literal(column)} end"
                for column in match.log.columns
            )
            kind, recorded = "table", f"';' || concat_ws(';', {given}) || ';'"
            source += " join staged using (source_row)"
        self.con.execute(
            f"create {kind} {name} as select typed.*, {recorded} as recorded from {source}"
        )
        return name

    def _marks(self, match: Match, rows: str) -> str | None:
        """Which rejected rows those of a file of rejects are, mended: source_row, mark."""
        if MARK not in match.headers:
            return None
        name, cell = f"marks_{rows}", f"trim(c{match.headers.index(MARK)})"
        self.con.execute(
            f"create table {name} as select source_row, {cell} as mark from staged "
            f"semi join {rows} using (source_row) where {cell} <> ''"
        )
        return name

    def _closes(self, one: Prepared) -> bool:
        """Whether a file has rows mended that are still among the rejected ones."""
        if one.marks is None:
            return False
        found = self.con.execute(
            f"select 1 from next.logs.open_rejects semi join {one.marks} as marks "
            f"on marks.mark = {MARK_SQL} limit 1"
        ).fetchone()
        return found is not None

    def _note_rejects(self, one: Prepared, sequence: int) -> int:
        """Puts the rejects into a table of their own; how many of them were not refused before."""
        assert one.checked is not None
        con = self.con
        con.execute(f"create or replace table {one.refused} as from next.logs.rejects limit 0")
        con.executemany(
            f"insert into {one.refused} values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                [sequence, one.log, r.source_row, list(r.key), r.contract_id, list(r.cells),
                 list(r.texts), problems_json(r.problems)]
                for r in one.checked.rejects
            ],
        )  # fmt: skip
        counted = con.execute(
            f"select count(*) from {one.refused} as refused "
            "where not exists (select 1 from next.logs.open_rejects as known "
            "where known.log = refused.log and known.texts = refused.texts)"
        ).fetchone()
        return counted[0] if counted else 0

    def _keep(self, one: Prepared, batch: Batch) -> Batch:
        """Writes the files of a batch: the upload, its typed rows, its rejects; their hashes."""
        con, warehouse = self.con, self.warehouse
        if one.path is not None and one.sha256 is not None:
            warehouse.keep_raw(one.path, one.sha256, batch.extension)
        rows = warehouse.path("batches", batch.log, f"{batch.id}.parquet")
        with warehouse.writing(rows) as temporary:
            mends, marks = "", ""
            if one.marks:
                mends, marks = ", mark as mends", f"left join {one.marks} using (source_row)"
            con.execute(
                f"copy (select rows.*, {batch.sequence} as batch{mends} "
                f"from {one.table} as rows {marks}) "
                f"to {literal(temporary)} (format parquet, compression zstd)"
            )
        batch = replace(batch, rows_sha256=sha256_of(rows))
        if batch.rejected:
            rejects = warehouse.path("rejects", f"{batch.id}.parquet")
            with warehouse.writing(rejects) as temporary:
                con.execute(
                    "copy (select source_row, key, contract_id, cells, texts, problems "
                    f"from {one.refused}) to {literal(temporary)} "
                    "(format parquet, compression zstd)"
                )
            batch = replace(batch, rejects_sha256=sha256_of(rejects))
        return batch


def _is_given(match: Match, column: str) -> str:
    """Whether a row fills in a column; a default is no value of the row's own."""
    position = match.columns.get(column)
    if match.log.columns[column].default is None or position is None:
        return f"typed.{column} is not null"
    return f"trim(staged.c{position}) <> ''"


def copy_logs(warehouse: Warehouse, manifest: Manifest, target: Path) -> None:
    """The merged logs of `manifest` at `target`, without its marts."""
    current = sound_generation(warehouse, manifest) if manifest.batches else None
    if current is not None:
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


def publish(warehouse: Warehouse, after: Manifest, generation: Path) -> Manifest:
    """Makes `after` the current manifest, with the generation built for it.

    The caller holds the lock. Without any batch there is no generation.
    """
    if after.batches:
        after, content = warehouse.following(after)
        target = warehouse.generation(after, fingerprint())
        with warehouse.writing(target) as temporary:
            shutil.copyfile(generation, temporary)
        seal(target, hashlib.sha256(content).hexdigest())
    return warehouse.publish(after)


def _lapsed(con: duckdb.DuckDBPyConnection, batches: Iterable[int]) -> dict[str, int]:
    """How many tickets of these batches are cancelled, duplicate, and of both closed too late."""
    sequences = ", ".join(map(str, batches))
    found = con.execute(
        "select one.status, count(*), count(*) filter (one.late) from fact_ticket_lapsed as one "
        f"join logs.tickets as ticket using (ticket_id) where ticket.batch in ({sequences}) "
        "group by one.status"
    ).fetchall()
    if not found:
        return {}
    counts = {status: count for status, count, _ in found}
    return {"cancelled": 0, "duplicate": 0, **counts, "late": sum(late for *_, late in found)}


def _waiting(generation: Path) -> dict[str, int]:
    with duckdb.connect(generation, read_only=True) as con:
        rows = con.execute("select log from logs.waiting").fetchall()
    return dict(Counter(name for (name,) in rows))
