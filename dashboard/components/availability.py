"""Availability: key figures, by month, by place, by contract and category, the worst units."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import partial
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import charts, queries
from dashboard.charts import grids
from dashboard.charts.availability import availability
from dashboard.charts.complaints import stacks
from dashboard.charts.figure import Figure
from dashboard.components import availability_lists as lists
from dashboard.components import clauses, drawer
from dashboard.components.card import CAPTION, card, chart, nothing
from dashboard.components.figure import figure
from dashboard.components.grid import grid
from dashboard.page import Page
from dashboard.queries import availability as asked
from dashboard.texts import plain
from etl.catalogue import catalogue

MOST_ROWS = 16
MOST_MONTHS = 18
WORST = 10
_COLOURS = {"kept": "green", "broken": "red", "undecided": "orange"}
_TONES = {"broken": "bad", "undecided": "warn"}
Row = Mapping[Any, Any]


def explanation(page: Page) -> None:
    """The letter's words, how the figure is made, that its target is assumed, what is missing."""
    words, contract = page.words, page.filters.contract
    promise = catalogue().figures["availability"]
    goal = words("kpi.target", share=words.share(*asked.targets(page.book, contract)))
    parts = [
        f"<blockquote>{escape(promise.quote)}</blockquote>",
        f"<p>{escape(words('availability.text'))}</p>",
        f"<p class='kept-sub'>{escape(goal)}</p>",
    ]
    if asked.assumed(page.book, contract):
        parts.append(f"<p class='kept-note'>{escape(words('availability.assumed'))}</p>")
    parts.append(clauses.readings(page, promise))
    with st.container(key="explained"):
        st.html(f"<div class='kept-clause'>{''.join(parts)}</div>")
    through = asked.ticket_log_through(page.book, page.selection)
    if not _known(page):
        st.warning(words("availability.no_tickets"), icon=":material/inbox:")
    elif through is not None:
        st.warning(words("availability.ends", day=words.day(through)), icon=":material/event_busy:")


def _known(page: Page) -> bool:
    """Whether there is a ticket log: without one nobody knows of any downtime."""
    return "tickets" in queries.loaded(page.book)


def figures(page: Page) -> None:
    """The key figures of the period, each against the equally long one before."""
    words, selection = page.words, page.selection
    now, before, months = _measured(page)
    known = _known(page)
    with st.grid(6, min_column_width=160, gap="small", key="kpis"):
        headline(page)
        _share(
            page,
            "with_loaner",
            ("served_seconds", "cover_service_seconds"),
            said=words("availability.covered_said"),
            foot=_time(page, "covered", now["covered_seconds"], now["cover_service_seconds"]),
        )
        for name, count in (("mttr", "repairs"), ("mtbf", "faults")):
            n, mean = int(now[count]), float(now[f"{name}_seconds"])
            _figure(
                page,
                name,
                _span(page, mean) if known and not pd.isna(mean) else "—",
                change=_longer(page, now, before, f"{name}_seconds") if known else None,
                said=words(f"availability.{name}_said"),
                months=list(months[f"{name}_seconds"].dropna().astype(float)) if known else [],
                foot=words(f"availability.{count}_n", n=words.number(n)),
                opens=partial(
                    lists.open_faults,
                    words(f"availability.{name}"),
                    selection,
                    count == "repairs",
                )
                if n
                else None,
            )
        _in_service(page, months, before is not None)
        _stopped(page)
    if known and (left_out := int(now["open_units"])):
        st.caption(words("availability.left_out", n=words.number(left_out)))


def _measured(page: Page) -> tuple[Row, Row | None, pd.DataFrame]:
    """The period in view, the equally long one before, and the months in view."""
    earlier = page.filters.before(page.last_month)
    return (
        asked.measured(page.book, page.selection).to_dict("records")[0],
        None if earlier is None else asked.measured(page.book, earlier).to_dict("records")[0],
        asked.measured(page.book, page.selection, ("month",)),
    )


def headline(page: Page) -> None:
    """The availability of the period against its target, as one key figure."""
    words = page.words
    now, _, _ = _measured(page)
    goal = words("kpi.target", share=words.share(*asked.targets(page.book, page.filters.contract)))
    if asked.assumed(page.book, page.filters.contract):
        goal = words("availability.goal_assumed", goal=goal)
    standing = asked.standing_in_view(page.book, page.selection)
    _share(
        page,
        "title",
        ("up_seconds", "service_seconds"),
        said=goal,
        foot=_time(page, "down", now["down_seconds"], now["service_seconds"]),
        colour=_COLOURS.get(standing, "gray"),
    )


