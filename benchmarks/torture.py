"""Kills writers a thousand times and damages every file of a warehouse; prints what became of it.

    python -m benchmarks.torture [--kills N] [--seed N]

Each operation is killed at every one of its steps on the file system, and at random moments until
there are N kills in all. A state is torn where a reader finds neither what was before nor what
would be after, or where the operation, run again, does not come to its end. A file is lost where
it is neither in its place nor in the trash.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from etl.backup import restore
from etl.config import Settings
from etl.errors import DamagedError
from etl.evidence.verify import verify
from etl.store import Warehouse
from tests import damage, evidence_case
from tests.killable import MODELS
from tests.kills import FILES, Runner, linked_or_copied, lost, state, truth

DECIDE = (
    "decide", "HT-1", "partial", "--amount", "1", "--reason", "a reason",
    "--prepared-by", "A", "--approved-by", "B",
)  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """What is killed. `{}` in an argument is the folder that holds the warehouse.

    `begins` names the warehouse that it begins with: old, none, or to-be-restored.
    """

    name: str
    arguments: tuple[str, ...]
    begins: str = "old"


OPERATIONS = (
    Operation("load", ("load", "{}/more.csv")),
    Operation("first load", ("load", "{}/contracts.csv"), "none"),
    Operation("undo", ("undo", "00002-tickets")),
    Operation("build", ("build",)),
    Operation("decide", DECIDE),
    Operation("watch", ("load", "--watch", "{}/watched")),
    Operation("backup", ("backup", "{}/new.zip")),
    Operation("restore", ("restore", "{}/old.zip"), "none"),
    Operation("repair", ("repair", "--yes"), "without CURRENT"),
)


@dataclass
class Score:
    """What became of an operation."""

    steps: int = 0
    random: int = 0
    torn: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    seconds: float = 0


class Torture:
    """One operation at a time, killed in copies of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runner = Runner(folder)
        self.master = folder / "master"
        (self.master / "watched").mkdir(parents=True)
        for name, text in FILES.items():
            (self.master / name).write_text(text, encoding="utf-8")
        shutil.copyfile(self.master / "more.csv", self.master / "watched" / "more.csv")
        old = self.master / "warehouse"
        for name in ("contracts.csv", "a.csv", "b.csv"):
            self.done(old, "load", str(self.master / name))
        self.done(old, "undo", "00003-tickets")
        self.done(old, *DECIDE)
        self.done(old, "backup", str(self.master / "old.zip"))

    def done(self, warehouse: Path, *arguments: str) -> None:
        """Runs to its end."""
        if self.runner.run(warehouse, *arguments) != 0:
            raise RuntimeError(self.runner.said())

    def run(self, operation: Operation, kills: int, random: Random) -> Score:
        """Kills the operation at every step and then at random moments, `kills` times in all."""
        score, began = Score(), time.monotonic()
        place = self.copy(operation)
        before = self.seen(place)
        steps = self.runner.steps(place / "warehouse", *self.of(operation, place), watched=place)
        took = time.monotonic() - began
        after = self.seen(place)
        steps = [step for step in steps if not step.startswith("execute")]
        for step in steps:
            self.kill(operation, score, before, after, step)
        score.steps = len(steps)
        while score.steps + score.random < kills:
            self.kill(operation, score, before, after, took * random.random())
            score.random += 1
        score.seconds = time.monotonic() - began
        return score

    def kill(
        self, operation: Operation, score: Score, before: object, after: object, at: str | float
    ) -> None:
        """One kill, before a step or after so many seconds, and what then is found."""
        place = self.copy(operation)
        warehouse, arguments = place / "warehouse", self.of(operation, place)
        had = truth(warehouse)
        if isinstance(at, str):
            self.runner.run(warehouse, *arguments, at=at, watched=place)
        else:
            pid = self.runner.start(warehouse, *arguments)
            time.sleep(at)
            os.kill(pid, signal.SIGKILL)
            self.runner.wait(pid)
        left = truth(warehouse)
        score.lost |= lost(had, warehouse)
        if not like(self.seen(place), before, after):
            score.torn.append(f"{at}: found {self.seen(place)}")
            return
        status = self.runner.run(warehouse, *arguments)
        score.lost |= lost(left, warehouse)
        again = self.seen(place)
        # What was done already is refused the second time: nothing to undo, a backup is there.
        if status not in (0, 1, 2) or not like(again, after, after):
            score.torn.append(f"{at}: run again, {status} {self.runner.said()}")

    def copy(self, operation: Operation) -> Path:
        """A folder for one run."""
        place = self.folder / "place"
        shutil.rmtree(place, ignore_errors=True)
        ignored = shutil.ignore_patterns("warehouse") if operation.begins == "none" else None
        shutil.copytree(self.master, place, ignore=ignored, copy_function=linked_or_copied)
        if operation.begins == "without CURRENT":
            (place / "warehouse" / "CURRENT").unlink()
        return place

    def of(self, operation: Operation, place: Path) -> list[str]:
        """The arguments of one run."""
        return [argument.replace("{}", str(place)) for argument in operation.arguments]

    def seen(self, place: Path) -> dict[str, object]:
        """What a reader finds in the warehouse, and in a backup that was made of it."""
        try:
            found = state(place / "warehouse")
        except DamagedError as error:
            found = {"refused": error.code}
        if found.get("manifest") and not verify(Settings(place / "warehouse")).sound:
            found["verified"] = "unsound"
        backup = place / "new.zip"
        if backup.exists():
            target = Warehouse(Settings(self.folder / "restored"))
            restore(backup, target)
            found["backup"] = truth(target.root) == truth(place / "warehouse")
            shutil.rmtree(target.root)
        return found


