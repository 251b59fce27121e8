"""A load looked at before it is made, a batch before it is taken back; scratch leaves no trace."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl import ledger, marts
from etl import scratch as folders
from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError
from etl.intake.batches import diff, original, prepare_undo, when_loaded
from etl.intake.corrections import correct
from etl.intake.load import load, undo
from etl.intake.preview import Preview, Watch, prepare
from etl.ledger import fingerprint
from etl.marts import open_marts, rebuild
from etl.report import rejects_as_csv, write_rejects
from etl.store import Warehouse

HEADER = "ticket_id,contract_id,service_type,channel,reported_at,responded_at\n"
CONTRACTS = "contract_id,amount,accepted_on\nHT-1,100,2025-01-01\n"
TICKETS = (
    f"{HEADER}T-1,HT-1,软件故障,电话,2025-06-01 08:00,2025-06-01 08:10\n"
    "T-2,HT-1,软件故障,电话,2025-06-02 08:00,2025-06-02 08:20\n"
)
# T-1 is answered too late, T-2 is as it was, T-3 is new and given twice, T-4 waits, T-5 is refused.
MORE = (
    f"{HEADER}T-1,HT-1,软件故障,电话,2025-06-01 08:00,2025-06-01 09:00\n"
    "T-2,HT-1,软件故障,电话,2025-06-02 08:00,2025-06-02 08:20\n"
    "T-3,HT-1,软件故障,电话,2025-06-03 08:00,2025-06-03 08:05\n"
    "T-3,HT-1,软件故障,电话,2025-06-03 08:00,2025-06-03 08:06\n"
    "T-4,HT-9,软件故障,电话,2025-06-03 08:00,2025-06-03 08:05\n"
    "T-5,HT-1,软件故障,电话,昨天,2025-06-03 08:05\n"
)


MODELS = ("sla.response", "compliance", "clause_evidence", "fact_contract", "contract_term")


@pytest.fixture(scope="module", autouse=True)
def one_clause() -> Iterator[None]:
    """The ledger has one clause here: what a preview does, does not depend on how many it has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marts, "build_marts", partial(ledger.build_marts, wanted=MODELS))
        yield


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loaded")
    for name, text in (("contracts", CONTRACTS), ("tickets", TICKETS)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        load(Settings(folder / "warehouse"), [folder / f"{name}.csv"])
    return folder / "warehouse"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def settings(tmp_path: Path, loaded: Path, temporary: Path) -> Settings:
    return Settings(Path(shutil.copytree(loaded, tmp_path / "warehouse")), person="Li")


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str], Path]:
    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture
def more(settings: Settings, file: Callable[[str, str], Path]) -> Iterator[Preview]:
    preview = prepare(settings, [file("more.csv", MORE)])
    yield preview
    preview.drop()


def logs(settings: Settings) -> dict[str, list[Any]]:
    """Every log and the rows that count nowhere, as the current generation has them."""
    warehouse = Warehouse(settings)
    path = warehouse.generation(warehouse.manifest(), fingerprint())
    with duckdb.connect(path, read_only=True) as con:
        found = {
            name: con.execute(
                f"select {', '.join(log.columns)}, source_row, batch from logs.{name} order by all"
            ).fetchall()
            for name, log in catalogue().logs.items()
        }
        found["rejects"] = con.execute("from logs.rejects order by batch, source_row").fetchall()
        found["open"] = con.execute(
            "select log, texts from logs.open_rejects order by all"
        ).fetchall()
        found["waiting"] = con.execute(
            "select log, column_name, value, code from logs.waiting order by all"
        ).fetchall()
    return found


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_preview_says_of_every_row_what_would_become_of_it(more: Preview):
    (sheet,) = more.sheets

    assert sheet.log.name == "tickets"
    assert sheet.differences.counts() == {
        "new": 2,
        "changed": 1,
        "unchanged": 1,
        "superseded": 1,
        "older": 0,
    }
    one = sheet.loaded
    assert (one.new, one.changed, one.unchanged, one.rejected, one.superseded) == (2, 1, 1, 1, 1)
    assert [row["ticket_id"] for row in sheet.differences.page("new")] == ["T-3", "T-4"]
    assert [row["ticket_id"] for row in sheet.differences.page("new", skip=1)] == ["T-4"]
    assert [row["source_row"] for row in sheet.differences.page("superseded")] == [4]
    (cell,) = sheet.differences.cells()
    assert (cell.source_row, cell.key, cell.column) == (2, ("T-1",), "responded_at")
    assert cell.was == datetime(2025, 6, 1, 8, 10)
    assert cell.now == datetime(2025, 6, 1, 9, 0)