def _time(page: Page, name: str, seconds: Any, whole: Any) -> str:
    """How long units were down or covered, in the time of which it is known."""
    words = page.words
    said = (words.duration(int(seconds)) or "0") if whole and _known(page) else "—"
    return words(f"availability.{name}_n", duration=said)


def _share(
    page: Page,
    name: str,
    share: tuple[str, str],
    *,
    said: str,
    foot: str,
    colour: str = "gray",
) -> None:
    """Draw a share of time; `share` names the columns of `measured` that it divides."""
    words, selection = page.words, page.selection
    now, before, months = _measured(page)
    part, whole = share
    known = _known(page)
    targets = asked.targets(page.book, selection.contract)
    served = months[months[whole] > 0]
    _figure(
        page,
        name,
        words.percent(int(now[part]), int(now[whole]), *targets) if known else "—",
        change=_points(page, now, before, share) if known else None,
        colour=colour,
        said=said,
        months=list(served[part] / served[whole]) if known else [],
        foot=foot,
        opens=partial(lists.open_units, words(f"availability.{name}"), selection)
        if int(now["units"])
        else None,
    )


def _in_service(page: Page, months: pd.DataFrame, compared: bool) -> None:
    """Units in service in the last month of the period."""
    words, served = page.words, months[months["units"] > 0]
    last = None if served.empty else served.iloc[-1]
    units = [float(n) for n in served["units"]]
    at = "" if last is None else str(last["month"])
    change = int(units[-1] - units[0]) if compared and len(units) > 1 else 0
    _figure(
        page,
        "in_service",
        "0" if last is None else words.number(int(last["units"])),
        change=(_signed(words.number(abs(change)), change > 0), change > 0) if change else None,
        said=words("availability.since", month=words.month(str(served.iloc[0]["month"])))
        if change
        else words("availability.in_service_said"),
        months=units,
        foot="—" if not at else words.month(at, with_year=True),
        opens=partial(
            lists.open_units,
            words("availability.in_service"),
            page.selection.but(first=at, last=at),
        )
        if at
        else None,
    )


def _stopped(page: Page) -> None:
    """Units that stood still at all in the period."""
    words, selection = page.words, page.selection
    n = _how_many(asked.units(page.book, selection, down_only=True, limit=WORST))
    _figure(
        page,
        "stopped",
        words.number(n) if _known(page) else "—",
        change=None,
        said=words("availability.stopped_said"),
        months=[],
        foot=words("availability.stopped_n"),
        opens=partial(lists.open_units, words("availability.stopped"), selection) if n else None,
    )


def _how_many(units: pd.DataFrame) -> int:
    return 0 if units.empty else int(units["of_units"].iloc[0])


def _signed(text: str, up: bool) -> str:
    return f"{'+' if up else '−'}{text}"


def _points(
    page: Page, now: Row, before: Row | None, share: tuple[str, str]
) -> tuple[str, bool] | None:
    part, whole = share
    if before is None or not before[whole] or not now[whole]:
        return None
    change = Decimal(int(now[part])) / int(now[whole]) - Decimal(int(before[part])) / int(
        before[whole]
    )
    return (page.words.points(change), change > 0) if change else None


def _longer(page: Page, now: Row, before: Row | None, column: str) -> tuple[str, bool] | None:
    if before is None or pd.isna(before[column]) or pd.isna(now[column]):
        return None
    change = float(now[column]) - float(before[column])
    return (_signed(_span(page, abs(change)), change > 0), change > 0) if change else None


def _span(page: Page, seconds: float) -> str:
    """A mean time, in hours up to two days, else in days."""
    if seconds < 2 * 86400:
        return page.words("unit.hour", n=f"{seconds / 3600:.1f}")
    return page.words("unit.day", n=f"{seconds / 86400:.1f}")


def _figure(
    page: Page,
    name: str,
    value: str,
    *,
    change: tuple[str, bool] | None,
    said: str,
    months: list[float],
    foot: str,
    opens: Callable[[], None] | None,
    colour: str = "gray",
) -> None:
    words = page.words
    title = words(f"availability.{name}")
    figure(
        page,
        name,
        title,
        value,
        note=None if change is None else change[0],
        beside=said,
        rises=None if change is None else change[1],
        colour=colour,
        hint=words(f"availability.{name}_help"),
        series=months,
        foot=foot,
        opens=opens,
        foot_hint=words("kpi.open", title=plain(title)),
    )


