"""What lies on the desk while files are loaded: mapped by hand, mended, written, remembered."""

import gc
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import streamlit as st

from dashboard.intake import FORGOTTEN_SECONDS, Intake, Undoing, _leave
from dashboard.uploads import Upload, shelf
from etl import ledger, marts
from etl.config import Settings
from etl.intake.load import load
from etl.intake.remembered import remembered
from etl.marts import open_marts
from etl.store import Warehouse

MODELS = ("sla.response", "compliance", "clause_evidence", "fact_contract", "contract_term")
CONTRACTS = "contract_id,amount,accepted_on\nHT-1,100,2025-01-01\n"
HEADER = "ticket_id,contract_id,service_type,channel,reported_at,responded_at\n"
ODD = "故障单号,报修时间,类别\nK-1,2025-06-05 08:00,软件\nK-2,2025-06-06 08:00,硬件\n"
WRONG = (
    f"{HEADER}T-1,HT-1,软件故障,电话,昨天,2025-06-01 08:10\n"
    ",HT-1,软件故障,电话,2025-06-01 08:00,2025-06-01 08:10\n"
)
Put = Callable[..., Intake]


@pytest.fixture(scope="module", autouse=True)
def one_clause() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marts, "build_marts", partial(ledger.build_marts, wanted=MODELS))
        yield
    st.cache_resource.clear()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "contracts.csv").write_text(CONTRACTS, encoding="utf-8")
    settings = Settings(tmp_path / "warehouse", person="Li")
    load(settings, [tmp_path / "contracts.csv"])
    return settings


@pytest.fixture
def put(tmp_path: Path, settings: Settings) -> Put:
    """A desk on which files were put, and worked at until something has to be asked."""

    def on_desk(**files: str) -> Intake:
        intake = Intake(settings)
        uploads = []
        for name, text in files.items():
            path = tmp_path / "uploads" / f"{len(list(tmp_path.rglob('*')))}" / f"{name}.csv"
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")
            digest = hashlib.sha256(text.encode()).hexdigest()
            uploads.append(Upload(path.name, path, len(text), digest))
        intake.take(uploads)
        return worked(intake)

    return on_desk


def worked(intake: Intake) -> Intake:
    limit = time.monotonic() + 120
    while intake.job is not None and time.monotonic() < limit:
        intake.collect(5)
    assert intake.job is None
    return intake


def test_a_file_like_no_log_is_mapped_by_hand_and_the_mapping_remembered(
    put: Put, settings: Settings
):
    intake = put(odd=ODD)
    (one,) = intake.candidates
    assert [problem.code for problem in one.problems] == ["log_unknown"]
    assert not intake.is_ready

    one.take_for("tickets")
    assert one.proposal is not None
    mapping = one.proposal.mapping
    columns = {**mapping.columns, "ticket_id": ("故障单号",), "service_type": ("类别",)}
    del columns["contract_id"]  # it names the columns without a source too
    one.choose(
        replace(
            mapping,
            columns={**columns, "reported_at": ("报修时间",)},
            constants={"contract_id": "HT-1"},
            translations={"service_type": {"软件": "software_fault", "硬件": "hardware_fault"}},
        )
    )
    assert one.problems == ()
    intake.look()
    preview = worked(intake).preview
    assert preview is not None, intake.refusal
    assert [(s.loaded.new, s.loaded.rejected) for s in preview.sheets] == [(2, 0)]
    found = {row["ticket_id"]: row for row in preview.sheets[0].differences.page("new")}
    assert found["K-2"]["service_type"] == "hardware_fault"
    assert found["K-1"]["contract_id"] == "HT-1"
    intake.commit()
    assert worked(intake).committed is not None

    (kept,) = remembered(Warehouse(settings))
    assert kept.constants == {"contract_id": "HT-1"}
    again = put(odd=ODD.replace("K-1", "K-3"))
    assert again.candidates[0].proposal is not None
    assert {f.how for f in again.candidates[0].proposal.columns if f.how} == {"remembered"}
    assert again.preview is not None
    assert again.preview.sheets[0].differences.counts()["new"] == 1
    again.clear()


