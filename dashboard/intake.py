"""What a person has on the desk while loading files: uploads, mappings, a preview; no drawing.

The work (reading, building, committing, undoing) is done on threads of its own: a page shows how
far it has come and is drawn anew when it is done, and nobody else waits for it.
"""

import csv
import logging
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Generic, TypeVar

import streamlit as st

from dashboard.uploads import Upload, shelf
from etl.config import Settings
from etl.errors import KeptError
from etl.intake.batches import UndoPreview, prepare_undo
from etl.intake.corrections import Corrected, correct
from etl.intake.mapping import ColumnMapping
from etl.intake.match import MARK, STRAY_CELLS, Proposal, propose, reconsidered
from etl.intake.preview import Committed, Preview, Sheet, Watch, prepare
from etl.intake.read import TextTable, sniff
from etl.intake.remembered import remember, remembered
from etl.names import natural
from etl.scratch import scratch
from etl.store import Warehouse

FORGOTTEN_SECONDS = 6 * 3600
"""After so long a preview that nobody looks at is put away; it can be made again."""
PATIENCE_SECONDS = 1.0
"""As long as this a page waits for work rather than see progress flash by."""

T = TypeVar("T")


@st.cache_resource(show_spinner=False)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, thread_name_prefix="kept-intake")


@st.cache_resource(show_spinner=False)
def _desks() -> "weakref.WeakSet[Intake | Undoing]":
    return weakref.WeakSet()


def _leave(session: str) -> None:
    """Clear the desks of a session that was left; what is being written is written to its end."""
    for desk in list(_desks()):
        if isinstance(desk, Intake) and any(one.session == session for one in desk.uploads):
            desk.leave()


shelf().when_left(_leave)


def _put_away_what_is_forgotten() -> None:
    limit = time.monotonic() - FORGOTTEN_SECONDS
    for desk in list(_desks()):
        if desk.used < limit and desk.job is None:
            desk.put_away()


@dataclass
class Job(Generic[T]):
    """Work under way: how far it has come, and what it will give."""

    watch: Watch
    future: "Future[T]"

    @classmethod
    def begin(cls, work: Callable[[Watch], T]) -> "Job[T]":
        """Begins `work` on a thread of its own."""
        _put_away_what_is_forgotten()
        watch = Watch()
        return cls(watch, _pool().submit(work, watch))

    def done(self, patience: float = 0) -> bool:
        """Whether it has ended, be it badly; waits for it as long as `patience`, in seconds."""
        try:
            self.future.exception(patience)
        except TimeoutError:
            return False
        return True


@dataclass
class Candidate:
    """One file or sheet as it was recognised.

    `proposal` is None where it is like no log and `error` says so; `chosen` is what a person
    changed, laid over what was found.
    """

    upload: Upload
    sheet: str | None
    place: str
    proposal: Proposal | None
    error: KeptError | None = None
    tables: Sequence[TextTable] = ()
    chosen: ColumnMapping | None = None
    remember: bool = True

    @property
    def problems(self) -> tuple[KeptError, ...]:
        """What stands in the way of loading it."""
        if self.error is not None:
            return (self.error,)
        return self.proposal.problems if self.proposal else ()

    def take_for(self, log: str) -> None:
        """Takes it for another log than it was recognised as."""
        found = propose(self.tables, log, self.place)
        if found is not None:
            self.proposal, self.error = found, None
            self.chosen = replace(found.mapping, place=self.place)

    def choose(self, mapping: ColumnMapping) -> None:
        """Lays a person's choices over what was found."""
        assert self.proposal is not None
        self.chosen = replace(mapping, place=self.place)
        self.proposal = reconsidered(self.proposal, self.chosen)


