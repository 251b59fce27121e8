"""A link reproduces the view; what it says that does not exist is ignored and named."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.filters import STATUSES, Filters, beside_choices, parse
from dashboard.queries import Choices, Selection

CHOICES = Choices(
    contracts={"C-1": "One", "C-2": "Two"},
    departments=("A", "B&C=d"),
    months=("2025-11", "2025-12", "2026-01", "2026-02", "2026-03"),
    clauses=("sla.response", "sla.onsite"),
    horizon=date(2026, 3, 20),
)

views = st.builds(
    Filters,
    contract=st.sampled_from([None, *CHOICES.contracts]),
    department=st.sampled_from([None, *CHOICES.departments]),
    period=st.sampled_from(["3m", "6m", "12m", "all", "2025-11..2026-01", "2026-02..2026-02"]),
    as_of=st.none() | st.dates(date(2025, 11, 1), date(2026, 3, 20)),
    language=st.sampled_from(["zh", "en"]),
    clause=st.sampled_from([None, *CHOICES.clauses]),
    find=st.text(max_size=80),
    status=st.none() | st.sampled_from(STATUSES),
    unit=st.none() | st.text(min_size=1, max_size=200),
    beside=st.none() | st.sampled_from(beside_choices(CHOICES)),
)


@given(views)
def test_a_view_survives_the_url(view):
    read = parse(view.query(), CHOICES)

    assert read == view
    assert read.ignored == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("contract", "C-9"),
        ("department", "nowhere"),
        ("period", "5m"),
        ("period", "2026-13..2026-14"),
        ("period", "2026-03..2026-01"),
        ("as_of", "yesterday"),
        ("as_of", "1999-01-01"),
        ("lang", "fr"),
        ("clause", "__import__('os')"),
        ("status", "mended"),
        ("unit", "x" * 201),
        ("beside", "contract:C-9"),
    ],
)
def test_a_value_that_does_not_exist_is_ignored_and_named(name, value):
    read = parse({name: value, "contract" if name != "contract" else "department": "A"}, CHOICES)

    assert name in read.ignored
    assert parse({name: value}, CHOICES) == Filters()


def test_parameters_of_others_are_left_alone():
    assert parse({"utm_source": "mail", "embed": "true"}, CHOICES).ignored == ()


@given(st.dictionaries(st.sampled_from(["contract", "period", "as_of", "clause"]), st.text()))
def test_no_link_breaks_the_page(query):
    parse(query, CHOICES)


@pytest.mark.parametrize(
    ("period", "now", "before"),
    [
        ("3m", ("2026-01", "2026-03"), ("2025-10", "2025-12")),
        ("12m", ("2025-04", "2026-03"), ("2024-04", "2025-03")),
        ("2025-11..2026-02", ("2025-11", "2026-02"), ("2025-07", "2025-10")),
        ("all", (None, None), None),
    ],
)
def test_a_period_is_compared_with_the_equally_long_one_before(period, now, before):
    view = Filters(contract="C-1", period=period)

    assert view.selection("2026-03") == Selection("C-1", None, *now)
    assert view.before("2026-03") == (None if before is None else Selection("C-1", None, *before))


@pytest.mark.parametrize(
    ("beside", "compared"),
    [
        (None, None),
        ("before", Selection("C-1", "A", "2025-10", "2025-12")),
        ("contract:C-2", Selection("C-2", None, "2026-01", "2026-03")),
        ("department:B&C=d", Selection("C-1", "B&C=d", "2026-01", "2026-03")),
    ],
)
def test_a_view_is_compared_with_another_period_contract_or_department(beside, compared):
    view = Filters(contract="C-1", department="A", period="3m", beside=beside)

    assert view.compared("2026-03") == compared