def test_a_preview_says_which_clauses_would_move(more: Preview):
    effect = more.effect
    assert effect is not None
    response = next(one for one in effect.clauses if one.clause == "sla.response")

    assert response.contract_id == "HT-1"
    assert response.was is not None
    assert response.now is not None
    assert (response.was["met"], response.was["breached"]) == (2, 0)
    assert (response.now["met"], response.now["breached"]) == (2, 1)
    assert response.verdicts == ("kept", "broken")
    assert response.turns
    assert (effect.was.as_of, effect.now.as_of) == (
        datetime(2025, 6, 2, 8, 20),
        datetime(2025, 6, 3, 8, 6),
    )
    assert effect.as_of_moves
    assert (effect.was.waiting, effect.now.waiting) == ({}, {"tickets": 1})
    assert (effect.was.rejected, effect.now.rejected) == (0, 1)


def test_refused_rows_are_grouped_by_cause_and_go_into_a_file(more: Preview):
    (sheet,) = more.sheets
    (cause,) = sheet.causes()

    assert (cause.code, cause.column, cause.count) == ("not_a_instant", "reported_at", 1)
    assert "昨天" in cause.text(sheet.log, "en")
    assert [reject.source_row for reject in sheet.refused(cause)] == [7]
    text = rejects_as_csv(sheet.log, sheet.prepared.headers, sheet.rejects, sheet.marks()).decode(
        "utf-8-sig"
    )
    assert text.splitlines()[0].startswith("ticket_id,contract_id,service_type,")
    assert text.splitlines()[1].startswith("T-5,HT-1,软件故障,电话,昨天,2025-06-03 08:05,,7,")


def test_a_preview_writes_nothing_and_its_commit_what_a_load_would(
    settings: Settings, file: Callable[[str, str], Path], temporary: Path, tmp_path: Path
):
    before = files_of(settings.warehouse)
    path = file("more.csv", MORE)
    preview = prepare(settings, [path], by="Wang")
    assert files_of(settings.warehouse) - {"lock"} == before - {"lock"}
    other = Settings(Path(shutil.copytree(settings.warehouse, tmp_path / "other")))

    done = preview.commit()

    assert not done.anew
    assert not preview.is_open
    assert [one.batch for one in done.report.files] == ["00003-tickets"]
    manifest = Warehouse(settings).manifest()
    assert (manifest.number, manifest.batches[-1].by) == (3, "Wang")
    assert open_marts(settings).waiting_rows == {"tickets": 1}
    load(other, [path], by="Wang")
    assert logs(settings) == logs(other)
    assert list(temporary.iterdir()) == []
    with pytest.raises(KeptError, match="preview_over"):
        preview.commit()


def test_a_commit_after_another_load_builds_anew_on_what_is_there_then(
    settings: Settings, file: Callable[[str, str], Path]
):
    preview = prepare(settings, [file("more.csv", MORE)])
    known = "contract_id,amount\nHT-9,200\n"
    load(settings, [file("late.csv", known)])

    done = preview.commit()

    assert done.anew
    assert [one.batch for one in done.report.files] == ["00004-tickets"]
    assert open_marts(settings).waiting_rows == {}
    assert len(Warehouse(settings).manifest().batches) == 4


