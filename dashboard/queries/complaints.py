"""What the page of complaints asks: how far complaints have come, and which they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

import pandas as pd

from dashboard import queries
from dashboard.queries import Book, Selection, frame
from dashboard.queries.answers import per_generation, per_view
from dashboard.queries.cube import Cube
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

DAY_ALONE = -1
"""In the place of the hour of a complaint of which only the day is stated."""

_HOUR = f"coalesce(received_hour, {DAY_ALONE})"
_ROUNDS = f"least(rounds, {MANY_ROUNDS})"


def _share(step: str) -> str:
    still = "acknowledgement = 'pending'" if step == "acknowledged" else "not closed"
    taken = COMPLAINT_STEPS[step]
    return f"case when {taken} then 'reached' when {still} then 'open' else 'missed' end"


@dataclass(frozen=True)
class Complaints:
    """Which complaints are meant; a field left empty does not narrow.

    The months are those of the first receipt; a dimension "" means those without one. `step` with
    `share`: see STEPS and SHARES. `hour` is that of the first receipt. `rounds` MANY_ROUNDS means
    as many or more.
    """

    contract: str | None = None
    department: str | None = None
    first: str | None = None
    last: str | None = None
    step: str | None = None
    share: str | None = None
    hour: int | None = None
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
        (f"{_HOUR} = ?", which.hour),
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


@per_generation
def _every(book: Book) -> Cube:
    shares = ", ".join(f"{_share(step)} as {step}" for step in STEPS)
    found = frame(
        book,
        f"""
        select contract_id, department, category, ruling, outcome, age_days,
            {_HOUR} as hour, {_ROUNDS} as rounds, strftime(arose_on, '%Y-%m') as month,
            {shares}, count(*) as n
        from complaint group by all
        """,
    )
    return Cube.of(found, ("n",))


def _sums(book: Book, which: Complaints, *by: str) -> pd.DataFrame:
    """How many complaints are meant: n, per `by`."""
    cube = _every(book)
    place = Selection(which.contract, which.department, category=which.category)
    wanted: dict[str, Sequence[object]] = {**queries.among(place)}
    for name, value in (("hour", which.hour), ("rounds", which.rounds), ("ruling", which.ruling)):
        if value is not None:
            wanted[name] = (value,)
    if which.step in STEPS and which.share is not None:
        wanted[which.step] = (which.share,)
    if which.outcomes:
        wanted["outcome"] = which.outcomes
    if which.from_age is not None or which.to_age is not None:
        least, most = which.from_age or 0, inf if which.to_age is None else which.to_age
        wanted["age_days"] = [age for age in cube.values["age_days"] if least <= age <= most]
    return cube.sums(by, wanted, which.first, which.last)


@per_view(128)
def count(book: Book, which: Complaints) -> int:
    """How many complaints are meant."""
    return int(_sums(book, which)["n"].iloc[0])


@per_view(128)
def funnel(book: Book, which: Complaints) -> pd.DataFrame:
    """How many took each step: step, and the counts of SHARES; the steps in their order."""
    counted = [_spread(_sums(book, which, step), step, SHARES) for step in STEPS]
    return pd.DataFrame(counted).assign(step=STEPS)[["step", *SHARES]]


def _spread(counted: pd.DataFrame, key: str, names: Sequence[str]) -> dict[str, int]:
    held = dict(zip(counted[key], counted["n"], strict=True))
    return {name: int(held.get(name, 0)) for name in names}


def _counted(
    book: Book, which: Complaints, key: str, split: str, names: Sequence[str]
) -> pd.DataFrame:
    counted = _sums(book, which, key, split)
    spread = counted.pivot_table("n", key, split, "sum", fill_value=0)
    found = spread.reindex(columns=list(names), fill_value=0).astype("int64")
    found.insert(0, "n", spread.sum(axis="columns").astype("int64"))
    found = found.rename_axis(index="key", columns=None).reset_index()
    return found.sort_values(["n", "key"], ascending=[False, True], ignore_index=True)


@per_view(128)
def by_rounds(book: Book, which: Complaints) -> pd.DataFrame:
    """Complaints by how many rounds they took: key (MANY_ROUNDS or more as one), n, OUTCOMES."""
    found = _counted(book, which, "rounds", "outcome", OUTCOMES)
    return found.sort_values("key", ignore_index=True)


@per_view(128)
def by_department(book: Book, which: Complaints) -> pd.DataFrame:
    """Complaints by department: key ("" without one), n, OUTCOMES; the most first."""
    return _counted(book, which, "department", "outcome", OUTCOMES)


@per_view(128)
def by_category(book: Book, which: Complaints) -> pd.DataFrame:
    """Complaints by category: key ("" without one), n, RULINGS; the most first."""
    return _counted(book, which, "category", "ruling", RULINGS)


@per_view(128)
def by_hour(book: Book, which: Complaints) -> pd.DataFrame:
    """Complaints by the hour of the day of their first receipt: key (0-23, all of them), n, SHARES
    of the step "acknowledged". Those of DAY_ALONE are left out.
    """
    found = _counted(book, which, "hour", "acknowledged", SHARES).set_index("key")
    return found.reindex(range(24), fill_value=0).rename_axis("key").reset_index()


@per_view(128)
def ages(book: Book, which: Complaints) -> pd.DataFrame:
    """Complaints by the buckets of AGES: from_age, to_age (null without end), n; none left out."""
    rows = [(low, high, count(book, which.but(from_age=low, to_age=high))) for low, high in AGES]
    return pd.DataFrame(rows, columns=["from_age", "to_age", "n"]).astype({"to_age": "Int32"})


@per_view(128)
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
    sql, parameters = _listed(which)
    return queries.csv_of(book, f"{sql} limit {queries.DOWNLOAD_ROWS:d}", parameters)


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
