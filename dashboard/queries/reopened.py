"""Tickets that were reported again or marked as reopened: how many, and which."""

from collections.abc import Callable

import pandas as pd

from dashboard.queries import (
    DOWNLOAD_ROWS,
    Book,
    Selection,
    after,
    among,
    csv_of,
    cube,
    first_of,
    frame,
    shared,
)
from dashboard.queries.answers import per_generation, per_view
from dashboard.queries.cube import Cube

PAGE_TICKETS = 100


@per_generation
def _every(book: Book) -> Cube:
    return cube(book, "reopened", ("contract_id", "month", "department"), ("tickets", "reopened"))


@per_view(128)
def counted(book: Book, selection: Selection, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Tickets reported in the months of `selection`, and those of them that were reopened.

    Columns: `by` (contract_id, month, department), tickets, reopened, share (null without tickets).
    """
    found = _every(book).sums(by, among(selection), selection.first, selection.last)
    return found.assign(share=found["reopened"] / found["tickets"].where(found["tickets"] > 0))


@per_view()
def tickets(
    book: Book, selection: Selection, *, skip: int = 0, limit: int = PAGE_TICKETS
) -> pd.DataFrame:
    """The reopened ones, the latest reported first: ticket_id, contract_id, equipment_id,
    department, service_type, reported_at, end_at, again_id and again_at (of the ticket that
    reported it again), marked (its own status says so).
    """
    sql, parameters = _tickets(selection)
    return frame(book, f"{sql} limit {limit:d} offset {skip:d}", parameters)


def tickets_csv(book: Book, selection: Selection) -> Callable[[], bytes]:
    """All of `tickets` as CSV, made when it is called."""
    sql, parameters = _tickets(selection)
    return csv_of(book, f"{sql} limit {DOWNLOAD_ROWS:d}", parameters)


def _tickets(selection: Selection) -> tuple[str, list[object]]:
    conditions, parameters = shared(Selection(selection.contract, selection.department))
    for sql, day in (
        ("arose_on >= ?", selection.first and first_of(selection.first)),
        ("arose_on < ?", selection.last and after(selection.last)),
    ):
        if day is not None:
            conditions.append(sql)
            parameters.append(day)
    sql = f"""
        select ticket_id, contract_id, equipment_id, department, service_type, reported_at, end_at,
            again_id, again_at, marked,
        from fact_reopened where {" and ".join(conditions) or "true"}
        order by reported_at desc, ticket_id"""
    return sql, parameters
