"""What the page of spares asks: the ratio day by day, what lies in stock, what moved."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from dashboard import queries
from dashboard.queries import Book, Selection, frame, within
from dashboard.queries.answers import per_generation, per_view
from dashboard.queries.cube import Cube

RATIO = "spares.ratio"
CHARGES = "aftercare.parts_at_cost"
MOST_POINTS = 1100
MOST_CONTRACTS = 6
_SECOND = timedelta(seconds=1)
_DECIMALS = 6
"""Those of a quantity in the log: a sum of floats is exact again when it is rounded to them."""
_SEVERITY = {"breached": 0, "unknown": 1, "excluded": 2}


@dataclass(frozen=True)
class Stock:
    """Which parts, units and movements are meant; a field left empty does not narrow.

    `category` "" means those without one; `places` are local, remote and open (none named);
    `first_on` and `last_on` narrow movements alone.
    """

    contract: str | None = None
    part: str | None = None
    category: str | None = None
    places: tuple[str, ...] = ()
    first_on: date | None = None
    last_on: date | None = None

    def but(self, **changes: object) -> "Stock":
        """The same, narrowed or changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


def ratios(selection: Selection) -> Selection:
    """The days of the ratio in view: they have no department."""
    return selection.but(department=None, clauses=(RATIO,))


def between(selection: Selection, contract: str | None, first: date, last: date) -> Selection:
    """The days from `first` to `last` of one contract, as rows of the ledger."""
    return ratios(selection).but(
        contract=contract,
        first=None,
        last=None,
        fell_due_after=datetime(first.year, first.month, first.day) - _SECOND,
        falls_due_until=datetime(last.year, last.month, last.day),
    )


def period(selection: Selection) -> tuple[date | None, date | None]:
    """The first and the last day of the months in view."""
    first = queries.first_of(selection.first) if selection.first else None
    last = queries.after(selection.last) - timedelta(days=1) if selection.last else None
    return first, last


def _of(which: Stock, *columns: str) -> tuple[str, list[object]]:
    """The conditions of `which` on a table that has `columns`."""
    conditions: list[str] = []
    parameters: list[object] = []
    for column, sql, value in (
        ("contract_id", "contract_id = ?", which.contract),
        ("part_no", "part_no = ?", which.part),
        ("category", "category is not distinct from nullif(?, '')", which.category),
        ("day", "day >= ?", which.first_on),
        ("day", "day <= ?", which.last_on),
    ):
        if value is not None and column in columns:
            conditions.append(sql)
            parameters.append(value)
    if which.places and "place" in columns:
        conditions.append(f"place in ({', '.join('?' * len(which.places))})")
        parameters += which.places
    return " and ".join(conditions) or "true", parameters


@per_view()
def days(book: Book, selection: Selection) -> pd.DataFrame:
    """The ratio per contract and day in view; where that is too much to draw, per several days.

    Columns: contract_id, from_day, until_day, day (the worst of them, whose figures these are),
    on_hand, perhaps_on_hand, units_in_service, ratio, target, needed, state; contracts (how many
    there are, of which the worst MOST_CONTRACTS are shown), width (days to a point).
    """
    return _per_stretch(_in_view(book, selection))


@per_generation
def _days(book: Book) -> pd.DataFrame:
    return frame(book, "select * from spares order by contract_id, day")


def _in_view(book: Book, selection: Selection) -> pd.DataFrame:
    every = within(_days(book), selection.contract)
    first, last = period(selection)
    if first is not None:
        every = every.loc[every["day"] >= pd.Timestamp(first)]
    return every if last is None else every.loc[every["day"] <= pd.Timestamp(last)]


