"""Availability: how long units served and stood still, the units and the faults behind it."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from dashboard.queries import (
    DOWNLOAD_ROWS,
    Book,
    Selection,
    after,
    among,
    contracts,
    csv_of,
    cube,
    first_of,
    frame,
    loaded,
    shared,
    summed,
    worst,
)
from dashboard.queries.answers import per_generation, per_view
from dashboard.queries.cube import Cube
from etl.catalogue import catalogue

TARGET = "availability_target"
PAGE_UNITS = 100
_MEASURES = (
    "units", "open_units", "open_seconds", "service_seconds", "down_seconds", "covered_seconds",
    "cover_service_seconds", "cover_down_seconds", "faults", "counted_faults", "repairs",
    "repair_seconds",
)  # fmt: skip
_FAULT = """
    ticket_id, contract_id, equipment_id, department, category, reported_at, end_at,
    case when reported_latest_at is null and end_latest_at is null
        then date_diff('second', reported_at, end_at) / 3600.0 end as repair_hours, outcome"""
_DERIVED = """
    known_seconds - down_seconds as up_seconds,
    cover_service_seconds - cover_down_seconds + covered_seconds as served_seconds,
    (known_seconds - down_seconds) / nullif(known_seconds, 0)::double as availability,
    (cover_service_seconds - cover_down_seconds + covered_seconds)
        / nullif(cover_service_seconds, 0)::double as availability_with_loaner,"""


def _in_months(selection: Selection) -> tuple[str, list[object]]:
    """The condition of `selection` on what has a month."""
    conditions, parameters = shared(selection)
    for sql, value in (("month >= ?", selection.first), ("month <= ?", selection.last)):
        if value is not None:
            conditions.append(sql)
            parameters.append(value)
    return " and ".join(conditions) or "true", parameters


def _reported(selection: Selection) -> tuple[str, list[object]]:
    """The same condition on the faults, by the day of their report."""
    conditions, parameters = shared(selection)
    for sql, day in (
        ("arose_on >= ?", selection.first and first_of(selection.first)),
        ("arose_on < ?", selection.last and after(selection.last)),
    ):
        if day is not None:
            conditions.append(sql)
            parameters.append(day)
    return " and ".join(conditions) or "true", parameters


@per_view(256)
def measured(book: Book, selection: Selection, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Availability summed over units, grouped by `by` (contract_id, month, department, category).

    Columns: `by` (an empty one is ""), units (unit-months: units where one month is meant),
    service, down, covered, up, cover_service and served (up or covered) seconds: the latter two
    over the unit-months whose covered time is known; availability = up ÷ service and
    availability_with_loaner = served ÷ cover_service (null without any), hardware faults, repairs
    (those whose time is known), mttr_seconds = Σ repair time ÷ repairs, mtbf_seconds = Σ (service −
    down) ÷ the faults of units whose downtime is known. open_units and open_seconds are the
    unit-months, and their service, whose downtime the log leaves open; all other sums leave them
    out.
    """
    of_department = "department" in by or selection.department is not None
    of_category = "category" in by or selection.category is not None
    if not (of_department and of_category):
        held = _departments(book) if of_department else _fleet(book)
        return _derived(held.sums(by, among(selection), selection.first, selection.last))
    return _derived(summed(book, "availability_slice", by, _MEASURES, *_in_months(selection)))


@per_generation
def _fleet(book: Book) -> Cube:
    return cube(book, "availability_fleet", ("contract_id", "month", "category"), _MEASURES)


@per_generation
def _departments(book: Book) -> Cube:
    by = ("contract_id", "month", "department")
    return Cube.of(summed(book, "availability_slice", by, _MEASURES, "true", []), _MEASURES)


def _derived(sums: pd.DataFrame) -> pd.DataFrame:
    """Adds what follows from the sums; a quotient is empty where nothing divides it."""
    service, down = sums["service_seconds"], sums["down_seconds"]
    up = service - down
    covered = sums["cover_service_seconds"]
    served = covered - sums["cover_down_seconds"] + sums["covered_seconds"]
    return sums.assign(
        up_seconds=up,
        served_seconds=served,
        availability=up / service.where(service > 0),
        availability_with_loaner=served / covered.where(covered > 0),
        mttr_seconds=_quotient(sums["repair_seconds"], sums["repairs"]),
        mtbf_seconds=_quotient(up.where(service > 0), sums["counted_faults"]),
    )


def _quotient(part: pd.Series, whole: pd.Series) -> pd.Series:
    return (part / whole.where(whole > 0)).round()


