"""Waivers entered by hand: refused with a sentence, or a batch that counts and can be undone."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from etl.catalogue import LANGUAGES, catalogue
from etl.errors import KeptError
from etl.evidence.waivers import Waiver, batches, checked, enter
from etl.intake.load import undo
from etl.marts import open_marts
from etl.store import Warehouse
from tests.dashboard_data import settings

GOOD = Waiver("C-1", "sla.response", "T-1", "No power", "Chen", "He", date(2025, 7, 10))
TODAY = date(2026, 7, 2)


@pytest.fixture(scope="module")
def loaded(retention_warehouse: Path) -> Path:
    return retention_warehouse


def changed(**values: object) -> Waiver:
    return Waiver(**{**GOOD.__dict__, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("waiver", "code"),
    [
        (changed(contract_id="C-9"), "contract_unknown"),
        (changed(clause="sla.nothing"), "waiver_clause_unknown"),
        (changed(subject=" "), "waiver_no_subject"),
        (changed(subject="T-99"), "waiver_no_obligation"),
        (changed(subject="T-5"), "waiver_nothing"),
        (changed(reason=" \n"), "waiver_no_reason"),
        (changed(reason="无"), "waiver_no_reason"),
        (changed(requested_by=""), "waiver_no_requester"),
        (changed(approved_by="N/A"), "waiver_no_approver"),
        (changed(approved_by=" ｃｈｅｎ "), "waiver_one_person"),
        (changed(approved_on=None), "waiver_no_date"),
        (changed(approved_on=date(2026, 7, 3)), "waiver_ahead"),
    ],
)
def test_a_waiver_without_effect_is_refused_with_a_sentence(loaded, waiver, code):
    with pytest.raises(KeptError) as refused:
        checked(open_marts(settings(loaded)), waiver, TODAY)

    assert refused.value.code == code
    for language in LANGUAGES:
        assert catalogue().sentence(refused.value, language)


def test_a_waiver_is_trimmed_and_may_replace_another(loaded):
    found = checked(
        open_marts(settings(loaded)),
        changed(subject=" T-3 ", reason="  No\n power ", approved_by=" He "),
        TODAY,
    )

    assert found == changed(subject="T-3", reason="No power")


def test_entered_it_is_a_batch_that_counts_and_can_be_undone(loaded, tmp_path):
    folder = Path(shutil.copytree(loaded, tmp_path / "warehouse"))

    def state() -> str:
        with duckdb.connect(open_marts(settings(folder)).path, read_only=True) as con:
            found = con.execute(
                "select state from obligation where clause = 'sla.response' and subject = 'T-1'"
            ).fetchone()
        assert found is not None
        return str(found[0])

    assert state() == "breached"
    reason = '=cmd(), "cited", 停电'
    report = enter(
        settings(folder), open_marts(settings(folder)), changed(reason=reason), by="Chen"
    )
    marts, manifest = open_marts(settings(folder)), Warehouse(settings(folder)).manifest()
    batch = batches(marts, manifest, "C-1")["sla.response", "T-1"]

    assert state() == "excluded"
    assert (batch.id, batch.by, batch.new) == (report.files[0].batch, "Chen", 1)
    with duckdb.connect(marts.generation, read_only=True) as con:
        said = con.execute("select reason from logs.waivers where subject = 'T-1'").fetchone()
    assert said == (reason,)
    undo(settings(folder), batch.id)
    assert state() == "breached"
