"""Inspections: the calendar of visits owed, and the visits behind its figures."""

from dataclasses import dataclass
from difflib import SequenceMatcher

import pandas as pd

from dashboard.queries import Book, Selection, after, among, first_of, frame, shared, within
from dashboard.queries.answers import per_generation, per_view
from dashboard.queries.cube import Cube

KINDS = {"monthly": ("monthly",), "windows": ("quarterly", "half_yearly")}
"""What the calendar can show: the monthly visits, or those with a window in the month."""
ITEMS = (
    "interviewed", "problems_checked", "maintained", "client_maintained", "feedback_heard",
)  # fmt: skip
ANSWERS = {"done": "{item}", "left_out": "not {item}", "not_stated": "{item} is null"}
STATUSES = ("done", "late", "missed", "undecided", "pending", "planned", "waived")
MOST_VISITS = 2_000
_TOLD = "kind in ('quarterly', 'half_yearly')"
_NAMES_ALIKE = 0.4
_MOST_ALIKE = 2
_PERFORMED_MONTH = "substr(performed_on::varchar, 1, 7)"
_PLANNED_MONTH = "substr(planned_on::varchar, 1, 7)"


@dataclass(frozen=True)
class Visits:
    """Which performed visits are meant; a field left empty does not narrow.

    - `item`, `answer`: one of the five items of a quarterly or half-yearly visit, and what the log
      says of it (see ANSWERS)
    - `days`: how many days its report took
    - `lead`: a quarterly or half-yearly visit so many days after the approval of its plan
    - `unapproved`: a quarterly or half-yearly visit without a date of approval
    - `month`: in which it was made and something was found; of planned ones, for which month
    - `unlisted`: to a department without units in the register
    - `planned`: instead, those planned for a month that has not begun
    """

    item: str | None = None
    answer: str | None = None
    days: int | None = None
    month: str | None = None
    unlisted: bool = False
    planned: bool = False
    lead: int | None = None
    unapproved: bool = False
    kinds: tuple[str, ...] = ()


def _where(
    book: Book, selection: Selection, what: Visits | None = None
) -> tuple[str, list[object]]:
    what = what or Visits()
    conditions, parameters = shared(
        Selection(contract=selection.contract, department=selection.department)
    )
    if what.kinds:
        conditions.append(f"kind in ({', '.join('?' * len(what.kinds))})")
        parameters += what.kinds
    if what.planned:
        conditions.append(f"performed_on is null and {_PLANNED_MONTH} > ?")
        parameters.append(f"{book.as_of:%Y-%m}")
        if what.month is not None:
            conditions.append(f"{_PLANNED_MONTH} = ?")
            parameters.append(what.month)
        return " and ".join(conditions), parameters
    conditions.append("performed_on is not null")
    for sql, value in (
        ("performed_on >= ?", selection.first and first_of(selection.first)),
        ("performed_on < ?", selection.last and after(selection.last)),
        (f"findings > 0 and {_PERFORMED_MONTH} = ?", what.month),
        ("date_diff('day', performed_on, report_delivered_on) = ?", what.days),
    ):
        if value is not None:
            conditions.append(sql)
            parameters.append(value)
    if what.item in ITEMS and what.answer is not None:
        conditions += [_TOLD, ANSWERS[what.answer].format(item=what.item)]
    if what.lead is not None:
        conditions.append(f"{_TOLD} and date_diff('day', plan_approved_on, performed_on) = ?")
        parameters.append(what.lead)
    if what.unapproved:
        conditions.append(f"{_TOLD} and plan_approved_on is null")
    if what.unlisted:
        conditions.append("not listed")
    return " and ".join(conditions), parameters


@per_view()
def visits(book: Book, selection: Selection, what: Visits) -> pd.DataFrame:
    """The visits that are meant, the latest first, at most MOST_VISITS: rows of fact_visit."""
    where, parameters = _where(book, selection, what)
    return frame(
        book,
        f"""
        select * exclude (listed, report_due_on) from fact_visit where {where}
        order by coalesce(performed_on, planned_on) desc, inspection_id limit {MOST_VISITS:d}
        """,
        parameters,
    )


@per_view()
def visit_count(book: Book, selection: Selection, what: Visits) -> int:
    """How many visits are meant."""
    where, parameters = _where(book, selection, what)
    return int(
        frame(book, f"select count(*) as n from fact_visit where {where}", parameters)["n"][0]
    )


