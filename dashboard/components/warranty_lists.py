"""Units with their warranty, as tables: in a card, in the drawer, and the searchable list."""

from functools import partial
from html import escape

import pandas as pd
import streamlit as st

from dashboard import filters
from dashboard.components import drawer
from dashboard.components.availability_lists import MOST_VISIBLE, paged
from dashboard.components.card import card, nothing
from dashboard.components.drawer import Picked
from dashboard.page import Page
from dashboard.queries import warranty as asked
from dashboard.queries.warranty import Units
from etl.catalogue import catalogue

SHOWN = 12
_DAYS = ("accepted_on", "base_expires_on", "expires_on", "possible_expires_on", "warranty_until")
_NUMBERS = ("days_left", "extended_days", "possible_days", "short_days")


def everyone(page: Page) -> Units:
    """The units of this contract and department; the period does not apply to what lies ahead."""
    return Units(page.filters.contract, page.filters.department)


def open_units(title: str, units: Units) -> None:
    """Open the units meant, each of which opens its warranty."""
    drawer.listing(title, partial(_listed, units))


def table(
    page: Page, frame: pd.DataFrame, key: str, columns: tuple[str, ...] = ()
) -> Picked | None:
    """Draw `frame` (see queries.warranty.rows), or some `columns`; the unit that was picked."""
    words = page.words
    known = catalogue().logs["equipment"].columns
    shown = frame.drop(columns=["brand", "model", "extensions", "possible_extensions"])
    shown["status"] = [words(f"status.{one}") for one in frame["status"]]
    order = columns or (
        "equipment_id", "department", "category", "status", "expires_on", "days_left",
        "extended_days", "possible_days", "accepted_on", "base_expires_on", "warranty_until",
        "short_days", "replacement_due", "contract_id",
    )  # fmt: skip
    shown = shown[list(order)]
    if page.filters.contract and "contract_id" in shown:
        shown = shown.drop(columns="contract_id")
    for name in ("extended_days", "possible_days"):
        if name in shown:
            shown[name] = shown[name].where(shown[name] > 0)
    for name in ("extended_days", "possible_days", "short_days", "replacement_due"):
        if name in shown and not columns and shown[name].isna().all():
            shown = shown.drop(columns=name)
    day = st.column_config.DateColumn
    event = st.dataframe(
        shown,
        key=key,
        hide_index=True,
        height="content" if len(shown) <= MOST_VISIBLE else 560,
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("warranty.units"),
        column_config={
            **{
                name: st.column_config.TextColumn(known[name].label.get(words.language))
                for name in ("equipment_id", "department", "category", "contract_id")
            },
            "status": st.column_config.TextColumn(words("warranty.status")),
            "accepted_on": day(known["accepted_on"].label.get(words.language)),
            "warranty_until": day(words("warranty.warranty_until")),
            "replacement_due": day(words("warranty.replacement_due")),
            **{
                name: day(words(f"warranty.{name}"))
                for name in ("base_expires_on", "expires_on", "possible_expires_on")
            },
            **{name: st.column_config.NumberColumn(words(f"warranty.{name}")) for name in _NUMBERS},
        },
    )
    picked = event["selection"]["rows"]
    return ("unit", str(frame.iloc[picked[0]]["equipment_id"])) if picked else None


def _described(page: Page, units: Units) -> str:
    words = page.words
    said = [
        units.contract or words("filter.all_contracts"),
        units.department or words("filter.all_departments"),
    ]
    if units.from_on or units.until_on:
        since, until = (words.day(day) if day else "" for day in (units.from_on, units.until_on))
        said.append(f"{words(f'warranty.{units.basis}')} {since} – {until}")
    return " · ".join(said)


def _listed(units: Units, page: Page, key: str) -> Picked | None:
    words, book = page.words, page.book
    total = asked.count(book, units)
    st.html(f"<div class='kept-sub'>{escape(_described(page, units))}</div>")
    skip = paged(
        page,
        total,
        asked.PAGE_UNITS,
        words("warranty.units_n", n=words.number(total)),
        key,
        asked.rows_csv(book, units),
    )
    return table(page, asked.rows(book, units, skip=skip), f"{key}_units")


def search(page: Page) -> None:
    """Every unit: find one by its identifier, or narrow by status; a row opens the unit."""
    words, book = page.words, page.book
    with card(words, "units", words("warranty.units"), words("warranty.units_sub")):
        with st.container(horizontal=True, vertical_alignment="center", key="find_units"):
            wanted = filters.search(words, "warranty.find_hint")
            status = filters.status(words)
        units = everyone(page).but(find=wanted, status=status)
        total = asked.count(book, units)
        if not total:
            nothing(words, "warranty.none_found")
            return
        key = f"units_{status}_{wanted}"
        skip = paged(
            page,
            total,
            SHOWN,
            words("warranty.units_n", n=words.number(total)),
            key,
            asked.rows_csv(book, units),
        )
        frame = asked.rows(book, units, skip=skip, limit=SHOWN)
        picked = table(page, frame, drawer.numbered("units_table"))
        if picked is not None:
            drawer.unit(picked[1])
