"""`kept verify`: every tampering is found and named; what nobody touched is sound."""

import json
import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from filelock import FileLock

from etl.catalogue import catalogue
from etl.checkpoint import Checkpoint
from etl.cli import app
from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.evidence.chain import Record, canonical, decisions, hash_of
from etl.evidence.decisions import Decision, decide
from etl.evidence.verify import Verification, verify, verify_chain
from etl.generations import seal
from etl.intake.load import load
from etl.store import Warehouse
from tests import evidence_case, tampering


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A warehouse with two manifests, a rejected row and four decisions."""
    folder = tmp_path_factory.mktemp("made")
    with evidence_case.few_models():
        settings = evidence_case.make(folder)
        load(settings, [evidence_case.put(folder / "tickets.csv", evidence_case.LATER)])
        for amount in ("100", "200", "300", "400"):
            decision = Decision("partial", "王一", "赵二", Decimal(amount), reasons=("合格",))
            decide(settings, "HT-1", decision)
    yield folder / "warehouse"


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT_LANGUAGE", "en")


@pytest.fixture
def settings(made: Path, tmp_path: Path) -> Settings:
    shutil.copytree(made, tmp_path / "warehouse", ignore=shutil.ignore_patterns("*.duckdb"))
    return Settings(tmp_path / "warehouse")


def record_file(settings: Settings, number: int | str) -> Path:
    return settings.warehouse / "decisions" / f"{number}.json"


def codes(found: Verification) -> list[str]:
    for one in (*found.findings, *found.notes):
        for language in ("zh", "en"):
            assert "{" not in one.text(language)
    return [one.code for one in found.findings]


def said(found: Verification) -> list[str]:
    return [one.text("en") for one in found.findings]


def head(settings: Settings) -> Checkpoint:
    return decisions(Warehouse(settings))[-1].checkpoint


def test_what_nobody_touched_is_sound(settings: Settings) -> None:
    found = verify(settings, checkpoints=[head(settings)])

    assert (found.sound, found.records, found.notes) == (True, 4, ())
    # 4 records, 2 manifests, 6 batches, their 6 uploads, the rejects of one.
    assert found.files == 19
    assert found.head == head(settings)


def test_a_changed_record_is_named(settings: Settings) -> None:
    file = record_file(settings, 2)
    file.write_bytes(file.read_bytes().replace(b'"200.00"', b'"900.00"'))

    assert said(verify(settings)) == [
        "Decision record 2 was changed: its content does not match its hash."
    ]


def test_a_changed_record_with_a_hash_of_its_own_no_longer_fits(settings: Settings) -> None:
    forge(settings, 2, lambda content: content["decision"].update(amount="900.00"))

    assert said(verify(settings)) == [
        "Decision record 3 does not follow record 2: one of them was replaced or inserted.",
        "The signature of record 2 is wrong: record or signature was changed, "
        "or somebody without the key wrote it.",
    ]


def test_a_record_written_otherwise_is_named(settings: Settings) -> None:
    file = record_file(settings, 2)
    file.write_text(json.dumps(json.loads(file.read_bytes()), indent=1), encoding="utf-8")

    assert codes(verify(settings)) == ["record_cut_off"]


def test_a_removed_record_is_named(settings: Settings) -> None:
    record_file(settings, 2).unlink()

    assert said(verify(settings)) == ["Decision record 2 was removed."]


def test_a_record_put_in_between_is_named(settings: Settings) -> None:
    first, second, third, fourth = decisions(Warehouse(settings))
    put_in = {**second.content, "seq": 2, "prev_hash": first.hash}
    put_in["decision"] = {**put_in["decision"], "amount": "1.00"}
    write(settings, 2, put_in)
    for number, record in ((3, second), (4, third), (5, fourth)):
        record_file(settings, number).write_bytes(canonical(record.content))
    found = verify(settings)

    # The files after it still say which records they are.
    assert codes(found)[:3] == ["record_under_other_number"] * 3
    # Renumbered and hashed anew, but bound to the record they followed.
    for number, record in ((3, second), (4, third), (5, fourth)):
        write(settings, number, {**record.content, "seq": number})
    assert "record_inserted" in codes(verify(settings))
    assert "Decision record 2 was inserted" in " ".join(said(verify(settings)))


def test_swapped_records_are_named(settings: Settings) -> None:
    one, other = record_file(settings, 2), record_file(settings, 3)
    both = one.read_bytes(), other.read_bytes()
    one.write_bytes(both[1])
    other.write_bytes(both[0])

    assert said(verify(settings)) == ["Decision records 2 and 3 were swapped."]


@pytest.mark.parametrize("kept", [0, 1, 700, -1])
def test_a_record_cut_off_is_named(settings: Settings, kept: int) -> None:
    file = record_file(settings, 3)
    file.write_bytes(file.read_bytes()[:kept])

    assert said(verify(settings)) == [
        "Decision record 3 cannot be read: it was cut off, or is not written as it was."
    ]


def test_a_chain_cut_short_is_told_by_a_checkpoint_alone(settings: Settings) -> None:
    """The state folder, which would tell it too, is not here."""
    point = head(settings)
    record_file(settings, 4).unlink()

    assert verify(settings).sound
    assert said(verify(settings, checkpoints=[point]))[:1] == [
        "The chain ends with record 3, and the checkpoint is of record 4: records were cut off."
    ]
    shutil.rmtree(settings.warehouse / "decisions")
    assert codes(verify(settings, checkpoints=[point])) == ["chain_cut_short"]


def test_an_unsigned_chain_written_anew_is_told_by_an_earlier_checkpoint(
    settings: Settings,
) -> None:
    unsign(settings)
    points = [record.checkpoint for record in decisions(Warehouse(settings))]
    before = points[0].hash
    forge(settings, 2, lambda content: content["decision"].update(approved_by="王五"))
    for number in (2, 3, 4):
        before = forge(settings, number, lambda content, b=before: content.update(prev_hash=b)).hash

    assert verify(settings).sound
    assert verify(settings, checkpoints=points[:1]).sound
    found = verify(settings, checkpoints=points[1:2])
    assert codes(found) == ["chain_rewritten"]
    assert points[1].hash in said(found)[0]


def test_records_from_before_they_were_signed_are_noted_and_no_finding(
    settings: Settings,
) -> None:
    unsign(settings)
    found = verify(settings)
    assert (found.sound, found.records, found.keys) == (True, 4, ())
    assert [one.text("en") for one in found.notes] == [
        "Records 1–4 are not signed: they were written before records were."
    ]

    # What follows is signed, and from then on everything must be.
    with evidence_case.few_models():
        decide(settings, "HT-1", Decision("withhold", "王一", "赵二", reasons=("合格",)))
        found = verify(settings, anew=True)
        assert (found.sound, len(found.keys), found.known) == (True, 1, True)
        assert [one.code for one in found.notes] == ["records_unsigned"]
    content = json.loads(record_file(settings, 5).read_bytes())
    write(settings, 6, {**tampering.unsigned(content), "seq": 6, "prev_hash": content["hash"]})
    assert codes(verify(settings)) == ["record_unsigned"]


def unsign(settings: Settings) -> None:
    """Makes records and manifests what they were before they were signed."""
    before = "0" * 64
    hashes = tampering.unsign_manifests(settings.warehouse)
    for number in (1, 2, 3, 4):
        content = json.loads(record_file(settings, number).read_bytes())
        content["manifest"]["sha256"] = hashes[content["manifest"]["number"]]
        before = write(settings, number, tampering.unsigned({**content, "prev_hash": before})).hash


def test_a_record_broken_anyhow_is_a_finding_and_never_a_traceback(settings: Settings) -> None:
    random = Random(5)
    file = record_file(settings, 3)
    whole = json.loads(file.read_bytes())
    for _ in range(60):
        content = json.loads(file.read_bytes()) if random.random() < 0.3 else deepcopy(whole)
        place = content
        while (name := random.choice(sorted(place))) and isinstance(place[name], dict):
            if not place[name] or random.random() < 0.3:
                break
            place = place[name]
        if random.random() < 0.3:
            del place[name]
        else:
            place[name] = random.choice([None, "", -1, [], {}, "x", {"a": 1}])
        file.write_bytes(canonical(content))

        assert codes(verify(settings)) != [] or content == whole
        assert codes(verify(settings, file)) != [] or content == whole


def test_a_stray_file_among_the_records_is_named(settings: Settings) -> None:
    for name in ("2a", "02", "２"):
        shutil.copyfile(record_file(settings, 2), record_file(settings, name))

    assert codes(verify_chain(settings)) == ["record_stray"] * 3


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("batches/tickets/*.parquet", "batch_file_changed"),
        ("rejects/*.parquet", "batch_file_changed"),
        ("raw/*.csv", "batch_file_changed"),
        ("manifests/1.json", "manifest_changed"),
    ],
)
def test_a_changed_batch_or_manifest_is_named(settings: Settings, pattern: str, code: str) -> None:
    file = sorted(settings.warehouse.glob(pattern))[0]
    content = file.read_bytes()
    middle = len(content) // 2
    file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    found = verify(settings)

    assert code in codes(found)
    assert file.stem.split(".")[0] in " ".join(said(found))


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("batches/tickets/*.parquet", "batch_file_missing"),
        ("raw/*.csv", "batch_file_missing"),
        ("manifests/1.json", "manifest_missing"),
    ],
)
def test_a_missing_batch_or_manifest_is_named(settings: Settings, pattern: str, code: str) -> None:
    sorted(settings.warehouse.glob(pattern))[0].unlink()

    assert codes(verify(settings)) == [code]


def test_a_manifest_that_decisions_rest_on_cannot_be_written_anew(settings: Settings) -> None:
    file = settings.warehouse / "manifests" / "2.json"
    file.write_text(file.read_text(encoding="utf-8").replace("tester", "nobody"), encoding="utf-8")
    found = verify(settings)

    assert codes(found)[:5] == ["current_other_manifest"] + ["manifest_not_of_record"] * 4
    assert "Manifest 2 is no longer the one that decision 1 rests on." in said(found)
    # The batches of the first manifest are in the second as well.
    assert "manifest_disagrees" in codes(found)
    assert "manifest_signature_wrong" in codes(found)


def test_loads_that_were_rolled_back_under_a_decision_are_named(settings: Settings) -> None:
    (settings.warehouse / "CURRENT").write_text("1\n", encoding="utf-8")

    assert codes(verify(settings)) == ["manifest_rolled_back"] * 4
    (settings.warehouse / "CURRENT").unlink()
    assert codes(verify(settings)) == ["current_unreadable"]


def test_a_manifest_that_is_no_manifest_is_named(settings: Settings) -> None:
    (settings.warehouse / "manifests" / "2.json").write_text("{", encoding="utf-8")

    assert "manifest_changed" in codes(verify(settings))


def test_a_load_that_was_killed_around_its_end_is_no_tampering(tmp_path: Path) -> None:
    settings, kept = Settings(tmp_path / "warehouse"), {}
    with evidence_case.few_models():
        for name in ("contracts", "terms"):
            text = evidence_case.FILES[f"{name}.csv"]
            load(settings, [evidence_case.put(tmp_path / f"{name}.csv", text)])
            for file in (settings.warehouse / "CURRENT", settings.state_folder / "checkpoint"):
                kept.setdefault(file, file.read_bytes())
        current, checkpoint = kept
        # CURRENT was swapped, and the state folder does not know yet.
        checkpoint.write_bytes(kept[checkpoint])
        assert verify(settings).sound
        # The manifest was written, and CURRENT not swapped yet.
        current.write_bytes(kept[current])
        (settings.warehouse / "lock.json").write_text('{"from": 1}', encoding="utf-8")
        found = verify(settings)
        assert (found.sound, [one.code for one in found.notes]) == (True, ["manifest_unfinished"])
        # The next load takes it away.
        load(settings, [evidence_case.put(tmp_path / "waivers.csv", evidence_case.WAIVERS)])
        found = verify(settings)
        assert (found.sound, found.notes) == (True, ())
    # Where nobody knows what was last, it may have been set back.
    shutil.rmtree(settings.state_folder)
    current.write_bytes(kept[current])
    assert codes(verify(settings)) == ["manifest_beyond_current"]


def test_what_a_writer_at_work_has_written_is_no_finding(settings: Settings) -> None:
    (settings.warehouse / "raw" / f"{'0' * 64}.csv").write_bytes(b"")
    assert codes(verify(settings)) == ["file_unlisted"]
    (settings.warehouse / "lock").touch()
    with FileLock(settings.warehouse / "lock"):
        found = verify(settings)
    assert (found.sound, [one.code for one in found.notes]) == (True, ["being_written"])
    assert codes(verify(settings)) == ["file_unlisted"]


def test_what_a_killed_writer_left_behind_is_noted(settings: Settings) -> None:
    for name in ("decisions/.5.json.123.tmp", "raw/.x.csv.9.tmp"):
        (settings.warehouse / name).write_bytes(b"")
    found = verify(settings)

    assert (found.sound, len(found.notes)) == (True, 2)
    assert "raw/.x.csv.9.tmp is a temporary file" in found.notes[1].text("en")
    assert verify_chain(settings).findings == ()


def test_a_clock_that_was_set_back_between_loads_is_noted(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "warehouse")
    with evidence_case.few_models(), pytest.MonkeyPatch.context() as patch:
        for name, moment in (("contracts", "2026-02-01"), ("terms", "2026-01-01")):
            patch.setattr("etl.store.now", lambda moment=moment: f"{moment}T00:00:00+08:00")
            text = evidence_case.FILES[f"{name}.csv"]
            load(settings, [evidence_case.put(tmp_path / f"{name}.csv", text)])
    found = verify(settings)
    assert (found.sound, [one.code for one in found.notes]) == (
        True, ["manifest_before_predecessor"],
    )  # fmt: skip
    # Unsigned, it may as well be a date that somebody changed.
    tampering.unsign_manifests(settings.warehouse)
    shutil.rmtree(settings.state_folder)
    assert codes(verify(settings)) == ["manifest_before_predecessor"]


def test_what_decisions_rest_on_is_computed_anew_from_the_batches(
    made: Path, tmp_path: Path
) -> None:
    with evidence_case.few_models():
        settings = Settings(Path(shutil.copytree(made, tmp_path / "warehouse")))
        assert verify(settings, anew=True).sound
        # Somebody changes the cache, and decides on that.
        (generation,) = settings.warehouse.glob("generations/2-*.duckdb")
        with duckdb.connect(generation) as con:
            con.execute("update obligation set state = 'met' where state = 'breached'")
        seal(generation, Warehouse(settings).sha256_of_manifest(2))
        decide(settings, "HT-1", Decision("withhold", "王一", "赵二", reasons=("合格",)))
        assert verify(settings).sound
        found = verify(settings, anew=True)

    assert said(found) == [
        "What decision 5 rests on is not what the batches give: "
        "contrary.breached.sla.response.first.1, contrary.breached.sla.response.first.2, "
        "rows.aftercare.served, rows.sla.response.",
        f"The database generations/{generation.name} does not hold what the batches give "
        "(main.obligation). It is a cache: kept build makes it anew.",
    ]


def test_a_place_without_a_warehouse_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingDoneError, match="warehouse_empty"):
        verify(Settings(tmp_path))


def test_a_batch_from_before_hashes_were_kept_is_noted_and_no_finding(
    settings: Settings,
) -> None:
    file = settings.warehouse / "manifests" / "1.json"
    raw = json.loads(file.read_text(encoding="utf-8"))
    second = json.loads(file.with_stem("2").read_text(encoding="utf-8"))
    for batch in raw["batches"]:
        del batch["rows_sha256"], batch["rejects_sha256"]
    for batch in settings.warehouse.glob("batches/*/00006-*"):
        batch.unlink()
    (settings.warehouse / "raw" / f"{second['batches'][-1]['sha256']}.csv").unlink()
    (settings.warehouse / "manifests" / "2.json").unlink()
    del raw["signature"]
    shutil.rmtree(settings.warehouse / "decisions")
    file.write_text(json.dumps(raw), encoding="utf-8")
    (settings.warehouse / "CURRENT").write_text("1\n", encoding="utf-8")
    found = verify(settings)

    assert found.sound
    assert {one.code for one in found.notes} == {"batch_without_hash"}
    assert len(found.notes) == 6


def test_a_record_handed_over_is_compared_with_the_chain(
    settings: Settings, tmp_path: Path
) -> None:
    handed = tmp_path / "handed.json"
    shutil.copyfile(record_file(settings, 4), handed)
    assert verify(settings, handed).sound

    record_file(settings, 4).unlink()
    assert codes(verify(settings, handed)) == ["pack_not_in_chain"]
    elsewhere = replace(settings, warehouse=tmp_path / "elsewhere")
    found = verify(elsewhere, handed)
    assert (found.sound, [one.code for one in found.notes]) == (True, ["no_chain_to_compare"])
    handed.write_bytes(handed.read_bytes()[:-5])
    assert codes(verify(settings, handed)) == ["record_cut_off"]


def test_what_is_no_pack_is_refused(settings: Settings, tmp_path: Path) -> None:
    other = evidence_case.put(tmp_path / "other.zip", "PK no zip")
    for path, code in ((other, "pack_unreadable"), (tmp_path / "none", "file_missing")):
        with pytest.raises(KeptError, match=code):
            verify(settings, path)


def test_the_command_says_what_it_found_and_ends_with_2(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    def kept(*arguments: str) -> tuple[int, str]:
        given = [*arguments, "--warehouse", str(settings.warehouse)]
        status = app(given, standalone_mode=False) or 0
        return status, capsys.readouterr().out

    point = head(settings)
    status, output = kept("verify", "--checkpoint", point.text)
    assert status == 0
    assert "4, files 19, all as they were written" in output
    assert point.text in output

    record_file(settings, 4).unlink()
    status, output = kept("verify", "--checkpoint", f"4 {point.hash}", "--json")
    assert status == 2
    assert [one["code"] for one in json.loads(output)["findings"]] == ["chain_cut_short"]
    assert kept("verify", "--checkpoint", f"4 {point.hash}")[0] == 2
    status, output = kept("decisions")
    assert status == 0
    assert "300.00" in output
    assert "400.00" not in output


def test_every_sentence_is_there_in_both_languages() -> None:
    for code, text in catalogue().messages.items():
        if code.startswith(("record", "chain", "pack_", "batch_file", "manifest_")):
            assert text.zh
            assert text.en


def write(settings: Settings, number: int, content: dict[str, Any]) -> Record:
    """A record that hashes rightly, whatever it says."""
    record = Record({**content, "hash": hash_of(content)})
    record_file(settings, number).write_bytes(canonical(record.content))
    return record


def forge(settings: Settings, number: int, change: Callable[[dict[str, Any]], object]) -> Record:
    """Changes a record and gives it the hash of what it says now."""
    content = json.loads(record_file(settings, number).read_bytes())
    change(content)
    return write(settings, number, content)