@per_view(128)
def units(
    book: Book,
    selection: Selection,
    *,
    down_only: bool = False,
    skip: int = 0,
    limit: int = PAGE_UNITS,
) -> pd.DataFrame:
    """Units in service in the months of `selection`, the longest down first.

    Columns: equipment_id, contract_id, department, category, service seconds; known_seconds: the
    service of the months whose downtime is known; down and up seconds over these; cover_service,
    cover_down, covered and served seconds over the months whose covered time is known (empty where
    none is); service_days, down_hours, covered_hours, both availabilities, open_months: months
    whose downtime is not known; the hardware faults reported on the unit in these months;
    of_units: how many there are in all.
    """
    where, parameters = _in_months(selection)
    chosen = frame(
        book,
        f"""
        select equipment_id, count(*) over () as of_units from availability
        where {where} {"and down_seconds > 0" if down_only else ""}
        group by equipment_id order by sum(down_seconds) desc nulls last, equipment_id
        limit {limit:d} offset {skip:d}
        """,
        parameters,
    )
    # The mart lies in the order of the units: named one by one, they are found without a scan.
    named = list(chosen["equipment_id"]) or [None]
    sql, values = _units(selection, f"equipment_id in ({', '.join('?' * len(named))})", named)
    found = frame(book, sql, values)
    return found.assign(of_units=chosen["of_units"].iloc[0] if len(chosen) else 0)


def units_csv(book: Book, selection: Selection) -> Callable[[], bytes]:
    """All of `units` as CSV, made when it is called."""
    sql, parameters = _units(selection, "true", [])
    return csv_of(book, f"{sql} limit {DOWNLOAD_ROWS:d}", parameters)


def _units(selection: Selection, among: str, named: list[object]) -> tuple[str, list[object]]:
    where, parameters = _in_months(selection)
    reported, when = _reported(Selection(first=selection.first, last=selection.last))
    sql = f"""
        with summed as (
            select
                equipment_id, any_value(contract_id) as contract_id,
                any_value(department) as department, any_value(category) as category,
                sum(service_seconds)::bigint as service_seconds,
                sum(service_seconds) filter (where down_seconds is not null)::bigint
                    as known_seconds,
                sum(down_seconds)::bigint as down_seconds,
                sum(service_seconds) filter (where covered_seconds is not null)::bigint
                    as cover_service_seconds,
                sum(down_seconds) filter (where covered_seconds is not null)::bigint
                    as cover_down_seconds,
                sum(covered_seconds)::bigint as covered_seconds,
                count(*) filter (where down_seconds is null) as open_months,
            from availability where {where} and {among} group by equipment_id
        ),
        fault as (
            select equipment_id, count(*) as faults from fact_repair
            where reading = 0 and {reported} and {among} group by equipment_id
        )
        select summed.*, {_DERIVED}
            service_seconds / 86400.0 as service_days,
            down_seconds / 3600.0 as down_hours,
            covered_seconds / 3600.0 as covered_hours,
            coalesce(faults, 0)::bigint as faults,
        from summed left join fault using (equipment_id)
        order by down_seconds desc nulls last, equipment_id"""
    return sql, [*parameters, *named, *when, *named]


@per_view(256)
def unit_count(book: Book, selection: Selection, *, down_only: bool = False) -> int:
    """How many rows `units` has."""
    where, parameters = _in_months(selection)
    if down_only:
        where += " and down_seconds > 0"
    found = frame(
        book,
        f"select count(distinct equipment_id) as n from availability where {where}",
        parameters,
    )
    return int(found["n"].iloc[0])


@per_view()
def faults(
    book: Book,
    selection: Selection,
    *,
    finished: bool = False,
    skip: int = 0,
    limit: int = PAGE_UNITS,
) -> pd.DataFrame:
    """Hardware faults reported in the months of `selection` (`finished`: the repairs among
    them whose time is known).

    Columns: ticket_id, contract_id, equipment_id, department, category, reported_at, end_at,
    repair_hours, outcome; the latest first.
    """
    sql, parameters = _faults(selection, finished)
    return frame(book, f"{sql} limit {limit:d} offset {skip:d}", parameters)


def faults_csv(book: Book, selection: Selection, *, finished: bool = False) -> Callable[[], bytes]:
    """All of `faults` as CSV, made when it is called."""
    sql, parameters = _faults(selection, finished)
    return csv_of(book, f"{sql} limit {DOWNLOAD_ROWS:d}", parameters)


def _faults(selection: Selection, finished: bool) -> tuple[str, list[object]]:
    where, parameters = _reported(selection)
    known = "and repair_seconds is not null" if finished else ""
    sql = f"""
        select {_FAULT},
        from fact_repair where reading = 0 and {where} {known}
        order by reported_at desc, ticket_id"""
    return sql, parameters


@per_generation
def _early(book: Book) -> Cube:
    found = frame(
        book,
        """
        select contract_id, department, category,
            count(distinct equipment_id) filter (where watched) as units,
            count(ticket_id) filter (where watched) as faults,
            count(distinct equipment_id) filter (where not watched) as unwatched,
        from early_fault group by all
        """,
    )
    return Cube.of(found, ("units", "faults", "unwatched"))


