"""How a rate moves: by month against its target."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from html import escape

import pandas as pd

from dashboard import charts, filters, queries
from dashboard.charts.figure import Figure
from dashboard.components import drawer
from dashboard.components.card import card, chart, nothing
from dashboard.page import Page
from dashboard.queries import Selection
from etl.catalogue import catalogue

_CHOICE = 49
"""How much of its card the choice of what to compare with takes."""


def by_month(
    page: Page, clause: str, *, comparable: bool = False, beside: int | None = None
) -> None:
    """Draw the rate of `clause` by month; a point opens the month's rows.

    `comparable` offers the period before, another contract or another department beside it;
    `beside`: how high what stands beside its card is.
    """
    words, book = page.words, page.book
    selection = page.selection.but(clauses=(clause,))
    title = catalogue().clauses[clause].title.get(words.language)
    counted = queries.counts(book, selection, ("month",))
    counted = counted[counted["month"] != queries.NONE]
    targets = queries.targets(book, selection, clause)
    with card(
        words,
        "trend",
        words("trend.title", clause=title),
        words("trend.subtitle"),
        counted,
    ):
        if comparable:
            filters.beside(words, queries.choices(book))
        if counted["due"].sum() == 0:
            nothing(words)
            return
        other = page.filters.compared(page.last_month) if comparable else None

        def build() -> Figure:
            frame = _frame(page, counted, targets)
            partial = words("trend.partial", day=book.as_of.day)
            beside = None if other is None else _beside(page, clause, other, list(frame["key"]))
            return charts.trend(
                frame,
                page.palette,
                targets=[
                    (float(target), words("trend.target", share=words.share(target)))
                    for target in targets
                ],
                partial_label=partial if _is_partial(page, list(frame["key"])) else None,
                beside=beside,
                beside_label=filters.beside_title(words, page.filters.beside or ""),
            )

        chart(
            page,
            selection,
            build,
            f"trend_chart_{page.filters.beside}" if other else "trend_chart",
            words("trend.title", clause=title),
            lambda key: drawer.rows(title, selection.but(first=key[0], last=key[0])),
            height=None
            if beside is None
            else charts.beside(beside - (_CHOICE if comparable else 0)),
        )


def _is_partial(page: Page, months: list[str]) -> bool:
    tomorrow = page.book.as_of + timedelta(days=1)
    return bool(months) and months[-1] == page.last_month and tomorrow.day != 1


def _beside(page: Page, clause: str, other: Selection, months: list[str]) -> pd.DataFrame:
    """The rates of what is compared with, month by month beside `months`: rate and hover.

    The months of an earlier period stand under those that they come before.
    """
    words, selection = page.words, other.but(clauses=(clause,))
    counted = queries.counts(page.book, selection, ("month",)).set_index("month")
    back = 0
    if page.filters.beside == filters.BEFORE and other.last is not None and other.first is not None:
        back = len(pd.period_range(other.first, other.last, freq="M"))
    theirs = [str(pd.Period(month, freq="M") - back) for month in months]
    full = counted.reindex(theirs)
    hover = [
        ""
        if pd.isna(row["due"])
        else f"<b>{escape(words.month(str(month), with_year=True))}</b> "
        f"{escape(filters.beside_title(words, page.filters.beside or ''))}<br>"
        f"{words.percent(int(row['met']), int(row['due']))} "
        f"({words.counts(int(row['met']), int(row['due']))})"
        for month, row in full.iterrows()
    ]
    return pd.DataFrame({"rate": full["rate"].to_numpy(), "hover": hover})


def _frame(page: Page, counted: pd.DataFrame, targets: Sequence[Decimal]) -> pd.DataFrame:
    words = page.words
    inside = [
        month
        for month in queries.months(page.book)
        if counted["month"].min() <= month <= counted["month"].max()
    ]
    full = counted.set_index("month").reindex(inside)
    hover = [
        ""
        if pd.isna(row["due"])
        else f"<b>{escape(words.month(str(month), with_year=True))}</b><br>"
        f"{words.percent(int(row['met']), int(row['due']), *targets)}  "
        f"({words.counts(int(row['met']), int(row['due']))})<br>"
        + words("trend.interval", low=f"{row['low']:.1%}", high=f"{row['high']:.1%}")
        for month, row in full.iterrows()
    ]
    return pd.DataFrame(
        {
            "key": inside,
            "label": words.month_ticks(inside),
            "rate": full["rate"].to_numpy(),
            "low": full["low"].to_numpy(),
            "high": full["high"].to_numpy(),
            "hover": hover,
        }
    )
