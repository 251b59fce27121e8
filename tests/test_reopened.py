"""Tickets reported again or marked as reopened: the report and the page, counted by hand."""

import json
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import navigation, queries
from dashboard.queries import Book, Selection, reopened
from dashboard.texts import words
from etl.catalogue import LANGUAGES
from etl.cli import app
from etl.intake.load import load
from etl.marts import open_marts
from etl.reports.sections import management_report
from etl.store import Warehouse
from tests.dashboard_data import settings

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
FILES = {
    "contracts": """contract_id,amount,accepted_on
C-1,1000,2026-01-01
C-2,1000,2026-01-01
""",
    "equipment": """equipment_id,contract_id,department,accepted_on
U-1,C-1,ICU,2026-01-01
U-2,C-2,Ward,2026-01-01
""",
    # A-1 ended on the last day of April and was reported again in May; B-1 says it was reopened.
    "tickets": """ticket_id,equipment_id,service_type,status,reported_at,resolved_at
A-1,U-1,hardware_fault,closed,2026-04-30 08:00,2026-04-30 10:00
A-2,U-1,hardware_fault,closed,2026-05-02 08:00,2026-05-02 10:00
B-1,U-2,consultation,reopened,2026-05-03 08:00,
B-2,U-2,hardware_fault,closed,2026-05-04 08:00,2026-05-04 10:00
""",
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reopened")
    (folder / "exports").mkdir()
    for name, text in FILES.items():
        (folder / "exports" / f"{name}.csv").write_text(text, encoding="utf-8")
    load(settings(folder / "warehouse"), [folder / "exports"])
    return folder / "warehouse"


@pytest.fixture(scope="module")
def book(warehouse: Path) -> Iterator[Book]:
    yield queries.book(settings(warehouse))
    st.cache_resource.clear()


def printed(warehouse: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    app(["report", "--warehouse", str(warehouse), *arguments], standalone_mode=False)
    return capsys.readouterr().out


def test_the_report_counts_them_by_contract_and_month(warehouse, capsys):
    found = json.loads(printed(warehouse, capsys, "--json"))["contracts"]

    assert found["C-1"]["reopened"] == {
        "tickets": 2, "reopened": 1,
        "months": {
            "2026-04": {"tickets": 1, "reopened": 1}, "2026-05": {"tickets": 1, "reopened": 0},
        },
    }  # fmt: skip
    assert found["C-2"]["reopened"]["months"] == {"2026-05": {"tickets": 2, "reopened": 1}}
    last = printed(warehouse, capsys, "--contract", "C-1").splitlines()[-1]
    assert "1" in last and "2" in last and last.endswith("2026-04 1")


def test_the_management_report_has_them_by_month(warehouse):
    marts, manifest = open_marts(settings(warehouse)), Warehouse(settings(warehouse)).manifest()
    report = management_report(marts, manifest, "en", None)

    [section] = [one for one in report.sections if one.key == "reopened"]
    assert section.rows == (("2026-04", 1, 1, 1.0), ("2026-05", 3, 1, 1 / 3))


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        (Selection(), ["B-1", "A-1"]),
        (Selection(contract="C-1"), ["A-1"]),
        (Selection(department="Ward"), ["B-1"]),
        (Selection(first="2026-05", last="2026-05"), ["B-1"]),
        (Selection(contract="C-1", first="2026-05", last="2026-05"), []),
    ],
)
def test_every_number_opens_exactly_its_tickets(book, selection, ids):
    assert list(reopened.tickets(book, selection)["ticket_id"]) == ids
    assert int(reopened.counted(book, selection)["reopened"].iloc[0]) == len(ids)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_the_sla_shows_and_opens_them(warehouse, monkeypatch, language):
    entry = next(entry for entry in navigation.PAGES if entry.path == "sla")
    monkeypatch.setattr(navigation, "chosen", lambda _words: entry)
    monkeypatch.setenv("KEPT_WAREHOUSE", str(warehouse))
    page = AppTest.from_file(str(APP), default_timeout=60)
    page.query_params["lang"], page.query_params["period"] = language, "all"
    page.run()
    assert page.button(key="open_reopened").label == words(language)(
        "reopened.all", counts="2 / 4", share="50.0%"
    )
    page.button(key="open_reopened").click().run()

    assert not page.exception
    table = next(one.value for one in page.dataframe if "again_id" in one.value)
    assert table[["ticket_id", "again_id", "marked"]].fillna("").values.tolist() == [
        ["B-1", "", True], ["A-1", "A-2", False],
    ]  # fmt: skip
    said = unescape(" ".join(str(element.proto.body) for element in page.get("html")))
    assert words(language)("drawer.rows", n=2) in said
