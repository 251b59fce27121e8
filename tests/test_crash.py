"""Writers in other processes. One that is killed leaves the warehouse as before or as after, and
nothing that the next one does not clean up; two at once queue.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import NothingDoneError
from etl.evidence.chain import decisions
from etl.evidence.verify import verify_chain
from etl.intake.load import load, undo
from etl.ledger import fingerprint
from etl.marts import open_marts
from etl.report import export
from etl.state import State
from etl.store import KEPT_GENERATIONS, Warehouse, sha256_of

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks of a warm process")

HEADER = "ticket_id,contract_id,service_type,reported_at,responded_at\n"
FILES = {
    "contracts.csv": "contract_id,amount\nHT-1,100\nHT-2,200\n",
    "a.csv": f"{HEADER}A,HT-1,软件故障,2025-06-01 08:00,2025-06-01 08:10\n",
    "b.csv": f"{HEADER}B,HT-1,软件故障,2025-06-01 08:00,2025-06-01 08:10\n",
    # Changes a row, adds one, and has one to refuse.
    "more.csv": (
        f"{HEADER}A,HT-1,软件故障,2025-06-01 08:00,2025-06-01 09:00\n"
        "C,HT-2,软件故障,2025-06-02 08:00,2025-06-02 08:10\nD,HT-2,软件故障,昨天,\n"
    ),
    "other.csv": f"{HEADER}A,HT-1,软件故障,2025-06-01 08:00,2025-06-01 08:20\n",
}


class Runner:
    """The warm process that runs `kept`; see killable.py."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._alive: set[int] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.killable"],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(folder), "KEPT_LANGUAGE": "en"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        for pid in self._alive:
            os.kill(pid, signal.SIGKILL)
        self._process.communicate()

    def start(
        self, warehouse: Path, *arguments: str | Path, at: str | None = None,
        by: int = signal.SIGKILL, said: str = "said", copies: Path | None = None,
    ) -> int:  # fmt: skip
        (self._folder / said).write_bytes(b"")
        pid: int = self._ask(
            do="start",
            arguments=[*map(str, arguments), "--warehouse", str(warehouse)],
            watched=str(warehouse),
            at=at,
            signal=int(by),
            said=str(self._folder / said),
            copies=str(copies) if copies else None,
        )["pid"]
        self._alive.add(pid)
        return pid

    def wait(self, pid: int) -> int | None:
        """The exit status, negative for a signal; None for a process that was stopped."""
        status: int | None = self._ask(do="wait", pid=pid)["exit"]
        if status is not None:
            self._alive.discard(pid)
        return status

    def run(self, warehouse: Path, *arguments: str | Path, at: str | None = None) -> int | None:
        return self.wait(self.start(warehouse, *arguments, at=at))

    def steps(
        self, warehouse: Path, *arguments: str | Path, copies: Path | None = None
    ) -> list[str]:
        """The steps of a run that nothing interrupts."""
        assert self.wait(self.start(warehouse, *arguments, copies=copies)) == 0, self.said()
        return (self._folder / "said.steps").read_text(encoding="utf-8").splitlines()

    def said(self, name: str = "said") -> str:
        return (self._folder / name).read_text(encoding="utf-8")

    def _ask(self, **request: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


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


def named(warehouse: Path) -> set[str]:
    """The files that CURRENT's manifest names, and those of the store itself."""
    manifest = Warehouse(Settings(warehouse)).manifest()
    batches = (*manifest.batches, *manifest.undone)
    generations = range(max(1, manifest.number - KEPT_GENERATIONS + 1), manifest.number + 1)
    return {
        "CURRENT",
        "lock",
        *(f"manifests/{number}.json" for number in range(1, manifest.number + 1)),
        *(f"generations/{number}-{fingerprint()[:12]}.duckdb" for number in generations),
        *(f"raw/{batch.sha256}{batch.extension}" for batch in batches),
        *(f"batches/{batch.log}/{batch.id}.parquet" for batch in batches),
        *(f"rejects/{batch.id}.parquet" for batch in batches if batch.rejected),
    }


def there(warehouse: Path) -> set[str]:
    """Every file that is there, folders of DuckDB's own among them."""
    return {
        str(path.relative_to(warehouse))
        for path in warehouse.rglob("*")
        if path.is_file() or ".tmp" in path.name
    }


def content(warehouse: Path) -> dict[str, str]:
    """The bytes of all that the current manifest names; `lock` alone need not be there."""
    if not (warehouse / "CURRENT").exists():
        return {}
    return {name: _hash(warehouse / name) for name in named(warehouse) - {"lock"}}


def _hash(file: Path) -> str:
    """The SHA-256 of a file; those of many names are read once."""
    found = file.stat()
    identity = (found.st_ino, found.st_size, found.st_mtime_ns)
    if identity not in _HASHES:
        _HASHES[identity] = sha256_of(file)
    return _HASHES[identity]


_HASHES: dict[tuple[int, int, int], str] = {}


def state(warehouse: Path) -> dict[str, object]:
    """What a reader finds: the ledger, the history, the content of the batches.

    Asserts that whatever the manifest names is there and is what its name says.
    """
    if not (warehouse / "CURRENT").exists():
        with pytest.raises(NothingDoneError, match="warehouse_empty"):
            open_marts(Settings(warehouse))
        return {}
    found = content(warehouse)
    assert all(Path(name).stem == sha256 for name, sha256 in found.items() if name[:3] == "raw")
    manifest = Warehouse(Settings(warehouse)).manifest()
    for number in range(2, manifest.number + 1):
        raw = json.loads((warehouse / f"manifests/{number}.json").read_text(encoding="utf-8"))
        assert raw["parent_sha256"] == found[f"manifests/{number - 1}.json"]
    batches, undone = (
        [{**asdict(batch), "at": None} for batch in some]
        for some in (manifest.batches, manifest.undone)
    )
    return {
        "ledger": export(open_marts(Settings(warehouse)), "obligation", None),
        "manifest": manifest.number,
        "batches": batches,
        "undone": undone,
        "batch_files": {
            name: sha256
            for name, sha256 in found.items()
            if name.startswith(("raw/", "batches/", "rejects/"))
        },
    }


BUILD = pytest.param(True, ["build"], id="build")
CHANGES = [
    pytest.param(True, ["load", "more.csv"], id="load"),
    pytest.param(True, ["undo", "00002-tickets"], id="undo"),
    pytest.param(False, ["load", "contracts.csv"], id="first-load"),
]


def made_from(old: Path, target: Path, existing: bool) -> Path:
    """A warehouse with its signing key, so that every run takes the same steps."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.rmtree(Settings(target).state_folder, ignore_errors=True)
    if existing:
        shutil.copytree(old, target)
    State(Settings(target)).signing_key()
    return target


def command(inputs: Path, arguments: list[str]) -> list[str | Path]:
    return [inputs / word if word.endswith(".csv") else word for word in arguments]


def swap_in(steps: list[str]) -> int:
    """Which step is the swap of CURRENT: the last rename."""
    return max(i for i, step in enumerate(steps) if step.startswith("os.rename"))


@pytest.mark.parametrize(("existing", "arguments"), [*CHANGES, BUILD])
def test_at_every_step_the_disk_holds_before_or_after_and_never_between(
    runner: Runner, old: Path, inputs: Path, tmp_path: Path, existing: bool, arguments: list[str]
) -> None:
    warehouse, copies = made_from(old, tmp_path / "warehouse", existing), tmp_path / "copies"
    before = content(warehouse)
    steps = runner.steps(warehouse, *command(inputs, arguments), copies=copies)
    after = content(warehouse)
    assert there(warehouse) == named(warehouse)
    found = sorted(copies.iterdir())
    assert len(found) > 8
    for copy in found:
        number = int(copy.name.split()[0])
        assert content(copy) == (after if number > swap_in(steps) else before), copy.name
        with Warehouse(Settings(copy)).lock():
            pass
        assert there(copy) == (named(copy) if (copy / "CURRENT").exists() else set()), copy.name
        shutil.rmtree(copy)


@pytest.mark.parametrize(("existing", "arguments"), CHANGES)
def test_a_killed_writer_leaves_before_or_after_and_the_next_one_finishes(
    runner: Runner, old: Path, inputs: Path, tmp_path: Path, existing: bool, arguments: list[str]
) -> None:
    """Killed in its work and around its last renames, each time in what the kill before left."""
    run = command(inputs, arguments)
    complete = made_from(old, tmp_path / "complete", existing)
    before = state(complete)
    steps = runner.steps(complete, *run)
    after = state(complete)
    swap = swap_in(steps)
    work = [i for i, step in enumerate(steps) if step.startswith("execute")]
    renames = [i for i, step in enumerate(steps) if step.startswith("os.rename")]
    warehouse = made_from(old, tmp_path / "warehouse", existing)
    for number in sorted({work[len(work) // 2], *renames[-3:], renames[-1] + 1}):
        step = steps[number]
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
    # The sixth file to be renamed is CURRENT: all is there but that.
    runner.run(warehouse, "load", inputs / "more.csv", at="os.rename 5")
    left = there(warehouse) - files - {"lock.json"}
    assert len(left) == 6, left
    for step, remain in (("os.remove 1", 5), ("os.remove 3", 2)):
        status = runner.run(warehouse, "load", inputs / "contracts.csv", at=step)
        assert status == -signal.SIGKILL
        assert state(warehouse) == before
        assert len(left & there(warehouse)) == remain
    assert runner.run(warehouse, "load", inputs / "contracts.csv") == 0
    assert there(warehouse) == files
    assert state(warehouse) == before


@pytest.fixture
def holder(runner: Runner, warehouse: Path, inputs: Path) -> int:
    """A load of more.csv that stands still while it holds the lock; its process."""
    pid = runner.start(
        warehouse, "load", inputs / "more.csv", at="os.rename 2", by=signal.SIGSTOP, said="first"
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
