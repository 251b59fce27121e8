"""The delivery and people page: figures one can count by hand, and that each opens its rows."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import navigation, queries
from dashboard.queries import STATES, Book, Selection
from dashboard.queries import delivery as asked
from dashboard.texts import words
from etl.intake.load import load
from tests.dashboard_data import settings

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
CONTRACTS = """contract_id,amount,bid_on,awarded_on,accepted_on,service_manager,service_office
C-1,1000,2025-10-01,2025-11-01,2026-01-01,Ms Wu,
C-2,1000,2025-10-01,2026-02-01,2026-01-01,,Main St
"""
# U-2 has no certificate and was checked after it left; U-3 is still to be accepted.
EQUIPMENT = """equipment_id,contract_id,department,delivered_on,commissioned_on,accepted_on,\
brand_new,quality_certificate_no,supply_certificate_no,accessories_complete,packaging_sealed,\
pre_shipment_check_on,acceptance_result,delivery_charge
U-1,C-1,Ward,2025-12-20,2025-12-28,2026-01-01,true,Q1,S1,true,true,2025-12-01,pass,0
U-2,C-1,Ward,2025-12-20,2025-12-28,2026-01-01,true,,S2,true,true,2025-12-24,pass,0
U-3,C-2,Lab,2025-12-20,,,true,Q3,S3,true,true,2025-12-01,,
"""
# E-1 is in order, E-2's permit ended on 31 January, E-9 is not in the register.
PERSONNEL = """engineer_id,name,approved_on,assessed_on,permit_no,permit_from,permit_until,\
nda_signed_on
E-1,<i>Li</i>,2025-12-01,2025-12-02,P1,2025-12-03,2026-05-31,2025-12-01
E-2,Qi,2025-12-01,2025-12-02,P2,2025-12-03,2026-01-31,2025-12-01
"""
TICKETS = """ticket_id,equipment_id,service_type,engineer_id,reported_at,onsite_at
T-1,U-1,software_fault,E-1,2026-01-10 08:00,2026-01-10 09:00
T-2,U-1,software_fault,E-1,2026-01-10 10:00,2026-01-10 11:00
T-3,U-1,software_fault,E-2,2026-01-20 08:00,2026-01-20 09:00
T-4,U-1,software_fault,E-2,2026-02-20 08:00,2026-02-20 09:00
T-5,U-1,software_fault,E-9,2026-03-20 08:00,2026-03-20 09:00
"""
TRAINING = """session_id,contract_id,held_on,topics
S-1,C-1,2026-01-11,运行操作
S-2,C-1,2026-02-10,维修保养
"""
SAMPLES = """test_id,contract_id,parameter,promised,measured,conforms,tested_on,cost_borne_by
X-1,C-1,Power,<= 60,54,true,2025-11-10,供应商
X-2,C-1,Noise,<= 30,31,false,2025-11-10,供应商
"""
PERIODS = """period_id,contract_id,name,starts_at,plan_filed_on
M-1,C-1,Congress,2026-02-01 08:00,2026-01-20
M-2,C-1,Review,2026-05-01 08:00,
"""
COMPLAINTS = """complaint_id,contract_id,category,upheld,received_at
K-1,C-1,行为,true,2026-02-03 08:00
"""
COVERAGE = "log,through_at\ntickets,2026-03-31\ncomplaints,2026-03-31\ntraining,2026-03-31\n"
EVERY = Selection()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("delivery")
    exports = folder / "exports"
    exports.mkdir()
    for name, text in (
        ("contracts", CONTRACTS),
        ("equipment", EQUIPMENT),
        ("personnel", PERSONNEL),
        ("tickets", TICKETS),
        ("training", TRAINING),
        ("sample_tests", SAMPLES),
        ("special_periods", PERIODS),
        ("complaints", COMPLAINTS),
        ("coverage", COVERAGE),
    ):
        (exports / f"{name}.csv").write_text(text, encoding="utf-8")
    load(settings(folder / "warehouse"), [exports])
    return folder / "warehouse"


@pytest.fixture(scope="module")
def book(warehouse: Path) -> Iterator[Book]:
    yield queries.book(settings(warehouse))
    st.cache_resource.clear()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, warehouse: Path) -> Callable[..., AppTest]:
    def opened(**query: str) -> AppTest:
        entry = next(entry for entry in navigation.PAGES if entry.path == "delivery")
        monkeypatch.setattr(navigation, "chosen", lambda _words: entry)
        monkeypatch.setenv("KEPT_WAREHOUSE", str(warehouse))
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in {"lang": "en", "period": "all", **query}.items():
            app.query_params[name] = value
        return app.run()

    return opened


def html(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def test_the_matrix_holds_the_units_that_lack_something(book):
    found = asked.units(book, EVERY)

    assert list(found["equipment_id"]) == ["U-2"]
    row = found.iloc[0]
    assert (row["new_certified"], row["checked_before_shipping"]) == ("unknown", "breached")
    assert (row["conforms"], row["lacking"]) == ("met", 2)
    assert asked.lacking_units(book, EVERY) == 1
    assert asked.lacking_units(book, Selection(contract="C-2")) == 0


def test_every_cell_of_the_matrix_opens_its_obligation(book):
    for clause in asked.UNIT_CLAUSES:
        state = asked.units(book, EVERY).iloc[0][clause.split(".")[1]]
        cell = Selection(clauses=(clause,), subject="U-2")
        assert queries.tally(book, cell) == {one: int(one == state) for one in STATES}
    lacking = Selection(clauses=asked.UNIT_CLAUSES, states=("breached", "unknown"))
    assert sum(queries.tally(book, lacking).values()) == 2


def test_days_on_duty_are_counted_once_per_engineer_and_open_their_days(book):
    found = asked.duty(book, EVERY, asked.PERMIT, 9).set_index(["engineer_id", "month"])

    assert dict(found["days"]) == {
        ("E-1", "2026-01"): 1,
        ("E-2", "2026-01"): 1,
        ("E-2", "2026-02"): 1,
        ("E-9", "2026-03"): 1,
    }
    assert found.loc[("E-2", "2026-02"), "breached"] == 1
    assert found.loc[("E-9", "2026-03"), "unknown"] == 1
    for clause in (asked.PERMIT, asked.CONFIDENTIALITY):
        for row in asked.duty(book, EVERY, clause, 9).to_dict("records"):
            cell = Selection(
                first=row["month"],
                last=row["month"],
                clauses=(clause,),
                subject=row["engineer_id"],
            )
            assert queries.tally(book, cell) == {state: row[state] for state in STATES}


def test_who_is_not_in_order_comes_first(book):
    found = asked.engineers(book, EVERY, asked.PERMIT, 2)

    assert list(found["engineer_id"]) == ["E-2", "E-9"]
    assert int(found["of_all"][0]) == 3
    assert set(asked.duty(book, EVERY, asked.PERMIT, 1)["engineer_id"]) == {"E-2"}


def test_an_engineer_outside_the_register_is_listed(book):
    found = asked.unlisted(book, EVERY)

    assert found[["engineer_id", "contract_id", "days"]].values.tolist() == [["E-9", "C-1", 1]]
    assert asked.unlisted(book, Selection(contract="C-2")).empty


def test_permits_that_end_within_ninety_days_are_listed(book):
    # As of 20 March: E-1's ends on 31 May, 72 days later; E-2's has ended.
    found = asked.expiring(book, EVERY)

    assert found[["engineer_id", "days_left"]].values.tolist() == [["E-1", 72]]


def test_training_is_told_against_its_due(book):
    found = asked.training(book, Selection(contract="C-1")).set_index("topic")

    assert list(found.index) == ["operation", "maintenance", "troubleshooting"]
    assert list(found["taken"]) == [10, 40, 78]
    assert set(found["allowed"]) == {30}
    assert list(found["state"]) == ["met", "breached", "breached"]


def test_samples_contracts_and_meetings_carry_their_states(book):
    tests = asked.sample_tests(book, EVERY)
    assert tests[["test_id", "state"]].values.tolist() == [["X-2", "breached"], ["X-1", "met"]]

    agreed = asked.contracts(book, EVERY).set_index("contract_id")
    assert list(agreed["guarantee"]) == ["met", "unknown"]
    assert f"{agreed.loc['C-1', 'valid_until']:%Y-%m-%d}" == "2025-11-30"

    meetings = asked.special_periods(book, EVERY)
    assert meetings[["period_id", "ahead", "state"]].values.tolist() == [
        ["M-2", True, "pending"],
        ["M-1", False, "met"],
    ]


def test_the_rows_of_a_table_are_the_obligations_of_its_clause(book):
    for clause, rows in (
        ("delivery.sample_test", asked.sample_tests(book, EVERY)),
        ("sla.special_period", asked.special_periods(book, EVERY)),
        ("people.training", asked.training(book, EVERY)),
    ):
        held = queries.tally(book, Selection(clauses=(clause,)))
        assert held == {state: int((rows["state"] == state).sum()) for state in STATES}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_opens_and_its_legends_open_rows(open_page, language):
    app = open_page(lang=language)
    assert not app.exception
    assert "<i>Li" not in html(app)

    app.button(key="legend_papers_breached").click().run()
    assert not app.exception
    assert words(language)("drawer.rows", n=1) in html(app)


def test_the_other_paper_has_its_own_days(open_page):
    app = open_page()
    assert app.button(key="legend_duty_breached").label.endswith("1 days")
    app.segmented_control(key="delivery_paper").set_value(asked.CONFIDENTIALITY).run()

    assert not app.exception
    assert app.button(key="legend_duty_met").label.endswith("3 days")


def test_without_anything_lacking_the_departments_are_shown(open_page):
    app = open_page(contract="C-2")

    assert not app.exception
    assert words("en")("delivery.nothing_lacking") in {one.value for one in app.caption}


def test_a_department_says_where_it_does_not_narrow(open_page):
    app = open_page(department="Ward")

    assert not app.exception
    assert html(app).count(words("en")("delivery.no_department")) >= 5
    assert app.button(key="legend_duty_breached").label.endswith("1 days")
