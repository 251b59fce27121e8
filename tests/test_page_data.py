"""The data page: from a dropped file to a batch and back, in both languages, in every state."""

import io
import shutil
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from html import unescape
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import intake, navigation
from dashboard.texts import words
from etl import ledger, marts
from etl.catalogue import LANGUAGES, catalogue
from etl.config import Settings
from etl.intake.load import load
from etl.intake.remembered import remembered
from etl.store import Warehouse

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
MODELS = (
    "sla.response",
    "compliance",
    "clause_evidence",
    "fact_contract",
    "contract_term",
    "log_through",
)
HEADER = "ticket_id,contract_id,service_type,channel,reported_at,responded_at\n"
CONTRACTS = "contract_id,amount,accepted_on\nHT-1,100,2025-01-01\n"
TICKETS = (
    f"{HEADER}T-1,HT-1,软件故障,电话,2025-06-01 08:00,2025-06-01 08:10\n"
    "T-2,HT-1,软件故障,电话,2025-06-02 08:00,2025-06-02 08:20\n"
)
MORE = (
    f"{HEADER}T-1,HT-1,软件故障,电话,2025-06-01 08:00,2025-06-01 09:00\n"
    "T-3,HT-1,软件故障,电话,2025-06-03 08:00,2025-06-03 08:05\n"
    "T-4,HT-9,软件故障,电话,2025-06-03 08:00,2025-06-03 08:05\n"
    "<b>T-5</b>,HT-1,软件故障,电话,昨天,2025-06-03 08:05\n"
    "T-6,HT-1,Software,电话,2025-06-03 08:00,2025-06-03 08:05\n"
)
Open = Callable[..., AppTest]


