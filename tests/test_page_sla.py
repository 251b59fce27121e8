"""SLA and promises: what an export does not say is said, and counts for nothing."""

from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import navigation, queries
from dashboard.queries import Selection, data
from dashboard.texts import words
from etl.catalogue import LANGUAGES, catalogue
from etl.intake.load import load
from tests import dashboard_data

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
RESPONSE = Selection(clauses=("sla.response",))
SPECIAL = "sla.special_period"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nobody exported the arrival; T-2 was reported and answered on days; C-1 promises no plan."""
    folder = tmp_path_factory.mktemp("unsaid")
    (folder / "contracts.csv").write_text(
        "contract_id,amount,accepted_on\nC-1,1000,2026-01-01\nC-2,1000,2026-01-01\n"
    )
    (folder / "terms.csv").write_text(f"contract_id,term,value\nC-1,{SPECIAL}.applies,0\n")
    (folder / "equipment.csv").write_text(
        "equipment_id,contract_id,department,accepted_on\n"
        "U-1,C-1,ICU,2026-01-01\nU-2,C-2,ICU,2026-01-01\n"
    )
    (folder / "tickets.csv").write_text(
        "ticket_id,equipment_id,channel,service_type,status,reported_at,responded_at,closed_at\n"
        "T-1,U-1,phone,software_fault,closed,2026-03-02 09:00:00,2026-03-02 09:10:00,"
        "2026-03-04 09:00:00\n"
        "T-2,U-1,phone,software_fault,closed,2026-03-03,2026-03-03,2026-03-05 09:00:00\n"
        "T-3,U-1,phone,software_fault,closed,2026-03-04 09:00:00,2026-03-04,2026-03-06 09:00:00\n"
        "T-4,U-1,phone,software_fault,cancelled,2026-03-05 09:00:00,,2026-03-05 09:05:00\n"
        "T-5,U-1,phone,software_fault,duplicate,2026-03-05 09:00:00,,2026-03-09 09:00:00\n"
        "T-6,U-1,phone,software_fault,seen by Bob,2026-03-06 09:00:00,2026-03-06 09:10:00,\n"
    )
    load(dashboard_data.settings(folder / "warehouse"), [folder])
    return folder / "warehouse"


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, warehouse: Path) -> Callable[..., AppTest]:
    def opened(path: str, **query: str) -> AppTest:
        entry = next(entry for entry in navigation.PAGES if entry.path == path)
        monkeypatch.setattr(navigation, "chosen", lambda _words: entry)
        monkeypatch.setenv("KEPT_WAREHOUSE", str(warehouse))
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in {"period": "all", **query}.items():
            app.query_params[name] = value
        return app.run()

    return opened


def html(app: AppTest) -> str:
    return unescape(" ".join(str(element.proto.body) for element in app.get("html")))


def test_a_day_is_no_hour_of_the_week_and_takes_no_time(warehouse):
    book = queries.book(dashboard_data.settings(warehouse))
    hours = queries.counts(book, RESPONSE, ("weekday", "hour"))
    days = hours[hours["weekday"].isna()]

    assert int(days[list(queries.STATES)].to_numpy().sum()) == 1
    assert sorted(hours["hour"].dropna()) == [9, 9, 9, 9]
    assert sum(queries.tally(book, RESPONSE.but(hour=0)).values()) == 0
    assert queries.untimed(book, RESPONSE) == 2
    assert queries.durations(book, RESPONSE)["obligations"].sum() == 2


def test_tickets_that_say_they_count_nowhere_are_counted_by_contract(warehouse):
    book = queries.book(dashboard_data.settings(warehouse))

    assert data.lapsed(book, "C-1") == {"cancelled": 1, "duplicate": 1, "late": 1}
    assert data.lapsed(book, "C-2") == {}
    assert (data.unread(book, None), data.unread(book, "C-1"), data.unread(book, "C-2")) == (
        1,
        1,
        0,
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sla_page_says_what_it_leaves_out(open_page, language):
    app = open_page("sla", lang=language)
    said = words(language)
    captions = [one.value for one in app.caption]

    assert not app.exception
    assert said("hours.left_out", n="1") in captions
    assert said("durations.left_out", n="2") in captions
    counts = {"cancelled": 1, "duplicate": 1, "late": 1}
    assert catalogue().message("load_lapsed", language, **counts) in html(app)
    assert catalogue().message("statuses_unread", language, count=1) in html(app)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", "无证据：导出文件没有“到场时间”列"),
        ("en", "no evidence: the export has no On site at"),
    ],
)
def test_a_clause_without_its_column_says_which(open_page, language, said):
    app = open_page("promises", lang=language, clause="sla.onsite")

    assert not app.exception
    assert said in html(app)


@pytest.mark.parametrize(("language", "said"), [("zh", "未约定"), ("en", "not promised")])
def test_a_promise_that_is_not_made_is_grey(open_page, language, said):
    app = open_page("promises", lang=language, clause=SPECIAL, contract="C-1")

    assert not app.exception
    assert f"<span class='kept-pill quiet'>{said}</span>" in html(app)
