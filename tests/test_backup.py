"""`kept backup` and `kept restore`: all of the truth comes back, or nothing does."""

import json
import shutil
import signal
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from etl.backup import LISTING, backup, restore
from etl.catalogue import catalogue
from etl.cli import app
from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.evidence.verify import verify
from etl.store import Warehouse
from tests import damage, evidence_case
from tests.kills import Runner, truth


@pytest.fixture(scope="module", autouse=True)
def few_models() -> Iterator[None]:
    with evidence_case.few_models():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    settings = damage.make(tmp_path_factory.mktemp("made"))
    with Warehouse(settings).lock():
        pass
    return Warehouse(settings)


@pytest.fixture(scope="module")
def file(made: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("backup") / "backup.zip"
    backup(made, target)
    return target


@pytest.fixture
def place(tmp_path: Path) -> Warehouse:
    return Warehouse(Settings(tmp_path / "restored"))


def test_what_is_restored_is_what_was_backed_up(
    made: Warehouse, file: Path, place: Warehouse
) -> None:
    restored = restore(file, place)
    assert truth(place.root) == truth(made.root)
    assert restored.manifest == 2
    assert restored.files == len(truth(made.root))
    assert restored.damaged == ()
    assert damage.ledger(place.settings) == damage.ledger(made.settings)
    assert verify(place.settings).sound


def test_a_backup_holds_no_cache_no_lock_and_no_trash(made: Warehouse, tmp_path: Path) -> None:
    warehouse = Warehouse(Settings(tmp_path / "warehouse"))
    shutil.copytree(made.root, warehouse.root)
    (warehouse.root / "trash" / "x").mkdir(parents=True)
    (warehouse.root / "trash" / "x" / "y").write_text("y", encoding="utf-8")
    (warehouse.root / "raw" / ".x.csv.1.tmp").write_text("y", encoding="utf-8")
    backup(warehouse, tmp_path / "backup.zip")
    with zipfile.ZipFile(tmp_path / "backup.zip") as pack:
        assert set(pack.namelist()) == {*truth(warehouse.root), LISTING}
    assert (tmp_path / "backup.zip").stat().st_mode & 0o777 == 0o640


def test_a_backup_overwrites_nothing_and_stays_outside(
    made: Warehouse, file: Path, tmp_path: Path
) -> None:
    content = file.read_bytes()
    for target, code in (
        (file, "backup_exists"),
        (made.root / "raw" / "b.zip", "backup_inside"),
        (tmp_path / "none" / "b.zip", "folder_missing"),
    ):
        with pytest.raises(KeptError, match=code):
            backup(made, target)
    assert file.read_bytes() == content
    with pytest.raises(NothingDoneError, match="warehouse_empty"):
        backup(Warehouse(Settings(tmp_path / "new")), tmp_path / "b.zip")
    assert not list(tmp_path.iterdir())


def test_what_was_damaged_before_is_said_and_backed_up_all_the_same(
    made: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse = Warehouse(Settings(tmp_path / "warehouse"))
    shutil.copytree(made.root, warehouse.root)
    gone = sorted(warehouse.root.glob("batches/tickets/*"))[0]
    gone.unlink()
    status = app(
        ["backup", str(tmp_path / "b.zip"), "--warehouse", str(warehouse.root)],
        standalone_mode=False,
    )
    assert status == 2
    assert gone.name in capsys.readouterr().err
    restored = restore(tmp_path / "b.zip", Warehouse(Settings(tmp_path / "restored")))
    assert [one.code for one in restored.damaged] == ["batch_gone"]


def changed(file: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A backup with other members."""
    with zipfile.ZipFile(file) as pack:
        members = {name: pack.read(name) for name in pack.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as pack:
        for name, content in members.items():
            pack.writestr(name, content)
    return target


def relisted(name: str, to: str) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        listing = json.loads(members[LISTING])
        listing["files"][to] = listing["files"].pop(name)
        members[to] = members.pop(name)
        members[LISTING] = json.dumps(listing).encode()

    return change


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "raw/../../evil", "raw\\..\\evil", "C:/evil", "raw//x", "raw/./x",
     "lock", "generations/1-x.duckdb", "trash/x", "evil", "raw"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(
    file: Path, place: Warehouse, tmp_path: Path, name: str
) -> None:
    evil = changed(file, tmp_path / "evil.zip", relisted("decisions/2.json", name))
    with pytest.raises(KeptError, match="backup_unreadable"):
        restore(evil, place)
    assert [one.name for one in tmp_path.iterdir()] == ["evil.zip"]


def test_a_damaged_backup_is_refused_and_leaves_nothing(
    made: Warehouse, file: Path, place: Warehouse, tmp_path: Path
) -> None:
    def drop(name: str) -> Callable[[dict[str, bytes]], None]:
        return lambda members: members.pop(name) and None

    def alter(members: dict[str, bytes]) -> None:
        members["manifests/2.json"] += b" "

    def name_other(members: dict[str, bytes]) -> None:
        listing = json.loads(members[LISTING])
        members["CURRENT"] = b"7\n"
        listing["files"]["CURRENT"] = {
            "sha256": "10159baf262b43a92d95db59dae1f72c645127301661e0a3ce4e38b295a97c58",
            "size": 2,
        }
        members[LISTING] = json.dumps(listing).encode()

    content = file.read_bytes()
    cut = tmp_path / "cut.zip"
    cut.write_bytes(content[: len(content) // 2])
    flipped = tmp_path / "flipped.zip"
    flipped.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    other = evidence_case.put(tmp_path / "other.zip", "PK no zip")
    cases = [
        (cut, "backup_unreadable"),
        (flipped, "backup_damaged"),
        (other, "backup_unreadable"),
        (changed(file, tmp_path / "a.zip", drop(LISTING)), "backup_unreadable"),
        (changed(file, tmp_path / "b.zip", drop("decisions/1.json")), "backup_unreadable"),
        (changed(file, tmp_path / "c.zip", drop("CURRENT")), "backup_unreadable"),
        (changed(file, tmp_path / "d.zip", alter), "backup_damaged"),
        (changed(file, tmp_path / "e.zip", name_other), "backup_damaged"),
        (tmp_path / "none.zip", "file_missing"),
    ]
    for damaged, code in cases:
        with pytest.raises(KeptError, match=code) as refused:
            restore(damaged, place)
        for language in ("zh", "en"):
            assert damaged.name in catalogue().sentence(refused.value, language)
        assert not place.root.exists(), damaged.name


def test_a_folder_with_anything_else_in_it_is_refused(
    file: Path, place: Warehouse, made: Warehouse
) -> None:
    for name, content in (
        ("notes.txt", "mine"),
        ("raw/mine.csv", "mine"),
        ("decisions/1.json", "mine"),
        ("CURRENT", "2\n"),
    ):
        mine = evidence_case.put(place.root / name, content)
        with pytest.raises(KeptError, match=r"restore_not_empty|warehouse_not_empty"):
            restore(file, place)
        there = [one for one in place.root.rglob("*") if one.is_file() and one.name != "lock"]
        assert there == [mine]
        shutil.rmtree(place.root)
    place.root.mkdir()
    restore(file, place)
    assert truth(place.root) == truth(made.root)
    with pytest.raises(KeptError, match="restore_not_empty"):
        restore(file, place)


def test_a_restore_that_was_killed_is_gone_on_with(
    made: Warehouse, file: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    runner = Runner(tmp_path_factory.mktemp("runner"))
    try:
        target = tmp_path / "restored"
        status = runner.run(target, "restore", file, at="os.rename 9")
        assert status == -signal.SIGKILL, runner.said()
        left = truth(target)
        assert left
        assert "CURRENT" not in left
        # It is no warehouse yet, and nobody takes it for one.
        assert runner.run(target, "report") == 2
        assert runner.run(target, "load", made.root.parent / "next.csv") == 2
        assert truth(target) == left
        assert runner.run(target, "restore", file) == 0, runner.said()
        assert "all verified" in runner.said()
        assert truth(target) == truth(made.root)
    finally:
        runner.close()
