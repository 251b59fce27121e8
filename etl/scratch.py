"""Folders for work under way: gone when it ends; of one that was killed, the next takes them away.

Each holds a lock as long as whoever works in it lives. The system lets go of the lock of a process
however it ends, so a lock that can be had marks a folder that nobody needs.
"""

import atexit
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "kept-"
MARK = "in-use.lock"
SETTLING_SECONDS = 60
"""So long a folder is left alone: its lock may not have been taken yet."""


@contextmanager
def scratch(purpose: str) -> Iterator[Path]:
    """An empty folder of one's own among the system's temporary files."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{purpose}-"))
    # Whoever closes it may be another thread than whoever opened it.
    lock = FileLock(folder / MARK, thread_local=False)
    try:
        lock.acquire(timeout=0)
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


@cache
def lasting(purpose: str) -> Path:
    """An empty folder like it that stays until the process ends; the same one for one purpose."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(scratch(purpose))


class Holding:
    """What keeps a scratch folder until it is dropped, or nobody has it any more."""

    _end: "weakref.finalize[[], Holding]"

    def hold(self, stack: ExitStack) -> None:
        """Takes over what `stack` would close."""
        self._end = weakref.finalize(self, stack.close)

    @property
    def is_open(self) -> bool:
        """Whether what it holds is still there."""
        return self._end.alive

    def drop(self) -> None:
        """Ends it and leaves no trace."""
        self._end()


def sweep() -> None:
    """Takes away the folders whose owners are no more."""
    for mark in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{MARK}"):
        try:
            if time.time() - mark.stat().st_mtime < SETTLING_SECONDS:
                continue
            with FileLock(mark, timeout=0):
                pass
        except (OSError, Timeout):
            continue  # in use, another person's, or gone already
        shutil.rmtree(mark.parent, ignore_errors=True)
