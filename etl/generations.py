"""The files of `generations/`, a cache: which are as they were written, and of which manifest.

    generations/<name>.json   the seal of <name>.duckdb: the hash of the manifest it was built of,
                              its size, when it was written, the CRC-32 of its content

What has no seal, or is not as its seal says, is never opened: it is built anew.
"""

import json
import secrets
import zlib
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

import duckdb

from etl.disk import restrict

T = TypeVar("T")
_OPENED: ContextVar[set[Path] | None] = ContextVar("opened", default=None)


def seal(file: Path, manifest_sha256: str) -> None:
    """Says beside `file`, just written, what it is of and what it is like."""
    _write(file, {"manifest": manifest_sha256, **_outside(file), "crc32": _crc32(file)})


def is_sound(file: Path, manifest_sha256: str) -> bool:
    """Whether `file` is as it was sealed, and of that manifest.

    Its content is read only where its time differs: a copy of a warehouse may have lost that.
    """
    said = _seal_of(file)
    try:
        found = _outside(file)
    except OSError:
        return False
    if (said.get("manifest"), said.get("size")) != (manifest_sha256, found["size"]):
        return False
    if said.get("mtime_ns") != found["mtime_ns"]:
        if said.get("crc32") != _crc32(file):
            return False
        with suppress(OSError):  # a warehouse that can only be read
            _write(file, {**said, **found})
    opened = _OPENED.get()
    if opened is not None:
        opened.add(file)
    return True


def distrust(file: Path) -> bool:
    """Reads `file` as a whole; where it is not what was sealed it counts no more (then True)."""
    with suppress(OSError):
        if _seal_of(file).get("crc32") == _crc32(file):
            return False
    with suppress(OSError):
        _beside(file).unlink(missing_ok=True)
    return True


def healing(work: Callable[[], T]) -> T:
    """Does `work`; once more where it met a damaged file of the cache, which is then built anew."""
    opened: set[Path] = set()
    token = _OPENED.set(opened)
    try:
        return work()
    except duckdb.Error:
        damaged = [file for file in opened if distrust(file)]
        if not damaged:
            raise
        return work()
    finally:
        _OPENED.reset(token)


def was_used(file: Path) -> None:
    """Notes that `file` was asked for: what was not goes first."""
    with suppress(OSError):
        _beside(file).touch()


def last_used(file: Path) -> float:
    """When it was asked for, in seconds; the longest ago where nobody knows."""
    try:
        return _beside(file).stat().st_mtime
    except OSError:
        return 0


def forget(file: Path) -> None:
    """Deletes `file` and its seal."""
    _beside(file).unlink(missing_ok=True)
    file.unlink(missing_ok=True)


def _beside(file: Path) -> Path:
    return file.with_suffix(".json")


def _seal_of(file: Path) -> dict[str, object]:
    try:
        said = json.loads(_beside(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _outside(file: Path) -> dict[str, int]:
    stat = file.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _crc32(file: Path) -> int:
    found = 0
    with file.open("rb") as read:
        while piece := read.read(1 << 20):
            found = zlib.crc32(piece, found)
    return found


def _write(file: Path, said: dict[str, object]) -> None:
    target = _beside(file)
    temporary = target.with_name(f".{target.name}.{secrets.randbits(48)}.tmp")
    try:
        temporary.write_text(json.dumps(said), encoding="utf-8")
        restrict(temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
