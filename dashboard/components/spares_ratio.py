"""The ratio of spares to units: day by day, by month, by category of equipment."""

from datetime import date, timedelta
from decimal import Decimal
from html import escape
from typing import Any

import pandas as pd

from dashboard import queries
from dashboard.charts import spares as figures
from dashboard.charts.figure import Figure
from dashboard.components import aside, drawer, spares_stock
from dashboard.components.card import card, chart, nothing
from dashboard.components.spares_stock import percent
from dashboard.page import Page
from dashboard.queries import spares
from dashboard.queries.spares import Stock
from etl.catalogue import catalogue

_TONES = {"breached": "bad", "unknown": "warn", "excluded": "quiet"}
_PARTS = {"bad": "breached", "warn": "unknown"}
MOST_ROWS = 14


def days(page: Page) -> None:
    """The ratio per day against the promised one; a day opens what moved on it."""
    words, selection = page.words, spares.ratios(page.selection)
    frame = spares.days(page.book, selection)
    subtitle = words("spares.days_subtitle")
    if len(frame):
        first = frame.iloc[0]
        shown = frame["contract_id"].nunique()
        if first["width"] > 1:
            subtitle += words("spares.days_width", n=int(first["width"]))
        if first["contracts"] > shown:
            subtitle += words("spares.days_most", n=shown, all=int(first["contracts"]))
    with card(words, "spares_days", words("spares.days"), subtitle, frame):
        if frame.empty:
            nothing(words, "spares.no_units")
            return

        def picked(key: Any) -> None:
            contract, on = str(key[0]), date.fromisoformat(str(key[1]))
            title = f"{contract} · {words.day(on)}"
            aside.open_with(title, spares_stock.day, contract, on)

        chart(
            page,
            selection,
            lambda: _steps(page, frame),
            "spares_steps",
            words("spares.days"),
            picked,
        )


def _steps(page: Page, frame: pd.DataFrame) -> Figure:
    words = page.words
    rows = frame.to_dict("records")
    steps = pd.DataFrame(
        {
            "panel": frame["contract_id"],
            "from_on": [f"{row['from_day']:%Y-%m-%d}" for row in rows],
            "to_on": [f"{row['until_day'] + timedelta(days=1):%Y-%m-%d}" for row in rows],
            "middle": [_middle(row["from_day"], row["until_day"]) for row in rows],
            "rate": frame["ratio"],
            "tone": [_TONES.get(row["state"], "") for row in rows],
            "said": [_percent(page, row) for row in rows],
            "hover": [_hover(page, row) for row in rows],
            "key": [[row["contract_id"], f"{row['day']:%Y-%m-%d}"] for row in rows],
        }
    )
    targets = dict(zip(frame["contract_id"], frame["target"], strict=True))
    panels = [
        (
            str(contract),
            escape(str(contract)),
            float(target),
            escape(words("trend.target", share=words.share(Decimal(str(target))))),
        )
        for contract, target in targets.items()
    ]
    first, last = min(steps["from_on"])[:7], max(steps["from_on"])[:7]
    inside = [str(month) for month in pd.period_range(first, last, freq="M")]
    ticks = [
        (f"{month}-01", label)
        for month, label in zip(inside, words.month_ticks(inside), strict=True)
        if f"{month}-01" >= min(steps["from_on"])
    ]
    return figures.steps(steps, page.palette, panels=panels, ticks=ticks)


def _middle(first: Any, last: Any) -> str:
    middle = first + (last + timedelta(days=1) - first) / 2
    return f"{middle:%Y-%m-%d %H:%M}"


def _percent(page: Page, row: Any) -> str:
    target = Decimal(str(row["target"]))
    return percent(page, row["on_hand"], row["units_in_service"], target)


def _hover(page: Page, row: Any) -> str:
    words = page.words
    said = words.day(row["day"].date())
    if row["from_day"] != row["until_day"]:
        said = words(
            "spares.worst_of",
            day=said,
            first=words.day(row["from_day"].date()),
            last=words.day(row["until_day"].date()),
        )
    state = catalogue().states[row["state"]].title.get(words.language)
    held = "—" if pd.isna(row["on_hand"]) else words.number(row["on_hand"])
    return (
        f"<b>{escape(said)}</b>  {escape(str(row['contract_id']))}<br>"
        f"{_percent(page, row)}  ({held} / {words.number(int(row['units_in_service']))})<br>"
        f"{escape(state)}"
    )


