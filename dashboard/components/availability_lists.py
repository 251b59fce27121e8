"""Units by how long they stood still, and the hardware faults behind a mean, as tables."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from html import escape

import pandas as pd
import streamlit as st

from dashboard.components import drawer
from dashboard.components.drawer import Picked
from dashboard.components.obligations import choice
from dashboard.page import Page
from dashboard.queries import Selection
from dashboard.queries import availability as asked
from etl.catalogue import catalogue

MOST_VISIBLE = 16


def open_units(title: str, selection: Selection) -> None:
    """Open the units in service in the months of `selection`, those that stood still first."""
    drawer.listing(title, partial(_units, selection))


def open_faults(title: str, selection: Selection, finished: bool = False) -> None:
    """Open the hardware faults reported in the months of `selection`."""
    drawer.listing(title, partial(_faults, selection, finished))


def open_early_faults(title: str, selection: Selection) -> None:
    """Open the faults of the first 90 days of the units of `selection`."""
    drawer.listing(title, partial(_early_faults, selection))


def units(page: Page, frame: pd.DataFrame, key: str, *, compact: bool = False) -> Picked | None:
    """Draw `frame` (see queries.availability.units); the unit that was picked, if any."""
    words = page.words
    columns = catalogue().logs["equipment"].columns
    shown = pd.DataFrame(
        {
            "equipment_id": frame["equipment_id"],
            "department": frame["department"],
            "category": frame["category"],
            "down_hours": frame["down_hours"].astype(float),
            "covered_hours": frame["covered_hours"].astype(float),
            "availability": [
                _share(page, up, whole, *asked.targets(page.book, contract))
                for up, whole, contract in zip(
                    frame["up_seconds"], frame["known_seconds"], frame["contract_id"], strict=True
                )
            ],
            "with_loaner": [
                _share(page, served, whole)
                for served, whole in zip(
                    frame["served_seconds"], frame["cover_service_seconds"], strict=True
                )
            ],
            "faults": frame["faults"],
            "service_days": frame["service_days"].astype(float),
            "contract_id": frame["contract_id"],
        }
    )
    dropped = ["contract_id"] if page.filters.contract else []
    dropped += ["covered_hours", "with_loaner", "service_days"] if compact else []
    shown = shown.drop(columns=dropped)
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    event = st.dataframe(
        shown,
        key=key,
        hide_index=True,
        height="content" if len(shown) <= MOST_VISIBLE else 560,
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("availability.units"),
        column_config={
            **{
                name: text(columns[name].label.get(words.language))
                for name in ("equipment_id", "department", "category", "contract_id")
            },
            "down_hours": st.column_config.ProgressColumn(
                words("availability.down_hours"),
                format="%.1f",
                max_value=max([*shown["down_hours"].dropna(), 0.1]),
                color=page.palette.accent,
                width=150,
            ),
            "covered_hours": number(words("availability.covered_hours"), format="%.1f"),
            "availability": text(words("availability.title"), alignment="right"),
            "with_loaner": text(words("availability.with_loaner"), alignment="right"),
            "faults": number(words("availability.faults")),
            "service_days": number(words("availability.service_days"), format="%.0f"),
        },
    )
    picked = event["selection"]["rows"]
    return ("unit", str(frame.iloc[picked[0]]["equipment_id"])) if picked else None


def _share(page: Page, part: float, whole: float, *targets: Decimal) -> str:
    """A part of the time that is known, or a dash where none is."""
    return "—" if pd.isna(part) else page.words.percent(int(part), int(whole), *targets)


def paged(page: Page, total: int, size: int, said: str, key: str, data: Callable[[], bytes]) -> int:
    """Draw how many rows there are, their download and the choice of a page; the rows to skip."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f"<b>{escape(said)}</b>")
        if total:
            st.download_button(
                page.words("drawer.download"),
                data=data,
                file_name=f"kept-{key}.csv",
                mime="text/csv",
                on_click="ignore",
                icon=":material/download:",
                key=f"{key}_download",
            )
    pages = -(-total // size)
    number = st.pagination(pages, key=f"{key}_page") if pages > 1 else 1
    return (min(number, pages) - 1) * size if pages else 0


def _units(selection: Selection, page: Page, key: str) -> Picked | None:
    words, book = page.words, page.book
    total = asked.unit_count(book, selection)
    down = asked.unit_count(book, selection, down_only=True)
    st.html(f"<div class='kept-sub'>{escape(drawer.described(page, selection))}</div>")
    skip = paged(
        page,
        total,
        asked.PAGE_UNITS,
        words("availability.units_n", n=words.number(total), down=words.number(down)),
        key,
        asked.units_csv(book, selection),
    )
    return units(page, asked.units(book, selection, skip=skip), f"{key}_units")


def _faults(selection: Selection, finished: bool, page: Page, key: str) -> Picked | None:
    words, book = page.words, page.book
    row = asked.measured(book, selection).to_dict("records")[0]
    total = int(row["repairs"] if finished else row["faults"])
    st.html(f"<div class='kept-sub'>{escape(drawer.described(page, selection))}</div>")
    skip = paged(
        page,
        total,
        asked.PAGE_UNITS,
        words("drawer.rows", n=words.number(total)),
        key,
        asked.faults_csv(book, selection, finished=finished),
    )
    return _fault_table(page, asked.faults(book, selection, finished=finished, skip=skip), key)


def _early_faults(selection: Selection, page: Page, key: str) -> Picked | None:
    words, book = page.words, page.book
    total = int(asked.early(book, selection)["faults"].sum())
    st.html(f"<div class='kept-sub'>{escape(drawer.described(page, selection))}</div>")
    skip = paged(
        page,
        total,
        asked.PAGE_UNITS,
        words("drawer.rows", n=words.number(total)),
        key,
        asked.early_faults_csv(book, selection),
    )
    return _fault_table(page, asked.early_faults(book, selection, skip=skip), key)


def _fault_table(page: Page, frame: pd.DataFrame, key: str) -> Picked | None:
    """Draw faults (see queries.availability.faults); the ticket that was picked, if any."""
    words = page.words
    columns = catalogue().logs["tickets"].columns
    shown = frame.drop(columns="end_at").assign(
        outcome=pd.Series(
            [
                choice(words.language, "outcome", one) if isinstance(one, str) else None
                for one in frame["outcome"]
            ],
            dtype=object,
        )
    )
    event = st.dataframe(
        shown,
        key=f"{key}_faults",
        hide_index=True,
        height="content" if len(shown) <= MOST_VISIBLE else 560,
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("availability.faults"),
        column_config={
            **{
                name: st.column_config.TextColumn(columns[name].label.get(words.language))
                for name in ("ticket_id", "contract_id", "equipment_id", "department", "outcome")
            },
            "category": catalogue().logs["equipment"].columns["category"].label.get(words.language),
            "reported_at": st.column_config.DatetimeColumn(
                columns["reported_at"].label.get(words.language), format="YYYY-MM-DD HH:mm"
            ),
            "repair_hours": st.column_config.NumberColumn(
                words("availability.repair_hours"), format="%.1f"
            ),
            "days": words("availability.days_after"),
        },
    )
    picked = event["selection"]["rows"]
    return ("ticket", str(frame.iloc[picked[0]]["ticket_id"])) if picked else None