def _of_calendar(selection: Selection, kind: str) -> tuple[str, list[object]]:
    conditions, parameters = shared(
        Selection(contract=selection.contract, department=selection.department)
    )
    conditions.append(f"kind in ({', '.join('?' * len(KINDS[kind]))})")
    parameters += KINDS[kind]
    for sql, value in (("month >= ?", selection.first), ("month <= ?", selection.last)):
        if value is not None:
            conditions.append(sql)
            parameters.append(value)
    return " and ".join(conditions), parameters


@per_view()
def calendar_counts(book: Book, selection: Selection, kind: str) -> dict[str, int]:
    """How many periods of `kind` (see KINDS) have each status, in the order of STATUSES."""
    where, parameters = _of_calendar(selection, kind)
    found = frame(
        book,
        f"select status, count(*) as n from inspection_calendar where {where} group by 1",
        parameters,
    )
    held = dict(zip(found["status"], found["n"].astype(int), strict=True))
    return {status: int(held.get(status, 0)) for status in STATUSES}


def calendar_places(book: Book, selection: Selection, kind: str, limit: int) -> pd.DataFrame:
    """Contract × department, those with the most missed first, then the most undecided.

    Columns: contract_id, department, and of_all: how many there are beyond `limit`.
    """
    periods = calendar(book, selection, kind, limit)
    return periods[["contract_id", "department", "of_all"]].drop_duplicates(ignore_index=True)


@per_view()
def calendar(book: Book, selection: Selection, kind: str, limit: int) -> pd.DataFrame:
    """The periods of `kind` of the first `limit` places, in the order of calendar_places.

    Columns: contract_id, department, kind, month, first_on, last_on, visited_on, planned_on,
    late_on, status, of_all.
    """
    where, parameters = _of_calendar(selection, kind)
    return frame(
        book,
        f"""
        with owed as (select * from inspection_calendar where {where}),
        place as (
            select
                contract_id, department, count(*) over () as of_all,
                row_number() over (
                    order by
                        count(*) filter (where state = 'breached') desc,
                        count(*) filter (where state = 'unknown') desc,
                        contract_id, department
                ) as rank,
            from owed group by contract_id, department
        )
        select owed.contract_id, owed.department, kind, month, first_on, last_on,
            visited_on, planned_on, late_on, status, of_all
        from owed join place on owed.contract_id = place.contract_id
            and owed.department is not distinct from place.department
        where rank <= {limit:d}
        order by rank, month
        """,
        parameters,
    )


@per_view()
def planned_ahead(book: Book, selection: Selection, kind: str) -> pd.DataFrame:
    """Visits planned for months that have not begun: contract_id, department, month, planned_on."""
    where, parameters = _where(book, selection, Visits(planned=True, kinds=KINDS[kind]))
    return frame(
        book,
        f"""
        select contract_id, department, {_PLANNED_MONTH} as month, min(planned_on) as planned_on
        from fact_visit where {where} group by 1, 2, 3 order by 1, 2, 3
        """,
        parameters,
    )


@per_view()
def five_items(book: Book, selection: Selection) -> pd.DataFrame:
    """The five items over the quarterly and half-yearly visits: item, and how often it was done,
    left_out, not_stated.
    """
    [found] = _sums(_visited(book), selection).to_dict("records")
    return pd.DataFrame(
        [(item, *(int(found[f"{answer}_{item}"]) for answer in ANSWERS)) for item in ITEMS],
        columns=["item", *ANSWERS],
    )


@per_view()
def unapproved(book: Book, selection: Selection) -> int:
    """How many quarterly and half-yearly visits are without a date of approval."""
    return int(_sums(_visited(book), selection)["unapproved"].iloc[0])


@per_view()
def findings(book: Book, selection: Selection) -> pd.DataFrame:
    """By month of the visit: month, visits, stated (how many say their findings), findings."""
    return _sums(_visited(book), selection, "month")[["month", "visits", "stated", "findings"]]


@per_view()
def report_days(book: Book, selection: Selection) -> pd.DataFrame:
    """Reports delivered by the days they took: days, visits, late (how many of them were)."""
    return _days(_reported(book), selection)


@per_view()
def approval_days(book: Book, selection: Selection) -> pd.DataFrame:
    """Quarterly and half-yearly visits by how long after the approval of their plan they came.

    Columns: days (negative: the approval came after the visit), visits, late (all of them or none).
    """
    return _days(_approved(book), selection)


def _days(cube: Cube, selection: Selection) -> pd.DataFrame:
    found = _sums(cube, selection, "days")
    return found.assign(days=found["days"].astype("int64"))


