"""Every page in both languages with next to no data, with none, with old data; and on paper."""

import json
import os
import shutil
import time
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import plotly.graph_objects as go
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import building, navigation, queries, recovery
from dashboard.components import printing
from dashboard.queries import answers
from dashboard.texts import words
from etl.catalogue import LANGUAGES
from etl.config import Settings
from etl.intake.load import load
from etl.reports.workbook import workbook
from tests import dashboard_data

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
CONTRACT = "contract_id,name,vendor,amount,accepted_on\nC-1,Clinic,Acme,1000,{day}\n"
TICKETS = """\
ticket_id,contract_id,channel,service_type,reported_at,responded_at,closed_at
T-1,C-1,phone,software_fault,{day} 08:00,{day} 08:10,{day} 10:00
T-2,C-1,phone,consultation,{day} 09:00,{day} 09:02,{day} 09:30
T-3,C-1,phone,software_fault,{day} 11:00,,
"""
PAGES = [entry for entry in navigation.PAGES if entry.desk is None]


def _loaded(folder: Path, day: str) -> Path:
    (folder / "in").mkdir(parents=True)
    for name, text in (("contracts", CONTRACT), ("tickets", TICKETS)):
        (folder / "in" / f"{name}.csv").write_text(text.format(day=day), encoding="utf-8")
    load(Settings(folder / "warehouse"), [folder / "in"])
    return folder / "warehouse"