def test_refused_rows_are_mended_on_the_desk_and_closed(put: Put, settings: Settings):
    intake = put(wrong=WRONG)
    preview = intake.preview
    assert preview is not None
    (sheet,) = preview.sheets
    assert [one.source_row for one in sheet.rejects] == [2, 3]
    rows = {one.source_row: list(one.cells) for one in sheet.rejects}
    rows[2][4] = "2025-06-01 08:00"

    found = intake.correct(sheet, rows)
    assert found.good == (2,)
    assert [problem.code for problem in found.refused[3]] == ["required"]
    rows[3][0] = "T-2"
    assert intake.correct(sheet, {3: rows[3]}).good == (3,)
    intake.look()
    assert not preview.is_open

    again = worked(intake).preview
    assert again is not None, intake.refusal
    assert [(s.loaded.file, s.loaded.new, s.loaded.rejected) for s in again.sheets] == [
        ("wrong.csv", 0, 2),
        ("wrong.corrections.csv", 2, 0),
    ]
    assert again.effect is not None
    assert again.effect.now.rejected == 0
    intake.commit()
    assert worked(intake).committed is not None
    assert open_marts(settings).rejected_rows == 0


def test_other_files_on_the_desk_end_the_preview_of_the_first(put: Put):
    intake = put(tickets=f"{HEADER}T-1,HT-1,软件故障,电话,2025-06-01 08:00,2025-06-01 08:10\n")
    preview = intake.preview
    assert preview is not None
    intake.take(intake.uploads)
    assert intake.preview is preview, "they are the same"

    intake.take([])

    assert not preview.is_open
    assert intake.candidates == []


def test_a_preview_that_was_forgotten_is_put_away_and_can_be_made_again(put: Put):
    text = f"{HEADER}T-1,HT-1,软件故障,电话,2025-06-01 08:00,2025-06-01 08:10\n"
    intake = put(tickets=text)
    preview = intake.preview
    assert preview is not None
    intake.used -= FORGOTTEN_SECONDS + 1

    put(others=text).clear()

    assert not preview.is_open
    assert intake.preview is None
    intake.look()
    assert worked(intake).preview is not None
    intake.clear()


def test_whatever_goes_wrong_is_said_in_a_sentence(put: Put, settings: Settings):
    intake = put(tickets=f"{HEADER}T-1,HT-1,软件故障,电话,2025-06-01 08:00,2025-06-01 08:10\n")
    intake.uploads[0].path.unlink()

    intake.commit()

    assert worked(intake).committed is None
    assert intake.refusal is not None
    assert intake.refusal.code in ("unexpected", "file_unreadable", "file_missing")
    assert len(Warehouse(settings).manifest().batches) == 1


def test_an_undo_that_is_left_leaves_the_batch(settings: Settings):
    undoing = Undoing(settings, "00001-contracts")
    undoing.look()
    while undoing.job is not None:
        undoing.collect(5)
    assert undoing.preview is not None
    assert undoing.preview.effect.now.as_of is None

    undoing.stop()

    assert not undoing.preview.is_open
    assert len(Warehouse(settings).manifest().batches) == 1


def test_the_desk_of_who_left_is_cleared_with_all_that_lay_on_it(put: Put):
    intake = put(odd=ODD.replace("故障单号", "ticket_id"), wrong=WRONG)
    path, (one, _) = intake.uploads[0].path, intake.uploads
    one.session = "left"
    intake.look()
    preparing = intake.preparing
    assert preparing is not None
    del one

    shelf().leave(lambda _session: False)  # of nobody it knows of: no desk is touched
    assert path.exists()
    _leave("left")

    preparing.done(60)
    assert (intake.uploads, intake.candidates, intake.left) == ((), [], True)
    assert preparing.future.exception() or not preparing.future.result().is_open
    gc.collect()
    assert not path.exists()


def test_what_was_written_needs_its_upload_no_longer(put: Put):
    intake = put(more=f"{HEADER}T-8,HT-1,软件故障,电话,2025-06-01 08:00,2025-06-01 08:10\n")
    path = intake.uploads[0].path
    intake.commit()
    assert worked(intake).committed is not None

    gc.collect()
    assert not path.exists()