def _sums(cube: Cube, selection: Selection, *by: str) -> pd.DataFrame:
    place = Selection(contract=selection.contract, department=selection.department)
    return cube.sums(by, among(place), selection.first, selection.last)


@per_generation
def _visited(book: Book) -> Cube:
    measures = {
        "visits": "true",
        "stated": "findings is not null",
        "unapproved": f"{_TOLD} and plan_approved_on is null",
        **{
            f"{answer}_{item}": f"{_TOLD} and {condition.format(item=item)}"
            for item in ITEMS
            for answer, condition in ANSWERS.items()
        },
    }
    return _performed(
        book,
        "",
        {"findings": "coalesce(sum(findings), 0)::bigint"}
        | {name: f"count(*) filter (where {condition})" for name, condition in measures.items()},
    )


@per_generation
def _reported(book: Book) -> Cube:
    late = "count(*) filter (where report_delivered_on > report_due_on)"
    return _performed(
        book,
        "date_diff('day', performed_on, report_delivered_on)",
        {"visits": "count(*)", "late": late},
    )


@per_generation
def _approved(book: Book) -> Cube:
    late = "count(*) filter (where plan_approved_on > performed_on)"
    return _performed(
        book,
        f"case when {_TOLD} then date_diff('day', plan_approved_on, performed_on) end",
        {"visits": "count(*)", "late": late},
    )


def _performed(book: Book, days: str, measures: dict[str, str]) -> Cube:
    """The visits made, by contract, department and month, and by `days` where these are known."""
    by = f", {days} as days" if days else ""
    counted = ", ".join(f"{sql} as {name}" for name, sql in measures.items())
    found = frame(
        book,
        f"""
        select contract_id, department, {_PERFORMED_MONTH} as month{by}, {counted}
        from fact_visit where performed_on is not null{f" and {days} is not null" if days else ""}
        group by all
        """,
    )
    return Cube.of(found, list(measures))


def unlisted(book: Book, selection: Selection) -> pd.DataFrame:
    """Visits to departments without a unit in the register, by contract and department.

    Columns: contract_id, department, visits, first_on, last_on, alike (the closest departments
    with units, of the contract), missed (how many missed periods of the closest they fall into).
    """
    return within(_unlisted(book), selection.contract, selection.department)


@per_generation
def _unlisted(book: Book) -> pd.DataFrame:
    where, parameters = _where(book, Selection(), Visits(unlisted=True))
    found = frame(
        book,
        f"""
        select contract_id, department, count(*)::integer as visits,
            min(performed_on) as first_on, max(performed_on) as last_on
        from fact_visit where {where} group by 1, 2 order by visits desc, 1, 2
        """,
        parameters,
    )
    known = _known_departments(book, tuple(found["contract_id"].unique()))
    alike = [
        _alike(department, known.get(contract, []))
        for contract, department in zip(found["contract_id"], found["department"], strict=True)
    ]
    missed = [
        _missed(book, contract, department, close[0]) if close else 0
        for contract, department, close in zip(
            found["contract_id"], found["department"], alike, strict=True
        )
    ]
    return found.assign(alike=pd.Series(alike, dtype=object), missed=missed)


def _known_departments(book: Book, contracts: tuple[str, ...]) -> dict[str, list[str]]:
    known: dict[str, list[str]] = {}
    for contract in contracts:
        found = frame(
            book,
            "select distinct department from fact_unit where contract_id = ? order by 1",
            [contract],
        )
        known[contract] = list(found["department"])
    return known


def _alike(name: str, known: list[str]) -> list[str]:
    rated = sorted(
        ((SequenceMatcher(None, name.casefold(), one.casefold()).ratio(), one) for one in known),
        key=lambda pair: (-pair[0], pair[1]),
    )
    return [one for share, one in rated[:_MOST_ALIKE] if share >= _NAMES_ALIKE]


def _missed(book: Book, contract: str, visited: str, instead_of: str) -> int:
    """How many missed periods of one department the visits to another name fall into."""
    found = frame(
        book,
        """
        select count(*) as n
        from inspection_calendar as period
        where period.contract_id = ? and period.department = ? and period.state = 'breached'
            and exists (
                select 1 from fact_visit as visit
                where visit.contract_id = period.contract_id and visit.department = ?
                    and visit.performed_on between period.first_on and period.last_on
                    and (period.kind = 'monthly' or period.kind = visit.kind)
            )
        """,
        [contract, instead_of, visited],
    )
    return int(found["n"][0])
