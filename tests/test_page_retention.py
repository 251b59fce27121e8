"""The retention page: what is held, what stands against it, waivers, the decision, its record."""

import shutil
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import navigation, queries
from dashboard.queries import retention as asked
from dashboard.texts import words
from etl.catalogue import LANGUAGES, catalogue
from etl.evidence.decisions import Decision, decide, decisions
from etl.intake.load import load
from etl.store import Warehouse
from tests.dashboard_data import settings

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
RESPONSE = catalogue().clauses["sla.response"].title.en
Open = Callable[..., AppTest]


@pytest.fixture(scope="module", autouse=True)
def caches() -> Iterator[None]:
    """What the pages of these tests have opened and kept is let go after the last of them."""
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture(scope="module")
def loaded(retention_warehouse: Path) -> Path:
    return retention_warehouse


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One contract, one unit, no ticket."""
    folder = tmp_path_factory.mktemp("small")
    files = {
        "contracts.csv": "contract_id,name,amount\nC-1,Imaging *and* _more_,100\n",
        "equipment.csv": "equipment_id,contract_id,department\nU-1,C-1,ICU\n",
        "tickets.csv": "ticket_id,equipment_id,service_type,reported_at\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    load(settings(folder / "w"), [folder / name for name in files])
    return folder / "w"


@pytest.fixture
def warehouse(loaded: Path, tmp_path: Path) -> Path:
    """A copy to write to."""
    return Path(shutil.copytree(loaded, tmp_path / "warehouse"))


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, loaded: Path) -> Open:
    def opened(folder: Path = loaded, **query: str) -> AppTest:
        entry = next(entry for entry in navigation.PAGES if entry.path == "retention")
        monkeypatch.setattr(navigation, "chosen", lambda _words: entry)
        monkeypatch.setenv("KEPT_WAREHOUSE", str(folder))
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in {"lang": "en", **query}.items():
            app.query_params[name] = value
        app.run()
        while "Computing the figures" in html(app):  # another day's marts are being built
            app.run()
        return app

    return opened


def html(app: AppTest) -> str:
    return unescape(" ".join(str(element.proto.body) for element in app.get("html")))


def table(app: AppTest, column: str) -> pd.DataFrame:
    """The table that has that column."""
    return next(one.value for one in app.dataframe if column in one.value)


def metrics(app: AppTest) -> dict[str, tuple[str, str]]:
    return {one.label: (one.value, one.delta) for one in app.metric}


def fill_in(app: AppTest, **values: str) -> AppTest:
    """Types into the form of the decision: the first of its name."""
    for name, value in values.items():
        inputs = app.text_area if name in ("reasons", "conditions") else app.text_input
        next(one for one in inputs if one.key == f"decision_{name}_C-1_0").set_value(value)
    return app.button(key="decision_review").click().run()


def test_every_contract_is_listed_with_what_is_held(loaded):
    book = queries.book(settings(loaded))
    found = asked.contracts(book, ()).set_index("contract_id")

    assert list(found.index) == ["C-1", "C-2", "C-3"]
    assert list(found["held"]) == [Decimal("5000.00"), Decimal("2500.00"), Decimal("50.00")]
    assert list(found["days"][:2]) == [-30, 243]
    assert found["due_on"].iloc[0].date() == date(2026, 6, 1)
    assert pd.isna(found["due_on"].iloc[2])
    assert found["verdict"].iloc[2] == "open_items"
    # C-1 answered late and missed visits; of its promises about quality none is broken.
    assert list(found["verdict"]) == ["breaches", "evidence_missing", "open_items"]
    assert list(found["narrow_verdict"]) == ["evidence_missing", "evidence_missing", "open_items"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_contract_the_page_lists_them_all(open_page, language):
    app = open_page(lang=language)
    listed = table(app, "retention_amount")

    assert not app.exception
    assert list(listed["contract_id"]) == ["C-1", "C-2", "C-3"]
    assert list(listed["standing"]) == [
        words(language)(f"retention.{name}") for name in ("decidable", "provisional", "provisional")
    ]
    assert list(listed["held"]) == ["5,000.00 CNY", "2,500.00 CNY", "50.00 CNY"]
    assert words(language)("retention.no_decisions") in html(app)


@pytest.mark.parametrize(
    ("contract", "language"), [("C-1", "zh"), ("C-1", "en"), ("C-2", "zh"), ("C-3", "en")]
)
def test_a_contract_opens_in_a_language(open_page, contract, language):
    app = open_page(contract=contract, lang=language)

    assert not app.exception
    assert f"{contract} " in html(app)
    assert words(language)("retention.never_decided") in html(app)
    assert len(app.metric) == 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_single_contract_is_open_at_once(open_page, small, language):
    app = open_page(small, lang=language)
    said = words(language)

    assert not app.exception
    assert "Imaging *and* _more_" in html(app)
    assert said("retention.not_accepted") in html(app)
    assert metrics(app)[said("retention.held")][0] == "5.00"
    assert metrics(app)[said("retention.due_on")][0] == said("retention.no_due")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_warehouse_says_how_to_begin(open_page, tmp_path, language):
    app = open_page(tmp_path / "none", lang=language)

    assert not app.exception
    assert words(language)("empty.title") in html(app)


def test_the_headline_says_verdict_money_and_deduction_with_and_without_waivers(open_page):
    app = open_page(contract="C-1")
    said = metrics(app)

    assert not app.exception
    assert "Breaches" in html(app)
    assert said["Held"] == ("5,000.00", "of 5,000.00 CNY · released 0.00")
    assert said["Due"] == ("2026-06-01", "due 30 days ago")
    # Two late answers at 500 each; a third was waived, and 1500 would pass the cap.
    assert said["Proposed deduction"] == ("1,000.00", "without waivers 1,200.00 · cap 1,200.00")
    assert said["Proposed release"][0] == "4,000.00"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_narrow_reading_stands_beside_the_verdict_and_opens_its_rows(
    open_page, loaded, language
):
    book = queries.book(settings(loaded))
    found = asked.dossier_in_view(book, settings(loaded), "C-1", None, ())
    narrow = asked.narrow_reading(book, "C-1")
    rows = queries.tally(book, asked.counted_narrowly(found))
    app = open_page(contract="C-1", lang=language)

    reading = catalogue().figures["retention"].alternative
    assert reading is not None and reading.get(language) in html(app)
    assert rows == {state: narrow[state] for state in rows}
    assert narrow["met"] + narrow["breached"] + narrow["unknown"] > 0
    app.button(key="open_narrow").click().run()
    assert not app.exception
    assert words(language)("drawer.rows", n=sum(rows.values())) in html(app)


def test_the_checklist_counts_what_arose_up_to_the_due_date(open_page):
    app = open_page(contract="C-1")
    row = table(app, "counts").set_index("clause").loc[RESPONSE]

    # T-5 in time; T-1, T-2 late; T-3 late and waived; T-4 without an answer.
    assert row["counts"] == "1 / 4"
    assert (row["breached"], row["unknown"], row["excluded"]) == ("2 (3)", "1", 1)


def test_a_number_of_the_checklist_is_that_of_its_rows(open_page, loaded):
    book = queries.book(settings(loaded))
    found = asked.dossier_in_view(book, settings(loaded), "C-1", None, ())
    for one in found.clauses:
        held = queries.tally(book, asked.counted(found, one.clause))
        assert held == {state: getattr(one, state) for state in held}
    # T-7 came after the due date.
    every = queries.tally(book, queries.Selection("C-1", clauses=("sla.phone_support",)))
    counted = queries.tally(book, asked.counted(found, "sla.phone_support"))
    assert (every["met"], counted["met"]) == (1, 0)


def test_gaps_rejected_and_waiting_rows_and_logs_are_listed(open_page):
    app = open_page(contract="C-1")
    gaps = table(app, "decides")

    assert "T-4" in set(gaps["subject"]) | set(gaps.get("record", []))
    for said in ("tickets.csv, row 10", "tickets.csv, row 11", "U-9 is in no loaded log yet"):
        assert said in html(app)
    assert "not loaded" in set(table(app, "through")["through"])
    assert not app.get("download_button")[0].proto.disabled


def test_a_waiver_says_what_it_does(open_page):
    app = open_page(contract="C-1")
    listed = table(app, "effect").set_index("subject")

    assert listed.loc["T-3", "effect"] == "waives a breach"
    assert listed.loc["T-2", "effect"] == words("en")("retention.waiver_one_person")


def test_a_waiver_that_one_person_approves_is_refused(open_page):
    app = open_page(contract="C-1")
    app.selectbox(key="waiver_clause_C-1_0").set_value("sla.response").run()
    app.selectbox(key="waiver_subject_C-1_0_sla.response").set_value("T-1")
    app.text_area(key="waiver_reason_C-1_0").set_value("No power")
    app.text_input(key="waiver_requested_C-1_0").set_value("Chen")
    app.text_input(key="waiver_approved_C-1_0").set_value("chen")
    app.button(key="waiver_enter").click().run()

    assert not app.exception
    assert "both asks and approves" in app.error[0].value


def test_a_waiver_entered_counts_at_once(open_page, warehouse):
    app = open_page(warehouse, contract="C-1")
    app.selectbox(key="waiver_clause_C-1_0").set_value("sla.response").run()
    app.selectbox(key="waiver_subject_C-1_0_sla.response").set_value("T-1")
    app.text_area(key="waiver_reason_C-1_0").set_value("No power")
    app.text_input(key="waiver_requested_C-1_0").set_value("Chen")
    app.text_input(key="waiver_approved_C-1_0").set_value("He")
    app.date_input(key="waiver_on_C-1_0").set_value(date(2026, 6, 30))
    app.button(key="waiver_enter").click().run()

    assert not app.exception
    assert "Entered as batch" in app.success[0].value
    assert metrics(app)["Proposed deduction"][0] == "500.00"
    assert len(table(app, "effect")) == 3


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"prepared": "Lin", "approved": "Lin", "reasons": "x"}, "Prepared and approved by one"),
        ({"prepared": "Lin", "approved": "", "reasons": "x"}, "Name who prepared"),
        ({"prepared": "Lin", "approved": "Wang"}, "Write down the reason"),
    ],
)
def test_a_decision_that_may_not_be_taken_is_refused_with_a_sentence(open_page, values, said):
    app = open_page(contract="C-1")
    app.segmented_control(key="decision_action_C-1_0").set_value("release").run()
    fill_in(app, **values)

    assert not app.exception
    assert said in app.error[0].value


@pytest.mark.parametrize(
    ("amount", "said"),
    [("", "Say how much"), ("lots", "no amount"), ("5,000.01", "more than is held")],
)
def test_an_amount_that_is_not_held_is_refused(open_page, amount, said):
    app = open_page(contract="C-1")
    app.segmented_control(key="decision_action_C-1_0").set_value("partial").run()
    fill_in(app, prepared="Lin", approved="Wang", reasons="x", amount=amount)

    assert not app.exception
    assert said in app.error[0].value


def test_a_decision_is_shown_before_it_is_recorded_and_then_with_its_proof(open_page, warehouse):
    app = open_page(warehouse, contract="C-1")
    app.segmented_control(key="decision_action_C-1_0").set_value("partial").run()
    fill_in(
        app, prepared="Lin", approved="Wang <b>", reasons="Agreed *on* the phone\nSee the minutes",
        conditions="Mend U-1", amount="4,000",
    )  # fmt: skip

    assert not app.exception
    assert not decisions(Warehouse(settings(warehouse)))
    said = html(app)
    for line in ("4,000.00 CNY", "5,000.00 → 1,000.00", "Wang <b>", "See the minutes", "Mend U-1"):
        assert line in said
    assert words("en")("retention.unauthenticated_short") in said

    app.button(key="decision_record").click().run()
    (record,) = decisions(Warehouse(settings(warehouse)))

    assert not app.exception
    assert (record.amount, record.reasons) == (
        Decimal("4000.00"), ("Agreed *on* the phone", "See the minutes"),
    )  # fmt: skip
    assert record.checkpoint.text in [block.value for block in app.code]
    assert metrics(app)["Held"] == ("1,000.00", "of 5,000.00 CNY · released 4,000.00")
    assert list(table(app, "standing")["standing"]) == ["stands"]


def test_a_decision_is_corrected_by_another(open_page, warehouse):
    first = Decision("partial", "Lin", "Wang", Decimal("4000.00"), ("Agreed",))
    decide(settings(warehouse), "C-1", first)
    app = open_page(warehouse, contract="C-1")
    app.segmented_control(key="decision_action_C-1_0").set_value("partial").run()
    app.selectbox(key="decision_supersedes_C-1_0").set_value(1)
    fill_in(app, prepared="Lin", approved="Wang", reasons="A slip", amount="3,000")
    assert "1,000.00 → 2,000.00" in html(app)
    app.button(key="decision_record").click().run()

    assert not app.exception
    assert metrics(app)["Held"][0] == "2,000.00"
    assert list(table(app, "standing")["standing"]) == ["stands", "corrected"]


def change_cap(warehouse):
    """Loads another cap for C-1: its deduction is then 800 and no longer 1000."""
    file = warehouse.parent / "terms.csv"
    file.write_text("contract_id,term,value\nC-1,penalty_cap,800\n", encoding="utf-8")
    load(settings(warehouse), [file])


def test_the_draft_is_void_once_the_figures_are_others(open_page, warehouse):
    app = open_page(warehouse, contract="C-1")
    fill_in(app, prepared="Lin", approved="Wang", reasons="Too early to say")
    assert app.button(key="decision_record")
    change_cap(warehouse)
    app.run()

    assert not app.exception
    warned = app.warning[-1].value
    assert words("en")("retention.moved") in warned
    assert "1000.00 → 800.00" in warned
    assert metrics(app)["Proposed deduction"][0] == "800.00"
    assert app.button(key="decision_review")
    assert not decisions(Warehouse(settings(warehouse)))


def test_figures_that_change_while_it_is_recorded_are_shown_again(
    open_page, warehouse, monkeypatch
):
    def load_first(*arguments, **named):
        change_cap(warehouse)
        return decide(*arguments, **named)

    monkeypatch.setattr("dashboard.components.retention_decision.decide", load_first)
    app = open_page(warehouse, contract="C-1")
    fill_in(app, prepared="Lin", approved="Wang", reasons="Too early to say")
    app.button(key="decision_record").click().run()

    assert not app.exception
    assert "1000.00 → 800.00" in app.warning[-1].value
    assert metrics(app)["Proposed deduction"][0] == "800.00"
    assert app.button(key="decision_review")
    assert not decisions(Warehouse(settings(warehouse)))


def test_a_load_of_another_contract_leaves_the_draft_as_it_is(open_page, warehouse):
    app = open_page(warehouse, contract="C-1")
    fill_in(app, prepared="Lin", approved="Wang", reasons="Too early to say")
    file = warehouse.parent / "terms.csv"
    file.write_text("contract_id,term,value\nC-2,penalty_cap,800\n", encoding="utf-8")
    load(settings(warehouse), [file])
    app.run()
    app.button(key="decision_record").click().run()

    assert not app.exception
    (record,) = decisions(Warehouse(settings(warehouse)))
    assert (record.manifest, record.reasons) == (2, ("Too early to say",))


def test_later_evidence_stands_against_a_past_decision(open_page, warehouse):
    decide(
        settings(warehouse),
        "C-1",
        Decision("partial", "Lin", "Wang", Decimal("100.00"), ("Agreed",)),
    )
    corrected = (
        "ticket_id,contract_id,equipment_id,channel,service_type,reported_at,responded_at,"
        "resolved_at,outcome\nT-8,C-1,U-1,phone,software_fault,2025-07-08 08:00,"
        "2025-07-08 12:00,2025-07-08 13:00,fixed\n"
    )
    (warehouse.parent / "late.csv").write_text(corrected, encoding="utf-8")
    load(settings(warehouse), [warehouse.parent / "late.csv"], log="tickets")
    app = open_page(warehouse, contract="C-1")

    assert not app.exception
    assert "2 breached then, 3 now" in html(app)
    app.toggle(key="retention.then_1").set_value(True).run()
    then = table(app, "counts_then").set_index("clause").loc[RESPONSE]
    assert not app.exception
    assert (then["counts_then"], then["counts_now"]) == ("1 / 4", "1 / 5")


def test_the_chain_is_verified_and_what_was_changed_is_named(open_page, warehouse):
    decide(settings(warehouse), "C-1", Decision("defer", "Lin", "Wang", reasons=("Wait",)))
    app = open_page(warehouse)
    app.button(key="retention_verify").click().run()
    assert not app.exception
    assert "Records checked: 1;" in app.success[0].value

    file = warehouse / "decisions" / "1.json"
    file.write_text(file.read_text(encoding="utf-8").replace("Wait", "Wave"), encoding="utf-8")
    app.button(key="retention_verify").click().run()
    assert not app.exception
    assert app.error


def test_a_record_that_cannot_be_read_is_said_and_found(open_page, warehouse):
    (warehouse / "decisions").mkdir()
    (warehouse / "decisions" / "1.json").write_text("{", encoding="utf-8")
    app = open_page(warehouse, contract="C-1")

    assert not app.exception
    assert "1.json cannot be read" in app.error[0].value
    assert set(table(app, "retention_amount")["held"]) == {"—"}
    app.button(key="retention_verify").click().run()
    assert not app.exception
    assert len(app.error) > 1
