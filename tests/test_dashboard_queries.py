"""The numbers of the dashboard, and that each opens exactly the rows it counts."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
import streamlit as st

from dashboard import queries
from dashboard.queries import STATES, Book, Selection
from dashboard.texts import Words, plain, words
from tests import dashboard_data

RESPONSE = Selection(clauses=("sla.response",))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    warehouse = dashboard_data.make_warehouse(tmp_path_factory.mktemp("queries"))
    yield queries.book(dashboard_data.settings(warehouse))
    st.cache_resource.clear()


def total(frame: pd.DataFrame) -> dict[str, int]:
    return {state: int(frame[state].sum()) for state in STATES}


def test_the_counts_are_those_one_counts_by_hand(book):
    counted = queries.counts(book, RESPONSE, ("contract_id",)).set_index("contract_id")

    assert list(counted.loc["C-1", ["met", "breached", "unknown", "due"]]) == [74, 6, 0, 80]
    assert list(counted.loc["C-2", ["met", "breached", "unknown", "due"]]) == [80, 0, 0, 80]
    june = queries.counts(book, RESPONSE.but(contract="C-1", first="2026-06", last="2026-06"))
    assert june["rate"].iloc[0] == 0.7
    assert june["low"].iloc[0] == pytest.approx(0.396778, abs=1e-6)
    assert june["high"].iloc[0] == pytest.approx(0.892209, abs=1e-6)


def test_nothing_due_is_no_rate(book):
    none = queries.counts(book, RESPONSE.but(first="2020-01", last="2020-02"))

    assert total(none) == dict.fromkeys(STATES, 0)
    assert none["rate"].isna().all()


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        RESPONSE,
        Selection(contract="C-1"),
        Selection(department="=Emergency"),
        Selection(first="2026-03", last="2026-06"),
        Selection(first="2026-12", last="2026-12"),
        RESPONSE.but(channel="email", first="2026-02", last="2026-08"),
        RESPONSE.but(category="Scanner", contract="C-1"),
        RESPONSE.but(service_type="hardware_fault"),
        RESPONSE.but(department="Ward", channel="phone"),
        Selection(channel=""),
    ],
)
def test_a_number_opens_exactly_its_rows(book, selection):
    assert queries.tally(book, selection) == total(queries.counts(book, selection))
    for by in (("clause",), ("contract_id", "month"), ("department",)):
        assert queries.tally(book, selection) == total(queries.counts(book, selection, by))


@pytest.mark.parametrize(
    "by",
    [
        ("contract_id",), ("clause",), ("department",), ("category",), ("channel",),
        ("service_type",), ("department", "month"), ("weekday", "hour"),
    ],
)  # fmt: skip
def test_every_mark_of_a_chart_opens_exactly_its_rows(book, by):
    for row in queries.counts(book, RESPONSE, by).to_dict("records"):
        narrowed = RESPONSE
        for name in by:
            if name == "month":
                narrowed = narrowed.but(first=row["month"], last=row["month"])
            elif name == "contract_id":
                narrowed = narrowed.but(contract=row["contract_id"])
            elif name == "clause":
                narrowed = narrowed.but(clauses=(row["clause"],))
            else:
                narrowed = narrowed.but(**{name: row[name]})
        assert queries.tally(book, narrowed) == {state: row[state] for state in STATES}
        for state in STATES:
            rows = queries.rows(book, narrowed.but(states=(state,)))
            assert len(rows) == row[state]


def test_every_bar_of_the_durations_opens_exactly_its_rows(book):
    taken = queries.durations(book, RESPONSE)

    assert int(taken["obligations"].sum()) == 160
    for bucket, obligations in zip(taken["bucket"], taken["obligations"], strict=True):
        upper = None if bucket >= 60 else int(bucket)
        narrowed = RESPONSE.but(from_bucket=int(bucket), to_bucket=upper)
        assert sum(queries.tally(book, narrowed).values()) == obligations


def test_rows_come_in_pages_that_leave_none_out(book):
    every = [
        subject
        for skip in range(0, 160, 50)
        for subject in queries.rows(book, RESPONSE, skip=skip, limit=50)["subject"]
    ]

    assert len(every) == len(set(every)) == 160


def test_newly_broken_is_what_fell_due_in_the_last_days_of_the_data(book):
    recent = Selection(
        clauses=("sla.response",),
        states=("breached",),
        fell_due_after=book.as_of - timedelta(days=30),
        falls_due_until=book.as_of,
    )

    assert sorted(queries.rows(book, recent)["subject"]) == ["A0700", "A0701"]


def test_another_as_of_is_another_book(book, tmp_path):
    warehouse = dashboard_data.make_warehouse(tmp_path)
    settings = dashboard_data.settings(warehouse)
    june = queries.book(settings, datetime(2026, 6, 30).date())

    assert june.as_of == datetime(2026, 6, 30, 23, 59, 59)
    assert june.horizon_at == queries.book(settings).horizon_at
    assert queries.counts(june, RESPONSE)["due"].iloc[0] == 120


def test_verdicts_follow_each_contracts_target(book):
    found = queries.verdicts(book, RESPONSE).set_index("contract_id")["verdict"]
    assert dict(found) == {"C-1": "kept", "C-2": "kept"}

    june = queries.verdicts(book, RESPONSE.but(first="2026-06", last="2026-06"))
    assert list(june["verdict"]) == ["broken", "kept"]


def test_a_log_that_was_never_loaded_is_no_evidence(book):
    found = queries.verdicts(book, Selection(clauses=("inspection.monthly",)))

    assert set(found["verdict"]) == {"no_evidence"}


def test_a_cell_of_the_board_is_its_worst_clause(book):
    cells = queries.board(book, Selection(first="2026-06", last="2026-06"))
    one = cells[(cells["group"] == "sla") & (cells["contract_id"] == "C-1")].iloc[0]

    assert one["verdict"] == "broken"
    assert 0 < one["part"] <= one["whole"]


def test_the_targets_in_view_are_ordered_and_each_there_once(book):
    assert queries.targets(book, Selection(), "sla.response") == (Decimal("0.9"),)
    assert queries.targets(book, Selection(), "sla.onsite") == (Decimal(1),)


def test_no_cell_of_a_download_is_a_formula(book):
    made = queries.download(book, Selection(department="=Emergency"))()
    rows = list(csv.DictReader(io.StringIO(made.decode("utf-8-sig"))))

    assert rows and {row["department"] for row in rows} == {"'=Emergency"}
    dangerous = ["=1", "+1", "-1", "@x", "\tx", "\rx", "fine", None]
    cells = queries.csv(pd.DataFrame({"cell": dangerous, "n": range(8)})).decode("utf-8-sig")
    read = [row["cell"] for row in csv.DictReader(io.StringIO(cells, newline=""))]
    assert read == ["'=1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "fine", ""]


def test_tickets_are_found_by_their_own_and_by_their_units_identifier(book):
    assert list(queries.tickets(book, "a0503", Selection())["ticket_id"]) == ["A0503"]
    found = queries.tickets(book, "U-3", Selection())
    assert len(found) == queries.MOST_TICKETS
    assert queries.tickets(book, "U-3", Selection(contract="C-1")).empty
    assert queries.tickets(book, "' or 1=1 --", Selection()).empty


@pytest.mark.parametrize(
    ("met", "due", "target", "said"),
    [
        (19, 20, "0.95", "95.0%"),
        (9496, 10_000, "0.95", "94.96%"),
        (94_996, 100_000, "0.95", "94.996%"),
        (9_499_999, 10_000_000, "0.95", "94.999%"),
        (9999, 10_000, "0.95", "99.99%"),
        (10_000, 10_000, "0.95", "100.0%"),
        (1, 10_000, "0.95", "0.01%"),
        (0, 7, "1", "0.0%"),
        (0, 0, "1", "—"),
    ],
)
def test_a_rate_never_rounds_across_its_target(met, due, target, said):
    assert words("en").percent(met, due, Decimal(target)) == said


def test_both_languages_say_the_same_things():
    zh, en = words("zh"), words("en")

    assert list(zh.entries) == list(en.entries)
    assert all(zh.entries.values()) and all(en.entries.values())


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (45, "45 秒", "45 s"),
        (4260, "1 小时 11 分", "1 h 11 min"),
        (180_000, "2 天 2 小时", "2 d 2 h"),
    ],
)
def test_elapsed_time_is_said_in_its_two_largest_units(seconds, zh, en):
    assert words("zh").duration(seconds) == zh
    assert words("en").duration(seconds) == en


def test_a_label_shows_markdown_letter_by_letter():
    assert plain("Imaging *and* _more_ ![x](y)") == (
        "Imaging \\*and\\* \\_more\\_ \\!\\[x\\]\\(y\\)"
    )


def test_months_on_an_axis_name_their_year_once():
    said: Words = words("en")
    months = ["2025-11", "2025-12", "2026-01", "2026-02"]

    assert said.month_ticks(months) == ["Nov<br>2025", "Dec", "Jan<br>2026", "Feb"]