def test_a_file_that_is_there_already_would_change_nothing(
    settings: Settings, file: Callable[[str, str], Path], temporary: Path
):
    preview = prepare(settings, [file("same.csv", TICKETS)])

    assert preview.changes_nothing
    assert preview.effect is None
    assert preview.sheets[0].differences.counts()["unchanged"] == 2
    assert preview.commit().report.manifest == 2
    assert Warehouse(settings).manifest().number == 2
    assert list(temporary.iterdir()) == []


def test_the_first_load_of_all_can_be_looked_at(
    tmp_path: Path, temporary: Path, file: Callable[[str, str], Path]
):
    settings = Settings(tmp_path / "none")
    preview = prepare(settings, [file("contracts.csv", CONTRACTS), file("t.csv", TICKETS)])

    assert not settings.warehouse.exists()
    assert preview.effect is not None
    assert preview.effect.was.as_of is None
    response = next(one for one in preview.effect.clauses if one.clause == "sla.response")
    assert (response.was, response.verdicts) == (None, ("no_activity", "kept"))
    preview.drop()
    assert not settings.warehouse.exists()
    assert list(temporary.iterdir()) == []


def test_work_that_is_stopped_leaves_nothing(
    settings: Settings, file: Callable[[str, str], Path], temporary: Path
):
    class Impatient(Watch):
        def begin(self, stage: str) -> None:
            if stage == "build":
                self.stop()
            super().begin(stage)

    with pytest.raises(KeptError, match="preview_stopped"):
        prepare(settings, [file("more.csv", MORE)], watch=Impatient())

    assert list(temporary.iterdir()) == []
    assert Warehouse(settings).manifest().number == 2


def test_a_preview_that_nobody_holds_any_more_leaves_nothing(
    settings: Settings, file: Callable[[str, str], Path], temporary: Path
):
    preview = prepare(settings, [file("more.csv", MORE)])
    assert len(list(temporary.iterdir())) == 1

    del preview

    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="kills a process")
