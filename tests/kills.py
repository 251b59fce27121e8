"""Runs of `kept` in processes that are killed, and what a warehouse holds before and after."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from etl.config import Settings
from etl.evidence.chain import decisions
from etl.ledger import fingerprint
from etl.marts import open_marts
from etl.report import export
from etl.state import State
from etl.store import KEPT_GENERATIONS, Warehouse, is_temporary, sha256_of

ROOT = Path(__file__).parent.parent
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
        watched: Path | None = None,
    ) -> int:  # fmt: skip
        """Begins a run on `warehouse`; steps are counted in it, or in `watched`."""
        of = [str(warehouse)] if arguments[0] == "restore" else ["--warehouse", str(warehouse)]
        (self._folder / said).write_bytes(b"")
        pid: int = self._ask(
            do="start",
            arguments=[*map(str, arguments), *of],
            watched=str(watched or warehouse),
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

    def run(
        self, warehouse: Path, *arguments: str | Path, at: str | None = None,
        watched: Path | None = None,
    ) -> int | None:  # fmt: skip
        return self.wait(self.start(warehouse, *arguments, at=at, watched=watched))

    def steps(
        self, warehouse: Path, *arguments: str | Path, copies: Path | None = None,
        watched: Path | None = None,
    ) -> list[str]:  # fmt: skip
        """The steps of a run that nothing interrupts."""
        pid = self.start(warehouse, *arguments, copies=copies, watched=watched)
        assert self.wait(pid) == 0, self.said()
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


def truth(warehouse: Path) -> dict[str, str]:
    """The hashes of the files that no cache can bring back, CURRENT among them."""
    folders = ("raw", "batches", "rejects", "manifests", "decisions", "mappings")
    files = [warehouse / "CURRENT", *(f for one in folders for f in (warehouse / one).rglob("*"))]
    return {
        file.relative_to(warehouse).as_posix(): _hash(file)
        for file in files
        if file.is_file() and not is_temporary(file.name)
    }


def lost(before: dict[str, str], warehouse: Path) -> set[str]:
    """Files of `before` that are neither where they were nor, as they were, in the trash."""
    now = truth(warehouse)
    trash = {
        (file.relative_to(warehouse / "trash").as_posix().split("/", 1)[1], _hash(file))
        for file in (warehouse / "trash").rglob("*")
        if file.is_file()
    }
    return {
        name
        for name, sha256 in before.items()
        if name != "CURRENT" and now.get(name) != sha256 and (name, sha256) not in trash
    }


def named(warehouse: Path) -> set[str]:
    """The files that CURRENT's manifest names, and those of the store itself."""
    place = Warehouse(Settings(warehouse))
    manifest = place.manifest()
    files = [
        file for one in (*manifest.batches, *manifest.undone) for file, _ in place.files_of(one)
    ]
    generations = range(max(1, manifest.number - KEPT_GENERATIONS + 1), manifest.number + 1)
    return {
        "CURRENT",
        "lock",
        *(f"manifests/{number}.json" for number in range(1, manifest.number + 1)),
        *(
            f"generations/{number}-{fingerprint()[:12]}.{suffix}"
            for number in generations
            for suffix in ("duckdb", "json")
        ),
        *(file.relative_to(warehouse).as_posix() for file in files),
    }


def there(warehouse: Path) -> set[str]:
    """Every file that is there, folders of DuckDB's own among them, the trash left out."""
    return {
        name
        for path in warehouse.rglob("*")
        if path.is_file() or ".tmp" in path.name
        if not (name := path.relative_to(warehouse).as_posix()).startswith("trash/")
    }


def content(warehouse: Path) -> dict[str, str]:
    """The bytes of all that the current manifest names but the cache, which must be whole."""
    if not (warehouse / "CURRENT").exists():
        return {}
    found = {name: file for name, file in truth(warehouse).items() if name in named(warehouse)}
    missing = {name for name in named(warehouse) - set(found) if name != "lock"}
    assert all(name.startswith("generations/") for name in missing), missing
    return found


def _hash(file: Path) -> str:
    """The SHA-256 of a file; those of many names are read once."""
    found = file.stat()
    identity = (found.st_ino, found.st_size, found.st_mtime_ns)
    if identity not in _HASHES:
        _HASHES[identity] = sha256_of(file)
    return _HASHES[identity]


_HASHES: dict[tuple[int, int, int], str] = {}


def state(warehouse: Path) -> dict[str, object]:
    """What a reader finds: the ledger, the history, the decisions, the content of the batches.

    Asserts that whatever the manifest names is there and is what its name says.
    """
    place = Warehouse(Settings(warehouse))
    manifest = place.manifest()
    records = [record.content for record in decisions(place)]
    if not manifest.number:
        return {"records": records}
    found = content(warehouse)
    assert all(Path(name).stem == sha256 for name, sha256 in found.items() if name[:3] == "raw")
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
        "records": records,
        "batch_files": {
            name: sha256
            for name, sha256 in found.items()
            if name.startswith(("raw/", "batches/", "rejects/"))
        },
    }


def linked_or_copied(source: str, target: str) -> None:
    """A published generation is never changed, so a link to it is a copy of it."""
    if source.endswith(".duckdb"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


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
