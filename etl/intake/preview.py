"""A load looked at before it is made: read, checked, merged, built, then committed or dropped."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from etl.catalogue import Log, catalogue
from etl.config import Settings
from etl.disk import room
from etl.errors import NothingDoneError
from etl.intake.check import Problem, Reject
from etl.intake.columns import Note
from etl.intake.differences import Differences, compare
from etl.intake.effect import Effect, effect
from etl.intake.load import (
    Built,
    Loaded,
    LoadReport,
    Prepared,
    Work,
    parse_instant,
    ready,
    room_for,
    staging,
)
from etl.intake.mapping import ColumnMapping
from etl.scratch import Holding
from etl.store import Warehouse
from etl.tables import MARK_SQL

STAGES = ("read", "merge", "build", "compare", "write")
EXAMPLES = 3
RESTING_MEMORY = "512MB"
"""What a preview may keep in memory while somebody looks at it."""


@dataclass
class Watch:
    """How far work has come, told by the thread that does it, read and stopped by another.

    `name` is what is worked at (a file, a model), `rows` how many rows were read so far.
    """

    stage: str = STAGES[0]
    name: str = ""
    done: int = 0
    of: int = 1
    rows: int = 0
    stopped: bool = False
    _interrupt: Callable[[], None] | None = None

    def tell(self, name: str, done: int, of: int) -> None:
        """Progress, as a load reports it. Raises KeptError where it is to stop."""
        if self.stopped:
            raise NothingDoneError("preview_stopped")
        self.name, self.done, self.of = name, done, of

    def begin(self, stage: str) -> None:
        """Says that another stage begins. Raises KeptError where it is to stop."""
        self.stage = stage
        self.tell("", 0, 1)

    def holds(self, con: duckdb.DuckDBPyConnection) -> None:
        """What `stop` interrupts."""
        self._interrupt = con.interrupt

    def stop(self) -> None:
        """Asks the work to end; it then raises KeptError, and leaves nothing behind."""
        self.stopped = True
        if self._interrupt is not None:
            self._interrupt()


@dataclass(frozen=True)
class Cause:
    """Rejected rows with one problem in common: its message code and column, how many, examples."""

    code: str
    column: str | None
    count: int
    examples: tuple[Problem, ...]

    def text(self, log: Log, language: str) -> str:
        """The first example as a sentence."""
        return self.examples[0].text(log, language)


@dataclass(frozen=True)
class Sheet:
    """One file or sheet of a preview; `differences` has its rows beside what they replace."""

    loaded: Loaded
    prepared: Prepared
    differences: Differences

    @property
    def log(self) -> Log:
        """The log it was taken for."""
        return catalogue().logs[self.loaded.log]

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """Its refused rows, in the order of the file."""
        return self.prepared.checked.rejects if self.prepared.checked else ()

    def marks(self) -> dict[int, str]:
        """By what each refused row is known in a file of rejects, by its source row."""
        if not self.rejects:
            return {}
        with self.differences.con.cursor() as cursor:
            found = cursor.execute(f"select source_row, {MARK_SQL} from {self.prepared.refused}")
            return dict(found.fetchall())

    def causes(self, but: Collection[int] = ()) -> tuple[Cause, ...]:
        """What is wrong with the refused rows, the most frequent first; without the rows `but`."""
        grouped: dict[tuple[str, str | None], list[Problem]] = {}
        for reject in self.rejects:
            if reject.source_row in but:
                continue
            for problem in reject.problems:
                grouped.setdefault((problem.code, problem.column), []).append(problem)
        found = (
            Cause(code, column, len(problems), tuple(_different(problems)))
            for (code, column), problems in grouped.items()
        )
        return tuple(sorted(found, key=lambda cause: -cause.count))

    def refused(self, cause: Cause) -> Iterator[Reject]:
        """The rows refused for `cause`."""
        for reject in self.rejects:
            if any((p.code, p.column) == (cause.code, cause.column) for p in reject.problems):
                yield reject


@dataclass(frozen=True)
class Committed:
    """A load made from its preview; `anew` where others had written meanwhile."""

    report: LoadReport
    anew: bool


@dataclass(eq=False)
class Preview(Holding):
    """A load that was built and not published; it holds a scratch folder until it ends.

    `effect` is None where nothing would change.
    """

    sheets: tuple[Sheet, ...]
    skipped: tuple[str, ...]
    effect: Effect | None
    _work: Work
    _prepared: tuple[Prepared, ...]
    _built: Built

    @property
    def remarks(self) -> tuple[Note, ...]:
        """What of all files a person should know: tickets that count nowhere, a lone event."""
        return self._work.report(self._built, self._built.before.number, dry_run=True).remarks

    @property
    def changes_nothing(self) -> bool:
        """Whether a commit would leave everything as it is."""
        return self._built.after is None

    def commit(
        self,
        by: str | None = None,
        waiting_for: Callable[[str], None] = lambda _holder: None,
    ) -> Committed:
        """Publishes this build where the warehouse is as it was, else one made anew; then ends.

        `by` is who does it, where that is another than who prepared it. Raises KeptError where
        another writer does not finish, or what was uploaded is gone.
        """
        if not self.is_open:
            raise NothingDoneError("preview_over")
        work, warehouse = replace(self._work, by=by or self._work.by), self._work.warehouse
        needed = self._built.generation.stat().st_size
        with room({warehouse.root: needed}), warehouse.lock(waiting_for):
            anew = warehouse.manifest().number != self._built.before.number
            if anew:
                self._built = work.build(ready(warehouse, work.progress), self._prepared)
            batches = tuple((one, replace(batch, by=work.by)) for one, batch in self._built.batches)
            report = work.publish(replace(self._built, batches=batches))
        self.drop()
        return Committed(report, anew)


def prepare(
    settings: Settings,
    files: Sequence[Path],
    *,
    log: str | None = None,
    mappings: Sequence[ColumnMapping] = (),
    by: str | None = None,
    through: str | None = None,
    replace_missing: bool = False,
    corrections: bool = False,
    watch: Watch | None = None,
) -> Preview:
    """Everything that loading `files`, in this order, would do, done in a scratch folder.

    Raises KeptError where a file is refused, and where `watch` asks to stop.
    """
    watch = watch or Watch()
    warehouse = Warehouse(settings)
    manifest = warehouse.manifest()
    complete_at = None if through is None else parse_instant(through, manifest.timezone)
    try:
        with room(room_for(warehouse, manifest, files)), ExitStack() as stack:
            con, folder = stack.enter_context(staging("preview"))
            watch.holds(con)
            work = Work(
                warehouse,
                con,
                folder,
                by or settings.person,
                replace_missing,
                corrections,
                watch.tell,
                [],
                watch.begin,
            )
            prepared = []
            for one in work.prepare(files, log, manifest.timezone, mappings):
                prepared.append(one)
                if one.checked is not None:
                    watch.rows += one.checked.rows + len(one.checked.rejects)
            if complete_at is not None:
                prepared.append(work.prepare_coverage(prepared, complete_at))
            found: list[Differences] = []

            def note(_place: int, one: Prepared) -> None:
                log = catalogue().logs[one.log]
                found.append(compare(con, "next.logs", log, one.table, one.folded, one.table))

            built = work.build(manifest, prepared, note)
            moved = None
            if built.after is not None:
                watch.begin("compare")
                moved = effect(warehouse, manifest, built.after, built.generation, watch.tell)
            con.execute(f"set memory_limit = '{RESTING_MEMORY}'")
            preview = Preview(
                sheets=tuple(Sheet(*one) for one in zip(built.files, prepared, found, strict=True)),
                skipped=tuple(sorted(work.skipped)),
                effect=moved,
                _work=work,
                _prepared=tuple(prepared),
                _built=built,
            )
            preview.hold(stack.pop_all())
            return preview
    except duckdb.InterruptException as error:
        raise NothingDoneError("preview_stopped") from error


def _different(problems: Sequence[Problem]) -> Iterator[Problem]:
    """The first few problems whose values differ."""
    seen: set[str | None] = set()
    for problem in problems:
        if problem.value not in seen:
            seen.add(problem.value)
            yield problem
        if len(seen) == EXAMPLES:
            return