def _per_stretch(every: pd.DataFrame) -> pd.DataFrame:
    """The worst day of each stretch of days, of the contracts that were short the most."""
    contract = every.assign(short=every["state"] == "breached").groupby("contract_id")
    worst = contract.agg(short=("short", "sum"), ratio=("ratio", "min")).reset_index()
    worst = worst.sort_values(["short", "ratio", "contract_id"], ascending=[False, True, True])
    shown = every[every["contract_id"].isin(worst["contract_id"].head(MOST_CONTRACTS))]
    width = max(1, -(-len(shown) // MOST_POINTS))
    stretch = (shown["day"] - shown["day"].min()).dt.days // width
    days_of = shown.assign(
        stretch=stretch,
        severity=[_SEVERITY.get(state, len(_SEVERITY)) for state in shown["state"]],
    )
    same = days_of.groupby(["contract_id", "stretch"])["day"]
    placed = days_of.assign(from_day=same.transform("min"), until_day=same.transform("max"))
    picked = placed.sort_values(["severity", "ratio", "day"], na_position="last")
    picked = picked.drop_duplicates(["contract_id", "stretch"])
    picked = picked.sort_values(["contract_id", "from_day"], ignore_index=True)
    return picked.drop(columns=["stretch", "severity"]).assign(contracts=len(worst), width=width)


@per_view()
def day(book: Book, contract: str, on: date) -> pd.DataFrame:
    """One day of one contract: on_hand, perhaps_on_hand, units_in_service, target, needed, state;
    one row or none."""
    return frame(
        book,
        "select * from spares where contract_id = ? and day = ?",
        [contract, on],
    )


@per_view()
def today(book: Book, contract: str | None) -> dict[str, Any]:
    """The last day: contracts with a unit in service, how many are met; units, needed; on_hand.

    on_hand is null where no contract has had a movement.
    """
    every = within(_days(book), contract)
    now = every[every["day"] == pd.Timestamp(book.as_of.date())]
    return {
        "contracts": len(now),
        **{state: int((now["state"] == state).sum()) for state in ("met", "breached", "unknown")},
        "units": int(now["units_in_service"].sum()),
        "needed": round(float(now["needed"].sum()), _DECIMALS),
        "on_hand": round(now["on_hand"].sum(min_count=1), _DECIMALS),
    }


@per_view()
def series(book: Book, selection: Selection) -> pd.DataFrame:
    """On hand and units in service over all contracts in view: day (each seventh up to as_of),
    on_hand (null before any movement), units, ratio."""
    seen = _in_view(book, selection)
    since = (pd.Timestamp(book.as_of.date()) - seen["day"]).dt.days
    found: pd.DataFrame = (
        seen[since % 7 == 0]
        .groupby("day")[["on_hand", "units_in_service"]]
        .sum(min_count=1)
        .rename(columns={"units_in_service": "units"})
        .reset_index()
    )
    return found.assign(ratio=found["on_hand"] / found["units"].where(found["units"] > 0))


def promised(book: Book, selection: Selection) -> tuple[Decimal, ...]:
    """The promised ratios of the contracts in view, each once, the lowest first."""
    inside = [selection.contract] if selection.contract else list(queries.contracts(book))
    found = {queries.term(book, Selection(contract), "spares_ratio") for contract in inside}
    return tuple(sorted(ratio for ratio in found if ratio is not None))


@per_view()
def stock(book: Book, which: Stock) -> dict[str, Any]:
    """What lies in stock at as_of: parts, on_hand at local, open_on_hand, cost_value."""
    where, parameters = _of(which, "contract_id", "part_no", "category")
    found = frame(
        book,
        f"""
        select count(*) as parts, coalesce(sum(on_hand), 0) as on_hand,
            coalesce(sum(open_on_hand), 0) as open_on_hand, sum(cost_value) as cost_value
        from spares_part where {where}
        """,
        parameters,
    )
    return {str(name): value for name, value in found.iloc[0].items()}


@per_view()
def parts(book: Book, which: Stock) -> pd.DataFrame:
    """The parts of `which`, those gone first: one row per contract and part (see spares_part)."""
    every = within(_parts(book), which.contract)
    for column, wanted in (("part_no", which.part), ("category", which.category)):
        if wanted is not None:
            every = every[every[column].fillna("") == wanted]
    return every.reset_index(drop=True)


@per_generation
def _parts(book: Book) -> pd.DataFrame:
    return frame(
        book,
        """
        select part_no, part_name, category, on_hand, open_on_hand, last_moved_at,
            unit_cost, cost_value, contract_id
        from spares_part order by on_hand, contract_id, part_no
        """,
    )


@per_view()
def categories(book: Book, contract: str | None) -> pd.DataFrame:
    """Spares against units in service, per category of equipment, what is short first.

    Columns: category ("" where none is stated), parts, on_hand, units, ratio (null without a
    category or a unit), short: below the lowest promised ratio even if every part without a
    category were for it.
    """
    every = within(_parts(book), contract)
    held = every.assign(category=every["category"].fillna("")).groupby("category")
    spare = held.agg(parts=("part_no", "size"), on_hand=("on_hand", "sum")).round(_DECIMALS)
    units = _units(book).sums(("category",), queries.among(Selection(contract)))
    found = spare.join(units.set_index("category"), how="outer").fillna(0).rename_axis("category")
    unnamed = found["on_hand"].get("", 0.0)
    found = found.reset_index().astype({"parts": "int64", "units": "int64"})
    named = found["category"] != ""
    target = float(min(promised(book, Selection(contract)), default=0))
    needed = (target * found["units"]).round(_DECIMALS)
    found["ratio"] = (found["on_hand"] / found["units"]).where(named & (found["units"] > 0))
    found["short"] = named & ((found["on_hand"] + unnamed).round(_DECIMALS) < needed)
    ordered = found.assign(named=named).sort_values(
        ["named", "short", "ratio", "units", "category"],
        ascending=[False, False, True, False, True],
    )
    return ordered.drop(columns="named").reset_index(drop=True)


@per_generation
def _units(book: Book) -> Cube:
    found = frame(
        book,
        """
        select contract_id, category, count(*) as units from fact_unit
        where accepted_on is not null and retired_on is null group by 1, 2
        """,
    )
    return Cube.of(found, ("units",))


@per_view()
def units(book: Book, which: Stock, *, skip: int = 0) -> pd.DataFrame:
    """Units in service at as_of, a page of them: one row per unit."""
    where, parameters = _of(which, "contract_id", "category")
    return frame(
        book,
        f"""
        select equipment_id, category, department, brand, model, accepted_on, contract_id
        from fact_unit
        where accepted_on is not null and retired_on is null and {where}
        order by category, equipment_id limit {queries.PAGE_ROWS:d} offset {skip:d}
        """,
        parameters,
    )


def count_units(book: Book, which: Stock) -> int:
    """How many units `units` has."""
    inside = queries.among(Selection(which.contract, category=which.category))
    return int(_units(book).sums((), inside)["units"].iloc[0])


def _movements(which: Stock) -> tuple[str, list[object]]:
    where, parameters = _of(which, "contract_id", "part_no", "day", "place")
    sql = f"""
        select moved_at, kind, quantity, change, place, part_no, part_name, ticket_id,
            unit_cost, unit_price, contract_id, movement_id
        from fact_movement where {where}
        order by moved_at desc, movement_id desc"""
    return sql, parameters


@per_view()
def movements(
    book: Book, which: Stock, *, skip: int = 0, limit: int = queries.PAGE_ROWS
) -> pd.DataFrame:
    """Movements, a page of them, the latest first: one row per movement (see fact_movement)."""
    sql, parameters = _movements(which)
    return frame(book, f"{sql} limit {limit:d} offset {skip:d}", parameters)


@per_view()
def count_movements(book: Book, which: Stock) -> int:
    """How many movements `which` has."""
    where, parameters = _of(which, "contract_id", "part_no", "day", "place")
    found = frame(book, f"select count(*) as n from fact_movement where {where}", parameters)
    return int(found["n"].iloc[0])


def download_movements(book: Book, which: Stock) -> Callable[[], bytes]:
    """All movements of `which` as CSV, made when it is called."""
    sql, parameters = _movements(which)
    return queries.csv_of(book, f"{sql} limit {queries.DOWNLOAD_ROWS:d}", parameters)


@per_view()
def charges(book: Book, selection: Selection, *, limit: int) -> pd.DataFrame:
    """The latest charges that `selection` holds, at most `limit`: rows of spares_charge."""
    conditions, parameters = queries.shared(
        Selection(contract=selection.contract, department=selection.department)
    )
    if selection.states:
        conditions.append(f"state in ({', '.join('?' * len(selection.states))})")
        parameters += selection.states
    first, last = period(selection)
    for sql, value in (("arose_on >= ?", first), ("arose_on <= ?", last)):
        if value is not None:
            conditions.append(sql)
            parameters.append(value)
    return frame(
        book,
        f"""
        select * from spares_charge where {" and ".join(conditions) or "true"}
        order by moved_at desc, movement_id limit {limit:d}
        """,
        parameters,
    )
