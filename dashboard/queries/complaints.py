"""What the page of complaints asks: how far complaints have come, and which they are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from dashboard import queries
from dashboard.queries import Book, Selection, _connection, csv, frame
from dashboard.queries.answers import per_view
from etl.reports.sections import COMPLAINT_STEPS

CLAUSES = (
    "complaint.acknowledged",
    "complaint.routed",
    "complaint.opinion_sought",
    "complaint.restarted",
    "complaint.closed_satisfied",
    "people.conduct",
)
STEPS = tuple(COMPLAINT_STEPS)
SHARES = ("reached", "missed", "open")
"""How a complaint stands to a step: it took it, it ended (or is late) without, it still may."""
OUTCOMES = ("satisfied", "unsatisfied", "unknown", "open")
RULINGS = ("upheld", "not_upheld", "none")
MANY_ROUNDS = 3
AGES = ((0, 0), (1, 6), (7, 29), (30, 89), (90, None))
"""Whole days since an open complaint was received, in buckets."""

_ROUNDS = f"least(rounds, {MANY_ROUNDS})"


def _share(step: str) -> str:
    still = "acknowledgement = 'pending'" if step == "acknowledged" else "not closed"
    taken = COMPLAINT_STEPS[step]
    return f"case when {taken} then 'reached' when {still} then 'open' else 'missed' end"


@dataclass(frozen=True)
class Complaints:
    """Which complaints are meant; a field left empty does not narrow.

    The months are those of the first receipt; a dimension "" means those without one. `step` with
    `share`: see STEPS and SHARES. `rounds` MANY_ROUNDS means as many or more.
    """

    contract: str | None = None
    department: str | None = None
    first: str | None = None
    last: str | None = None
    step: str | None = None
    share: str | None = None
    rounds: int | None = None
    outcomes: tuple[str, ...] = ()
    category: str | None = None
    ruling: str | None = None
    from_age: int | None = None
    to_age: int | None = None

    def but(self, **changes: object) -> "Complaints":
        """The same, narrowed or changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


def of(selection: Selection) -> Complaints:
    """The complaints in view."""
    return Complaints(selection.contract, selection.department, selection.first, selection.last)


def _of(which: Complaints) -> tuple[str, list[object]]:
    conditions: list[str] = []
    parameters: list[object] = []
    for sql, value in (
        ("contract_id = ?", which.contract),
        ("department is not distinct from nullif(?, '')", which.department),
        ("arose_on >= ?", which.first and queries.first_of(which.first)),
        ("arose_on < ?", which.last and queries.after(which.last)),
        (f"{_ROUNDS} = ?", which.rounds),
        ("category is not distinct from nullif(?, '')", which.category),
        ("ruling = ?", which.ruling),
        ("age_days >= ?", which.from_age),
        ("age_days <= ?", which.to_age),
    ):
        if value is not None:
            conditions.append(sql)
            parameters.append(value)
    if which.step is not None and which.step in COMPLAINT_STEPS and which.share is not None:
        conditions.append(f"{_share(which.step)} = ?")
        parameters.append(which.share)
    if which.outcomes:
        conditions.append(f"outcome in ({', '.join('?' * len(which.outcomes))})")
        parameters += which.outcomes
    return " and ".join(conditions) or "true", parameters


@per_view(128)
def count(book: Book, which: Complaints) -> int:
    """How many complaints are meant."""
    where, parameters = _of(which)
    return int(
        frame(book, f"select count(*) as n from complaint where {where}", parameters)["n"][0]
    )


@per_view()
def funnel(book: Book, which: Complaints) -> pd.DataFrame:
    """How many took each step: step, and the counts of SHARES; the steps in their order."""
    where, parameters = _of(which)
    took = ", ".join(f"{_share(step)} as {step}" for step in STEPS)
    every = frame(
        book,
        f"select {took}, count(*) as n from complaint where {where} group by all",
        parameters,
    )
    counted = [
        {share: int(every["n"][every[step] == share].sum()) for share in SHARES} for step in STEPS
    ]
    return pd.DataFrame(counted).assign(step=STEPS)[["step", *SHARES]]


def _counted(book: Book, which: Complaints, key: str, split: str, names: tuple[str, ...]) -> Any:
    where, parameters = _of(which)
    counted = ", ".join(f"count(*) filter ({split} = '{name}') as {name}" for name in names)
    return frame(
        book,
        f"select {key} as key, count(*) as n, {counted} from complaint where {where} "
        "group by 1 order by n desc, key",
        parameters,
    )