@dataclass(eq=False)
class Intake:
    """The desk of one person: one set of files from upload to commit."""

    settings: Settings
    uploads: tuple[Upload, ...] = ()
    candidates: list[Candidate] = field(default_factory=list)
    reading: "Job[list[Candidate]] | None" = None
    preparing: "Job[Preview] | None" = None
    committing: "Job[Committed] | None" = None
    preview: Preview | None = None
    refusal: KeptError | None = None
    committed: Committed | None = None
    remembered: int = 0
    replace_missing: bool = False
    corrections: bool = False
    through: date | None = None
    by: str = ""
    fixes: dict[str, dict[int, list[str | None]]] = field(default_factory=dict)
    marks: dict[str, dict[int, str]] = field(default_factory=dict)
    used: float = field(default_factory=time.monotonic)
    left: bool = False
    _corrections: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        _desks().add(self)

    @property
    def job(self) -> "Job[list[Candidate]] | Job[Preview] | Job[Committed] | None":
        """The work under way."""
        return self.reading or self.preparing or self.committing

    @property
    def is_ready(self) -> bool:
        """Whether every file is mapped, so that nothing has to be asked before the preview."""
        return bool(self.candidates) and not any(one.problems for one in self.candidates)

    def take(self, uploads: Iterable[Upload]) -> None:
        """Puts these uploads on the desk, in place of what lay there, and begins to read them."""
        wanted = tuple(sorted(uploads, key=lambda one: natural(one.name)))
        _tell_apart(wanted)
        if [one.path for one in wanted] == [one.path for one in self.uploads]:
            return
        self.clear()
        self.uploads = wanted
        if wanted:
            self.reading = Job.begin(lambda watch: _read(self.settings, wanted, watch))

    def clear(self) -> None:
        """Clears the desk; work under way is stopped."""
        if self.job is not None:
            self.job.watch.stop()
        if self.preparing is not None:
            self.preparing.future.add_done_callback(_drop)
        if self.preview is not None:
            self.preview.drop()
        self._corrections.close()
        self.uploads, self.candidates, self.fixes, self.marks = (), [], {}, {}
        self.reading = self.preparing = self.committing = None
        self.preview = self.refusal = self.committed = None
        self.replace_missing = self.corrections = False
        self.through, self.remembered = None, 0

    def leave(self) -> None:
        """Clears the desk of somebody who left; what was not written is named on their return."""
        if self.committing is not None:
            self.committing.future.add_done_callback(lambda _done: self.clear())
            return
        self.left = True
        self.clear()

    def look(self) -> None:
        """Begins to prepare the preview of what is on the desk, with the choices made so far."""
        self.put_away()
        files = [*(one.path for one in self.uploads), *self._written()]
        mappings = [one.chosen for one in self.candidates if one.chosen is not None]
        mappings += [
            replace(one.chosen or one.proposal.mapping, place=_correction_name(one.place))
            for one in self.candidates
            if self.fixes.get(one.place) and one.proposal is not None
        ]
        through = None if self.through is None else self.through.isoformat()
        options = (self.by or None, through, self.replace_missing, self.corrections)
        self.preparing = Job.begin(
            lambda watch: prepare(
                self.settings,
                files,
                mappings=mappings,
                by=options[0],
                through=options[1],
                replace_missing=options[2],
                corrections=options[3],
                watch=watch,
            )
        )

    def put_away(self) -> None:
        """Puts the preview away, to change what it was made of, or because it was forgotten."""
        if self.preview is not None:
            self.preview.drop()
        self.preview = self.refusal = None

    def correct(self, sheet: Sheet, rows: Mapping[int, Sequence[str | None]]) -> Corrected:
        """Checks corrected cells of refused rows (source row → cells) and keeps those that hold."""
        checked = sheet.prepared.checked
        assert checked is not None
        manifest = Warehouse(self.settings).manifest()
        found = correct(checked.match, rows, manifest.timezone)
        kept = self.fixes.setdefault(_place(sheet), {})
        for source_row in found.good:
            kept[source_row] = list(rows[source_row])
        self.marks[_place(sheet)] = sheet.marks()
        return found

    def commit(self) -> None:
        """Begins to publish what the preview shows; the mappings a person chose are remembered."""
        preview = self.preview
        assert preview is not None
        chosen = [
            replace(one.chosen, place=None)
            for one in self.candidates
            if one.chosen is not None and one.remember
        ]

        by = self.by or None

        def publish(watch: Watch) -> Committed:
            watch.begin("write")
            done = preview.commit(by, lambda holder: watch.tell(holder, 0, 1))
            for mapping in chosen:
                remember(Warehouse(self.settings), mapping)
            return done

        self.remembered = len(chosen)
        self.committing = Job.begin(publish)

    def collect(self, patience: float = PATIENCE_SECONDS) -> bool:
        """Takes what ended; whether anything did. Where all is mapped, the preview begins."""
        self.used = time.monotonic()
        try:
            if self.reading is not None and self.reading.done(patience):
                job, self.reading = self.reading, None
                self.candidates = job.future.result()
                if self.is_ready:
                    self.look()
                return True
            if self.preparing is not None and self.preparing.done(patience):
                other, self.preparing = self.preparing, None
                self.preview = other.future.result()
                return True
            if self.committing is not None and self.committing.done(patience):
                last, self.committing = self.committing, None
                self.committed = last.future.result()
                self.preview = None
                shelf().discard(self.uploads)
                self.uploads, self.candidates = (), []
                return True
        except Exception as error:
            self.refusal = _said(error)
            return True
        return False

    def stop(self) -> None:
        """Asks the work under way to end."""
        if self.job is not None:
            self.job.watch.stop()

    def _written(self) -> list[Path]:
        """The corrected rows of each file, as a small file of their own beside it."""
        self._corrections.close()
        wanted = {place: rows for place, rows in self.fixes.items() if rows}
        if not wanted:
            return []
        folder = self._corrections.enter_context(scratch("corrections"))
        written = []
        for place, rows in wanted.items():
            headers = next(
                one.proposal.headers
                for one in self.candidates
                if one.place == place and one.proposal is not None
            )
            target = folder / _correction_name(place)
            with target.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow([*headers, STRAY_CELLS, MARK])
                for source_row, cells in sorted(rows.items()):
                    padded = [*cells[: len(headers)], *[None] * (len(headers) - len(cells))]
                    mark = self.marks[place][source_row]
                    writer.writerow(["" if one is None else one for one in (*padded, None, mark)])
            written.append(target)
        return written