@pytest.fixture(scope="module")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Full; tiny: one contract and three tickets of today; stale: the same of long ago; empty; and
    the sample, which has all logs.
    """
    today = datetime.now().date()
    sample = tmp_path_factory.mktemp("sample") / "warehouse"
    load(Settings(sample), [APP.parents[1] / "data" / "sample"])
    return {
        "sample": sample,
        "full": dashboard_data.make_warehouse(tmp_path_factory.mktemp("full")),
        "tiny": _loaded(tmp_path_factory.mktemp("tiny"), f"{today - timedelta(days=1)}"),
        "stale": _loaded(tmp_path_factory.mktemp("stale"), "2024-02-29"),
        "empty": tmp_path_factory.mktemp("empty") / "none",
    }


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, warehouses: dict[str, Path]):
    """Opens a page on one of the warehouses."""

    def open_page(entry: navigation.Entry, state: str, language: str) -> AppTest:
        monkeypatch.setenv("KEPT_WAREHOUSE", str(warehouses[state]))
        monkeypatch.setattr(navigation, "chosen", lambda _words: entry)
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.query_params["lang"] = language
        return app.run()

    return open_page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", ["tiny", "stale", "empty"])
@pytest.mark.parametrize("entry", navigation.PAGES, ids=lambda entry: entry.path)
def test_a_page_stands_whatever_data_there_are(opened, entry, state, language):
    app = opened(entry, state, language)

    assert not app.exception
    said = " ".join(str(element.proto.body) for element in app.get("html"))
    is_told = words(language)("empty.title") in said
    assert is_told == (state == "empty" and entry.desk is None)
    warned = any("2024-02-29" in warning.value for warning in app.warning)
    assert warned == (state == "stale" and entry.desk is None)


def test_an_event_far_after_all_others_is_named_above_a_page(opened, warehouses, tmp_path):
    slip = "ticket_id,contract_id,service_type,reported_at\nT-9,C-1,consultation,2024-04-30 08:00\n"
    (tmp_path / "slip.csv").write_text(slip, encoding="utf-8")
    warehouses["slip"] = Path(shutil.copytree(warehouses["stale"], tmp_path / "warehouse"))
    load(Settings(warehouses["slip"]), [tmp_path / "slip.csv"])
    for language in LANGUAGES:
        app = opened(PAGES[0], "slip", language)
        said = " ".join(str(element.proto.body) for element in app.get("html"))
        for word in ("slip.csv", "2024-04-30 08:00", "2024-02-29 11:00"):
            assert word in said


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.path)
def test_every_figure_is_one_that_plotly_accepts(opened, entry):
    app = opened(entry, "sample", "en")

    assert not app.exception
    for chart in app.get("plotly_chart"):
        sent = json.loads(chart.proto.spec)
        assert "template" not in sent["layout"]
        go.Figure(sent)  # raises where a name or a value is not one of plotly's


@pytest.mark.parametrize("meanwhile", ["first", "later", "away"])
def test_the_view_outlives_a_build_that_is_waited_for(monkeypatch, warehouses, meanwhile):
    book, shown = building.book, {"page": PAGES[0]}

    def unfinished(*_asked):
        raise building.StillBuilding(building.Build(None, of=4))

    monkeypatch.setenv("KEPT_WAREHOUSE", str(warehouses["full"]))
    monkeypatch.setattr(navigation, "chosen", lambda _words: shown["page"])
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.query_params.update(contract="C-2", period="3m", lang="en")
    if meanwhile == "later":
        app.run()
    monkeypatch.setattr(building, "book", unfinished)
    app.run()
    assert "Overview" in {title.value for title in app.title}
    if meanwhile == "away":
        shown["page"] = navigation.PAGES[-1]
        app.query_params.clear()
        app.run()
        shown["page"] = PAGES[0]
        app.query_params.clear()
    monkeypatch.setattr(building, "book", book)
    app.run()

    assert not app.exception
    assert app.query_params == {"contract": "C-2", "period": "3m", "lang": "en"}


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, warehouses: dict[str, Path], tmp_path: Path) -> Path:
    """The tiny warehouse, to be damaged, and nothing of it open or asked before."""
    st.cache_resource.clear()
    copy = tmp_path / "warehouse"
    shutil.copytree(warehouses["tiny"], copy)
    monkeypatch.setenv("KEPT_WAREHOUSE", str(copy))
    monkeypatch.setattr(navigation, "chosen", lambda _words: PAGES[0])
    return copy


def figures(app: AppTest) -> list[tuple[str, str]]:
    assert not app.exception
    return [(one.label, one.value) for one in app.metric]


@pytest.mark.parametrize("away", ["CURRENT", "."])
def test_a_session_goes_on_after_an_outage(own: Path, away: str):
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.query_params.update(contract="C-1", period="3m", lang="en")
    before = figures(app.run())
    there, elsewhere = own / away, own.parent / "away"

    there.rename(elsewhere)
    app.run()
    assert figures(app) == []
    assert "kept-empty" in " ".join(str(one.proto.body) for one in app.get("html"))
    elsewhere.rename(there)
    # What the browser sends for widgets that it was not shown.
    for name in ("contract", "department", "preset", "as_of"):
        app.session_state[name] = None
    app.run()

    assert figures(app) == before
    assert app.query_params == {"contract": "C-1", "period": "3m", "lang": "en"}


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def overwrite(file: Path) -> None:
    """As it would go wrong without a trace: size and time stay as they were."""
    stat = file.stat()
    with file.open("r+b") as damaged:
        damaged.seek(12_288)
        damaged.write(bytes(stat.st_size - 12_288))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize(
    ("damage", "when"),
    [(cut, "between two runs"), (Path.unlink, "within a run"), (overwrite, "within a run")],
)
def test_a_generation_damaged_under_a_page_is_built_anew(own, monkeypatch, damage, when):
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.query_params["lang"] = "en"
    before = figures(app.run())
    whole, done = building.book, []

    def book(*asked: Any, **named: Any) -> queries.Book:
        found = whole(*asked, **named)
        if not done:
            done.append(damage(Path(found.path)))
        return found

    # Closed, as when other generations took its place among the few that stay open.
    st.cache_resource.clear()
    answers.forget_views()
    if when == "within a run":
        monkeypatch.setattr(building, "book", book)
    else:
        damage(next(own.glob("generations/*.duckdb")))
    app.run()
    for _ in range(300):  # while progress is shown
        if figures(app):
            break
        time.sleep(0.2)
        app.run()
    assert figures(app) == before


def test_what_fails_again_and_again_is_an_error(own: Path, monkeypatch: pytest.MonkeyPatch):
    runs = []

    def fails(_page: object) -> None:
        runs.append(1)
        raise duckdb.IOException("no disk")

    monkeypatch.setattr(navigation, "chosen", lambda _words: replace(PAGES[0], view=fails))
    app = AppTest.from_file(str(APP), default_timeout=60).run()

    assert len(app.exception) == 1
    assert len(runs) == 1 + recovery.MOST_TRIES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.path)
def test_a_page_prints_all_it_shows_under_headings_of_its_language(opened, entry, language):
    app = opened(entry, "full", language)
    noted = app.session_state["printing.noted"]

    assert not app.exception
    unnamed = {
        name
        for _, _, data in noted.cards.values()
        for name in data.columns
        if printing.heading(words(language), str(name)) is None
    }
    assert unnamed <= printing.LEFT_OUT
    report = printing.report("Title", words(language), (("As of", "2026"),), noted)
    shown = {key for key, (_, _, data) in noted.cards.items() if len(data)}
    assert shown >= {one.key for one in report.sections} - {"figures"}
    assert openpyxl.load_workbook(BytesIO(workbook(report))).sheetnames[0] == "Kept"
