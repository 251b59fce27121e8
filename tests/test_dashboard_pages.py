"""Every page in every language, and what a reader does on it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import navigation
from dashboard.texts import words
from etl.catalogue import LANGUAGES
from tests import dashboard_data

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dashboard_data.make_warehouse(tmp_path_factory.mktemp("pages"))


@pytest.fixture
def open_app(monkeypatch: pytest.MonkeyPatch, warehouse: Path) -> Open:
    """Opens the dashboard with the parameters of a URL."""

    def opened(folder: Path = warehouse, **query: str) -> AppTest:
        monkeypatch.setenv("KEPT_WAREHOUSE", str(folder))
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in {"lang": "en", **query}.items():
            app.query_params[name] = value
        app.run()
        while "Computing the figures" in html(app):  # another day's marts are being built
            app.run()
        return app

    return opened


@pytest.fixture
def at_page(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the menu choose a page, which AppTest cannot click."""

    def go(path: str) -> None:
        entry = next(entry for entry in navigation.PAGES if entry.path == path)
        monkeypatch.setattr(navigation, "chosen", lambda _words: entry)

    return go


def html(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def _value(parameter: str | list[str]) -> str:
    return parameter if isinstance(parameter, str) else parameter[0]


def test_every_entry_of_the_menu_has_a_title_in_both_languages():
    assert len({entry.path for entry in navigation.PAGES}) == len(navigation.PAGES)
    for entry in navigation.PAGES:
        assert all(entry.title(words(language)) for language in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("entry", navigation.PAGES, ids=lambda entry: entry.path)
def test_a_page_opens_in_a_language(open_app, at_page, entry, language):
    at_page(entry.path)
    app = open_app(lang=language)

    assert not app.exception
    assert app.title[0].value == entry.title(words(language))
    assert app.session_state["lang"] == language


def test_the_key_figures_say_rate_target_and_change(open_app):
    app = open_app(contract="C-1", period="2026-06..2026-06")
    response = app.metric[0]

    assert response.value == "70.0%"
    assert response.delta == "−30.0 pp"
    assert "90%" in response.proto.delta_description
    assert app.button(key="open_sla.response").label == "7 / 10"


def test_a_key_figure_opens_its_rows(open_app):
    app = open_app(contract="C-1", period="2026-06..2026-06")
    app.button(key="open_sla.response").click().run()

    assert not app.exception
    assert "10 rows" in html(app)


def test_the_filters_write_the_url_and_the_url_sets_the_filters(open_app):
    app = open_app()
    app.selectbox(key="contract").set_value("C-1").run()
    app.segmented_control(key="preset").set_value("3m").run()

    assert not app.exception
    said = {name: _value(app.query_params[name]) for name in ("contract", "period", "lang")}
    assert said == {"contract": "C-1", "period": "3m", "lang": "en"}
    again = open_app(**said)
    assert again.selectbox(key="contract").value == "C-1"
    assert again.metric[0].value == app.metric[0].value


def test_another_language_keeps_the_view(open_app):
    app = open_app(contract="C-1")
    figures = [metric.value for metric in app.metric]
    app.segmented_control(key="lang").set_value("zh").run()

    assert app.title[0].value == words("zh")("page.overview")
    assert app.selectbox(key="contract").value == "C-1"
    assert [metric.value for metric in app.metric] == figures


def test_an_earlier_as_of_shows_what_was_known_then(open_app):
    app = open_app(as_of="2026-06-30", contract="C-1", period="all")

    assert app.button(key="open_sla.response").label == "56 / 60"
    assert "2026-06-30 23:59" in html(app)


def test_a_link_with_a_value_that_does_not_exist_says_so(open_app):
    app = open_app(contract="C-9", period="3m")

    assert not app.exception
    assert any("contract" in warning.value for warning in app.warning)
    assert app.segmented_control(key="preset").value == "3m"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_warehouse_says_how_to_begin(open_app, tmp_path, language):
    app = open_app(tmp_path / "none", lang=language)

    assert not app.exception
    assert words(language)("empty.title") in html(app)
    assert app.code[0].value == "kept load data/sample"


def test_what_fails_is_said_in_a_sentence(open_app, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "CURRENT").write_text("7\n", encoding="utf-8")
    app = open_app(tmp_path / "broken")

    assert not app.exception
    assert words("en")("empty.failed") in html(app)


def test_a_stage_without_a_clock_has_no_distribution(open_app, at_page):
    at_page("sla")
    app = open_app(clause="sla.signed_off")

    assert not app.exception
    assert words("en")("durations.nothing") in html(app)


def test_a_search_finds_the_tickets_of_a_unit(open_app, at_page):
    at_page("sla")
    app = open_app(find="U-1")

    assert not app.exception
    found = next(table.value for table in app.dataframe if "ticket_id" in table.value)
    assert len(found) == 40 and set(found["equipment_id"]) == {"U-1"}