def _hover(page: Page, name: str, row: Row, *targets: Decimal) -> str:
    words = page.words
    whole = int(row["service_seconds"])
    if not whole:
        return f"<b>{escape(name)}</b><br>{escape(words('availability.nothing'))}"
    down = words.duration(int(row["down_seconds"])) or "0"
    with_loaner = words.percent(int(row["served_seconds"]), int(row["cover_service_seconds"]))
    left_out = int(row["open_units"])
    said = words("availability.left_out", n=words.number(left_out)) if left_out else ""
    return (
        f"<b>{escape(name)}</b><br>{words.percent(int(row['up_seconds']), whole, *targets)}"
        f"<br>{escape(words('availability.hover', share=with_loaner, down=down))}"
        + (f"<br>{escape(said)}" if said else "")
    )


def by_month(page: Page) -> None:
    """Availability by month against its target, and with loaners; a point opens its units."""
    words, book, selection = page.words, page.book, page.selection
    counted = asked.measured(book, selection, ("month",))
    counted = counted[counted["service_seconds"] > 0].reset_index(drop=True)
    targets = asked.targets(book, selection.contract)
    title = words("availability.by_month")
    with card(words, "months", title, words("availability.by_month_sub"), counted):
        if counted.empty or not _known(page):
            nothing(words, "availability.nothing")
            return

        def build() -> Figure:
            months = [str(month) for month in counted["month"]]
            tomorrow = book.as_of + timedelta(days=1)
            partial_month = months[-1] == page.last_month and tomorrow.day != 1
            records = counted.to_dict("records")
            return availability(
                pd.DataFrame(
                    {
                        "key": months,
                        "label": words.month_ticks(months),
                        "rate": counted["availability"],
                        "with_loaner": counted["availability_with_loaner"],
                        "hover": [
                            _hover(page, words.month(row["month"], with_year=True), row, *targets)
                            for row in records
                        ],
                    }
                ),
                page.palette,
                targets=[
                    (float(goal), words("availability.target", share=words.share(goal)))
                    for goal in targets
                ],
                loaner_label=words("availability.with_loaner"),
                partial_label=words("trend.partial", day=book.as_of.day) if partial_month else None,
            )

        chart(
            page,
            selection,
            build,
            "availability_months",
            title,
            lambda key: lists.open_units(title, selection.but(first=key[0], last=key[0])),
            height=charts.beside(_contracts_height(page)),
        )


