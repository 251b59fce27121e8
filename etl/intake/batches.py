"""One batch of the warehouse: what it changed, and what taking it back would do."""

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb

from etl.catalogue import Log, catalogue
from etl.config import Settings
from etl.disk import room
from etl.errors import KeptError, NothingDoneError
from etl.intake.differences import Differences, compare
from etl.intake.effect import Effect, effect
from etl.intake.load import publish, ready, room_for, staging, without
from etl.intake.preview import RESTING_MEMORY, Watch
from etl.marts import whole_generation
from etl.scratch import Holding
from etl.sql import literal
from etl.store import Batch, Manifest, Warehouse
from etl.tables import batch_rows, create_logs, fold, merge, recorded_columns


@dataclass(eq=False)
class Diff(Holding):
    """The rows of a batch beside what stood there when it was loaded."""

    batch: Batch
    differences: Differences


@dataclass(eq=False)
class UndoPreview(Holding):
    """A batch taken out, built and not published; it holds a scratch folder until it ends.

    `differences` has the rows of the batch that stand now beside those that would stand again: a
    new one would go, a changed one be as before, an unchanged one stay.
    """

    batch: Batch
    differences: Differences
    effect: Effect
    _warehouse: Warehouse
    _watch: Watch
    _before: Manifest
    _after: Manifest
    _generation: Path

    def commit(self, waiting_for: Callable[[str], None] = lambda _holder: None) -> bool:
        """Takes the batch back: as built, or anew where others had written meanwhile (then True).

        Raises KeptError where it was undone by then.
        """
        if not self.is_open:
            raise NothingDoneError("preview_over")
        warehouse, after = self._warehouse, self._after
        with room(room_for(warehouse, self._before)), warehouse.lock(waiting_for):
            manifest = warehouse.manifest()
            anew = manifest.number != self._before.number
            if anew:
                after = without(
                    warehouse, manifest, self.batch.id, self._generation, self._watch.tell
                )
            publish(warehouse, after, self._generation)
        self.drop()
        return anew


def find(manifest: Manifest, identity: str) -> Batch:
    """The batch of that id, undone or not. Raises KeptError where there is none."""
    for batch in (*manifest.batches, *manifest.undone):
        if batch.id == identity:
            return batch
    raise KeptError("batch_unknown", batch=identity)


def diff(settings: Settings, identity: str) -> Diff:
    """What a batch added and changed when it was loaded.

    Raises KeptError where there is no such batch.
    """
    warehouse = Warehouse(settings)
    batch = find(warehouse.manifest(), identity)
    log = catalogue().logs[batch.log]
    earlier = when_loaded(warehouse, batch).batches
    with ExitStack() as stack:
        con, _ = stack.enter_context(staging("diff"))
        con.execute(f"create table given as from {batch_rows(con, warehouse, batch)}")
        create_logs(con, "before")
        for one in earlier:
            if one.log == batch.log and one.sequence < batch.sequence:
                merge(con, "before", warehouse, one, "given")
        columns = recorded_columns(con, log, "given", batch)
        fold(con, "before", log, "given", columns, "kinds_given")
        found = compare(con, "before", log, "given", "kinds_given", "given")
        con.execute(f"set memory_limit = '{RESTING_MEMORY}'")
        made = Diff(batch, found)
        made.hold(stack.pop_all())
        return made


def prepare_undo(settings: Settings, identity: str, watch: Watch | None = None) -> UndoPreview:
    """Everything that taking a batch back would do, done in a scratch folder.

    Raises KeptError where there is no such batch, and where `watch` asks to stop.
    """
    watch = watch or Watch()
    warehouse = Warehouse(settings)
    before = warehouse.manifest()
    batch = before.batch(identity)
    log = catalogue().logs[batch.log]
    try:
        with room(room_for(warehouse, before)), ExitStack() as stack:
            con, folder = stack.enter_context(staging("undo"))
            watch.holds(con)
            with warehouse.lock():
                before = ready(warehouse, watch.tell)
            watch.begin("build")
            generation = folder / "next.duckdb"
            after = without(warehouse, before, identity, generation, watch.tell)
            watch.begin("compare")
            current = whole_generation(warehouse, before, watch.tell, locked=True)
            con.execute(f"attach {literal(current)} as current (read_only)")
            con.execute(
                "create table given as select * exclude (batch) "
                f"from current.logs.{log.name} where batch = {batch.sequence}"
            )
            columns = con.execute(
                f"select column_name from current.logs.recorded where batch = {batch.sequence}"
            ).fetchall()
            con.execute("detach current")
            found = _undone(
                con, log, generation if after.batches else None, [c for (c,) in columns]
            )
            moved = effect(warehouse, before, after, generation, watch.tell)
            con.execute(f"set memory_limit = '{RESTING_MEMORY}'")
            made = UndoPreview(batch, found, moved, warehouse, watch, before, after, generation)
            made.hold(stack.pop_all())
            return made
    except duckdb.InterruptException as error:
        raise NothingDoneError("preview_stopped") from error


def when_loaded(warehouse: Warehouse, batch: Batch) -> Manifest:
    """The manifest that the batch came with: what was known when it was loaded."""
    low, high = 1, warehouse.manifest().number
    while low < high:
        middle = (low + high) // 2
        if warehouse.manifest_numbered(middle).next_sequence > batch.sequence:
            high = middle
        else:
            low = middle + 1
    return warehouse.manifest_numbered(low)


def original(warehouse: Warehouse, batch: Batch) -> tuple[str, Path] | None:
    """The file of a batch as it came: its own name and where it is; None where it had none.

    Raises DamagedError where it is missing or changed.
    """
    path = warehouse.raw_of(batch)
    return None if path is None else (re.sub(r"[\\/]", "_", batch.file), path)


def _undone(
    con: duckdb.DuckDBPyConnection, log: Log, generation: Path | None, columns: Sequence[str]
) -> Differences:
    """The rows `given` of a batch beside those that stand in a generation without it."""
    logs = "without.logs"
    if generation is None:
        con.execute("attach ':memory:' as without")
        create_logs(con, logs)
    else:
        con.execute(f"attach {literal(generation)} as without (read_only)")
    fold(con, logs, log, "given", columns, "kinds_given")
    found = compare(con, logs, log, "given", "kinds_given", "given")
    con.execute("detach without")
    return found
