"""A warehouse with one of each file, each file damaged in turn, and what is then said of it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from dashboard import queries
from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError
from etl.evidence.decisions import Decision, decide
from etl.evidence.verify import verify
from etl.intake.load import load
from etl.intake.mapping import ColumnMapping
from etl.intake.remembered import remember
from etl.marts import open_marts
from etl.report import export
from etl.store import Current, Warehouse
from tests import evidence_case
from tests.kills import lost, truth

KINDS = ("deleted", "emptied", "truncated", "exchanged")
SOUND = "right figures"
OTHER_DAY = datetime(2024, 6, 2, 23, 59, 59)
NEXT = (
    evidence_case.TICKETS_HEADER
    + "T-9,HT-1,U-1,软件故障,2024-06-09 08:00,2024-06-09 09:00,2024-06-09 10:00\n"
)


def make(folder: Path) -> Settings:
    """A warehouse with two manifests, rejects, two decisions, two mappings, another as-of."""
    settings = evidence_case.make(folder)
    load(settings, [evidence_case.put(folder / "tickets.csv", evidence_case.LATER)])
    for amount in ("100", "200"):
        decision = Decision("partial", "王一", "赵二", Decimal(amount), reasons=("合格",))
        decide(settings, "HT-1", decision)
    for number in (1, 2):
        mapping = ColumnMapping("tickets", ("单号", f"备注{number}"), {"ticket_id": ("单号",)})
        remember(Warehouse(settings), mapping)
    open_marts(settings, OTHER_DAY)
    evidence_case.put(folder / "next.csv", NEXT)
    return settings


def files_of(settings: Settings) -> list[str]:
    """Every file of the warehouse, by its path in it; the lock is none of its data."""
    root = settings.warehouse
    return sorted(
        file.relative_to(root).as_posix()
        for file in root.rglob("*")
        if file.is_file() and file.name != "lock"
    )


def damage(settings: Settings, name: str, kind: str) -> bool:
    """Damages the file; whether that can be done: not every file has an older one."""
    file = settings.warehouse / name
    if kind == "deleted":
        file.unlink()
    elif kind == "emptied":
        file.write_bytes(b"")
    elif kind == "truncated":
        os.truncate(file, file.stat().st_size // 2)
    elif name == "CURRENT":
        older = Current(1, Warehouse(settings).sha256_of_manifest(1))
        file.write_text(f"{older.number} {older.sha256}\n", encoding="utf-8")
    else:
        alike = sorted(file.parent.glob(f"*{file.suffix}"))
        if len(alike) < 2:
            return False
        shutil.copy2(alike[alike.index(file) - 1], file)
    return True


def ledger(settings: Settings) -> object:
    """What `kept export` writes, now and as of another day."""
    return [export(open_marts(settings, day), "obligation", None) for day in (None, OTHER_DAY)]


def page(settings: Settings) -> object:
    """What a page asks."""
    return [
        queries.frame(queries.book(settings, day), "from obligation order by all").to_csv()
        for day in (None, OTHER_DAY.date())
    ]


def then_loaded(settings: Settings) -> object:
    """The ledger after a further load."""
    load(settings, [settings.warehouse.parent / "next.csv"])
    return ledger(settings)


def verified(settings: Settings) -> object:
    """What `kept verify` finds."""
    return [one.code for one in verify(settings).findings]


ACTIONS: dict[str, Callable[[Settings], object]] = {
    "report": ledger,
    "page": page,
    "load": then_loaded,
    "verify": verified,
}


@contextmanager
def copied(made: Path, folder: Path) -> Iterator[Settings]:
    """A copy of what `make` made, gone at the end."""
    shutil.copytree(made, folder)
    try:
        yield Settings(folder / "warehouse", person="tester")
    finally:
        shutil.rmtree(folder)


def outcome(settings: Settings, action: str, right: object) -> str:
    """What became of it: the right figures, or the code of a sentence; else an AssertionError."""
    before = truth(settings.warehouse)
    try:
        found = ACTIONS[action](settings)
    except KeptError as error:
        assert not lost(before, settings.warehouse)
        return error.code
    assert not lost(before, settings.warehouse)
    if action == "verify" and found:
        return str(found[0])  # type: ignore[index]
    assert found == right, action
    return SOUND


def judge(name: str, action: str, found: str) -> None:
    """Asserts that damage of the file was answered well: `found` is what `outcome` gave."""
    told = found in catalogue().messages
    assert told or found == SOUND, (name, action, found)
    checked = ("CURRENT", "batches", "manifests", "raw", "rejects")
    if action == "verify" and name.split("/", maxsplit=1)[0] in checked:
        assert told, name
