"""Runs `kept` again and again from one warm process, each run stopped or killed at a chosen step.

A request is one line of JSON, and so is its answer:

    {"do": "start", "arguments": [...], "watched": folder, "said": file,
     "at": step or null, "signal": number, "copies": folder or null}  -> {"pid": number}
    {"do": "wait", "pid": number}                   -> {"exit": number, or null where it stopped}

A step is whatever may touch the disk: an audited event on a path inside the watched folder, a sync,
a DuckDB statement. It is named by its kind and how many of the kind came before: "os.rename 2".
At the step `at`, before it is done, the run sends itself the signal. With `copies`, the watched
folder is copied there before each step at which it has changed, as `<number> <step>`: what a kill
would leave at that step. A run that comes to its end writes its steps into `<said>.steps`.

The ledger has one clause here: how the marts are written does not depend on how many there are.
"""

import contextlib
import io
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute  # noqa: F401 - a load imports it late, each run would anew

from etl import backup, cli, ledger, marts, repair  # noqa: F401 - imported late as well
from etl.catalogue import catalogue
from etl.cli import loading
from etl.evidence import decisions, verify  # noqa: F401
from tests.kills import linked_or_copied

LOOKS = 4
MODELS = ("sla.response", "obligation", "retention")
TOUCHING = frozenset(
    {
        "open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.utime",
        "shutil.copyfile",
    }
)  # fmt: skip


class Steps:
    """The steps of one run."""

    def __init__(self, watched: Path, at: str | None, signal: int, copies: Path | None) -> None:
        self.taken: list[str] = []
        self._kinds: Counter[str] = Counter()
        self._watched = watched
        self._at = at
        self._signal = signal
        self._copies = copies
        self._seen: set[tuple[str, int, int]] = set()
        self._copying = False

    def take(self, kind: str) -> None:
        if self._copying:
            return
        step = f"{kind} {self._kinds[kind]}"
        self._kinds[kind] += 1
        if step == self._at:
            os.kill(os.getpid(), self._signal)
        if self._copies:
            self._copying = True
            self._copy(self._copies / f"{len(self.taken):04d} {step}")
            self._copying = False
        self.taken.append(step)

    def _copy(self, target: Path) -> None:
        files = {
            (str(file), stat.st_size, stat.st_mtime_ns)
            for file in self._watched.rglob("*")
            if (stat := file.stat()) and file.is_file()
        }
        if files != self._seen:
            self._seen = files
            shutil.copytree(self._watched, target, copy_function=linked_or_copied)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in TOUCHING:
            return
        for path in arguments[:2]:
            if isinstance(path, str | bytes | os.PathLike) and self._inside(os.fsdecode(path)):
                self.take(event)
                return

    def counting(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.take(kind)
            return function(*arguments, **options)

        return counted

    def _inside(self, path: str) -> bool:
        # How often the lock's own file is opened is its library's affair.
        one = Path(path)
        return self._watched in (one, *one.parents) and one.name != "lock"


def run(request: dict[str, Any]) -> int:
    """The command in this process, watched; its exit status."""
    said = Path(request["said"])
    with said.open("wb") as out:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(out.fileno(), stream.fileno())
    copies = Path(request["copies"]) if request["copies"] else None
    steps = Steps(Path(request["watched"]), request["at"], request["signal"], copies)
    os.fsync = steps.counting("os.fsync", os.fsync)
    statement = duckdb.DuckDBPyConnection.execute
    duckdb.DuckDBPyConnection.execute = steps.counting("execute", statement)  # type: ignore[method-assign]
    sys.addaudithook(steps.audit)
    sys.argv = ["kept", *request["arguments"]]
    try:
        cli.main()
    except SystemExit as ended:
        taken = "\n".join(steps.taken)
        sys.stdout.flush()
        said.with_suffix(".steps").write_text(taken, encoding="utf-8")
        return int(ended.code or 0)
    return 0


def start(request: dict[str, Any]) -> int:
    """Forks; the number of the process that runs the command."""
    pid = os.fork()
    if pid:
        return pid
    try:
        status = run(request)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 99
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def a_few_looks(_seconds: float) -> Callable[[], bool]:
    """A watched folder is looked at so often, and not for ever."""
    left = iter(range(LOOKS))
    return lambda: next(left, None) is not None


def main() -> None:
    """Answers requests until there are no more."""
    loading.every = a_few_looks
    marts.build_marts = partial(ledger.build_marts, wanted=MODELS)  # type: ignore[assignment]
    catalogue()
    ledger.fingerprint()
    with contextlib.redirect_stdout(io.StringIO()):
        cli.app(["--version"], standalone_mode=False)
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, object]
        if request["do"] == "start":
            answer = {"pid": start(request)}
        else:
            _, status = os.waitpid(request["pid"], os.WUNTRACED)
            stopped = os.WIFSTOPPED(status)
            answer = {"exit": None if stopped else os.waitstatus_to_exitcode(status)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
