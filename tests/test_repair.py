"""`kept repair`: what it proposes of a damaged warehouse, and that it does that and no more."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from etl.catalogue import catalogue
from etl.cli import app
from etl.config import Settings
from etl.errors import DamagedError, KeptError, NothingDoneError
from etl.evidence.verify import verify
from etl.repair import empty_trash, examine, repair
from etl.store import Warehouse
from etl.trash import KEPT_DAYS, empty, throw_away
from tests import damage, evidence_case
from tests.kills import lost, truth


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with evidence_case.few_models():
        damage.make(folder)
    return folder / "warehouse"


@pytest.fixture
def warehouse(made: Path, tmp_path: Path) -> Warehouse:
    target = tmp_path / "warehouse"
    shutil.copytree(made, target, ignore=shutil.ignore_patterns("*.duckdb"))
    return Warehouse(Settings(target, person="tester"))


def refused(warehouse: Warehouse) -> str:
    with pytest.raises(KeptError) as caught, warehouse.lock():
        pass
    return caught.value.code


def test_nothing_is_done_to_what_is_whole(warehouse: Warehouse) -> None:
    before = truth(warehouse.root)
    for plan in (examine(warehouse), repair(warehouse)):
        assert (plan.problem, plan.number, plan.unlisted, plan.damaged) == (None, None, (), ())
        assert not plan.is_needed
    assert truth(warehouse.root) == before


def test_a_lost_current_names_the_newest_whole_manifest_again(warehouse: Warehouse) -> None:
    before = truth(warehouse.root)
    warehouse.path("CURRENT").unlink()
    left = truth(warehouse.root)
    assert refused(warehouse) == "current_missing"
    plan = examine(warehouse)
    assert (plan.number, plan.unlisted, plan.damaged) == (2, (), ())
    assert truth(warehouse.root) == left
    repair(warehouse)
    assert truth(warehouse.root) == before
    assert verify(warehouse.settings).sound


def test_an_older_current_names_the_newest_again(warehouse: Warehouse) -> None:
    before = truth(warehouse.root)
    damage.damage(warehouse.settings, "CURRENT", "exchanged")
    assert refused(warehouse) == "current_behind"
    assert repair(warehouse).number == 2
    assert truth(warehouse.root) == before


@pytest.mark.parametrize("name", ["manifests/2.json", "batches/tickets/00006-tickets.parquet"])
def test_a_manifest_that_is_not_whole_is_passed_over(warehouse: Warehouse, name: str) -> None:
    warehouse.path("CURRENT").unlink()
    os.truncate(warehouse.path(name), 100)
    before = truth(warehouse.root)
    plan = examine(warehouse)
    assert [number for number, _ in plan.passed_over] == [2]
    assert plan.number == 1
    upload = next(iter(warehouse.manifest_numbered(1).batches)).sha256
    assert upload is not None
    assert "manifests/2.json" in plan.unlisted
    assert "batches/tickets/00006-tickets.parquet" in plan.unlisted
    assert not [one for one in plan.unlisted if upload in one]
    done = repair(warehouse)
    assert done.trash is not None
    assert not lost(before, warehouse.root)
    assert warehouse.manifest().number == 1
    for one in plan.unlisted:
        assert warehouse.path(done.trash, one).exists()
    # Back out of the trash, it is as it was.
    for one in plan.unlisted:
        shutil.move(warehouse.path(done.trash, one), warehouse.path(one))
    assert {**truth(warehouse.root), "CURRENT": ""} == {**before, "CURRENT": ""}


def test_files_beyond_go_to_the_trash_where_no_manifest_is_left_that_names_them(
    warehouse: Warehouse,
) -> None:
    warehouse.path("CURRENT").write_text("1\n", encoding="utf-8")
    warehouse.path("manifests", "2.json").unlink()
    before = truth(warehouse.root)
    assert refused(warehouse) == "files_beyond"
    done = repair(warehouse)
    assert done.number is None
    assert [name.split("/")[0] for name in done.unlisted] == ["batches", "raw"]
    assert not lost(before, warehouse.root)
    with warehouse.lock():
        pass


def test_without_a_whole_manifest_a_backup_is_needed(warehouse: Warehouse) -> None:
    shutil.rmtree(warehouse.path("manifests"))
    warehouse.path("CURRENT").unlink()
    before = truth(warehouse.root)
    for attempt in (examine, repair):
        with pytest.raises(NothingDoneError, match="repair_needs_backup"):
            attempt(warehouse)
    assert truth(warehouse.root) == before


def test_manifests_that_do_not_follow_one_another_are_left_alone(warehouse: Warehouse) -> None:
    file = warehouse.path("manifests", "1.json")
    raw = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(raw), encoding="utf-8")
    warehouse.path("CURRENT").unlink()
    before = truth(warehouse.root)
    with pytest.raises(NothingDoneError, match="repair_chain_broken"):
        repair(warehouse)
    assert truth(warehouse.root) == before


def test_damaged_files_are_named_and_left_alone(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "batches/tickets/00006-tickets.parquet"
    os.truncate(warehouse.path(name), 100)
    before = truth(warehouse.root)
    plan = repair(warehouse)
    assert [one.values["file"] for one in plan.damaged] == [name]
    assert truth(warehouse.root) == before
    status = app(["repair", "--yes", "--warehouse", str(warehouse.root)], standalone_mode=False)
    assert status == 1
    assert name in capsys.readouterr().err


def test_the_command_shows_first_and_does_it_on_yes(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEPT_LANGUAGE", "en")

    def kept(*arguments: str) -> str:
        app(["repair", *arguments, "--warehouse", str(warehouse.root)], standalone_mode=False)
        return capsys.readouterr().out

    stray = warehouse.path("raw", f"{'0' * 64}.csv")
    stray.write_text("mine", encoding="utf-8")
    warehouse.path("CURRENT").unlink()
    said = kept()
    assert "CURRENT would name manifest 2." in said
    assert f"  raw/{stray.name}" in said
    assert "Nothing of this was done yet" in said
    assert refused(warehouse) == "current_missing"
    assert json.loads(kept("--json"))["done"] is False
    said = kept("--yes")
    assert "CURRENT names manifest 2 now." in said
    assert "were moved to trash/" in said
    assert "There is nothing to repair." in kept()
    assert "1 files deleted" in kept("--empty-trash")
    assert not list(warehouse.path("trash").iterdir())


def test_the_trash_of_a_damaged_warehouse_is_kept(warehouse: Warehouse) -> None:
    stray = warehouse.path("raw", "mine")
    stray.write_text("mine", encoding="utf-8")
    throw_away(warehouse.root, [stray])
    warehouse.path("CURRENT").unlink()
    with pytest.raises(DamagedError):
        empty_trash(warehouse)
    assert list(warehouse.path("trash").glob("*/raw/mine"))


def test_the_trash_is_emptied_after_thirty_days(warehouse: Warehouse) -> None:
    for age in (KEPT_DAYS - 1, KEPT_DAYS + 1):
        when = datetime.now(UTC) - timedelta(days=age)
        folder = warehouse.path("trash", when.strftime("%Y%m%dT%H%M%S.%fZ"))
        (folder / "raw").mkdir(parents=True)
        (folder / "raw" / f"{age}").write_text("x", encoding="utf-8")
        os.utime(folder, (when.timestamp(), when.timestamp()))
    # Named long ago, but put there just now: a clock was wrong, or somebody keeps it.
    fresh = warehouse.path("trash", "20010101T000000.000000Z")
    for folder in (fresh, warehouse.path("trash", "mine")):
        folder.mkdir()
        (folder / "x").write_text("x", encoding="utf-8")
    with warehouse.lock():
        pass
    names = [file.name for file in warehouse.path("trash").rglob("*") if file.is_file()]
    assert sorted(names) == [f"{KEPT_DAYS - 1}", "x", "x"]
    assert empty(warehouse.root, days=0)
    assert [file.name for file in warehouse.path("trash").iterdir()] == ["mine"]


def test_every_sentence_is_there_in_both_languages() -> None:
    for code, text in catalogue().messages.items():
        if code.startswith(("repair_", "backup_", "restore", "trash_", "cache_", "current_")):
            assert text.zh
            assert text.en