def like(found: object, one: object, other: object) -> bool:
    """Whether what is found is one of two, the moments of decisions aside."""
    return _timeless(found) in (_timeless(one), _timeless(other)) or (
        # Decided once more by the run after the one that was killed.
        _but_records(found) == _but_records(other) and _records(found) == _records(other) + 1
    )


def _timeless(found: object) -> object:
    return {**_but_records(found), "records": _records(found)}


def _but_records(found: object) -> dict[str, object]:
    assert isinstance(found, dict)
    # Whoever restores half is refused like one who lost CURRENT, or has nothing yet.
    if found.get("refused") == "current_missing":
        found = {"records": []}
    return {name: value for name, value in found.items() if name != "records"}


def _records(found: object) -> int:
    assert isinstance(found, dict)
    return len(found.get("records", ()))


def damaged(folder: Path, with_cache: bool) -> Iterator[tuple[str, str, str]]:
    """Every file, damaged in every way, then every action: what was damaged, the action, the end.

    The end is "right figures", the code of a sentence, or what went wrong.
    """
    made = folder / "made"
    settings = damage.make(made)
    if not with_cache:
        shutil.rmtree(settings.warehouse / "generations")
    right = {}
    for action, do in damage.ACTIONS.items():
        with damage.copied(made, folder / "copy") as copy:
            right[action] = do(copy)
    for name in damage.files_of(settings):
        for kind in damage.KINDS:
            for action in damage.ACTIONS:
                with damage.copied(made, folder / "copy") as copy:
                    if not damage.damage(copy, name, kind):
                        continue
                    try:
                        found = damage.outcome(copy, action, right[action])
                        damage.judge(name, action, found)
                    except Exception as error:
                        found = f"{type(error).__name__}: {error}"
                    yield f"{name} {kind}", action, found


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a table."""
    shown = Table(title=title)
    for column in columns:
        shown.add_column(column, justify="left" if column == columns[0] else "right")
    for row in rows:
        shown.add_row(*map(str, row))
    Console(width=110).print(shown)


def killed(folder: Path, kills: int, seed: int, names: Sequence[str]) -> bool:
    """Kills the operations of these names; whether nothing was torn or lost."""
    torture = Torture(folder)
    wanted = [one for one in OPERATIONS if not names or one.name in names]
    scores: dict[str, Score] = {}
    try:
        for one in wanted:
            scores[one.name] = torture.run(one, kills // len(OPERATIONS) + 1, Random(seed))
            print(f"{one.name}: {scores[one.name].seconds:.0f} s", file=sys.stderr)
    finally:
        torture.runner.close()
    columns = ("operation", "at a step", "at random", "torn states", "files lost", "seconds")
    rows = [
        (name, one.steps, one.random, len(one.torn), len(one.lost), f"{one.seconds:.0f}")
        for name, one in scores.items()
    ]
    sums = [sum(int(str(row[column])) for row in rows) for column in range(1, 6)]
    table("Writers killed", columns, [*rows, ("all", *sums)])
    for name, one in scores.items():
        for said in (*one.torn, *sorted(one.lost)):
            print(f"{name}: {said}")
    return not any(one.torn or one.lost for one in scores.values())


def broken(folder: Path) -> bool:
    """Damages every file; whether all ended in a sentence or in the right figures."""
    rows, wrong = [], []
    for with_cache in (True, False):
        ends: Counter[tuple[str, str]] = Counter()
        place = folder / f"damage-{with_cache}"
        for what, action, found in damaged(place, with_cache):
            end = "right" if found == damage.SOUND else "sentence"
            if ":" in found:
                end = "wrong"
                wrong.append(f"{what}, {action}: {found}")
            ends[action, end] += 1
        for action in damage.ACTIONS:
            counts = [ends[action, end] for end in ("right", "sentence", "wrong")]
            rows.append((f"{action}, {'with' if with_cache else 'without'} cache", *counts))
    table("Every file damaged", ("then", "right figures", "a sentence", "wrong"), rows)
    print("\n".join(wrong))
    return not wrong


def main() -> None:
    """Runs both parts; exits with 1 where anything was torn, lost or wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", default=[], help="an operation, or: damage")
    asked = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.only != ["damage"]:
            # How marts are written does not depend on how many there are.
            with evidence_case.built_only(*MODELS):
                good = killed(folder, asked.kills, asked.seed, asked.only)
        if not asked.only or "damage" in asked.only:
            with evidence_case.few_models():
                good = broken(folder) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
