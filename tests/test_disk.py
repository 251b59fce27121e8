"""A full disk, a disk that can only be read, Ctrl-C, and who may read what is written."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from etl import journal
from etl.catalogue import catalogue
from etl.config import Settings
from etl.disk import is_full, room
from etl.errors import KeptError, NothingDoneError
from etl.intake.load import load, undo
from etl.intake.preview import prepare
from etl.marts import marts_are_built, open_marts
from etl.report import export
from etl.store import Warehouse
from tests import damage, evidence_case
from tests.kills import FILES, Runner, truth

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module", autouse=True)
def few_models() -> Iterator[None]:
    with evidence_case.few_models():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    damage.make(folder)
    return folder


@pytest.fixture
def settings(made: Path, tmp_path: Path) -> Iterator[Settings]:
    with damage.copied(made, tmp_path / "copy") as settings:
        yield settings


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """A mount at `folder` where the system lets us; else the test is left out."""
    mount = shutil.which("mount")
    done = mount and subprocess.run([mount, *options, folder], capture_output=True, check=False)
    if not done or done.returncode:
        pytest.skip("needs the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)  # what was read may be open


@contextmanager
def only_read(root: Path) -> Iterator[None]:
    """`root` can only be read."""
    if hasattr(os, "geteuid") and os.geteuid():
        folders = [root, *(one for one in root.rglob("*") if one.is_dir())]
        for one in folders:
            one.chmod(0o550)
        try:
            yield
        finally:
            for one in folders:
                one.chmod(0o750)
    else:
        with mounted(root, "--bind", str(root)):
            subprocess.run(["mount", "-o", "remount,ro,bind", root], check=True)
            yield


def test_room_is_asked_for_before_and_said_of_when_it_gives_out(tmp_path: Path) -> None:
    for needed in ({tmp_path: 1 << 60}, {tmp_path: 1, tmp_path / "to" / "be" / "made": 1 << 60}):
        with pytest.raises(NothingDoneError, match="disk_full") as refused, room(needed):
            pytest.fail("was let in")
        assert refused.value.values["folder"] == tmp_path.absolute()
        assert refused.value.values["needed"] == "1,152,921,504,607 MB"
        assert refused.value.exit_status == 1
        for language, words in (("zh", "没有写入任何内容"), ("en", "Nothing was written")):
            assert words in catalogue().sentence(refused.value, language)
    for error in (
        OSError(errno.ENOSPC, "No space left on device"),
        duckdb.IOException("IO Error: Could not write file: No space left on device"),
        duckdb.OutOfMemoryException("failed to offload data block of size 256.0 KiB"),
    ):
        assert is_full(error)
        with pytest.raises(NothingDoneError, match="disk_full"), room({tmp_path: 1}):
            raise error
    with pytest.raises(PermissionError), room({tmp_path: 1}):
        raise PermissionError(errno.EACCES, "no")


def test_disks_that_are_one_share_their_room(tmp_path: Path) -> None:
    half = shutil.disk_usage(tmp_path).free // 2
    with room({tmp_path: half}):
        pass
    with (
        pytest.raises(NothingDoneError, match="disk_full"),
        room({tmp_path: half, tmp_path / "a": half + (1 << 30)}),
    ):
        pass


@pytest.mark.parametrize("action", ["load", "preview", "build", "day", "undo"])
def test_a_disk_that_is_full_is_named_and_all_is_as_before(
    settings: Settings, tmp_path: Path, action: str
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    with mounted(small, "-t", "tmpfs", "-o", "size=24m", "tmpfs"):
        shutil.copytree(settings.warehouse, small / "warehouse")
        full = Settings(small / "warehouse")
        if action == "build":
            shutil.rmtree(full.warehouse / "generations")
        filled = shutil.disk_usage(small).free - 2_000_000
        with (small / "filler").open("wb") as filler:
            filler.write(b"x" * filled)
        before = truth(full.warehouse)
        with pytest.raises(NothingDoneError, match="disk_full") as refused:
            match action:
                case "load":
                    load(full, [settings.warehouse.parent / "next.csv"])
                case "preview":
                    prepare(full, [settings.warehouse.parent / "next.csv"])
                case "undo":
                    undo(full, "00006-tickets")
                case "build":
                    open_marts(full)
                case "day":
                    open_marts(full, damage.OTHER_DAY.replace(day=3))
        named = Path(str(refused.value.values["folder"]))
        assert small in (named, *named.parents)
        assert truth(full.warehouse) == before
        assert not list(small.rglob("*.tmp*"))


def test_a_warehouse_that_can_only_be_read_is_read(settings: Settings) -> None:
    right = damage.ledger(settings)
    new = damage.OTHER_DAY.replace(day=3)
    then = export(open_marts(settings, new), "obligation", None)
    for file in settings.warehouse.glob("generations/*-asof-*"):
        file.unlink()
    with only_read(settings.warehouse):
        assert not marts_are_built(settings, new)
        marts = open_marts(settings, new)
        assert export(marts, "obligation", None) == then
        assert settings.warehouse not in marts.path.parents
        assert marts_are_built(settings, new)
        assert damage.ledger(settings) == right
        assert damage.page(settings)
        assert damage.verified(settings) == []
        with pytest.raises(KeptError, match="warehouse_not_writable"):
            load(settings, [settings.warehouse.parent / "next.csv"])


def test_without_its_cache_it_is_read_as_well(settings: Settings) -> None:
    right = damage.ledger(settings)
    shutil.rmtree(settings.warehouse / "generations")
    said: list[str] = []
    with (
        only_read(settings.warehouse),
        journal.keeping(journal.Journal(lambda code, _values: said.append(code))),
    ):
        assert damage.ledger(settings) == right
        assert damage.ledger(settings) == right
    assert said == ["cache_missing"]


def test_what_is_written_is_for_the_owner_and_the_group(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(FILES["contracts.csv"], encoding="utf-8")
    before = os.umask(0o022)
    try:
        load(Settings(tmp_path / "w"), [tmp_path / "c.csv"])
        os.umask(0o077)
        load(Settings(tmp_path / "strict"), [tmp_path / "c.csv"])
    finally:
        os.umask(before)
    for root, file_mode, folder_mode in (
        (tmp_path / "w", 0o640, 0o750),
        (tmp_path / "strict", 0o600, 0o700),
    ):
        places = [root, *root.rglob("*")]
        assert {one.stat().st_mode & 0o777 for one in places if one.is_dir()} == {folder_mode}
        files = [one for one in places if one.is_file() and one.name != "lock"]
        assert {one.stat().st_mode & 0o777 for one in files} == {file_mode}


@pytest.mark.parametrize("place", ["before", "after"])
def test_ctrl_c_says_what_was_written_and_ends_with_130(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, place: str
) -> None:
    runner = Runner(tmp_path_factory.mktemp("runner"))
    try:
        load_it = ("load", settings.warehouse.parent / "next.csv")
        complete = settings.warehouse.with_name("complete")
        shutil.copytree(settings.warehouse, complete)
        steps = runner.steps(complete, *load_it)
        swap = max(i for i, step in enumerate(steps) if step.startswith("os.rename"))
        before = truth(settings.warehouse)
        # The swap itself, which is then not done; or the step after it.
        pid = runner.start(
            settings.warehouse, *load_it, at=steps[swap + (place == "after")], by=signal.SIGINT
        )
        assert runner.wait(pid) == 130
        if place == "before":
            assert runner.said() == "Interrupted: nothing was written to the warehouse.\n"
            assert truth(settings.warehouse) == before
        else:
            assert runner.said() == (
                "Interrupted. What was finished before stands, the last of it manifests/3.json.\n"
            )
            assert Warehouse(settings).manifest().number == 3
        assert not list(settings.warehouse.rglob("*.tmp*"))
        assert not (settings.warehouse / "trash").exists()
    finally:
        runner.close()


def test_ctrl_c_is_answered_however_early_it_comes(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, threading\n"
        "sys.argv = ['kept', 'history', '--warehouse', sys.argv[1]]\n"
        "from etl.__main__ import main\n"
        "hook = lambda event, _: event == 'import' and not pressed and pressed.append("
        "os.kill(os.getpid(), signal.SIGINT))\n"
        "pressed = []\n"
        "sys.addaudithook(hook)\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "w")],
        cwd=ROOT,
        env={**os.environ, "KEPT_LANGUAGE": "zh"},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 130
    assert done.stderr == "已中断：数据仓库里没有写入任何内容。\n"
    assert done.stdout == ""


def test_nothing_is_left_among_the_temporary_files(settings: Settings) -> None:
    before = set(Path(tempfile.gettempdir()).glob("kept-read-only-*"))
    code = (
        "import sys\nfrom pathlib import Path\nfrom etl.scratch import lasting\n"
        "folder = lasting('read-only-test')\nassert lasting('read-only-test') == folder\n"
        "(folder / 'x').write_text('x')\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert set(Path(tempfile.gettempdir()).glob("kept-read-only-test-*")) <= before
