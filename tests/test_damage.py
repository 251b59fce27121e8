"""Every file of a warehouse damaged: a sentence or the right figures, and nothing deleted."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard import queries
from etl import journal
from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import DamagedError, KeptError
from etl.generations import healing, is_sound
from etl.intake.batches import original
from etl.intake.load import load
from etl.ledger import fingerprint
from etl.marts import open_marts, open_past_marts
from etl.report import export, rejected_rows
from etl.store import Warehouse, sha256_of
from tests import damage, evidence_case
from tests.kills import lost, truth


@pytest.fixture(scope="module", autouse=True)
def few_models() -> Iterator[None]:
    with evidence_case.few_models():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    damage.make(folder)
    return folder


@pytest.fixture(scope="module")
def right(made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What each action gives where nothing is damaged."""
    found = {}
    for action, do in damage.ACTIONS.items():
        with damage.copied(made, tmp_path_factory.mktemp("right") / "copy") as settings:
            found[action] = do(settings)
    return found


@pytest.fixture
def settings(made: Path, tmp_path: Path) -> Iterator[Settings]:
    with damage.copied(made, tmp_path / "copy") as settings:
        yield settings


def notes(run: list[tuple[str, dict[str, object]]]) -> journal.Journal:
    """A journal that notes into `run`."""
    return journal.Journal(lambda code, values: run.append((code, dict(values))))


def generation(settings: Settings) -> Path:
    warehouse = Warehouse(settings)
    return warehouse.generation(warehouse.manifest(), fingerprint())


@pytest.mark.parametrize("kind", damage.KINDS)
def test_a_damaged_file_ends_in_a_sentence_or_in_the_right_figures(
    made: Path, right: dict[str, object], tmp_path: Path, kind: str
) -> None:
    """Each file once, in one way, with one action; all of it is in `make torture`."""
    names = damage.files_of(Settings(made / "warehouse"))
    assert {name.split("/")[0] for name in names} == {
        "CURRENT", "batches", "decisions", "generations", "manifests", "mappings", "raw", "rejects",
    }  # fmt: skip
    first = damage.KINDS.index(kind)
    for turn, name in enumerate(names[first :: len(damage.KINDS)]):
        action = list(damage.ACTIONS)[turn % len(damage.ACTIONS)]
        with damage.copied(made, tmp_path / "copy") as settings:
            if damage.damage(settings, name, kind):
                damage.judge(name, action, damage.outcome(settings, action, right[action]))


@pytest.mark.parametrize("kind", ["deleted", "truncated", "exchanged"])
@pytest.mark.parametrize("folder", ["batches/tickets", "rejects"])
def test_without_the_cache_a_damaged_batch_is_named_with_the_ways_out(
    settings: Settings, folder: str, kind: str
) -> None:
    shutil.rmtree(settings.warehouse / "generations")
    file = sorted((settings.warehouse / folder).iterdir())[0]
    name = file.relative_to(settings.warehouse).as_posix()
    if kind == "exchanged":
        shutil.copyfile(next(settings.warehouse.glob("batches/waivers/*")), file)
    else:
        damage.damage(settings, name, kind)
    before = truth(settings.warehouse)
    for action in ("report", "page", "load"):
        with pytest.raises(DamagedError) as refused:
            damage.ACTIONS[action](settings)
        assert refused.value.code == ("batch_gone" if kind == "deleted" else "batch_damaged")
        for language, backup in (("zh", "备份"), ("en", "backup")):
            words = catalogue().sentence(refused.value, language)
            assert name in words
            assert "kept verify" in words
            assert backup in words
    assert truth(settings.warehouse) == before


def test_a_damaged_upload_and_damaged_rejects_are_named(settings: Settings) -> None:
    warehouse = Warehouse(settings)
    batch = next(one for one in warehouse.manifest().batches if one.rejected)
    for folder, ask in (("raw", original), ("rejects", rejected_rows)):
        (file,) = (f for f, _ in warehouse.files_of(batch) if folder in f.parts)
        content = file.read_bytes()
        file.write_bytes(content[:-1])
        with pytest.raises(DamagedError, match="batch_damaged"):
            ask(warehouse, batch)
        file.unlink()
        with pytest.raises(DamagedError, match="batch_gone"):
            ask(warehouse, batch)
        file.write_bytes(content)
        assert ask(warehouse, batch)


