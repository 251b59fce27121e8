"""Room on the disks, asked for and named where it gives out; who may read what is written."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from etl.errors import NothingDoneError

_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT)
# DuckDB says it in the system's words, and in its own where its temporary folder gives out.
_FULL_WORDS = (*map(os.strerror, _FULL_ERRORS), "failed to offload data block")


@contextmanager
def room(needed: Mapping[Path, int]) -> Iterator[None]:
    """Asks for so many bytes on the disks of these folders, and says so again where one gets full.

    Raises NothingDoneError, before anything is done or out of what is being done.
    """
    folder, wanted, free = _tightest(needed)
    if free < wanted:
        raise _disk_full(folder, wanted, free)
    try:
        yield
    except (OSError, duckdb.Error) as error:
        if not is_full(error):
            raise
        raise _disk_full(*_tightest(needed)) from error


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk has no room left."""
    if isinstance(error, OSError):
        return error.errno in _FULL_ERRORS
    return isinstance(error, duckdb.Error) and any(words in str(error) for words in _FULL_WORDS)


def _tightest(needed: Mapping[Path, int]) -> tuple[Path, int, int]:
    """The disk with the least to spare: a folder on it, the bytes needed and those free there.

    Folders on one disk share its room.
    """
    disks: dict[int, tuple[Path, int]] = {}
    for folder, size in needed.items():
        nearest = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        device = nearest.stat().st_dev
        first, before = disks.get(device, (nearest, 0))
        disks[device] = (first, before + size)
    found = [(one, size, shutil.disk_usage(one).free) for one, size in disks.values()]
    return min(found, key=lambda disk: disk[2] - disk[1])


def _disk_full(folder: Path, needed: int, free: int) -> NothingDoneError:
    # Where it gave out although there seemed to be enough, all that is known is that it was not.
    wanted = _megabytes(needed) if needed > free else f"> {_megabytes(free)}"
    return NothingDoneError(
        "disk_full", folder=folder.absolute(), needed=wanted, free=_megabytes(free)
    )


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it, for its owner and group alone."""
    for one in reversed((folder, *folder.parents)):
        if not one.exists():
            one.mkdir(mode=0o750, exist_ok=True)


def restrict(file: Path) -> None:
    """Leaves a file that was just written to its owner and group."""
    file.chmod(stat.S_IMODE(file.stat().st_mode) & 0o640)


def sync(path: Path) -> None:
    """Waits until a file or folder is on the disk."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