@pytest.fixture(scope="module", autouse=True)
def one_clause() -> Iterator[None]:
    """The ledger has one clause here: what this page does, does not depend on how many it has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marts, "build_marts", partial(ledger.build_marts, wanted=MODELS))
        yield
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def cleared_desks() -> Iterator[None]:
    """Whatever a test leaves on a desk is put away."""
    yield
    for desk in list(intake._desks()):
        desk.stop()
        desk.put_away()
        desk.preview = None


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loaded")
    for name, text in (("contracts", CONTRACTS), ("tickets", TICKETS), ("more", MORE)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    load(Settings(folder / "tiny"), [folder / "contracts.csv", folder / "tickets.csv"])
    shutil.copytree(folder / "tiny", folder / "full")
    load(Settings(folder / "full"), [folder / "more.csv"], by="Li")
    return folder


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    entry = next(entry for entry in navigation.PAGES if entry.path == "data")
    monkeypatch.setattr(navigation, "chosen", lambda _words: entry)

    def opened(warehouse: Path, language: str = "en") -> AppTest:
        monkeypatch.setenv("KEPT_WAREHOUSE", str(warehouse))
        app = AppTest.from_file(str(APP), default_timeout=120)
        app.query_params["lang"] = language
        return app.run()

    return opened


@pytest.fixture
def tiny(tmp_path: Path, loaded: Path) -> Path:
    return Path(shutil.copytree(loaded / "tiny", tmp_path / "warehouse"))


def html(app: AppTest) -> str:
    return unescape(" ".join(str(element.proto.body) for element in app.get("html")))


def settle(app: AppTest) -> AppTest:
    """Runs the page until no work is under way."""
    for _ in range(60):
        assert not app.exception, app.exception
        if not app.button_group and not app.button:
            return app
        if not [button for button in app.button if str(button.key).endswith("_stop")]:
            return app
        app.run()
    raise AssertionError("the work does not end")


def drop(app: AppTest, *files: tuple[str, str | bytes]) -> AppTest:
    given = [
        (name, content if isinstance(content, bytes) else content.encode(), "text/csv")
        for name, content in files
    ]
    app.file_uploader[0].set_value(given)
    return settle(app.run())


def frames(app: AppTest) -> list[list[str]]:
    return [list(map(str, frame.value.columns)) for frame in app.dataframe]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("warehouse", ["none", "tiny", "full"])
def test_every_section_opens(open_page: Open, loaded: Path, warehouse: str, language: str):
    app = open_page(loaded / warehouse, language)
    said = words(language)

    assert not app.exception
    assert app.title[0].value == said("page.data")
    assert said("data.upload_hint") in html(app)
    for section in ("batches", "left_out", "logs"):
        app.segmented_control(key="data_section").set_value(section).run()
        assert not app.exception, section
        empty = {"batches": "data.no_batches"}.get(section, "data.empty_sub")
        assert (said(empty) in html(app)) == (warehouse == "none")


def test_a_dropped_file_shows_what_it_would_change_is_written_and_taken_back(
    open_page: Open, tiny: Path
):
    app = drop(open_page(tiny), ("more.csv", MORE))
    said = words("en")

    shown = html(app)
    assert "Taken for “Tickets”; 6 of 6 columns are used" in shown
    assert "more.csv: 2 rows refused" in shown
    counts = next(f.value for f in app.dataframe if "unchanged" in f.value)
    assert counts[["new", "changed", "unchanged", "rejected"]].values.tolist() == [[2, 1, 0, 2]]
    cells = next(f.value for f in app.dataframe if "Becomes" in f.value)
    assert cells[["Source row", "Key", "Was", "Becomes"]].values.tolist() == [
        [2, "T-1", "2025-06-01 08:10:00", "2025-06-01 09:00:00"]
    ]
    moved = next(f.value for f in app.dataframe if "rate_now" in f.value)
    assert moved[["rate_was", "rate_now", "was", "now"]].values.tolist() == [
        ["2 / 2 · 100.0%", "2 / 3 · 66.7%", "Kept", "Broken"]
    ]
    assert "Waiting rows 0 → 1" in shown

    app.text_input(key="data_by").set_value("Wang").run()
    settle(app)
    settle(app.button(key="data_commit_button").click().run())

    assert said("data.committed") in html(app)
    batches = Warehouse(Settings(tiny)).manifest().batches
    assert [(one.id, one.by, one.file) for one in batches[2:]] == [
        ("00003-tickets", "Wang", "more.csv")
    ]
    settle(app.button(key="undo_00003-tickets").click().run())
    assert said("data.undo_title", batch="00003-tickets") in html(app)
    moved = next(f.value for f in app.dataframe if "rate_now" in f.value)
    assert moved[["was", "now"]].values.tolist() == [["Broken", "Kept"]]
    assert len(Warehouse(Settings(tiny)).manifest().batches) == 3
    settle(app.button(key="data_undo_yes").click().run())
    assert [one.id for one in Warehouse(Settings(tiny)).manifest().undone] == ["00003-tickets"]


def test_several_files_and_a_zipped_one_are_one_load(open_page: Open, tiny: Path):
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("export.csv", MORE)
    known = "contract_id,amount\nHT-9,200\n"
    app = drop(open_page(tiny), ("export.csv.zip", zipped.getvalue()), ("a.csv", known))

    files = next(f.value for f in app.dataframe if "unchanged" in f.value)
    assert files["log"].tolist() == ["Contracts", "Tickets"]
    assert "Waiting rows 0 → 0" in html(app)


def test_a_file_that_changes_nothing_says_so(open_page: Open, tiny: Path):
    app = drop(open_page(tiny), ("same.csv", TICKETS))

    assert words("en")("data.nothing") in html(app)
    assert "data_commit_button" not in [button.key for button in app.button]


def test_what_is_refused_is_said_in_a_sentence(open_page: Open, tiny: Path):
    app = drop(open_page(tiny), ("bad.csv", "some,thing\n1,2\n"))

    assert "bad.csv" in html(app)
    assert "data_commit_button" not in [button.key for button in app.button]
    assert len(Warehouse(Settings(tiny)).manifest().batches) == 2


def test_a_column_that_would_be_emptied_asks_for_a_yes(open_page: Open, tiny: Path):
    lacking = "ticket_id,contract_id,service_type,reported_at\nT-1,HT-1,软件故障,2025-06-01 08:00\n"
    app = drop(open_page(tiny), ("less.csv", lacking))

    assert words("en")("data.empties") in html(app)
    settle(app.button(key="data_empties").click().run())
    counts = next(f.value for f in app.dataframe if "unchanged" in f.value)
    assert counts["changed"].tolist() == [1]


OTHER = f"{HEADER}T-1,HT-2,软件故障,电话,2025-06-01 08:00,2025-06-01 08:10\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_of_something_else_are_corrections_or_get_a_prefix(
    open_page: Open, tiny: Path, language: str
):
    app = drop(open_page(tiny, language), ("other.csv", OTHER))
    said = words(language)
    assert "HT-1 → HT-2" in html(app)
    assert said("data.reused") in html(app)

    settle(app.button(key="data_corrections").click().run())
    counts = next(f.value for f in app.dataframe if "unchanged" in f.value)
    assert counts[["new", "changed"]].values.tolist() == [[0, 1]]


def test_a_prefix_told_here_is_remembered(open_page: Open, tiny: Path):
    app = drop(open_page(tiny), ("other.csv", OTHER))
    prefix = [box for box in app.selectbox if box.label == "Prefix"]
    prefix[-1].set_value("contract_id")
    apply = [button for button in app.button if button.label == "Apply"]
    settle(apply[-1].click().run())
    settle(app.button(key="data_commit_button").click().run())

    assert [dict(one.key_prefix) for one in remembered(Warehouse(Settings(tiny)))] == [
        {"ticket_id": "contract_id"}
    ]
    batch = Warehouse(Settings(tiny)).manifest().batches[-1]
    assert (batch.new, batch.changed) == (1, 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_column_leaves_open_is_asked(open_page: Open, tiny: Path, language: str):
    rows = "".join(f"D-{n},HT-1,软件故障,电话,0{n}/0{n + 1}/2025 08:00,\n" for n in (1, 2))
    app = drop(open_page(tiny, language), ("dates.csv", HEADER + rows))

    assert words(language)("data.asked") in html(app)
    settle(app.button(key="answer_True").click().run())
    found = next(f.value for f in app.dataframe if words(language)("data.row") in f.value)
    reported = catalogue().logs["tickets"].columns["reported_at"].label.get(language)
    assert found[reported].tolist() == [
        "2025-02-01 08:00:00", "2025-03-02 08:00:00",
    ]  # fmt: skip


def test_bare_numbers_are_counted_from_when_in_which_unit(open_page: Open, tiny: Path):
    rows = "".join(f"S-{n},HT-1,软件故障,电话,2025-06-0{n} 08:00,{n}5\n" for n in range(1, 6))
    app = drop(open_page(tiny), ("spans.csv", HEADER + rows))
    assert "bare numbers" in html(app)

    answer = next(button for button in app.button if button.label == "Apply")
    settle(answer.click().run())

    found = next(f.value for f in app.dataframe if "Responded at" in f.value)
    assert found["Responded at"].tolist()[:2] == ["2025-06-01 08:15:00", "2025-06-02 08:25:00"]


def test_a_warranty_without_a_unit_is_in_months_or_years(open_page: Open, tiny: Path):
    rows = "设备编号,合同编号,使用部门,厂家质保\nU-8,HT-1,内科,3\nU-9,HT-1,内科,5\n"
    app = drop(open_page(tiny), ("units.csv", rows))
    assert "months or years" in html(app)

    settle(app.button(key="answer_True").click().run())
    label = catalogue().logs["equipment"].columns["manufacturer_warranty_months"].label.en
    found = next(f.value for f in app.dataframe if label in f.value)
    assert [str(value) for value in found[label]] == ["36", "60"]


def test_what_is_like_no_log_can_be_taken_for_one(open_page: Open, tiny: Path):
    app = drop(open_page(tiny), ("odd.csv", "故障单号,报修时间,类别\nK-1,2025-06-05 08:00,软件\n"))
    assert words("en")("data.no_log") in html(app)

    app.selectbox(key="log_0_none").set_value("tickets").run()

    assert not app.exception
    assert "Taken for “Tickets”" in html(app)
    assert words("en")("data.choose_below") in html(app)


def test_the_day_up_to_which_files_are_complete_is_stated_with_them(open_page: Open, tiny: Path):
    app = drop(open_page(tiny), ("more.csv", MORE))
    settle(app.date_input(key="data_through").set_value(date(2025, 6, 30)).run())

    files = next(f.value for f in app.dataframe if "unchanged" in f.value)["file"].tolist()
    assert files == ["more.csv", words("en")("data.through")]
    settle(app.button(key="data_commit_button").click().run())
    assert Warehouse(Settings(tiny)).manifest().batches[-1].log == "coverage"


def test_the_batches_show_what_each_changed(open_page: Open, loaded: Path):
    app = open_page(loaded / "full")
    app.segmented_control(key="data_section").set_value("batches").run()
    listed = app.dataframe[0].value

    assert listed["batch"].tolist() == ["00003-tickets", "00002-tickets", "00001-contracts"]
    assert listed["by"].tolist()[0] == "Li"
    assert listed[["new", "changed", "unchanged", "rejected"]].values.tolist()[0] == [2, 1, 0, 2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_file_says_of_itself_is_shown_before_and_after(
    open_page: Open, tiny: Path, language: str
):
    text = "ticket_id,contract_id,service_type,reported_at,status\n" + (
        "S-1,HT-1,软件故障,2025-06-03 08:00,奇怪\nS-2,HT-1,软件故障,2025-06-03 08:00,作废\n"
        "S-3,HT-1,软件故障,2025-09-03 08:00,\n"
    )
    app = drop(open_page(tiny, language), ("states.csv", text))
    said = words(language)
    lacks, lone = {
        "zh": ("3 项承诺无法判定", "2025-09-03 08:00"),
        "en": ("3 clauses cannot be judged", "2025-09-03 08:00"),
    }[language]
    label = catalogue().logs["tickets"].columns["status"].label.get(language)
    assert said("data.unread", column=label, file="states.csv") in html(app)
    assert lacks in html(app) and lone in html(app)

    settle(app.button(key="data_commit_button").click().run())
    assert lacks in html(app) and lone in html(app)
    app = open_page(tiny, language)
    app.segmented_control(key="data_section").set_value("left_out").run()
    assert not app.exception
    assert said("data.concerns") in html(app) and lone in html(app)
    assert said("data.lapsed") in html(app)
    listed = next(f.value for f in app.dataframe if "late" in f.value)
    assert listed["ticket_id"].tolist() == ["S-2"]


def test_rows_whose_export_has_other_columns_say_so(open_page: Open, tiny: Path):
    wide = TICKETS.replace(",responded_at\n", ",responded_at,onsite_at\n").replace("0\n", "0,\n")
    app = drop(open_page(tiny), ("wide.csv", wide))

    assert any("2 rows hold the same values" in str(one.value) for one in app.caption)


def test_a_day_before_rows_of_the_file_can_be_left_out(open_page: Open, tiny: Path):
    app = drop(open_page(tiny), ("more.csv", MORE))
    settle(app.date_input(key="data_through").set_value(date(2025, 6, 2)).run())
    assert "T-3" in html(app)
    settle(app.button(key="data_through_none").click().run())
    assert "data_commit_button" in [button.key for button in app.button]


def test_rows_left_out_say_why_and_what_they_wait_for(open_page: Open, loaded: Path):
    app = open_page(loaded / "full")
    app.segmented_control(key="data_section").set_value("left_out").run()

    refused, waiting = (frame.value for frame in app.dataframe)
    assert refused[["batch", "row", "key"]].values.tolist() == [
        ["00003-tickets", 5, "<b>T-5</b>"],
        ["00003-tickets", 6, "T-6"],
    ]
    assert "昨天" in refused["why"][0]
    assert waiting["key"].tolist() == ["T-4"]
    assert "HT-9" in waiting["why"][0]


def test_words_that_no_choice_has_are_given_a_meaning_and_remembered(open_page: Open, tiny: Path):
    app = drop(open_page(tiny), ("more.csv", MORE))
    app.selectbox(key="cause_0").set_value(1).run()

    assert not app.exception
    assert any("means" in columns for columns in frames(app))
    assert remembered(Warehouse(Settings(tiny))) == ()
