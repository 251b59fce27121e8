"""`trash/`: where files go that nothing names any more, before they are deleted for good.

trash/<moment>/<path in the warehouse>
"""

import os
import shutil
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

from etl.disk import make_folder

TRASH = "trash"
KEPT_DAYS = 30
_FORMAT = "%Y%m%dT%H%M%S.%fZ"


def throw_away(root: Path, files: Collection[Path]) -> Path | None:
    """Moves files of the warehouse `root` into a new folder of its trash, in their order.

    Their paths in it are those in the warehouse. Gives the folder; None where there were no files.
    """
    if not files:
        return None
    while True:
        folder = root / TRASH / datetime.now(UTC).strftime(_FORMAT)
        if not folder.exists():
            break
    for file in files:
        target = folder / file.relative_to(root)
        make_folder(target.parent)
        os.replace(file, target)
    return folder


def empty(root: Path, days: int = KEPT_DAYS) -> list[Path]:
    """Deletes what has lain in the trash of `root` for so many days; gives what it deleted."""
    limit = datetime.now(UTC) - timedelta(days=days)
    gone = []
    for folder in sorted((root / TRASH).glob("*")):
        came = _came(folder)
        if came is not None and came <= limit:
            gone += [file.relative_to(folder) for file in folder.rglob("*") if file.is_file()]
            shutil.rmtree(folder, ignore_errors=True)
    return gone


def _came(folder: Path) -> datetime | None:
    """When it was made, by its name or by the file system, whichever is later; None: not ours."""
    try:
        named = datetime.strptime(folder.name, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return max(named, datetime.fromtimestamp(folder.stat().st_mtime, UTC))
