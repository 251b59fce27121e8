"""One clause, broken down: by contract, department, month, hour, kind and time taken."""

from collections.abc import Callable
from decimal import Decimal
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import charts, filters, queries
from dashboard.charts import grids
from dashboard.charts.figure import Figure
from dashboard.components import drawer
from dashboard.components.card import CAPTION, card, chart, nothing
from dashboard.components.grid import grid
from dashboard.components.obligations import choice
from dashboard.page import Page
from dashboard.queries import Selection
from dashboard.texts import Words
from etl.catalogue import catalogue

MOST_ROWS = 16
MOST_MONTHS = 18
_SHORT = {"broken": "bad", "undecided": "warn"}


def _title(page: Page, clause: str) -> str:
    return catalogue().clauses[clause].title.get(page.words.language)


def _hover(words: Words, name: str, row: Any, *targets: Decimal) -> str:
    """What a mark says: its name, its rate, its counts."""
    if not row["due"]:
        return f"<b>{escape(name)}</b><br>{escape(words('kpi.nothing_due'))}"
    met, due = int(row["met"]), int(row["due"])
    return (
        f"<b>{escape(name)}</b><br>{words.percent(met, due, *targets)}  ({words.counts(met, due)})"
        f"<br>{escape(words('breakdown.states', breached=row['breached'], unknown=row['unknown']))}"
    )


def _bars(
    page: Page,
    selection: Selection,
    frame: pd.DataFrame,
    column: str,
    name: Callable[[str], str],
    on_click: Callable[[Any], None],
) -> None:
    """Bullets for the rows of `frame`, worst first, told by the values of `column`."""
    words = page.words
    shown = _shown(frame)
    if shown.empty:
        nothing(words)
        return
    records = shown.to_dict("records")
    targets = [
        queries.targets(
            page.book,
            Selection(row[column] if column == "contract_id" else page.filters.contract),
            selection.clauses[0],
        )[0]
        for row in records
    ]
    paired = list(zip(records, targets, strict=True))

    def build() -> Figure:
        return charts.bars(
            pd.DataFrame(
                {
                    "key": [row[column] for row in records],
                    "label": [escape(name(row[column])) for row in records],
                    "rate": shown["rate"].to_numpy(),
                    "said": [
                        f"{words.percent(row['met'], row['due'], goal)}  "
                        f"{words.counts(row['met'], row['due'])}"
                        for row, goal in paired
                    ],
                    "hover": [_hover(words, name(row[column]), row, goal) for row, goal in paired],
                    "tone": [_SHORT.get(queries.verdict_at(row, goal), "") for row, goal in paired],
                    "target": [float(goal) for goal in targets],
                }
            ),
            page.palette,
        )

    chart(page, selection, build, f"bars_{column}", words("breakdown.alt", by=column), on_click)


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["due"] > 0].sort_values("rate", kind="stable").head(MOST_ROWS)


def contracts_height(page: Page, clause: str) -> int:
    """How high the chart of `by_contract` is."""
    counted = queries.counts(page.book, page.selection.but(clauses=(clause,)), ("contract_id",))
    return charts.bars_height(len(_shown(counted)))


def by_contract(page: Page, clause: str) -> None:
    """The rate of each contract against its own target."""
    words, selection = page.words, page.selection.but(clauses=(clause,))
    counted = queries.counts(page.book, selection, ("contract_id",))
    with card(words, "contracts", words("contracts.title"), words("contracts.subtitle"), counted):
        _bars(
            page,
            selection,
            counted,
            "contract_id",
            str,
            lambda key: drawer.rows(_title(page, clause), selection.but(contract=key[0])),
        )


def by_kind(page: Page, clause: str) -> None:
    """The rate by channel, kind of service or category of device."""
    words, selection = page.words, page.selection.but(clauses=(clause,))
    with card(words, "kinds", words("kinds.title"), words("kinds.subtitle")):
        column = filters.dimension(words)
        counted = queries.counts(page.book, selection, (column,))

        def name(value: str) -> str:
            if not value:
                return words("card.none")
            return value if column == "category" else choice(words.language, column, value)

        _bars(
            page,
            selection,
            counted,
            column,
            name,
            lambda key: drawer.rows(_title(page, clause), selection.but(**{column: key[0]})),
        )


