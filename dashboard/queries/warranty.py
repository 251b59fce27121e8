"""Warranty: until when each unit is covered, what extended it, what is due for replacement.

A `Units` says which units are meant; the same one gives a number and its rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

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
    within,
)
from dashboard.queries.answers import per_generation, per_view
from dashboard.queries.cube import Cube

CLAUSES = (
    "warranty.term", "warranty.replacement", "warranty.free_repair",
    "warranty.user_damage_labour_free", "warranty.loaner_free", "warranty.upgrades_free",
    "aftercare.labour_free", "aftercare.parts_at_cost", "aftercare.served",
)  # fmt: skip
BASES = ("base_expires_on", "expires_on", "possible_expires_on")
"""The day a warranty ends: without extensions, with those that count, with the possible ones."""
LEFT = ((0, 30), (31, 60), (61, 90), (91, 180), (181, None))
PAGE_UNITS = 100
MOST_EVENTS = 200
_COLUMNS = (
    "equipment_id", "contract_id", "department", "category", "brand", "model", "status",
    "accepted_on", "base_expires_on", "expires_on", "possible_expires_on", "warranty_until",
    "extensions", "possible_extensions", "replacement_due", "days_left", "extended_days",
    "possible_days", "short_days",
)  # fmt: skip
_KINDS = {
    "accepted": "status in ('in_warranty', 'expired')",
    "extended": "extensions > 0",
    "perhaps_extended": "possible_extensions > extensions",
    "shortened": "warranty_until < expires_on",
    "unproven": "accepted_on is not null and (warranty_until is null"
    " or warranty_until >= expires_on and warranty_until < possible_expires_on)",
}


@dataclass(frozen=True)
class Units:
    """Which units are meant; a field left empty does not narrow.

    `kind`: one of accepted (and not retired), extended, perhaps_extended, shortened (the register's
    date is before the computed one), unproven (between the two that may be right, or empty).
    `from_on` to `until_on`: when its warranty ends by `basis`. `find`: how its identifier begins.
    """

    contract: str | None = None
    department: str | None = None
    status: str | None = None
    kind: str | None = None
    basis: str = "expires_on"
    from_on: date | None = None
    until_on: date | None = None
    find: str = ""

    def but(self, **changes: object) -> "Units":
        """The same units, narrowed or changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


def left(book: Book, everyone: Units, low: int, high: int | None) -> Units:
    """The units in warranty with `low` to `high` days left."""
    today = book.as_of.date()
    return everyone.but(
        status="in_warranty",
        from_on=today + timedelta(days=low),
        until_on=None if high is None else today + timedelta(days=high),
    )


def ending(book: Book, everyone: Units, basis: str, month: str) -> Units:
    """The accepted units whose warranty ends by `basis` in what is left of `month`."""
    return everyone.but(
        kind="accepted",
        basis=basis,
        from_on=max(first_of(month), book.as_of.date()),
        until_on=after(month) - timedelta(days=1),
    )


def later(book: Book, everyone: Units, months: Sequence[str]) -> Units:
    """The accepted units whose warranty ends after `months`."""
    end = ending(book, everyone, "expires_on", months[-1]).until_on
    assert end is not None
    return everyone.but(kind="accepted", from_on=end + timedelta(days=1))


def _where(units: Units) -> tuple[str, list[object]]:
    conditions, parameters = shared(_place(units))
    if units.kind:
        conditions.append(f"({_KINDS[units.kind]})")
    assert units.basis in BASES
    for sql, value in (
        ("status = ?", units.status),
        (f"{units.basis} >= ?", units.from_on),
        (f"{units.basis} <= ?", units.until_on),
        ("starts_with(lower(equipment_id), lower(?))", units.find or None),
    ):
        if value is not None:
            conditions.append(sql)
            parameters.append(value)
    return " and ".join(conditions) or "true", parameters


def meant(book: Book, everyone: Units) -> dict[str, Units]:
    """The sets of units that the page tells of, by name; left_0, left_1 … are those of LEFT."""
    return {
        "in_warranty": everyone.but(status="in_warranty"),
        "expired": everyone.but(status="expired"),
        "in_30": left(book, everyone, 0, 30),
        "in_90": left(book, everyone, 0, 90),
        "later": later(book, everyone, months_ahead(book)),
        "accepted": everyone.but(kind="accepted"),
        "extended": everyone.but(kind="extended"),
        "perhaps": everyone.but(kind="perhaps_extended"),
        "shortened": everyone.but(kind="shortened"),
        "unproven": everyone.but(kind="unproven"),
        **{f"left_{i}": left(book, everyone, low, high) for i, (low, high) in enumerate(LEFT)},
    }


def tally(book: Book, everyone: Units) -> dict[str, int]:
    """How many units each set of `meant` has, by the same names, of a contract or a department."""
    [counted] = _tallies(book).sums((), among(_place(everyone))).to_dict("records")
    return {str(name): int(n) for name, n in counted.items()}


@per_generation
def _tallies(book: Book) -> Cube:
    conditions = {name: _where(units) for name, units in meant(book, Units()).items()}
    counted = ", ".join(
        f"count(*) filter (where {where}) as {name}" for name, (where, _) in conditions.items()
    )
    parameters = [value for _, values in conditions.values() for value in values]
    found = frame(
        book, f"select contract_id, department, {counted} from warranty group by 1, 2", parameters
    )
    return Cube.of(found, list(conditions))