def test_an_upload_that_was_damaged_is_kept_again_when_it_is_loaded_again(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "more.csv"
    shutil.copyfile(settings.warehouse.parent / "next.csv", file)
    load(settings, [file])
    (batch,) = (one for one in Warehouse(settings).manifest().batches if one.file == file.name)
    (raw,) = (settings.warehouse / "raw").glob(f"{batch.sha256}*")
    raw.write_bytes(b"")
    Warehouse(settings).keep_raw(file, str(batch.sha256), ".csv")
    assert sha256_of(raw) == batch.sha256


def test_a_rebuild_is_said_once(settings: Settings) -> None:
    said: list[tuple[str, dict[str, object]]] = []
    file = generation(settings)
    whole = export(open_marts(settings), "obligation", None)
    os.truncate(file, 20_000)
    steps: list[str] = []
    with journal.keeping(notes(said)):
        for _ in range(3):
            marts = open_marts(settings, progress=lambda name, _done, _of: steps.append(name))
            assert export(marts, "obligation", None) == whole
    assert said == [("cache_damaged", {"file": file.name})]
    assert steps
    assert not file.exists()
    assert is_sound(marts.path, Warehouse(settings).sha256_of_manifest(2))


def test_a_copy_that_lost_its_times_is_not_built_anew(settings: Settings) -> None:
    said: list[tuple[str, dict[str, object]]] = []
    file = generation(settings)
    os.utime(file, (1, 1))
    inode = file.stat().st_ino
    with journal.keeping(notes(said)):
        open_marts(settings)
    assert said == []
    assert file.stat().st_ino == inode


def test_damage_that_nothing_outside_shows_is_healed_where_it_is_met(settings: Settings) -> None:
    file = generation(settings)
    whole = export(open_marts(settings), "obligation", None)
    times = file.stat()
    content = bytearray(file.read_bytes())
    for place in range(20_000, len(content), 3000):
        content[place] ^= 255
    with file.open("r+b") as same:
        same.write(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert healing(lambda: export(open_marts(settings), "obligation", None)) == whole


def test_a_page_that_is_open_heals_with_it(settings: Settings) -> None:
    sql = "select count(*) as n from obligation"
    book = queries.book(settings)
    before = queries.frame(book, sql).n[0]
    assert before
    with generation(settings).open("r+b") as file:
        file.truncate(30_000)
    assert not queries.is_built(settings)
    healed = queries.book(settings)
    assert healed != book
    assert queries.frame(healed, sql).n[0] == before


def test_a_past_generation_of_another_warehouse_is_not_taken(
    settings: Settings, tmp_path: Path
) -> None:
    other = Settings(tmp_path / "other")
    load(other, [evidence_case.put(tmp_path / "c.csv", "contract_id,amount\nX-1,5\n")])
    theirs, ours = generation(other), generation(settings).with_name(generation(other).name)
    for suffix in (".duckdb", ".json"):
        shutil.copy2(theirs.with_suffix(suffix), ours.with_suffix(suffix))
    rows = export(open_past_marts(settings, 1, damage.OTHER_DAY), "retention", None)
    assert rows is not None
    assert "HT-1" in rows
    assert "X-1" not in rows


def test_a_warehouse_without_current_is_refused_and_nothing_is_touched(
    settings: Settings, tmp_path: Path
) -> None:
    (settings.warehouse / "CURRENT").unlink()
    before = truth(settings.warehouse)
    for folder in ("manifests", "batches", "decisions", "raw"):
        # As a restore in part leaves it.
        part = Settings(tmp_path / f"only-{folder}" / "warehouse")
        shutil.copytree(settings.warehouse / folder, part.warehouse / folder)
        with pytest.raises(DamagedError, match="current_missing"):
            load(part, [settings.warehouse.parent / "next.csv"])
        assert truth(part.warehouse) == {k: v for k, v in before.items() if k.startswith(folder)}


def test_manifests_or_batches_beyond_current_are_refused(settings: Settings) -> None:
    root = settings.warehouse
    before = truth(root)
    shutil.move(root / "manifests" / "2.json", root.parent / "2.json")
    (root / "CURRENT").write_text("1\n", encoding="utf-8")
    # Manifests and CURRENT of an older backup, batches of a newer one.
    assert open_marts(settings).manifest == 1
    with pytest.raises(DamagedError, match="files_beyond") as refused:
        load(settings, [root.parent / "next.csv"])
    assert refused.value.values["count"] == 1
    shutil.move(root.parent / "2.json", root / "manifests" / "2.json")
    for action in (open_marts, Warehouse.manifest):
        with pytest.raises(DamagedError, match="current_behind"):
            action(settings if action is open_marts else Warehouse(settings))  # type: ignore[arg-type]
    assert {**truth(root), "CURRENT": ""} == {**before, "CURRENT": ""}


def test_a_manifest_that_current_does_not_name_is_refused(settings: Settings) -> None:
    file = settings.warehouse / "manifests" / "2.json"
    raw = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**raw, "batches": raw["batches"][:-1]}), encoding="utf-8")
    with pytest.raises(DamagedError, match="manifest_replaced") as refused:
        open_marts(settings)
    assert "manifests/2.json" in catalogue().sentence(refused.value, "en")


def test_current_as_an_earlier_version_wrote_it_is_read_and_written_with_the_hash(
    settings: Settings,
) -> None:
    current = settings.warehouse / "CURRENT"
    current.write_text("2\n", encoding="utf-8")
    damage.then_loaded(settings)
    manifest = settings.warehouse / "manifests" / "3.json"
    assert current.read_text(encoding="utf-8") == f"3 {sha256_of(manifest)}\n"


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "2 abc", "2 3", "２", "2 " + "0" * 65])
def test_a_current_that_names_nothing_is_refused(settings: Settings, text: str) -> None:
    (settings.warehouse / "CURRENT").write_text(text, encoding="utf-8")
    with pytest.raises(DamagedError, match="current_damaged"):
        open_marts(settings)


def test_files_of_others_and_of_the_past_stay_where_they_are(settings: Settings) -> None:
    root = settings.warehouse
    for name in ("raw/notes.txt", f"raw/{'0' * 64}.csv", "rejects/00001-contracts.parquet",
                 "batches/tickets/mine.csv", "generations/notes.txt"):  # fmt: skip
        (root / name).write_text("mine", encoding="utf-8")
    before = truth(root)
    damage.then_loaded(settings)
    assert not lost(before, root)
    assert (root / "generations/notes.txt").exists()
    assert not (root / "trash").exists()


def test_every_damage_has_its_sentence_in_both_languages() -> None:
    for code in ("current_missing", "current_damaged", "current_behind", "files_beyond"):
        for language in ("zh", "en"):
            values = {"warehouse": "w", "number": 1, "last": 3, "count": 2, "file": "f"}
            words = catalogue().sentence(KeptError(code, **values), language)
            assert "kept repair" in words
            assert "{" not in words
