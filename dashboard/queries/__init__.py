"""The sole reader of the marts: every number of the pages, and the rows behind it.

A `Selection` says which obligations are meant. The same selection gives a number (from the
aggregated marts) and its rows (from the ledger), so that every number opens exactly its rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import streamlit as st

from dashboard.queries.answers import looked_at, per_generation, per_view
from dashboard.queries.cube import Cube
from etl.catalogue import catalogue
from etl.config import Settings
from etl.generations import distrust
from etl.ledger import computed_clauses
from etl.marts import Progress, generation_of, marts_are_built, open_marts, silent
from etl.verdict import EVIDENCE, IDLE, verdict

STATES = ("met", "breached", "unknown", "pending", "excluded")
UNMET = frozenset({"breached", "unknown"})
SEVERITY = (
    "broken", "undecided", "no_evidence", "open", "kept", "no_activity", "not_promised",
)  # fmt: skip
PAGE_ROWS = 200
DOWNLOAD_ROWS = 1_000_000
MOST_TICKETS = 50
STALE_AFTER = timedelta(days=45)
UNREADABLE = (duckdb.Error, FileNotFoundError)
"""What reading marts raises where their file was swept or damaged."""
NONE = ""
"""The value of a dimension that is empty in the log."""
_DAY_END = time(23, 59, 59)
_Z = 1.959964
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_CUBE = frozenset({"contract_id", "clause", "month"})
_BY_DEPARTMENT = _CUBE | {"department"}
_MARTS: tuple[tuple[str, frozenset[str]], ...] = (
    ("compliance_department", _BY_DEPARTMENT),
    (
        "compliance_kind",
        frozenset({"contract_id", "clause", "month", "category", "channel", "service_type"}),
    ),
    (
        "compliance_slice",
        frozenset(
            {
                "contract_id", "clause", "month",
                "department", "category", "channel", "service_type",
            }
        ),
    ),
    (
        "compliance_hour",
        frozenset({"contract_id", "clause", "month", "department", "weekday", "hour"}),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Book:
    """One published generation as of one instant: what every question is asked of."""

    path: str
    key: str
    as_of: datetime
    horizon_at: datetime
    rejected_rows: int
    waiting_rows: int


@dataclass(frozen=True)
class Selection:
    """Which obligations are meant; a field left empty does not narrow.

    `subject` is a whole subject or the first of its parts: an engineer of `engineer|day`.
    """

    contract: str | None = None
    department: str | None = None
    first: str | None = None
    last: str | None = None
    clauses: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    category: str | None = None
    channel: str | None = None
    service_type: str | None = None
    weekday: int | None = None
    hour: int | None = None
    from_bucket: int | None = None
    to_bucket: int | None = None
    fell_due_after: datetime | None = None
    falls_due_until: datetime | None = None
    subject: str | None = None
    arose_until: date | None = None

    def but(self, **changes: object) -> "Selection":
        """The same selection, narrowed or changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Choices:
    """What the filters can be set to: contracts (id → name), departments, months, clauses."""

    contracts: Mapping[str, str]
    departments: tuple[str, ...]
    months: tuple[str, ...]
    clauses: tuple[str, ...]
    horizon: date


def is_built(settings: Settings, as_of: date | None = None) -> bool:
    """Whether `book` answers at once."""
    return marts_are_built(settings, _end_of(as_of))


def book(settings: Settings, as_of: date | None = None, progress: Progress = silent) -> Book:
    """What is published, as of the end of the day `as_of` or else of the data horizon.

    Raises KeptError where the warehouse holds nothing yet.
    """
    marts = open_marts(settings, _end_of(as_of), progress)
    found = Book(
        path=str(marts.path),
        key=marts.key,
        as_of=marts.as_of,
        horizon_at=marts.horizon_at,
        rejected_rows=marts.rejected_rows,
        waiting_rows=sum(marts.waiting_rows.values()),
    )
    looked_at(found)
    return found


def _end_of(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, _DAY_END)


@st.cache_resource(
    max_entries=6,
    show_spinner=False,
    hash_funcs={Book: hash},
    on_release=lambda open_: open_.close(),
)
def _connection(book: Book) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(book.path, read_only=True)