@per_view()
def early(book: Book, selection: Selection) -> pd.DataFrame:
    """Faults of the first 90 days after acceptance, of whatever period, by category.

    Columns: category ("" without one), units watched through their 90 days, their faults, unwatched
    units, which are in neither, and per_unit = faults ÷ units; the highest first.
    """
    found = _early(book).sums(("category",), among(selection))
    found = found.assign(per_unit=found["faults"] / found["units"].where(found["units"] > 0))
    return found.sort_values("per_unit", ascending=False, kind="stable", ignore_index=True)


@per_view()
def early_faults(
    book: Book, selection: Selection, *, skip: int = 0, limit: int = PAGE_UNITS
) -> pd.DataFrame:
    """The faults that `early` counts, the latest first: the columns of `faults`, and days: after
    acceptance.
    """
    sql, parameters = _early_faults(selection)
    return frame(book, f"{sql} limit {limit:d} offset {skip:d}", parameters)


def early_faults_csv(book: Book, selection: Selection) -> Callable[[], bytes]:
    """All of `early_faults` as CSV, made when it is called."""
    sql, parameters = _early_faults(selection)
    return csv_of(book, f"{sql} limit {DOWNLOAD_ROWS:d}", parameters)


def _early_faults(selection: Selection) -> tuple[str, list[object]]:
    conditions, parameters = shared(selection)
    sql = f"""
        select {_FAULT}, date_diff('day', accepted_on, reported_at::date) as days,
        from early_fault
        where {" and ".join(["watched", "ticket_id is not null", *conditions])}
        order by reported_at desc, ticket_id"""
    return sql, parameters


@per_generation
def _goals(book: Book) -> dict[str, tuple[Decimal, bool]]:
    found = frame(
        book,
        "select contract_id, value::varchar as value, assumed from contract_term where term = ?",
        [TARGET],
    )
    return {
        row["contract_id"]: (Decimal(row["value"]), bool(row["assumed"]))
        for row in found.to_dict("records")
    }


def _inside(book: Book, contract: str | None) -> list[str]:
    return [contract] if contract else list(contracts(book))


def targets(book: Book, contract: str | None) -> tuple[Decimal, ...]:
    """The availability targets of the contracts in view, each once, the lowest first."""
    known, default = _goals(book), catalogue().terms[TARGET].default
    assert default is not None
    found = {known.get(one, (default, True))[0] for one in _inside(book, contract)}
    return tuple(sorted(found)) or (default,)


def assumed(book: Book, contract: str | None) -> bool:
    """Whether a contract in view sets no target: then the figure is an assumption of ours."""
    known = _goals(book)
    return any(known.get(one, (None, True))[1] for one in _inside(book, contract))


@per_view()
def ticket_log_through(book: Book, selection: Selection) -> date | None:
    """The day on which the ticket log ends where that is before the last day in view, else None.

    After it nobody knows of a fault, or of a repair.
    """
    last = selection.last
    found = frame(
        book,
        f"""
        select min(through_at)::date as through_on from log_through
        where log = 'tickets' and {"contract_id = ?" if selection.contract else "true"}
        having min(through_at)::date < least(
            ?::date, coalesce(?::date + interval '1 month' - interval '1 day', ?::date)
        )
        """,
        [
            *([selection.contract] if selection.contract else []),
            book.as_of,
            last and first_of(last),
            book.as_of,
        ],
    )
    return None if found.empty else found["through_on"].iloc[0].date()


def standing(book: Book, row: Mapping[Any, Any], target: Decimal, *, complete: bool = True) -> str:
    """What `row` of `measured` comes to against `target`, in the words of a verdict.

    Where the ticket log ends before the period does, nothing is decided. Service of which nobody
    knows how much was downtime can turn it either way.
    """
    known, left_open = int(row["service_seconds"]), int(row["open_seconds"])
    if not known + left_open:
        return "no_activity"
    if "tickets" not in loaded(book) or not known:
        return "no_evidence"
    if not complete:
        return "undecided"
    needed = target * (known + left_open)
    if row["up_seconds"] >= needed:
        return "kept"
    return "broken" if row["up_seconds"] + left_open < needed else "undecided"


def standing_in_view(book: Book, selection: Selection) -> str:
    """What the contracts in view come to: on their sum where they share a target, else the worst
    of theirs.
    """
    complete = ticket_log_through(book, selection) is None
    goals = targets(book, selection.contract)
    if len(goals) == 1:
        row = measured(book, selection).to_dict("records")[0]
        return standing(book, row, goals[0], complete=complete)
    return worst(
        [
            standing(book, row, targets(book, row["contract_id"])[0], complete=complete)
            for row in measured(book, selection, ("contract_id",)).to_dict("records")
        ]
    )
