"""What changed between two as-ofs, on the command line and in the figures behind it."""

import json
from datetime import date
from pathlib import Path

import pytest

from dashboard import building, queries
from dashboard.queries import Selection, outlook
from dashboard.queries import changes as asked
from etl.cli import app
from etl.config import Settings
from etl.errors import KeptError
from etl.intake.load import load

CONTRACTS = "contract_id,amount,accepted_on\nC-1,1000,2026-01-01\nC-2,1000,2026-01-01\n"
EQUIPMENT = """equipment_id,contract_id,department,accepted_on
U-1,C-1,ICU,2026-01-01
U-2,C-2,ICU,2026-01-01
"""
TICKETS = """\
ticket_id,equipment_id,channel,service_type,reported_at,responded_at,onsite_at,closed_at
EARLY,U-1,phone,software_fault,2026-05-01 08:00,2026-05-01 08:10,2026-05-01 09:00,2026-05-01 10:00
LATE,U-1,phone,software_fault,2026-06-02 08:00,2026-06-02 08:45,2026-06-02 09:00,2026-06-02 10:00
OTHER,U-2,phone,software_fault,2026-05-01 08:00,2026-05-01 08:45,2026-05-01 09:00,2026-05-01 10:00
OPEN,U-2,phone,software_fault,2026-06-02 08:00,2026-06-02 08:10,2026-06-02 09:00,
LAST,U-2,phone,consultation,2026-06-02 10:00,2026-06-02 10:01,,2026-06-02 12:00
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("changes")
    exports = folder / "exports"
    exports.mkdir()
    for name, text in (
        ("contracts", CONTRACTS), ("equipment", EQUIPMENT), ("tickets", TICKETS),
    ):  # fmt: skip
        (exports / f"{name}.csv").write_text(text, encoding="utf-8")
    settings = Settings(warehouse=folder / "warehouse", timezone="Asia/Shanghai")
    load(settings, [exports])
    return settings


def said(settings: Settings, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    app(["report", "--warehouse", str(settings.warehouse), *arguments], standalone_mode=False)
    return capsys.readouterr().out


def test_report_since_says_what_changed(settings, capsys):
    changed = json.loads(said(settings, capsys, "--since", "2026-05-31", "--json"))
    responses = [row for row in changed["verdicts"] if row["clause"] == "sla.response"]
    broken = [row for row in changed["newly_broken"] if row["clause"] == "sla.response"]

    assert (changed["since"], changed["as_of"]) == ("2026-05-31T23:59:59", "2026-06-02T12:00:00")
    assert responses == [
        {"contract_id": "C-1", "clause": "sla.response", "was": "kept", "is": "broken"}
    ]
    assert [(row["subject"], row["due"], row["done"]) for row in broken] == [
        ("LATE", "2026-06-02T08:30:00", "2026-06-02T08:45:00")
    ]
    assert {"kind": "obligation", "contract_id": "C-2", "clause": "sla.software_resolution",
            "subject": "OPEN", "department": "ICU", "due_at": "2026-06-04T08:00:00"} in changed[
        "falls_due"
    ]  # fmt: skip


def test_since_now_nothing_changed(settings, capsys):
    changed = json.loads(said(settings, capsys, "--since", "2026-06-02T12:00:00", "--json"))

    assert changed["verdicts"] == changed["newly_broken"] == []


def test_one_contract_hears_of_itself_alone(settings, capsys):
    arguments = ("--since", "2026-05-31", "--contract", "C-2")
    changed = json.loads(said(settings, capsys, *arguments, "--json"))
    every = [*changed["verdicts"], *changed["newly_broken"], *changed["falls_due"]]

    assert {row["contract_id"] for row in every} == {"C-2"}
    assert "C-1" not in said(settings, capsys, *arguments)


def test_the_page_says_the_same(settings):
    now = queries.book(settings)
    then = queries.book(settings, date(2026, 5, 31))
    changed = asked.verdicts(now, then, Selection())
    broken = asked.newly_broken(now, then, Selection(department="ICU"))

    assert [
        (row["contract_id"], row["was"], row["verdict"])
        for row in changed[changed["clause"] == "sla.response"].to_dict("records")
    ] == [("C-1", "kept", "broken")]
    assert list(broken[broken["clause"] == "sla.response"]["subject"]) == ["LATE"]
    assert asked.newly_broken(now, then, Selection(department="Ward")).empty
    assert "OPEN" in set(outlook.falls_due(now, Selection(contract="C-2"))["subject"])


def test_another_day_is_built_once_beside_the_pages(settings):
    day = date(2026, 4, 30)
    assert not queries.is_built(settings, day)
    with pytest.raises(building.StillBuilding) as first:
        building.book(settings, day, patience=0)
    with pytest.raises(building.StillBuilding) as second:
        building.book(settings, day, patience=0)

    assert first.value.build is second.value.build
    found = first.value.build.future.result(60)
    assert found.as_of.date() == day
    assert building.book(settings, day, patience=0) == found
    assert 0 < first.value.build.done < first.value.build.of


def test_a_page_that_cannot_be_built_says_why(tmp_path: Path):
    with pytest.raises(KeptError):
        building.book(Settings(warehouse=tmp_path / "none"))
