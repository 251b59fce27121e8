"""`kept load --watch`: a folder that loads itself.

What appears in the folder is loaded once it has stopped growing, one file at a time, and moved to
`done/` or `failed/`; beside it lie the reasons: why it was refused, or which rows were.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from etl.catalogue import LANGUAGES, catalogue
from etl.config import Settings
from etl.errors import DamagedError, KeptError, NothingDoneError
from etl.generations import healing
from etl.intake.load import Loaded, LoadReport, is_loadable
from etl.names import natural
from etl.report import write_rejects
from etl.sql import was_interrupted
from etl.store import Warehouse

DONE, FAILED = "done", "failed"

State = dict[Path, tuple[int, int]]


@dataclass(frozen=True)
class Watched:
    """What became of one file; `target` is None where it is left to be tried again."""

    file: str
    target: Path | None
    loaded: LoadReport | None = None
    error: KeptError | None = None


def watch(
    settings: Settings,
    folder: Path,
    load_one: Callable[[Path], LoadReport],
    *,
    pause: Callable[[], bool],
) -> Iterator[Watched]:
    """Loads what appears in `folder` until `pause` says no; `pause` waits between two looks.

    Raises KeptError where `folder` is none.
    """
    if not folder.is_dir():
        raise KeptError("watch_no_folder", folder=folder)
    seen = _look(folder)
    while pause():
        now = _look(folder)
        for file, state in sorted(now.items(), key=lambda one: natural(one[0].name)):
            if seen.get(file) == state:
                yield _load(settings, folder, file, load_one)
        seen = now


def every(seconds: float) -> Callable[[], bool]:
    """Waits so long between two looks, for ever."""

    def pause() -> bool:
        time.sleep(seconds)
        return True

    return pause


def _look(folder: Path) -> State:
    """The files that could be loaded, with their size and when they were last written to."""
    found: State = {}
    for file in folder.iterdir():
        try:
            if is_loadable(file) and file.is_file():
                stat = file.stat()
                found[file] = (stat.st_size, stat.st_mtime_ns)
        except FileNotFoundError:
            continue  # renamed while we looked: seen under its new name the next time
    return found


def _load(
    settings: Settings, folder: Path, file: Path, load_one: Callable[[Path], LoadReport]
) -> Watched:
    try:
        loaded = healing(lambda: load_one(file))
    except (NothingDoneError, DamagedError) as error:
        # The warehouse is not ready for it; the file is as good as before.
        return Watched(file.name, None, error=error)
    except KeptError as error:
        return _failed(folder, file, error)
    except Exception as error:
        if was_interrupted(error):
            raise KeyboardInterrupt from error
        # One file must not end the watch over all others.
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        return _failed(folder, file, KeptError("unexpected", error=said))
    target = _moved(file, folder / DONE)
    if any(one.rejected for one in loaded.files):
        _write_beside(
            target, [_line(one, language) for one in loaded.files for language in LANGUAGES]
        )
        warehouse = Warehouse(settings)
        for one in loaded.files:
            if one.batch and one.rejected:
                rejects = target.with_name(f"{target.name}.{one.batch}.rejects.csv")
                write_rejects(warehouse, warehouse.manifest().batch(one.batch), rejects)
    return Watched(file.name, target, loaded=loaded)


def _failed(folder: Path, file: Path, error: KeptError) -> Watched:
    target = _moved(file, folder / FAILED)
    _write_beside(target, [catalogue().sentence(error, language) for language in LANGUAGES])
    return Watched(file.name, target, error=error)


def _line(one: Loaded, language: str) -> str:
    said = catalogue().message(
        "watch_loaded",
        language,
        place=one.place,
        log=catalogue().logs[one.log].label,
        new=one.new,
        changed=one.changed,
        unchanged=one.unchanged,
        rejected=one.rejected,
    )
    if one.older:
        said += "; " + catalogue().message("load_older", language, count=one.older)
    return said


def _moved(file: Path, folder: Path) -> Path:
    """Moves a file there; where one of its name was before, the moment is added to the name."""
    folder.mkdir(exist_ok=True)
    target = folder / file.name
    if target.exists():
        stamp = datetime.now().strftime("%Y%m%dT%H%M%S%f")
        target = folder / f"{file.stem}-{stamp}{file.suffix}"
    return file.rename(target)


def _write_beside(target: Path, lines: list[str]) -> None:
    target.with_name(f"{target.name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