def departments(page: Page) -> None:
    """Department × month: where and when units stand still; a cell opens its units."""
    words, selection = page.words, page.selection
    counted = asked.measured(page.book, selection, ("department", "month"))
    served = counted[counted["service_seconds"] > 0]
    targets = asked.targets(page.book, selection.contract)
    title = words("heat.title")
    with card(words, "heat", title, words("availability.heat_sub"), served):
        if served.empty or not _known(page):
            nothing(words, "availability.nothing")
            return
        sums = served.groupby("department")[["up_seconds", "service_seconds"]].sum()
        order = list(
            (sums["up_seconds"] / sums["service_seconds"]).sort_values(kind="stable").index
        )[:MOST_ROWS]
        months = sorted(served["month"].unique())[-MOST_MONTHS:]
        cells = served[served["month"].isin(months) & served["department"].isin(order)]
        names = {one: one or words("card.none") for one in order}

        def build() -> grids.Grid:
            return grids.heat(
                pd.DataFrame(
                    {
                        "row": cells["department"],
                        "column": cells["month"],
                        "rate": cells["availability"],
                        "up": cells["up_seconds"],
                        "whole": cells["service_seconds"],
                        "hover": [
                            _hover(
                                page,
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
                columns=list(zip(months, words.month_ticks(months), strict=True)),
                target=float(targets[0]),
                text=lambda one: words.percent(int(one["up"]), int(one["whole"]), *targets).rstrip(
                    "%"
                ),
            )

        grid(
            page,
            selection,
            build,
            "availability_heat",
            title,
            lambda key: lists.open_units(
                f"{names.get(key[0], key[0])} · {words.month(key[1], with_year=True)}",
                selection.but(department=key[0], first=key[1], last=key[1]),
            ),
        )
        if len(sums) > MOST_ROWS:
            st.caption(words("availability.most_departments", n=MOST_ROWS, all=len(sums)))


def _contracts_height(page: Page) -> int:
    """How high the chart of contracts is, and what stands below it."""
    counted = asked.measured(page.book, page.selection, ("contract_id",))
    rows = int((counted["service_seconds"] > 0).sum())
    return charts.bars_height(min(rows, MOST_ROWS)) + (CAPTION if rows > MOST_ROWS else 0)


def compared(page: Page, column: str) -> None:
    """Availability by `column` (contract_id, category) against its target; bars open units."""
    words, selection = page.words, page.selection
    counted = asked.measured(page.book, selection, (column,))
    served = counted[counted["service_seconds"] > 0].sort_values("availability", kind="stable")
    title = words(f"availability.by_{column}")
    with card(words, f"by_{column}", title, words("availability.bars_sub"), served):
        if served.empty or not _known(page):
            nothing(words, "availability.nothing")
            return
        records = served.head(MOST_ROWS).to_dict("records")
        goals = [
            asked.targets(
                page.book, row[column] if column == "contract_id" else selection.contract
            )[0]
            for row in records
        ]
        complete = asked.ticket_log_through(page.book, selection) is None

        def build() -> Figure:
            paired = list(zip(records, goals, strict=True))
            return charts.bars(
                pd.DataFrame(
                    {
                        "key": [row[column] for row in records],
                        "label": [escape(row[column] or words("card.none")) for row in records],
                        "rate": [row["availability"] for row in records],
                        "target": [float(goal) for goal in goals],
                        "said": [
                            words.percent(int(row["up_seconds"]), int(row["service_seconds"]), goal)
                            for row, goal in paired
                        ],
                        "tone": [
                            _TONES.get(asked.standing(page.book, row, goal, complete=complete), "")
                            for row, goal in paired
                        ],
                        "hover": [
                            _hover(page, row[column] or words("card.none"), row, goal)
                            for row, goal in paired
                        ],
                    }
                ),
                page.palette,
            )

        name = "contract" if column == "contract_id" else column
        chart(
            page,
            selection,
            build,
            f"availability_{column}",
            title,
            lambda key: lists.open_units(
                key[0] or words("card.none"), selection.but(**{name: key[0]})
            ),
        )
        if len(served) > MOST_ROWS:
            st.caption(words("availability.most", n=MOST_ROWS, all=len(served)))


def early(page: Page) -> None:
    """Faults per unit in the first 90 days after acceptance, by category; a bar opens them."""
    words, selection = page.words, page.everything
    found = asked.early(page.book, selection)
    counted = found[found["units"] > 0]
    title = words("availability.early")
    with card(words, "early", title, words("availability.early_sub"), counted):
        if counted.empty:
            nothing(words, "availability.early_nothing" if _known(page) else "availability.nothing")
            return
        records = counted.head(MOST_ROWS).to_dict("records")

        def build() -> Figure:
            said = [
                f"{row['per_unit']:.2f}  {words.counts(row['faults'], row['units'])}"
                for row in records
            ]
            names = [row["category"] or words("card.none") for row in records]
            return stacks(
                pd.DataFrame(
                    {
                        "key": [row["category"] for row in records],
                        "label": [escape(name) for name in names],
                        "per_unit": [row["per_unit"] for row in records],
                        "said": said,
                        "tone": "",
                        "hover": [
                            f"<b>{escape(name)}</b><br>"
                            + escape(
                                words(
                                    "availability.early_hover",
                                    faults=words.number(row["faults"]),
                                    units=words.number(row["units"]),
                                )
                            )
                            for name, row in zip(names, records, strict=True)
                        ],
                    }
                ),
                page.palette,
                parts=(("per_unit", "accent"),),
            )

        chart(
            page,
            selection,
            build,
            "availability_early",
            title,
            lambda key: lists.open_early_faults(
                f"{title} · {key[0] or words('card.none')}", selection.but(category=key[0])
            ),
        )
        if unwatched := int(found["unwatched"].sum()):
            st.caption(words("availability.early_unwatched", n=words.number(unwatched)))


def worst(page: Page) -> None:
    """The units that stood still the longest; a row opens the unit."""
    words, selection = page.words, page.selection
    frame = asked.units(page.book, selection, down_only=True, limit=WORST)
    title = words("availability.worst")
    with card(words, "worst", title, words("availability.worst_sub"), frame):
        if frame.empty:
            nothing(words, "availability.never_down" if _known(page) else "availability.nothing")
            return
        st.button(
            words("availability.all_down", n=words.number(_how_many(frame))),
            key="open_worst",
            on_click=lists.open_units,
            args=(title, selection),
        )
        picked = lists.units(page, frame, drawer.numbered("worst_units"), compact=True)
        if picked is not None:
            drawer.unit(picked[1])
