"""Tickets that were not over when they ended: by contract and month, and the tickets themselves."""

from functools import partial
from html import escape

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.charts import grids
from dashboard.components import drawer
from dashboard.components.availability_lists import paged
from dashboard.components.card import card, nothing
from dashboard.components.drawer import Picked
from dashboard.components.grid import grid
from dashboard.components.obligations import choice
from dashboard.page import Page
from dashboard.queries import Selection
from dashboard.queries import reopened as asked
from etl.catalogue import catalogue

MOST_ROWS = 16
MOST_MONTHS = 18
MOST_VISIBLE = 16


def by_contract(page: Page) -> None:
    """Contract × month: how many of the tickets reported then; a cell opens them."""
    words, selection = page.words, page.selection
    counted = asked.counted(page.book, selection, ("contract_id", "month"))
    title = words("reopened.title")
    with card(words, "reopened", title, words("reopened.subtitle"), counted):
        if counted.empty:
            loaded = "tickets" in queries.loaded(page.book)
            nothing(words, "card.nothing" if loaded else "reopened.not_loaded")
            return
        every = asked.counted(page.book, selection).iloc[0]
        n, tickets = int(every["reopened"]), int(every["tickets"])
        st.button(
            words("reopened.all", counts=words.counts(n, tickets), share=_share(page, n, tickets)),
            key="open_reopened",
            on_click=_open,
            args=(title, selection),
        )
        sums = counted.groupby("contract_id")[["reopened", "tickets"]].sum()
        order = list(
            (sums["reopened"] / sums["tickets"]).sort_values(ascending=False, kind="stable").index
        )[:MOST_ROWS]
        months = sorted(counted["month"].unique())[-MOST_MONTHS:]

        def build() -> grids.Grid:
            return grids.heat(
                pd.DataFrame(
                    {
                        "row": counted["contract_id"],
                        "column": counted["month"],
                        "rate": 1 - counted["share"],
                        "n": counted["reopened"],
                        "hover": [
                            f"<b>{escape(row['contract_id'])} · "
                            f"{escape(words.month(row['month'], with_year=True))}</b><br>"
                            + escape(
                                words(
                                    "reopened.hover",
                                    counts=words.counts(row["reopened"], row["tickets"]),
                                    share=_share(page, row["reopened"], row["tickets"]),
                                )
                            )
                            for row in counted.to_dict("records")
                        ],
                    }
                ),
                page.palette,
                rows=[(one, one, words.number(int(sums.loc[one, "reopened"]))) for one in order],
                columns=list(zip(months, words.month_ticks(months), strict=True)),
                target=1.0,
                text=lambda one: str(one["n"]) if one["n"] else "",
            )

        grid(
            page,
            selection,
            build,
            "reopened_grid",
            title,
            lambda key: _open(
                f"{title} · {words.month(key[1], with_year=True)}",
                selection.but(contract=key[0], first=key[1], last=key[1]),
            ),
        )
        if len(sums) > MOST_ROWS:
            st.caption(words("reopened.most", n=MOST_ROWS, all=len(sums)))


def _share(page: Page, part: int, whole: int) -> str:
    return page.words.percent(part, whole)


def _open(title: str, selection: Selection) -> None:
    drawer.listing(title, partial(_tickets, selection))


def _tickets(selection: Selection, page: Page, key: str) -> Picked | None:
    words, book = page.words, page.book
    total = int(asked.counted(book, selection)["reopened"].iloc[0])
    st.html(f"<div class='kept-sub'>{escape(drawer.described(page, selection))}</div>")
    skip = paged(
        page,
        total,
        asked.PAGE_TICKETS,
        words("drawer.rows", n=words.number(total)),
        key,
        asked.tickets_csv(book, selection),
    )
    frame = asked.tickets(book, selection, skip=skip)
    columns = catalogue().logs["tickets"].columns
    shown = frame.assign(
        service_type=[choice(words.language, "service_type", one) for one in frame["service_type"]]
    )
    when = "YYYY-MM-DD HH:mm"
    event = st.dataframe(
        shown,
        key=f"{key}_reopened",
        hide_index=True,
        height="content" if len(shown) <= MOST_VISIBLE else 560,
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("reopened.title"),
        column_config={
            **{
                name: columns[name].label.get(words.language)
                for name in (
                    "ticket_id", "contract_id", "equipment_id", "department", "service_type",
                )
            },
            "reported_at": st.column_config.DatetimeColumn(
                columns["reported_at"].label.get(words.language), format=when
            ),
            "end_at": st.column_config.DatetimeColumn(words("reopened.end_at"), format=when),
            "again_id": words("reopened.again_id"),
            "again_at": st.column_config.DatetimeColumn(words("reopened.again_at"), format=when),
            "marked": st.column_config.CheckboxColumn(words("reopened.marked")),
        },
    )  # fmt: skip
    picked = event["selection"]["rows"]
    return ("ticket", str(frame.iloc[picked[0]]["ticket_id"])) if picked else None