def _by_department(page: Page, clause: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The counts by department and month, and those of them that have a rate."""
    selection = page.selection.but(clauses=(clause,))
    counted = queries.counts(page.book, selection, ("department", "month"))
    return counted, counted[(counted["due"] > 0) & (counted["month"] != queries.NONE)]


def _departments_height(page: Page, clause: str) -> int:
    """How high the chart of `department_months` is, and what stands below it."""
    rows = _by_department(page, clause)[1]["department"].nunique()
    return grids.heat_height(min(rows, MOST_ROWS)) + (CAPTION if rows > MOST_ROWS else 0)


def department_months(page: Page, clause: str) -> None:
    """Department × month: where and when it slips; a cell opens its rows."""
    words, selection = page.words, page.selection.but(clauses=(clause,))
    counted, rated = _by_department(page, clause)
    targets = queries.targets(page.book, selection, clause)
    with card(words, "heat", words("heat.title"), words("heat.subtitle"), counted):
        if rated.empty:
            nothing(words)
            return
        sums = rated.groupby("department")[["met", "due"]].sum()
        order = list((sums["met"] / sums["due"]).sort_values(kind="stable").index)[:MOST_ROWS]
        months = [
            month
            for month in queries.months(page.book)
            if rated["month"].min() <= month <= rated["month"].max()
        ][-MOST_MONTHS:]
        cells = rated[rated["month"].isin(months) & rated["department"].isin(order)]
        names = {one: one or words("card.none") for one in order}

        def build() -> grids.Grid:
            return grids.heat(
                pd.DataFrame(
                    {
                        "row": cells["department"],
                        "column": cells["month"],
                        "rate": cells["rate"],
                        "met": cells["met"],
                        "due": cells["due"],
                        "hover": [
                            _hover(
                                words,
                                f"{names[row['department']]} · "
                                f"{words.month(row['month'], with_year=True)}",
                                row,
                                *targets,
                            )
                            for row in cells.to_dict("records")
                        ],
                    }
                ),
                page.palette,
                rows=[(one, names[one], "") for one in order],
                columns=[
                    (month, label)
                    for month, label in zip(months, words.month_ticks(months), strict=True)
                ],
                target=float(targets[0]),
                text=lambda one: words.percent(one["met"], one["due"], *targets).rstrip("%"),
            )

        grid(
            page,
            selection,
            build,
            "heat_chart",
            words("heat.title"),
            lambda key: drawer.rows(
                _title(page, clause),
                selection.but(department=key[0], first=key[1], last=key[1]),
            ),
        )
        if len(sums) > MOST_ROWS:
            st.caption(words("heat.most", n=MOST_ROWS, all=len(sums)))


def hours(page: Page, clause: str) -> None:
    """Hour of the week: is it really 7×24? A cell opens its rows."""
    words, selection = page.words, page.selection.but(clauses=(clause,))
    counted = queries.counts(page.book, selection, ("weekday", "hour"))
    rated = counted[(counted["due"] > 0) & counted["weekday"].notna()]
    targets = queries.targets(page.book, selection, clause)
    days = {day: words(f"weekday.{day}") for day in range(1, 8)}
    days_alone = int(counted.loc[counted["weekday"].isna(), list(queries.STATES)].to_numpy().sum())
    with card(words, "hours", words("hours.title"), words("hours.subtitle"), counted):
        if days_alone:
            st.caption(words("hours.left_out", n=words.number(days_alone)))
        if rated.empty:
            nothing(words)
            return

        def build() -> grids.Grid:
            return grids.heat(
                pd.DataFrame(
                    {
                        "row": rated["weekday"].astype(int),
                        "column": rated["hour"].astype(int),
                        "rate": rated["rate"],
                        "hover": [
                            _hover(
                                words,
                                words(
                                    "drawer.hour",
                                    day=days[int(row["weekday"])],
                                    hour=int(row["hour"]),
                                ),
                                row,
                                *targets,
                            )
                            for row in rated.to_dict("records")
                        ],
                    }
                ),
                page.palette,
                rows=[(day, name, "") for day, name in days.items()],
                columns=[(hour, f"{hour:02d}" if hour % 3 == 0 else "") for hour in range(24)],
                target=float(targets[0]),
                text=None,
            )

        grid(
            page,
            selection,
            build,
            "hours_chart",
            words("hours.title"),
            lambda key: drawer.rows(
                _title(page, clause), selection.but(weekday=int(key[0]), hour=int(key[1]))
            ),
        )


def durations(page: Page, clause: str) -> None:
    """How long it took, against the limit."""
    words, selection = page.words, page.selection.but(clauses=(clause,))
    taken = queries.durations(page.book, selection)
    limit, unit = _limit(page, clause)
    untimed = queries.untimed(page.book, selection)
    with card(words, "durations", words("durations.title"), words("durations.subtitle"), taken):
        if untimed:
            st.caption(words("durations.left_out", n=words.number(untimed)))
        if taken.empty:
            nothing(words, "durations.nothing")
            return

        def tick(share: float) -> str:
            return f"{share:.0%}" if limit is None else f"{limit * share:g}"

        def hover(tenth: int, count: int) -> str:
            reach = tick(tenth / 10) + ("+" if tenth >= 30 else f" – {tick((tenth + 1) / 10)}")
            return words("durations.hover", reach=f"{reach}{unit}", n=words.number(count))

        def build() -> Figure:
            return charts.distribution(
                taken,
                page.palette,
                limit_label=words("durations.limit", limit=f"{tick(1.0)}{unit}"),
                tick=tick,
                hover=hover,
            )

        chart(
            page,
            selection,
            build,
            "durations_chart",
            words("durations.title"),
            lambda key: drawer.rows(
                _title(page, clause),
                selection.but(
                    from_bucket=2 * int(key[0]),
                    to_bucket=None if int(key[0]) >= 30 else 2 * int(key[0]) + 1,
                ),
            ),
            height=charts.beside(_departments_height(page, clause)),
        )


def _limit(page: Page, clause: str) -> tuple[float | None, str]:
    """The limit in its own unit where all contracts in view share one; else a share of it."""
    for name in catalogue().clauses[clause].terms:
        unit = catalogue().terms[name].unit
        value = queries.term(page.book, page.selection, name)
        if unit in ("minutes", "hours") and value is not None:
            return float(value), " " + page.words(f"durations.{unit}")
    return None, ""