def test_what_a_killed_process_left_is_taken_away_by_the_next(temporary: Path):
    code = (
        "import os, signal, tempfile\n"
        f"tempfile.tempdir = {str(temporary)!r}\n"
        "from etl.scratch import scratch\n"
        "with scratch('load') as folder:\n"
        "    (folder / 'stage.duckdb').write_bytes(b'much')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent, check=False)
    (left,) = temporary.iterdir()
    hour_ago = time.time() - 3600

    with folders.scratch("load") as mine:
        assert left.exists(), "whoever made it may be about to lock it"
        os.utime(left / folders.MARK, (hour_ago, hour_ago))
        os.utime(mine / folders.MARK, (hour_ago, hour_ago))
        folders.sweep()
        assert not left.exists()
        assert mine.exists(), "it is in use"
    assert list(temporary.iterdir()) == []


def test_mended_rows_close_what_was_refused_and_an_undo_opens_it_again(
    settings: Settings, file: Callable[[str, str], Path]
):
    path = file("more.csv", MORE)
    preview = prepare(settings, [path])
    (sheet,) = preview.sheets
    assert sheet.prepared.checked is not None
    match, (reject,) = sheet.prepared.checked.match, sheet.rejects
    wrong: Sequence[str | None] = [*reject.cells[:4], "2025-06-03 08:00", "2025-06-02 08:05"]
    right: Sequence[str | None] = [*reject.cells[:4], "2025-06-03 08:00", "2025-06-03 08:05"]

    found = correct(match, {7: wrong}, "Asia/Shanghai")
    assert found.good == ()
    assert [problem.code for problem in found.refused[7]] == ["before"]
    found = correct(match, {7: right}, "Asia/Shanghai")
    assert (found.good, found.refused) == ((7,), {})
    preview.drop()

    mended = file("more.corrections.csv", HEADER + ",".join(str(cell) for cell in right) + "\n")
    again = prepare(settings, [path, mended])
    assert [sheet.loaded.new for sheet in again.sheets] == [2, 1]
    assert again.effect is not None
    assert again.effect.now.rejected == 0
    again.commit()
    assert logs(settings)["open"] == []
    assert len(logs(settings)["rejects"]) == 1
    undo(settings, "00004-tickets")
    assert len(logs(settings)["open"]) == 1


def test_a_file_of_rejects_closes_a_row_whose_key_was_at_fault(
    settings: Settings, file: Callable[[str, str], Path], tmp_path: Path
):
    load(settings, [file("nameless.csv", f"{HEADER},HT-1,软件故障,电话,2025-06-03 08:00,\n")])
    warehouse = Warehouse(settings)
    batch = warehouse.manifest().batches[-1]
    write_rejects(warehouse, batch, tmp_path / "rejects.csv")
    text = (tmp_path / "rejects.csv").read_text(encoding="utf-8-sig")
    assert logs(settings)["open"] != []

    load(settings, [file("mended.csv", text.replace("\n,HT-1", "\nT-9,HT-1"))])

    assert logs(settings)["open"] == []
    assert [row[0] for row in logs(settings)["tickets"]] == ["T-1", "T-2", "T-9"]
    rebuilt = open_marts(settings)
    rebuild(settings)
    assert open_marts(settings).rejected_rows == rebuilt.rejected_rows == 0
    undo(settings, "00004-tickets")
    assert len(logs(settings)["open"]) == 1


def test_a_batch_shows_what_it_changed_when_it_was_loaded(
    settings: Settings, file: Callable[[str, str], Path], temporary: Path
):
    load(settings, [file("more.csv", MORE)])
    load(settings, [file("again.csv", TICKETS)])

    found = diff(settings, "00003-tickets")
    assert found.differences.counts() == {
        "new": 2, "changed": 1, "unchanged": 1, "superseded": 1, "older": 0,
    }  # fmt: skip
    assert [(cell.key, cell.column) for cell in found.differences.cells()] == [
        (("T-1",), "responded_at")
    ]
    warehouse = Warehouse(settings)
    assert [when_loaded(warehouse, one).number for one in warehouse.manifest().batches] == [
        1, 2, 3, 4,
    ]  # fmt: skip
    came = original(warehouse, found.batch)
    assert came is not None
    assert (came[0], came[1].read_text(encoding="utf-8")) == ("more.csv", MORE)
    found.drop()
    assert list(temporary.iterdir()) == []


def test_an_undo_shows_its_effect_and_does_exactly_that(
    settings: Settings, file: Callable[[str, str], Path], temporary: Path
):
    before = logs(settings)
    load(settings, [file("more.csv", MORE)])

    preview = prepare_undo(settings, "00003-tickets")

    assert preview.differences.counts() == {
        "new": 2, "changed": 1, "unchanged": 1, "superseded": 0, "older": 0,
    }  # fmt: skip
    assert [row["ticket_id"] for row in preview.differences.page("new")] == ["T-3", "T-4"]
    (cell,) = preview.differences.cells()
    assert (cell.was, cell.now) == (datetime(2025, 6, 1, 8, 10), datetime(2025, 6, 1, 9, 0))
    response = next(one for one in preview.effect.clauses if one.clause == "sla.response")
    assert response.verdicts == ("broken", "kept")
    assert Warehouse(settings).manifest().number == 3
    assert not preview.commit()
    assert logs(settings) == before
    assert [one.id for one in Warehouse(settings).manifest().undone] == ["00003-tickets"]
    assert list(temporary.iterdir()) == []
    with pytest.raises(KeptError, match="batch_undone"):
        prepare_undo(settings, "00003-tickets")


def test_a_preview_remarks_what_the_load_will(
    settings: Settings, file: Callable[[str, str], Path]
) -> None:
    far = "ticket_id,contract_id,service_type,reported_at\nZ,HT-1,软件故障,2025-09-01 08:00\n"
    preview = prepare(settings, [file("far.csv", far)])
    assert [note.code for note in preview.remarks] == ["lone_event"]
    assert preview.sheets[0].loaded.lacking
    assert [note.code for note in preview.commit().report.remarks] == ["lone_event"]