@per_view()
def by_rounds(book: Book, which: Complaints) -> pd.DataFrame:
    """Complaints by how many rounds they took: key (MANY_ROUNDS or more as one), n, OUTCOMES."""
    found: pd.DataFrame = _counted(book, which, _ROUNDS, "outcome", OUTCOMES)
    return found.sort_values("key", ignore_index=True)


@per_view()
def by_department(book: Book, which: Complaints) -> pd.DataFrame:
    """Complaints by department: key ("" without one), n, OUTCOMES; the most first."""
    found: pd.DataFrame = _counted(book, which, "coalesce(department, '')", "outcome", OUTCOMES)
    return found


@per_view()
def by_category(book: Book, which: Complaints) -> pd.DataFrame:
    """Complaints by category: key ("" without one), n, RULINGS; the most first."""
    found: pd.DataFrame = _counted(book, which, "coalesce(category, '')", "ruling", RULINGS)
    return found


@per_view()
def ages(book: Book, which: Complaints) -> pd.DataFrame:
    """Complaints by the buckets of AGES: from_age, to_age (null without end), n; none left out."""
    where, parameters = _of(which)
    buckets = ", ".join(
        f"({first}, {'null' if last is None else last}::integer)" for first, last in AGES
    )
    return frame(
        book,
        f"""
        with bucket (from_age, to_age) as (values {buckets}),
        inside as (select age_days from complaint where {where})
        select bucket.from_age, bucket.to_age, count(inside.age_days) as n
        from bucket left join inside
            on inside.age_days >= bucket.from_age
            and (bucket.to_age is null or inside.age_days <= bucket.to_age)
        group by 1, 2 order by 1
        """,
        parameters,
    )


def promises(book: Book, selection: Selection) -> pd.DataFrame:
    """CLAUSES over all contracts in view: the columns of queries.verdicts, contract_id "" for all.

    A verdict is that of `queries.verdict_in_view`.
    """
    found = queries.verdicts(book, selection.but(clauses=CLAUSES))
    summed = found.groupby(["clause", "group"], sort=False)[[*queries.STATES, "due"]].sum()
    summed = summed.reset_index().assign(contract_id=selection.contract or "")
    summed["verdict"] = [
        queries.verdict_in_view(book, selection, clause) for clause in summed["clause"]
    ]
    return summed


def _listed(which: Complaints) -> tuple[str, list[object]]:
    where, parameters = _of(which)
    sql = f"""
        select complaint_id, outcome, rounds, age_days, category,
            ruling, channel, department, received_at, closed_at, contract_id
        from complaint where {where}
        order by
            case outcome
                when 'open' then 0 when 'unsatisfied' then 1 when 'unknown' then 2 else 3
            end,
            received_at desc, complaint_id"""
    return sql, parameters


@per_view()
def listed(
    book: Book, which: Complaints, *, skip: int = 0, limit: int = queries.PAGE_ROWS
) -> pd.DataFrame:
    """Complaints, a page of them: the open first, then those closed without satisfaction.

    One row per complaint; outcome is one of OUTCOMES, ruling one of RULINGS.
    """
    sql, parameters = _listed(which)
    return frame(book, f"{sql} limit {limit:d} offset {skip:d}", parameters)


def download(book: Book, which: Complaints) -> Callable[[], bytes]:
    """All of them as CSV, made when it is called."""
    connection = _connection(book)
    sql, parameters = _listed(which)

    def make() -> bytes:
        with connection.cursor() as cursor:
            return csv(cursor.execute(f"{sql} limit {queries.DOWNLOAD_ROWS:d}", parameters).df())

    return make


@per_view()
def rounds(book: Book, complaint_id: str) -> pd.DataFrame:
    """One complaint round by round: rows of fact_complaint_round."""
    return frame(
        book,
        "select * from fact_complaint_round where complaint_id = ? order by round",
        [complaint_id],
    )


@per_view()
def ledger(book: Book, complaint_id: str) -> pd.DataFrame:
    """What the ledger says of one complaint and its rounds: clause, subject, state, due_at."""
    return frame(
        book,
        """
        select clause, subject, state, due_at from obligation
        where subject = ?
                and clause in (
                    'complaint.acknowledged', 'complaint.routed', 'complaint.closed_satisfied'
                )
            or clause in ('complaint.opinion_sought', 'complaint.restarted')
                and subject in (
                    select complaint_id || '/' || round
                    from fact_complaint_round where complaint_id = ?
                )
        order by subject, clause
        """,
        [complaint_id, complaint_id],
    )