def months(page: Page) -> None:
    """Days below and days unknown, month by month; a column opens its days."""
    words, selection = page.words, spares.ratios(page.selection)
    counted = queries.counts(page.book, selection, ("month",))
    counted = counted[counted["month"] != queries.NONE]
    title = words("spares.months")
    with card(words, "spares_months", title, words("spares.months_subtitle"), counted):
        if counted.empty:
            nothing(words, "spares.no_units")
            return
        if not counted["breached"].sum() + counted["unknown"].sum():
            nothing(words, "spares.never_below")
            return

        def build() -> Figure:
            inside = list(counted["month"])
            frame = pd.DataFrame(
                {
                    "key": inside,
                    "label": words.month_ticks(inside),
                    "bad": counted["breached"].to_numpy(),
                    "warn": counted["unknown"].to_numpy(),
                    "hover": [
                        f"<b>{escape(words.month(row['month'], with_year=True))}</b><br>"
                        + escape(
                            words(
                                "spares.month_days",
                                breached=row["breached"],
                                unknown=row["unknown"],
                                due=row["due"],
                            )
                        )
                        for row in counted.to_dict("records")
                    ],
                }
            )
            return figures.months(frame, page.palette, parts=tuple(_PARTS))

        chart(
            page,
            selection,
            build,
            "spares_months_chart",
            title,
            lambda key: drawer.rows(
                title, selection.but(first=key[0], last=key[0], states=(_PARTS[str(key[1])],))
            ),
        )


def categories(page: Page) -> None:
    """The ratio of each category of equipment beside that of all; one opens parts and units."""
    words, contract = page.words, page.filters.contract
    frame = spares.categories(page.book, contract)
    named = frame[frame["category"] != queries.NONE]
    title = words("spares.categories")
    with card(words, "spares_categories", title, words("spares.categories_subtitle"), frame):
        if frame.empty or not frame["units"].sum():
            nothing(words, "spares.no_units")
            return

        def build() -> Figure:
            return figures.bullets(_bullets(page, frame), page.palette)

        def picked(key: Any) -> None:
            which = Stock(contract) if key[0] is None else Stock(contract, category=str(key[0]))
            aside.open_with(_category(page, key[0]), spares_stock.category, which)

        chart(page, spares.ratios(queries.Selection(contract)), build, "categories", title, picked)
        if named.empty:
            nothing(words, "spares.no_categories")


def _category(page: Page, category: str | None) -> str:
    if category is None:
        return page.filters.contract or page.words("spares.together")
    return category or page.words("spares.no_category")


def _bullets(page: Page, frame: pd.DataFrame) -> pd.DataFrame:
    """All categories together, then each, then what names none."""
    words = page.words
    targets = spares.promised(page.book, page.selection)
    total: dict[Any, Any] = {
        "category": None,
        "on_hand": frame["on_hand"].sum(),
        "units": frame["units"].sum(),
    }
    rows = [total, *frame.head(MOST_ROWS).to_dict("records")]
    if len(frame) > MOST_ROWS and frame.iloc[-1]["category"] == queries.NONE:
        rows[-1] = frame.iloc[-1].to_dict()
    made = []
    for row in rows:
        on_hand, units = row["on_hand"], int(row["units"])
        rated = row["category"] != queries.NONE and units > 0
        ratio = float(on_hand) / units if rated else None
        counts = f"{words.number(on_hand)} / {words.number(units)}"
        name = _category(page, row["category"])
        shown = percent(page, on_hand, units, *targets) if rated else ""
        made.append(
            {
                "key": row["category"],
                "label": f"<b>{escape(name)}</b>" if row["category"] is None else escape(name),
                "rate": ratio,
                "target": float(targets[0]) if rated else None,
                "said": f"{shown}  {counts}".strip(),
                "tone": "warn" if row.get("short") else "",
                "hover": f"<b>{escape(name)}</b><br>"
                + escape(words("spares.category_counts", counts=counts)),
            }
        )
    return pd.DataFrame(made)
