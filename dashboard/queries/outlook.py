"""What lies ahead and how well such forecasts did: from the forecast models, read as they are."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from dashboard.queries import (
    DOWNLOAD_ROWS,
    Book,
    Selection,
    after,
    csv_of,
    first_of,
    frame,
    shared,
)
from dashboard.queries.answers import per_view

AHEAD_MONTHS = 24
MOST_DUE = 200


def _where(selection: Selection, *, department: bool) -> tuple[str, list[object]]:
    conditions, parameters = shared(
        Selection(selection.contract, selection.department if department else None)
    )
    return " and ".join(conditions) or "true", parameters


@per_view()
def expiries(book: Book, selection: Selection) -> pd.DataFrame:
    """Warranties that end in each month ahead, the present one included.

    Columns: month, units (as extended so far), possible_units, expected with low and high (95 %):
    how many of units are likely not to be extended once more before.
    """
    where, parameters = _where(selection, department=True)
    return frame(
        book,
        f"""
        with summed as (
            select
                month, sum(units)::bigint as units, sum(possible_units)::bigint as possible_units,
                sum(expected) as expected, 1.96 * sqrt(sum(variance)) as spread,
            from forecast_expiry
            where origin_on = (select as_of::date from build) and {where}
            group by month
        )
        select
            month, units, possible_units, expected,
            greatest(0, expected - spread) as low, least(units, expected + spread) as high,
        from summed order by month limit {AHEAD_MONTHS:d}
        """,
        parameters,
    )


@per_view()
def expiries_tested(book: Book, selection: Selection) -> pd.DataFrame:
    """How earlier forecasts of warranty ends did, over the months that are over.

    Grain: origin day. Columns: origin_on, expected, low, high, actual.
    """
    where, parameters = _where(selection, department=True)
    return frame(
        book,
        f"""
        with summed as (
            select
                origin_on, sum(expected) as expected, 1.96 * sqrt(sum(variance)) as spread,
                sum(actual_units)::bigint as actual,
            from forecast_expiry
            where actual_units is not null and {where}
            group by origin_on
        )
        select origin_on, expected, expected - spread as low, expected + spread as high, actual,
        from summed order by origin_on
        """,
        parameters,
    )


@per_view()
def spares(book: Book, selection: Selection) -> pd.DataFrame:
    """Per contract: on_hand, needed, used_per_day, days_left with days_low and days_high."""
    where, parameters = _where(selection, department=False)
    return frame(
        book,
        f"""
        select contract_id, on_hand::double as on_hand, units_in_service,
            needed::double as needed, used_per_day, days_left, days_low, days_high,
        from forecast_spares
        where origin_on = (select as_of::date from build) and {where}
        order by days_left nulls last, contract_id
        """,
        parameters,
    )


@per_view()
def spares_tested(book: Book, selection: Selection) -> pd.DataFrame:
    """How earlier forecasts of the use in 30 days did: origin_on, contract_id, expected, low, high,
    actual.
    """
    where, parameters = _where(selection, department=False)
    return frame(
        book,
        f"""
        select origin_on, contract_id, expected_use as expected, use_low as low, use_high as high,
            actual_use::double as actual,
        from forecast_spares
        where actual_use is not null and {where}
        order by contract_id, origin_on
        """,
        parameters,
    )


@per_view()
def at_risk(book: Book, selection: Selection, days: int) -> pd.DataFrame:
    """Open obligations due within `days`, the likeliest to break first.

    Columns: contract_id, clause, subject, department, due_at, alike, broke, chance.
    """
    where, parameters = _where(selection, department=True)
    return frame(
        book,
        f"""
        select contract_id, clause, subject, department, due_at, alike, broke, chance,
        from obligation_at_risk
        where days_back = 0 and due_at < (? + to_days({days:d})) and {where}
        order by chance desc nulls last, due_at, clause, subject
        """,
        [book.as_of, *parameters],
    )


@per_view()
def at_risk_tested(book: Book, selection: Selection) -> dict[str, Any]:
    """How such forecasts did 30, 60 and 90 days ago: obligations, expected and broken."""
    where, parameters = _where(selection, department=True)
    found = frame(
        book,
        f"""
        select
            count(*)::bigint as obligations, sum(chance) as expected,
            sum(broken)::bigint as broken,
        from obligation_at_risk
        where days_back > 0 and broken is not null and chance is not null and {where}
        """,
        parameters,
    )
    return dict(found.iloc[0])


@per_view()
def falls_due(book: Book, selection: Selection) -> pd.DataFrame:
    """What falls due within 30 days, the soonest first, at most MOST_DUE rows: kind, contract_id,
    clause, subject, department, due_at, for an open obligation its chance to break, and of_all: how
    many there are.
    """
    sql, parameters = _falls_due(selection, MOST_DUE)
    return frame(book, sql, parameters)


def falls_due_csv(book: Book, selection: Selection) -> Callable[[], bytes]:
    """All of `falls_due` as CSV, made when it is called."""
    sql, parameters = _falls_due(selection, DOWNLOAD_ROWS)
    return csv_of(book, sql, parameters)


def _falls_due(selection: Selection, limit: int) -> tuple[str, list[object]]:
    conditions, parameters = shared(Selection(selection.contract))
    if selection.department is not None:
        conditions.append("(department is null or department = ?)")
        parameters.append(selection.department)
    sql = f"""
        with due as (
            select *, count(*) over () as of_all
            from falls_due where {" and ".join(conditions) or "true"}
            order by due_at, kind, contract_id, subject limit {limit:d}
        )
        select kind, contract_id, clause, subject, department, due_at, chance, of_all,
        from due
        left join (
            select contract_id, clause, subject, chance from obligation_at_risk where days_back = 0
        ) as risk using (contract_id, clause, subject)
        order by due_at, kind, contract_id, subject"""
    return sql, parameters


@per_view()
def signals(book: Book, selection: Selection) -> pd.DataFrame:
    """How often each signal shows in the months in view: signal, tickets, contracts."""
    where, parameters = _of_signals(selection)
    return frame(
        book,
        f"""
        select signal, count(*)::bigint as tickets, count(distinct contract_id) as contracts,
        from signal where {where} group by signal order by signal
        """,
        parameters,
    )


@per_view()
def signal_rows(book: Book, selection: Selection, signal: str) -> pd.DataFrame:
    """The rows of one signal, the latest first: subject, contract_id, department, equipment_id,
    engineer_id, found_at, beside, alike.
    """
    where, parameters = _of_signals(selection)
    return frame(
        book,
        f"""
        select subject, contract_id, department, equipment_id, engineer_id, found_at, beside, alike,
        from signal where signal = ? and {where} order by found_at desc, subject limit 1000
        """,
        [signal, *parameters],
    )


def _of_signals(selection: Selection) -> tuple[str, list[object]]:
    conditions, parameters = shared(Selection(selection.contract, selection.department))
    for sql, day in (
        ("found_at >= ?", selection.first and first_of(selection.first)),
        ("found_at < ?", selection.last and after(selection.last)),
    ):
        if day is not None:
            conditions.append(sql)
            parameters.append(day)
    return " and ".join(conditions) or "true", parameters


@per_view()
def sensitivity(book: Book, selection: Selection) -> pd.DataFrame:
    """What each verdict for the retention money would be otherwise: scenario (half, double,
    reading), contract_id, clause, term, value, other_value, verdict, other_verdict, counts.
    """
    where, parameters = _where(selection, department=False)
    return frame(
        book,
        f"""
        select scenario, contract_id, clause, term, value::varchar as value,
            other_value::varchar as other_value, verdict, other_verdict,
            met, breached, unknown, pending, excluded,
        from sensitivity where {where} order by contract_id, clause, scenario
        """,
        parameters,
    )


@per_view()
def undecided(book: Book, selection: Selection) -> pd.DataFrame:
    """The undecided clauses of the retention money: contract_id, clause, met, breached, unknown,
    to_keep, to_break.
    """
    where, parameters = _where(selection, department=False)
    return frame(
        book,
        f"""
        select contract_id, clause, met, breached, unknown, to_keep, to_break,
        from undecided where {where} order by contract_id, clause
        """,
        parameters,
    )
