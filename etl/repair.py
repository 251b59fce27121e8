"""`kept repair`: what a damaged warehouse can be put right to from its own files, and doing it.

A damaged file is never mended here: that takes a backup. What can be decided is which manifest is
in force, and that files which it does not name go to the trash.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from etl.errors import DamagedError, KeptError, NothingDoneError
from etl.store import Current, Manifest, Warehouse
from etl.trash import empty, throw_away

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Repair:
    """What is wrong with a warehouse and what is done about it.

    `problem` is why it is refused as it is, None where it is not. `number` is the manifest that
    CURRENT is to name, None where CURRENT stays. `passed_over` are newer manifests that cannot be
    used, each with the reason. `unlisted` are files that go to the trash, by their paths in the
    warehouse; `trash` is where they went, None where nothing was done. `damaged` are files of the
    manifest then in force that only a backup can bring back.
    """

    problem: KeptError | None
    number: int | None
    passed_over: tuple[tuple[int, KeptError], ...]
    unlisted: tuple[str, ...]
    damaged: tuple[KeptError, ...]
    trash: str | None = None

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do."""
        return self.number is not None or bool(self.unlisted)


def _silent(_what: str, _done: int, _of: int) -> None:
    pass


def examine(warehouse: Warehouse, progress: Tell = _silent) -> Repair:
    """What would be done; changes nothing. Raises NothingDoneError where a backup is needed."""
    problem: KeptError | None = None
    in_force: Manifest | None = None
    try:
        in_force = warehouse.checked()
    except DamagedError as error:
        problem = error
    if problem is None:
        assert in_force is not None
        return _planned(warehouse, None, in_force, None, (), progress)
    named = _named(warehouse)
    found, passed_over = _newest_whole(warehouse, named, progress)
    if found is None and named is None:
        raise NothingDoneError("repair_needs_backup", warehouse=warehouse.root) from problem
    number = None if found is None else found.number
    target = found or named
    assert target is not None
    return _planned(warehouse, problem, target, number, passed_over, progress)


def repair(warehouse: Warehouse, progress: Tell = _silent) -> Repair:
    """Does what `examine` says, under the lock. Raises NothingDoneError as that does."""
    with warehouse.lock(unchecked=True):
        plan = examine(warehouse, progress)
        if plan.number is not None:
            sha256 = warehouse.sha256_of_manifest(plan.number)
            warehouse.name_current(Current(plan.number, sha256))
        trash = throw_away(warehouse.root, [warehouse.path(name) for name in plan.unlisted])
    where = None if trash is None else trash.relative_to(warehouse.root).as_posix()
    return Repair(plan.problem, plan.number, plan.passed_over, plan.unlisted, plan.damaged, where)


def empty_trash(warehouse: Warehouse) -> list[Path]:
    """Deletes what is in the trash, by its paths; raises DamagedError in a damaged warehouse."""
    with warehouse.lock():
        return empty(warehouse.root, days=0)


def _planned(
    warehouse: Warehouse,
    problem: KeptError | None,
    target: Manifest,
    number: int | None,
    passed_over: tuple[tuple[int, KeptError], ...],
    progress: Tell,
) -> Repair:
    unlisted = [file.relative_to(warehouse.root).as_posix() for file in warehouse.unlisted(target)]
    batches = (*target.batches, *target.undone)
    damaged = []
    for done, batch in enumerate(batches):
        progress(batch.id, done, len(batches))
        damaged += list(warehouse.damage_of(batch))
    return Repair(problem, number, passed_over, tuple(unlisted), tuple(damaged))


def _named(warehouse: Warehouse) -> Manifest | None:
    """The manifest that CURRENT names, where it is the one that was meant."""
    try:
        current = warehouse.current()
        if current is None:
            return None
        found = warehouse.manifest_numbered(current.number)
    except KeptError:
        return None
    sha256 = warehouse.sha256_of_manifest(current.number)
    return found if current.sha256 in (None, sha256) else None


def _newest_whole(
    warehouse: Warehouse, named: Manifest | None, progress: Tell
) -> tuple[Manifest | None, tuple[tuple[int, KeptError], ...]]:
    """The newest manifest after `named` whose rows are all there; those that are not, and why.

    Raises NothingDoneError where it does not follow those before it: it is another warehouse's, or
    one of them was changed.
    """
    first = 0 if named is None else named.number
    passed_over: list[tuple[int, KeptError]] = []
    for number in reversed([one for one in warehouse.numbers() if one > first]):
        progress(f"manifests/{number}.json", 0, 1)
        try:
            found = warehouse.manifest_numbered(number)
            for batch in found.batches:
                warehouse.rows_of(batch)
                warehouse.rejects_of(batch)
        except DamagedError as error:
            passed_over.append((number, error))
            continue
        _demand_chain(warehouse, first, number)
        return found, tuple(passed_over)
    return None, tuple(passed_over)


def _demand_chain(warehouse: Warehouse, first: int, last: int) -> None:
    """Raises NothingDoneError where a manifest in between does not name the one before it."""
    numbers = [one for one in warehouse.numbers() if max(first, 1) <= one <= last]
    for before, number in pairwise(numbers):
        parent = warehouse.manifest_numbered(number).parent_sha256
        if before + 1 == number and parent != warehouse.sha256_of_manifest(before):
            raise NothingDoneError("repair_chain_broken", before=before, number=number)
