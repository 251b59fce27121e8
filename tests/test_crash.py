"""Writers in other processes. One that is killed leaves the warehouse as before or as after, and
nothing that the next one does not clean up; two at once queue.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import NothingDoneError
from etl.evidence.chain import decisions
from etl.evidence.verify import verify_chain
from etl.intake.load import load, undo
from etl.marts import open_marts
from etl.report import export
from etl.store import Warehouse
from tests.kills import (
    FILES,
    Runner,
    command,
    content,
    lost,
    made_from,
    named,
    state,
    swap_in,
    there,
    truth,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks of a warm process")


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    runner = Runner(tmp_path_factory.mktemp("runner"))
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory, runner: Runner, inputs: Path) -> Path:
    """A warehouse with a past: four manifests, an undone batch."""
    warehouse = tmp_path_factory.mktemp("old") / "warehouse"
    for name in ("contracts.csv", "a.csv", "b.csv"):
        assert runner.run(warehouse, "load", inputs / name) == 0, runner.said()
    assert runner.run(warehouse, "undo", "00003-tickets") == 0, runner.said()
    return warehouse


@pytest.fixture
def warehouse(tmp_path: Path, old: Path) -> Path:
    return Path(shutil.copytree(old, tmp_path / "warehouse"))


BUILD = pytest.param(True, ["build"], id="build")
CHANGES = [
    pytest.param(True, ["load", "more.csv"], id="load"),
    pytest.param(True, ["undo", "00002-tickets"], id="undo"),
    pytest.param(False, ["load", "contracts.csv"], id="first-load"),
]


@pytest.mark.parametrize(("existing", "arguments"), [*CHANGES, BUILD])
def test_at_every_step_the_disk_holds_before_or_after_and_never_between(
    runner: Runner, old: Path, inputs: Path, tmp_path: Path, existing: bool, arguments: list[str]
) -> None:
    warehouse, copies = made_from(old, tmp_path / "warehouse", existing), tmp_path / "copies"
    before = content(warehouse)
    steps = runner.steps(warehouse, *command(inputs, arguments), copies=copies)
    after = content(warehouse)
    swap = swap_in(steps)
    assert there(warehouse) == named(warehouse)
    found = sorted(copies.iterdir())
    assert len(found) > 8
    for copy in found:
        number = int(copy.name.split()[0])
        assert content(copy) == (after if number > swap else before), copy.name
        written = truth(copy)
        with Warehouse(Settings(copy)).lock():
            pass
        assert there(copy) == (named(copy) if (copy / "CURRENT").exists() else set()), copy.name
        assert not lost(written, copy), copy.name
        shutil.rmtree(copy)


@pytest.mark.parametrize(("existing", "arguments"), CHANGES)
def test_a_killed_writer_leaves_before_or_after_and_the_next_one_finishes(
    runner: Runner, old: Path, inputs: Path, tmp_path: Path, existing: bool, arguments: list[str]
) -> None:
    """Killed in its work and around its last renames."""
    run = command(inputs, arguments)
    complete = made_from(old, tmp_path / "complete", existing)
    before = state(complete)
    steps = runner.steps(complete, *run)
    after = state(complete)
    swap = swap_in(steps)
    work = [i for i, step in enumerate(steps) if step.startswith("execute")]
    renames = [i for i, step in enumerate(steps) if step.startswith("os.rename")]
    for number in sorted({work[len(work) // 2], *renames[-3:], renames[-1] + 1}):
        step = steps[number]
        warehouse = made_from(old, tmp_path / "warehouse", existing)
        assert runner.run(warehouse, *run, at=step) == -signal.SIGKILL, runner.said()
        assert state(warehouse) == (after if number > swap else before), step
    if "load" in arguments:
        assert runner.run(warehouse, *run) == 0, runner.said()
        assert "nothing changed" in runner.said()
        assert there(warehouse) == named(warehouse)
    warehouse = made_from(old, tmp_path / "warehouse", existing)
    assert runner.run(warehouse, *run, at=steps[swap]) == -signal.SIGKILL, runner.said()
    assert runner.run(warehouse, *run) == 0, runner.said()
    assert state(warehouse) == after
    assert there(warehouse) == named(warehouse)


def test_a_writer_killed_at_any_time_leaves_before_or_after(
    runner: Runner, warehouse: Path, inputs: Path, tmp_path: Path
) -> None:
    complete = Path(shutil.copytree(warehouse, tmp_path / "complete"))
    began = time.monotonic()
    runner.steps(complete, "load", inputs / "more.csv")
    took = time.monotonic() - began
    states = [state(warehouse), state(complete)]
    times = Random(1)
    for _ in range(3):
        pid = runner.start(warehouse, "load", inputs / "more.csv")
        time.sleep(took * times.uniform(0.2, 1.0))
        os.kill(pid, signal.SIGKILL)
        assert runner.wait(pid) in (-signal.SIGKILL, 0)
        assert state(warehouse) in states
    assert runner.run(warehouse, "load", inputs / "more.csv") == 0, runner.said()
    assert state(warehouse) == states[1]
    assert there(warehouse) == named(warehouse)


def test_a_sweep_that_is_killed_is_finished_by_the_next(
    runner: Runner, warehouse: Path, inputs: Path
) -> None:
    before, files = state(warehouse), there(warehouse)
    steps = runner.steps(Path(shutil.copytree(warehouse, warehouse.with_name("complete"))),
                         "load", inputs / "more.csv")  # fmt: skip
    # All is there but CURRENT.
    runner.run(warehouse, "load", inputs / "more.csv", at=steps[swap_in(steps)])
    written = truth(warehouse)
    left = {name for name in written if name not in files}
    assert {name.split("/")[0] for name in left} == {"raw", "batches", "rejects", "manifests"}
    # The first file to be renamed is lock.json; then the manifest goes to the trash, and the rest.
    for step, remain in (("os.rename 1", 4), ("os.rename 3", 2)):
        status = runner.run(warehouse, "load", inputs / "contracts.csv", at=step)
        assert status == -signal.SIGKILL
        assert state(warehouse) == before
        assert len(left & there(warehouse)) == remain
        assert not lost(written, warehouse)
    assert runner.run(warehouse, "load", inputs / "contracts.csv") == 0
    assert "were moved to trash/" in runner.said()
    assert there(warehouse) == files
    assert state(warehouse) == before
    assert not lost(written, warehouse)


@pytest.fixture
def holder(runner: Runner, warehouse: Path, inputs: Path) -> int:
    """A load of more.csv that stands still while it holds the lock; its process."""
    pid = runner.start(
        warehouse, "load", inputs / "more.csv", at="os.rename 3", by=signal.SIGSTOP, said="first"
    )
    assert runner.wait(pid) is None, runner.said("first")
    return pid


def who(warehouse: Path, pid: int) -> str:
    raw = json.loads((warehouse / "lock.json").read_text(encoding="utf-8"))
    assert raw["pid"] == pid
    return f"{raw['by']} (pid {pid}, {raw['since']})"


@pytest.fixture
def waiter(runner: Runner, warehouse: Path, inputs: Path, holder: int) -> int:
    """A load of other.csv that has said that it waits for the holder; its process."""
    pid = runner.start(warehouse, "load", inputs / "other.csv", said="second")
    expected = f"Waiting for {who(warehouse, holder)} to finish …\n"
    for _ in range(600):
        if runner.said("second") == expected:
            break
        time.sleep(0.05)
    assert runner.said("second") == expected
    return pid


def history(warehouse: Path) -> list[tuple[str, str]]:
    batches = Warehouse(Settings(warehouse)).manifest().batches
    return [(batch.id, batch.file) for batch in batches]


def test_two_writers_queue_and_readers_do_not(
    runner: Runner, warehouse: Path, old: Path, holder: int, waiter: int
) -> None:
    assert state(warehouse) == state(old)
    os.kill(holder, signal.SIGCONT)
    assert runner.wait(holder) == 0, runner.said("first")
    assert runner.wait(waiter) == 0, runner.said("second")
    assert history(warehouse) == [
        *history(old),
        ("00004-tickets", "more.csv"),
        ("00005-tickets", "other.csv"),
    ]
    ledger = export(open_marts(Settings(warehouse)), "obligation", None)
    assert ledger is not None
    response = [line for line in ledger.splitlines() if line.startswith("HT-1,sla.response,A,")]
    assert len(response) == 1
    assert ",2025-06-01 08:20:00,met" in response[0].replace("T", " ")
    assert there(warehouse) == named(warehouse)


def test_who_waits_for_a_writer_that_is_killed_comes_next(
    runner: Runner, warehouse: Path, old: Path, holder: int, waiter: int
) -> None:
    os.kill(holder, signal.SIGKILL)
    assert runner.wait(holder) == -signal.SIGKILL
    assert runner.wait(waiter) == 0, runner.said("second")
    assert history(warehouse) == [*history(old), ("00004-tickets", "other.csv")]
    assert there(warehouse) == named(warehouse)


def test_who_waits_too_long_is_told_for_whom_and_has_done_nothing(
    warehouse: Path, inputs: Path, holder: int
) -> None:
    before, said = there(warehouse), []
    settings = replace(Settings(warehouse), lock_timeout_seconds=0.1)
    for attempt in (lambda: load(settings, [inputs / "other.csv"], waiting_for=said.append),
                    lambda: undo(settings, "00002-tickets")):  # fmt: skip
        with pytest.raises(NothingDoneError, match="warehouse_busy") as refused:
            attempt()
        assert catalogue().sentence(refused.value, "en") == (
            f"The warehouse is being written by {who(warehouse, holder)}, "
            "and waiting took too long. Try again later."
        )
        assert refused.value.exit_status == 1
    assert said == [who(warehouse, holder)]
    assert there(warehouse) == before


DECIDE = (
    "decide", "HT-1", "partial", "--amount", "1", "--reason", "a reason",
    "--prepared-by", "A", "--approved-by", "B",
)  # fmt: skip


def test_one_who_decides_and_is_killed_leaves_the_chain_before_or_after(
    runner: Runner, warehouse: Path, tmp_path: Path
) -> None:
    assert runner.run(warehouse, *DECIDE) == 0, runner.said()
    copies = tmp_path / "copies"
    steps = runner.steps(warehouse, *DECIDE, copies=copies)
    linked = steps.index("os.link 0")
    found = sorted(copies.iterdir())
    assert len(found) >= 5
    for copy in found:
        chain = verify_chain(Settings(copy))
        assert chain.sound, copy.name
        assert chain.records == (2 if int(copy.name.split()[0]) > linked else 1), copy.name
        with Warehouse(Settings(copy)).lock():
            pass
        assert not [name for name in there(copy) if ".tmp" in name], copy.name
    number = len([step for step in steps[:linked] if step.startswith("os.link")])
    assert runner.run(warehouse, *DECIDE, at=f"os.link {number}") == -signal.SIGKILL
    assert runner.run(warehouse, *DECIDE) == 0, runner.said()
    assert verify_chain(Settings(warehouse)).records == 3
    assert [record.seq for record in decisions(Warehouse(Settings(warehouse)))] == [1, 2, 3]
