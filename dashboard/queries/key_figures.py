"""The figures that stand first on a page: one for each clause, beside the period before."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dashboard.queries import Book, Selection, counts, targets, verdict_in_view
from dashboard.queries.answers import per_view


@dataclass(frozen=True)
class KeyFigure:
    """A clause in view: its counts and verdict, its rates by month; `change` of the rate since the
    period before, where something was due in both.
    """

    clause: str
    met: int
    due: int
    change: Decimal | None
    months: tuple[float, ...]
    targets: tuple[Decimal, ...]
    verdict: str


@per_view()
def key_figures(
    book: Book, selection: Selection, before: Selection | None, clauses: tuple[str, ...]
) -> tuple[KeyFigure, ...]:
    """One for each of `clauses`; `before` is the period to compare with."""
    now = _by_clause(book, selection)
    then = {} if before is None else _by_clause(book, before)
    months = counts(book, selection, ("clause", "month")).dropna(subset="rate")
    found = []
    for clause in clauses:
        met, due = now.get(clause, (0, 0))
        met_then, due_then = then.get(clause, (0, 0))
        found.append(
            KeyFigure(
                clause,
                met,
                due,
                Decimal(met) / due - Decimal(met_then) / due_then if due and due_then else None,
                tuple(months["rate"][months["clause"] == clause]),
                targets(book, selection, clause),
                verdict_in_view(book, selection, clause),
            )
        )
    return tuple(found)


def _by_clause(book: Book, selection: Selection) -> Mapping[Any, tuple[int, int]]:
    counted = counts(book, selection, ("clause",))
    pairs = zip(counted["met"].astype(int), counted["due"].astype(int), strict=True)
    return dict(zip(counted["clause"], pairs, strict=True))