@dataclass(eq=False)
class Undoing:
    """A batch about to be taken back: the preview of it, then the deed."""

    settings: Settings
    batch: str
    preparing: "Job[UndoPreview] | None" = None
    committing: "Job[bool] | None" = None
    preview: UndoPreview | None = None
    refusal: KeptError | None = None
    undone: bool = False
    used: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        _desks().add(self)

    @property
    def job(self) -> "Job[UndoPreview] | Job[bool] | None":
        """The work under way."""
        return self.preparing or self.committing

    def look(self) -> None:
        """Begins to prepare the preview."""
        self.preparing = Job.begin(lambda watch: prepare_undo(self.settings, self.batch, watch))

    def commit(self) -> None:
        """Begins to take the batch back."""
        preview = self.preview
        assert preview is not None

        def publish(watch: Watch) -> bool:
            watch.begin("write")
            return preview.commit(lambda holder: watch.tell(holder, 0, 1))

        self.committing = Job.begin(publish)

    def collect(self, patience: float = PATIENCE_SECONDS) -> bool:
        """Takes what ended; whether anything did."""
        self.used = time.monotonic()
        try:
            if self.preparing is not None and self.preparing.done(patience):
                job, self.preparing = self.preparing, None
                self.preview = job.future.result()
                return True
            if self.committing is not None and self.committing.done(patience):
                other, self.committing = self.committing, None
                other.future.result()
                self.preview, self.undone = None, True
                return True
        except Exception as error:
            self.refusal = _said(error)
            return True
        return False

    def stop(self) -> None:
        """Leaves the batch as it is."""
        if self.job is not None:
            self.job.watch.stop()
        self.put_away()

    def put_away(self) -> None:
        """Puts the preview away."""
        if self.preview is not None:
            self.preview.drop()


def _drop(done: "Future[Preview]") -> None:
    """Puts away a preview that nobody waits for any more, though a page may still hold it."""
    if done.exception() is None:
        done.result().drop()


def _tell_apart(uploads: Sequence[Upload]) -> None:
    """Numbers the second and further files of one name."""
    seen: Counter[str] = Counter()
    for upload in uploads:
        name = upload.name
        seen[name] += 1
        if seen[name] > 1:
            stem, dot, suffix = name.rpartition(".")
            number = f" ({seen[name]})"
            upload.rename(f"{stem}{number}{dot}{suffix}" if dot else f"{name}{number}")


def _read(settings: Settings, uploads: Sequence[Upload], watch: Watch) -> list[Candidate]:
    """Every file and sheet of the uploads, as Kept recognises them."""
    known = remembered(Warehouse(settings))
    found: list[Candidate] = []
    with scratch("read") as folder:
        for done, upload in enumerate(uploads):
            watch.tell(upload.name, done, len(uploads))
            try:
                found += _recognised(settings, upload, known, folder)
            except KeptError as error:
                found.append(Candidate(upload, None, upload.path.name, None, error))
    return found


def _recognised(
    settings: Settings, upload: Upload, known: Sequence[ColumnMapping], folder: Path
) -> list[Candidate]:
    """The sheets of one upload that are like a log; where none is, the fullest of them."""
    with sniff(upload.path, limits=settings.limits, scratch=folder) as source:
        several = [
            (sheet, list(tables))
            for sheet, tables in groupby(source.tables(), key=lambda table: table.sheet)
        ]
    found = []
    for sheet, tables in several:
        hint = f"{upload.path.stem} {sheet or ''}"
        proposal = propose(tables, None, hint, (), known)
        if proposal is not None:
            found.append(Candidate(upload, sheet, tables[0].place, proposal, tables=tables))
    if found:
        return found
    unknown = KeptError("log_unknown", file=upload.path.name)
    if not several:
        raise unknown
    sheet, tables = max(several, key=lambda one: len(one[1][0].top))
    return [Candidate(upload, sheet, tables[0].place, None, unknown, tables)]


def _said(error: Exception) -> KeptError:
    """What a person is told of whatever ended the work."""
    if isinstance(error, KeptError):
        return error
    logging.getLogger(__name__).error("work in the background failed", exc_info=error)
    said = str(error).splitlines()[:1]
    return KeptError("unexpected", error=": ".join([type(error).__name__, *said]))


def _place(sheet: Sheet) -> str:
    checked = sheet.prepared.checked
    assert checked is not None
    return checked.match.table.place


def _correction_name(place: str) -> str:
    """The name of the file that corrected rows come in."""
    stem = place.replace(" › ", " ").replace("/", "_")
    stem = stem[: -len(".csv")] if stem.lower().endswith(".csv") else stem
    return f"{stem}.corrections.csv"