def _cursor(book: Book) -> duckdb.DuckDBPyConnection:
    try:
        return _connection(book).cursor()
    except duckdb.ConnectionException:  # closed meanwhile to make room for another generation
        return _connection(book).cursor()


def frame(book: Book, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
    """What a query gives on the marts of `book`. Raises one of UNREADABLE where they are gone."""
    with _cursor(book) as cursor:
        return cursor.execute(sql, list(parameters)).df()


def let_go(book: Book) -> None:
    """Closes the marts of `book`; where their files are damaged or gone they are built anew."""
    _connection.clear(book)
    for file in {Path(book.path), generation_of(Path(book.path))}:
        distrust(file)


def shared(selection: Selection) -> tuple[list[str], list[object]]:
    """The conditions that read the same on the ledger and on every aggregated mart."""
    conditions: list[str] = []
    parameters: list[object] = []
    for column, value in (
        ("contract_id", selection.contract),
        ("department", selection.department),
        ("category", selection.category),
        ("channel", selection.channel),
        ("service_type", selection.service_type),
    ):
        if value is not None:
            conditions.append(f"{column} is not distinct from nullif(?, '')")
            parameters.append(value)
    if selection.clauses:
        conditions.append(f"clause in ({', '.join('?' * len(selection.clauses))})")
        parameters += selection.clauses
    return conditions, parameters


def _of_numbers(selection: Selection) -> tuple[str, list[object]]:
    conditions, parameters = shared(selection)
    for sql, value in (
        ("month >= ?", selection.first),
        ("month <= ?", selection.last),
        ("weekday = ?", selection.weekday),
        ("hour = ?", selection.hour),
        ("bucket >= ?", selection.from_bucket),
        ("bucket <= ?", selection.to_bucket),
    ):
        if value is not None:
            conditions.append(sql)
            parameters.append(value)
    return " and ".join(conditions) or "true", parameters


def ledger_of(selection: Selection) -> str:
    """The table that has all obligations meant: the ledger, or the short list of the unmet."""
    return "unmet" if selection.states and UNMET.issuperset(selection.states) else "obligation"


def of_rows(selection: Selection) -> tuple[str, list[object]]:
    """The condition on the ledger that holds for exactly the obligations meant."""
    conditions, parameters = shared(selection)
    if selection.states:
        conditions.append(f"state in ({', '.join('?' * len(selection.states))})")
        parameters += selection.states
    for sql, value in (
        ("arose_on >= ?", selection.first and first_of(selection.first)),
        ("arose_on < ?", selection.last and after(selection.last)),
        ("began_on is null and isodow(began_at) = ?", selection.weekday),
        ("began_on is null and hour(began_at) = ?", selection.hour),
        ("bucket >= ?", selection.from_bucket),
        ("bucket <= ?", selection.to_bucket),
        ("arose_on <= ?", selection.arose_until),
        ("coalesce(due_at, arose_on::timestamp) > ?", selection.fell_due_after),
        ("coalesce(due_at, arose_on::timestamp) <= ?", selection.falls_due_until),
        ("starts_with(subject || '|', ?)", selection.subject and f"{selection.subject}|"),
    ):
        if value is not None:
            conditions.append(sql)
            parameters.append(value)
    return " and ".join(conditions) or "true", parameters


def first_of(month: str) -> date:
    """The first day of a month like 2026-03."""
    return date.fromisoformat(f"{month}-01")


def after(month: str) -> date:
    """The first day after a month."""
    return (first_of(month) + timedelta(days=32)).replace(day=1)


def _mart(columns: set[str]) -> str:
    """The smallest aggregated mart that has all of `columns`."""
    return next(name for name, has in _MARTS if columns <= has)


def _narrowed(selection: Selection) -> set[str]:
    names = ("department", "category", "channel", "service_type", "weekday", "hour")
    return {name for name in names if getattr(selection, name) is not None}


@per_view(512)
def counts(book: Book, selection: Selection, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Obligations per state, grouped by `by`.

    Columns: `by`, the five states, due (met + breached + unknown), rate and rate_upper (null where
    nothing was due), low and high: the 95 % Wilson interval of rate. An empty dimension is "".
    """
    keys = {*by, *_narrowed(selection)}
    if keys <= _CUBE:
        return _rated(_compliance(book).sums(by, among(selection), selection.first, selection.last))
    if "department" in by and keys <= _BY_DEPARTMENT and len(selection.clauses) == 1:
        held = _departments_of(book, *selection.clauses)
        return _rated(held.sums(by, among(selection), selection.first, selection.last))
    return _rated(summed(book, _mart(keys), by, STATES, *_of_numbers(selection)))


def summed(
    book: Book,
    mart: str,
    by: Sequence[str],
    measures: Sequence[str],
    where: str,
    parameters: Sequence[object],
) -> pd.DataFrame:
    """The measures of a mart summed per `by`, in its order; an empty text is ""."""
    keys = "".join(
        f"{name}, " if name in ("weekday", "hour") else f"coalesce({name}, '') as {name}, "
        for name in by
    )
    sums = ", ".join(f"coalesce(sum({name}), 0)::bigint as {name}" for name in measures)
    order = ", ".join(str(i + 1) for i in range(len(by)))
    grouped = f"group by {order} order by {order}" if by else ""
    return frame(book, f"select {keys}{sums} from {mart} where {where} {grouped}", parameters)


def cube(book: Book, mart: str, keys: Sequence[str], measures: Sequence[str]) -> Cube:
    """A small mart, to be summed in memory."""
    return Cube.of(frame(book, f"select {', '.join((*keys, *measures))} from {mart}"), measures)


@per_generation
def _compliance(book: Book) -> Cube:
    return cube(book, "compliance", sorted(_CUBE), STATES)


@per_generation
def _departments_of(book: Book, clause: str) -> Cube:
    by = sorted(_BY_DEPARTMENT)
    sql = f"select {', '.join((*by, *STATES))} from compliance_department where clause = ?"
    return Cube.of(frame(book, sql, [clause]), STATES)


def among(selection: Selection) -> dict[str, tuple[str, ...]]:
    """What `selection` asks of the keys of a cube."""
    wanted = {"clause": selection.clauses} if selection.clauses else {}
    for name, value in (
        ("contract_id", selection.contract),
        ("department", selection.department),
        ("category", selection.category),
    ):
        if value is not None:
            wanted[name] = (value,)
    return wanted


def within(
    every: pd.DataFrame, contract: str | None, department: str | None = None
) -> pd.DataFrame:
    """The rows of one contract, of one department, or all of them."""
    for column, wanted in (("contract_id", contract), ("department", department)):
        if wanted is not None:
            every = every.loc[every[column].fillna("") == wanted]
    return every.reset_index(drop=True)


def _rated(counted: pd.DataFrame) -> pd.DataFrame:
    """Adds the rates. In SQL they took most of the time of a query: it was planned, not run."""
    met, breached, unknown = (
        counted[state].to_numpy(np.int64) for state in ("met", "breached", "unknown")
    )
    due = met + breached + unknown
    n = np.where(due > 0, due, np.nan)
    rate = met / n
    middle = (rate + _Z**2 / 2 / n) / (1 + _Z**2 / n)
    half = _Z * ((rate * (1 - rate) + _Z**2 / 4 / n) / n) ** 0.5 / (1 + _Z**2 / n)
    return counted.assign(
        due=due,
        rate=rate,
        rate_upper=(met + unknown) / n,
        low=np.maximum(middle - half, 0),
        high=np.minimum(middle + half, 1),
    )


@per_view(256)
def durations(book: Book, selection: Selection) -> pd.DataFrame:
    """Obligations by elapsed ÷ allowed time: bucket (twentieths of the limit) and obligations."""
    where, parameters = _of_numbers(selection)
    return frame(
        book,
        f"""
        select bucket, sum(obligations)::bigint as obligations
        from compliance_duration where bucket is not null and {where}
        group by bucket order by bucket
        """,
        parameters,
    )


@per_view(256)
def untimed(book: Book, selection: Selection) -> int:
    """How many obligations `durations` leaves out: of their start or their deed the log states the
    day, not the time.
    """
    where, parameters = _of_numbers(selection)
    found = frame(
        book,
        "select coalesce(sum(obligations), 0)::bigint as n from compliance_duration "
        f"where bucket is null and {where}",
        parameters,
    )
    return int(found["n"].iloc[0])


@per_view(256)
def tally(book: Book, selection: Selection) -> dict[str, int]:
    """How many rows of the ledger `selection` holds, per state."""
    where, parameters = of_rows(selection)
    found = frame(
        book,
        f"select state, count(*) as n from {ledger_of(selection)} where {where} group by state",
        parameters,
    )
    held = dict(zip(found["state"], found["n"].astype(int), strict=True))
    return {state: int(held.get(state, 0)) for state in STATES}


@per_view()
def rows(
    book: Book,
    selection: Selection,
    *,
    skip: int = 0,
    limit: int = PAGE_ROWS,
    soonest: bool = False,
) -> pd.DataFrame:
    """Rows of the ledger that `selection` holds, the latest first (or the first to fall due).

    Adds late_seconds: done (else as of) minus due, where there is a due; negative before it.
    """
    where, parameters = of_rows(selection)
    sql = f"{_ledger(selection, where, _order(soonest))} limit {limit:d} offset {skip:d}"
    return frame(book, sql, [book.as_of, *parameters])


def download(book: Book, selection: Selection) -> Callable[[], bytes]:
    """All those rows as CSV, made when it is called, on whatever thread."""
    where, parameters = of_rows(selection)
    sql = f"{_ledger(selection, where, _order())} limit {DOWNLOAD_ROWS:d}"
    return csv_of(book, sql, [book.as_of, *parameters])


def csv_of(book: Book, sql: str, parameters: Sequence[object] = ()) -> Callable[[], bytes]:
    """What a query gives as CSV, made when it is called, on whatever thread."""
    connection = _connection(book)

    def make() -> bytes:
        try:
            cursor = connection.cursor()
        except duckdb.ConnectionException:  # closed since the page was drawn
            cursor = duckdb.connect(book.path, read_only=True)
        with cursor:
            return csv(cursor.execute(sql, list(parameters)).df())

    return make


def csv(table: pd.DataFrame) -> bytes:
    """CSV that spreadsheets read as UTF-8 and in which no cell is a formula."""
    guarded = table.copy()
    for name in guarded.columns:
        if not (
            pd.api.types.is_numeric_dtype(guarded[name])
            or pd.api.types.is_datetime64_any_dtype(guarded[name])
        ):
            guarded[name] = pd.Series([_guarded(cell) for cell in guarded[name]], dtype=object)
    return guarded.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def _guarded(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _order(soonest: bool = False) -> str:
    first = "due_at, clause" if soonest else "due_at desc nulls last, arose_on desc nulls last"
    return f"{first}, clause, contract_id, subject"


def _ledger(selection: Selection, where: str, order: str) -> str:
    return f"""
        select
            state, clause, contract_id, subject, department, equipment_id,
            arose_on, due_at, done_at, due_on, done_on,
            date_diff('second', due_at, coalesce(done_at, ?)) as late_seconds,
        from {ledger_of(selection)} where {where} order by {order}"""


@per_generation
def loaded(book: Book) -> frozenset[str]:
    """The logs that were ever loaded."""
    return frozenset(frame(book, "select log from catalogue_log where loaded")["log"])


@per_generation
def contracts(book: Book) -> dict[str, str]:
    """The contracts: identifier → name."""
    found = frame(
        book, "select contract_id, coalesce(name, '') as name from fact_contract order by 1"
    )
    return dict(zip(found["contract_id"], found["name"], strict=True))


def choices(book: Book) -> Choices:
    """What the filters can be set to."""
    return Choices(
        contracts=contracts(book),
        departments=tuple(departments(book)),
        months=tuple(months(book)),
        clauses=computed_clauses(),
        horizon=book.horizon_at.date(),
    )


@per_generation
def departments(book: Book) -> list[str]:
    """The departments that have obligations."""
    found = frame(book, "select distinct department from department")
    return sorted(found["department"])


@per_generation
def months(book: Book) -> list[str]:
    """Every calendar month from the first obligation to as_of."""
    found = frame(book, "select min(month) as first from compliance")
    first = found["first"].iloc[0]
    last = f"{book.as_of:%Y-%m}"
    if pd.isna(first) or first > last:
        return [last]
    return [str(month) for month in pd.period_range(first, last, freq="M")]


@per_generation
def _terms(book: Book) -> dict[tuple[str, str], Decimal]:
    found = frame(book, "select contract_id, term, value::varchar as value from contract_term")
    return {
        (contract, term): Decimal(value)
        for contract, term, value in zip(
            found["contract_id"], found["term"], found["value"], strict=True
        )
    }


def term(book: Book, selection: Selection, name: str) -> Decimal | None:
    """The value of a term where all contracts in view have the same; else None."""
    known = _terms(book)
    default = catalogue().terms[name].default
    inside = [selection.contract] if selection.contract else list(contracts(book))
    values = {known.get((contract, name), default) for contract in inside}
    return values.pop() if len(values) == 1 else None


def targets(book: Book, selection: Selection, clause: str) -> tuple[Decimal, ...]:
    """The targets of a clause over all contracts in view, each once, the lowest first.

    Below the lowest, some contract certainly misses its own.
    """
    known = _terms(book)
    inside = [selection.contract] if selection.contract else list(contracts(book))
    found = {known.get((contract, f"{clause}.target"), Decimal(1)) for contract in inside}
    return tuple(sorted(found)) or (Decimal(1),)


@per_generation
def _assumed(book: Book) -> set[tuple[str, str]]:
    found = frame(book, "select contract_id, term from contract_term where assumed")
    return set(zip(found["contract_id"], found["term"], strict=True))


def assumed(book: Book, clause: str, contract: str | None) -> bool:
    """Whether the clause's figure is an assumption of ours for a contract in view."""
    inside = [contract] if contract else list(contracts(book))
    figures = catalogue().clauses[clause].assumed_terms
    return any((one, figure) in _assumed(book) for one in inside for figure in figures)


@per_generation
def _evidence(book: Book) -> dict[tuple[str, str], str]:
    """As the mart says it; idle where it would be shown but nothing was promised yet."""
    found = frame(
        book,
        """
        select contract_id, clause,
            case when evidence <> 'shown' or exists (
                select 1 from compliance as counted
                where counted.contract_id = known.contract_id and counted.clause = known.clause
            ) then evidence else 'idle' end as evidence,
        from clause_evidence as known
        """,
    )
    return {
        (contract, clause): evidence
        for contract, clause, evidence in zip(
            found["contract_id"], found["clause"], found["evidence"], strict=True
        )
    }


def evidence_of(book: Book, clause: str, contract: str | None) -> str:
    """What the logs of the contracts in view can show of a clause: the most that one of them can.

    One of EVIDENCE; not_promised only where none of them makes the promise. A contract without an
    obligation under it shows nothing either way.
    """
    inside = [contract] if contract else list(contracts(book))
    known = _evidence(book)
    found = {known.get((one, clause), "idle") for one in inside}
    judged = found - {"idle", "not_promised"}
    if not judged and "idle" in found:
        return "shown"
    return min(judged or found, key=EVIDENCE.index, default="shown")


def verdict_at(row: Mapping[Any, Any], target: Decimal, *, evidence: str = "shown") -> str:
    """The verdict over the counts of `row`."""
    return verdict(
        met=int(row["met"]),
        breached=int(row["breached"]),
        unknown=int(row["unknown"]),
        pending=int(row["pending"]),
        target=target,
        evidence=evidence,
    )


@per_view(128)
def verdicts(book: Book, selection: Selection) -> pd.DataFrame:
    """Every clause of the catalogue × every contract in view: its counts and its verdict."""
    by = ("contract_id", "clause")
    counted = counts(book, selection, by).set_index(list(by))
    inside = [selection.contract] if selection.contract else list(contracts(book))
    wanted = selection.clauses or computed_clauses()
    grid = pd.MultiIndex.from_product([inside, wanted], names=by)
    full = counted.reindex(grid)
    sums = [*STATES, "due"]
    full = full.fillna(dict.fromkeys(sums, 0)).astype(dict.fromkeys(sums, "int64"))
    full = full.reset_index()
    full["group"] = [catalogue().clauses[clause].group for clause in full["clause"]]
    goals = _terms(book)
    full["verdict"] = [
        verdict_at(
            row,
            goals.get((row["contract_id"], f"{row['clause']}.target"), Decimal(1)),
            evidence=evidence_of(book, row["clause"], row["contract_id"]),
        )
        for row in full.to_dict("records")
    ]
    return full


def verdict_in_view(book: Book, selection: Selection, clause: str) -> str:
    """The verdict of one clause over all contracts in view: on their sum where they share a
    target, else the worst of theirs.
    """
    every = verdicts(book, selection.but(clauses=()))
    found = every[every["clause"] == clause]
    goals = targets(book, selection, clause)
    if len(goals) > 1:
        return worst(list(found["verdict"]))
    sums = {state: int(found[state].sum()) for state in STATES}
    return verdict_at(sums, goals[0], evidence=evidence_of(book, clause, selection.contract))


def worst(found: Sequence[str]) -> str:
    """The worst of several verdicts."""
    return min(found, key=SEVERITY.index, default="no_activity")


@per_view(128)
def board(book: Book, selection: Selection) -> pd.DataFrame:
    """Clause groups × contracts: the worst verdict, how many clauses have it, and of how many.

    Clauses without activity are not counted, unless there is nothing else.
    """
    cells = []
    for (group, contract), part in verdicts(book, selection).groupby(
        ["group", "contract_id"], sort=False
    ):
        active = [found for found in part["verdict"] if found not in IDLE]
        cell = worst(active or list(part["verdict"]))
        cells.append((group, contract, cell, active.count(cell), len(active) or len(part)))
    return pd.DataFrame(cells, columns=["group", "contract_id", "verdict", "part", "whole"])


@per_generation
def log_ages(book: Book) -> pd.DataFrame:
    """Per log: through_at, the earliest of its contracts, and its age in days at as_of."""
    found = frame(
        book,
        """
        select log, min(through_at) as through_at,
            date_diff('day', min(through_at)::date, ?::date) as age_days
        from log_through group by log
        """,
        [book.as_of],
    ).set_index("log")
    return found.reindex([name for name, log in catalogue().logs.items() if not log.register])


@per_view()
def tickets(book: Book, wanted: str, selection: Selection) -> pd.DataFrame:
    """Tickets whose own or whose unit's identifier begins with `wanted`, the latest first."""
    conditions, parameters = shared(
        Selection(contract=selection.contract, department=selection.department)
    )
    return frame(
        book,
        f"""
        select ticket_id, contract_id, equipment_id, department, channel, service_type,
            reported_at, responded_at, onsite_at, left_site_at, resolved_at, closed_at
        from fact_ticket
        where
            reading = 0
            and (
                starts_with(lower(ticket_id), lower(?))
                or starts_with(lower(equipment_id), lower(?))
            )
            and {" and ".join(conditions) or "true"}
        order by reported_at desc, ticket_id limit {MOST_TICKETS:d}
        """,
        [wanted, wanted, *parameters],
    )


@per_view()
def ticket(book: Book, ticket_id: str) -> pd.DataFrame:
    """One ticket as it stands at as_of: one row, or none."""
    return frame(book, "select * from fact_ticket where reading = 0 and ticket_id = ?", [ticket_id])


@per_view()
def stages(book: Book, ticket_id: str) -> pd.DataFrame:
    """The obligations of one ticket; elapsed and allowed in seconds from its report."""
    return frame(
        book,
        """
        select clause, state, due_at, done_at,
            case when began_on is null and (done_on is null or due_on is not null)
                then date_diff('second', began_at, done_at) end as elapsed,
            case when began_on is null then date_diff('second', began_at, due_at) end as allowed,
        from obligation
        where subject = ? and (clause like 'sla.%' or clause = 'aftercare.served')
        order by due_at nulls last, clause
        """,
        [ticket_id],
    )