@per_view(128)
def count(book: Book, units: Units) -> int:
    """How many units are meant."""
    where, parameters = _where(units)
    return int(frame(book, f"select count(*) as n from warranty where {where}", parameters)["n"][0])


@per_view()
def rows(book: Book, units: Units, *, skip: int = 0, limit: int = PAGE_UNITS) -> pd.DataFrame:
    """Units with their warranty; those of `kind` shortened with the most days first, others by the
    day that their warranty ends (the next ahead of as_of first).

    Columns: those of marts/warranty.sql but retired_on.
    """
    sql, parameters = _rows(units)
    return frame(book, f"{sql} limit {limit:d} offset {skip:d}", parameters)


def rows_csv(book: Book, units: Units) -> Callable[[], bytes]:
    """All of `rows` as CSV, made when it is called."""
    sql, parameters = _rows(units)
    return csv_of(book, f"{sql} limit {DOWNLOAD_ROWS:d}", parameters)


def _rows(units: Units) -> tuple[str, list[object]]:
    where, parameters = _where(units)
    order = "short_days desc nulls last, " if units.kind == "shortened" else ""
    sql = f"""
        select {", ".join(_COLUMNS)} from warranty where {where}
        order by {order}urgency, equipment_id"""
    return sql, parameters


def expiries(book: Book, everyone: Units, months: tuple[str, ...]) -> pd.DataFrame:
    """Accepted units by the month ahead in which their warranty ends, one row for each of `months`.

    Columns: month, and for each of BASES how many units end in it, counted from as_of on.
    """
    found = _months(book).sums(("month",), among(_place(everyone)))
    return found.set_index("month").reindex(list(months), fill_value=0).reset_index()


@per_generation
def _months(book: Book) -> Cube:
    return cube(book, "warranty_month", ("contract_id", "department", "month"), BASES)


def _place(units: Units) -> Selection:
    return Selection(units.contract, units.department)


def months_ahead(book: Book, length: int = 12) -> tuple[str, ...]:
    """The months from that of as_of on."""
    return tuple(
        str(month) for month in pd.period_range(f"{book.as_of:%Y-%m}", periods=length, freq="M")
    )


@per_view()
def extensions(book: Book, everyone: Units) -> pd.DataFrame:
    """The events that extended a warranty, may have, or came after it: the latest MOST_EVENTS.

    Columns: ticket_id, equipment_id, contract_id, department, reported_at, effect (counts,
    may_count, too_late), extension_days, expires_on: the unit's; of_all: how many there are.
    """
    sql, parameters = _extensions(everyone)
    return frame(book, f"{sql} limit {MOST_EVENTS:d}", parameters)


def extensions_csv(book: Book, everyone: Units) -> Callable[[], bytes]:
    """All of `extensions` as CSV, made when it is called."""
    sql, parameters = _extensions(everyone)
    return csv_of(book, f"{sql} limit {DOWNLOAD_ROWS:d}", parameters)


def _extensions(everyone: Units) -> tuple[str, list[object]]:
    conditions, parameters = shared(_place(everyone))
    sql = f"""
        select *, count(*) over () as of_all
        from warranty_event where {" and ".join(conditions) or "true"}
        order by reported_at desc, ticket_id"""
    return sql, parameters


def replacements(book: Book, selection: Selection) -> pd.DataFrame:
    """Replacements owed, those still to be made first and of these the longest overdue.

    Columns: equipment_id, problem_code, contract_id, department, category, arose_on, due_on,
    done_on, state, stage (overdue, ahead, late, other_model, unproven, made, waived), late_days.
    """
    return within(_replacements(book), selection.contract, selection.department)


@per_generation
def _replacements(book: Book) -> pd.DataFrame:
    return frame(
        book,
        """
        with told as (
            select
                equipment_id, substr(subject, length(equipment_id) + 2) as problem_code,
                contract_id, department, category, arose_on, due_on, done_on, state,
                case
                    when state = 'met' then 'made'
                    when state = 'excluded' then 'waived'
                    when state = 'unknown' then 'unproven'
                    when state = 'pending' then 'ahead'
                    when done_on is null then 'overdue'
                    when done_on > due_on then 'late'
                    else 'other_model'
                end as stage,
                date_diff('day', due_on, coalesce(done_on, ?::date)) as late_days,
            from obligation where clause = 'warranty.replacement'
        )
        select * from told
        order by list_position(
            ['overdue', 'ahead', 'unproven', 'late', 'other_model', 'waived', 'made'], stage
        ), due_on, equipment_id, problem_code
        """,
        [book.as_of],
    )


def chains(book: Book, selection: Selection) -> pd.DataFrame:
    """Problems where one more failed repair means a replacement, the latest first.

    Columns: equipment_id, contract_id, department, category, problem_code, ticket_id (the last
    repair), end_at, run (failed repairs in a row).
    """
    return within(_chains(book), selection.contract, selection.department)


@per_generation
def _chains(book: Book) -> pd.DataFrame:
    return frame(
        book,
        """
        select equipment_id, contract_id, department, category, problem_code, ticket_id, end_at, run
        from repair_chain where missing = 1 order by end_at desc, equipment_id, problem_code
        """,
    )
