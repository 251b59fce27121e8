"""What lies in stock and what moved: parts, units, movements, charges."""

from datetime import date
from decimal import Decimal
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.components import aside, drawer
from dashboard.components.card import card, nothing
from dashboard.components.drawer import Picked
from dashboard.components.obligations import choice
from dashboard.components.tags import labelled
from dashboard.page import Page
from dashboard.queries import spares
from dashboard.queries.spares import CHARGES, Stock
from dashboard.theme import TONES
from etl.catalogue import catalogue

MOST_VISIBLE = 14
SHOWN = 8
_CHARGED = (
    "state", "part_no", "part_name", "unit_cost", "unit_price", "over",
    "moved_at", "ticket_id", "department", "contract_id",
)  # fmt: skip


def percent(page: Page, on_hand: Any, units: int, *targets: Decimal) -> str:
    """A ratio in words, which never rounds across the promised one."""
    if pd.isna(on_hand):
        return "—"
    return page.words.percent(Decimal(str(on_hand)), int(units), *targets)


def loaded(page: Page) -> bool:
    """Whether the log of parts was ever loaded."""
    return "parts" in queries.loaded(page.book)


def parts(page: Page) -> None:
    """The card of what lies in stock; a part opens its movements."""
    words = page.words
    which = Stock(page.filters.contract)
    frame = spares.parts(page.book, which)
    held = spares.stock(page.book, which)
    subtitle = words("spares.parts_subtitle")
    if not pd.isna(held["cost_value"]):
        subtitle += words("spares.parts_value", n=words.number(held["cost_value"]))
    with card(words, "parts", words("spares.parts"), subtitle, frame):
        if frame.empty:
            nothing(words, "spares.nothing" if loaded(page) else "spares.not_loaded")
            return
        picked = _parts(page, frame, drawer.numbered("parts"))
        if picked is not None:
            aside.open_with(*_behind(page, picked))


def listed(page: Page, key: str, which: Stock) -> None:
    """In the drawer: the parts of `which`, each of which turns to its movements."""
    words = page.words
    held = spares.stock(page.book, which)
    said = words(
        "spares.parts_held",
        n=words.number(int(held["parts"])),
        on_hand=words.number(held["on_hand"]),
        open=words.number(held["open_on_hand"]),
    )
    st.html(f"<div class='kept-sub'>{escape(said)}</div>")
    picked = _parts(page, spares.parts(page.book, which), f"{key}_parts")
    if picked is not None:
        aside.turn_to(*_behind(page, picked))


def category(page: Page, key: str, which: Stock) -> Picked | None:
    """In the drawer: the parts for a category, and its units in service."""
    st.html(f"<div class='kept-title'>{escape(page.words('spares.parts'))}</div>")
    listed(page, key, which)
    st.html(f"<div class='kept-title'>{escape(page.words('spares.units'))}</div>")
    return units(page, key, which)


def _behind(page: Page, row: Any) -> tuple[Any, ...]:
    name = "" if pd.isna(row["part_name"]) else f" {row['part_name']}"
    which = Stock(row["contract_id"], part=row["part_no"])
    return f"{row['part_no']}{name} · {row['contract_id']}", movements, which


def _labels(page: Page, log: str, *names: str) -> dict[str, Any]:
    columns = catalogue().logs[log].columns
    return {name: columns[name].label.get(page.words.language) for name in names}


def _picked(event: Any, frame: pd.DataFrame) -> Any:
    rows = event["selection"]["rows"]
    return frame.iloc[rows[0]].to_dict() if rows else None


def _height(frame: pd.DataFrame) -> Any:
    return "content" if len(frame) <= MOST_VISIBLE else 520


def _parts(page: Page, frame: pd.DataFrame, key: str) -> Any:
    words = page.words
    number = st.column_config.NumberColumn
    shown = frame.drop(columns="contract_id" if frame["contract_id"].nunique() == 1 else [])
    shown = shown.drop(
        columns=[
            name for name in ("category", "unit_cost", "cost_value") if frame[name].isna().all()
        ]
    )
    event = st.dataframe(
        shown,
        key=key,
        hide_index=True,
        height=_height(frame),
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("spares.parts"),
        column_config={
            **_labels(page, "parts", "part_no", "part_name", "category", "contract_id"),
            "on_hand": number(words("spares.column_local")),
            "open_on_hand": number(words("spares.column_open")),
            "last_moved_at": st.column_config.DatetimeColumn(
                words("spares.column_last"), format="YYYY-MM-DD HH:mm"
            ),
            "unit_cost": number(**_money(page, "unit_cost")),
            "cost_value": number(words("spares.column_value"), format="accounting"),
        },
    )
    return _picked(event, frame)


def _money(page: Page, name: str) -> dict[str, Any]:
    return {"label": _labels(page, "parts", name)[name], "format": "accounting"}


def units(page: Page, key: str, which: Stock) -> Picked | None:
    """In the drawer: the units in service, each of which opens."""
    words = page.words
    count = spares.count_units(page.book, which)
    number = _pages(count, f"{key}_units_page")
    frame = spares.units(page.book, which, skip=(number - 1) * queries.PAGE_ROWS)
    st.html(f"<b>{escape(words('drawer.rows', n=words.number(count)))}</b>")
    event = st.dataframe(
        frame.drop(columns="contract_id" if frame["contract_id"].nunique() <= 1 else []),
        key=f"{key}_units",
        hide_index=True,
        height=_height(frame),
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("spares.units"),
        column_config={
            **_labels(
                page, "equipment",
                "equipment_id", "category", "department", "brand", "model", "contract_id",
            ),
            "accepted_on": st.column_config.DateColumn(
                _labels(page, "equipment", "accepted_on")["accepted_on"], format="YYYY-MM-DD"
            ),
        },
    )  # fmt: skip
    picked = _picked(event, frame)
    return None if picked is None else ("unit", str(picked["equipment_id"]))


def _pages(count: int, key: str) -> int:
    pages = -(-count // queries.PAGE_ROWS)
    return st.pagination(pages, key=key) if pages > 1 else 1


def movements(page: Page, key: str, which: Stock) -> Picked | None:
    """In the drawer: the movements of `which`; one that names a ticket opens it."""
    words = page.words
    count = spares.count_movements(page.book, which)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f"<b>{escape(words('drawer.rows', n=words.number(count)))}</b>")
        if count:
            st.download_button(
                words("drawer.download"),
                data=spares.download_movements(page.book, which),
                file_name="kept-movements.csv",
                mime="text/csv",
                on_click="ignore",
                icon=":material/download:",
                key="movements_download",
            )
    number = _pages(count, f"{key}_movements_page")
    frame = spares.movements(page.book, which, skip=(number - 1) * queries.PAGE_ROWS)
    picked = _moved(page, frame, f"{key}_movements", alone=which.part is not None)
    if picked is None or pd.isna(picked["ticket_id"]):
        return None
    return "ticket", str(picked["ticket_id"])


def _moved(page: Page, frame: pd.DataFrame, key: str, *, alone: bool = False) -> Any:
    """The table of movements; without the part where they are `alone` those of one."""
    words, language = page.words, page.words.language
    shown = frame.assign(
        kind=[choice(language, "kind", one, log="parts") for one in frame["kind"]],
        place=[
            words("spares.open_place")
            if one == "open"
            else choice(language, "location", one, log="parts")
            for one in frame["place"]
        ],
    )
    dropped = ["change", "contract_id", *(["part_no", "part_name"] if alone else [])]
    dropped += [name for name in ("ticket_id", "unit_price") if frame[name].isna().all()]
    labels = catalogue().logs["parts"].columns
    number = st.column_config.NumberColumn
    event = st.dataframe(
        shown.drop(columns=dropped),
        key=key,
        hide_index=True,
        height=_height(frame),
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("spares.movements"),
        column_config={
            **_labels(page, "parts", "kind", "part_no", "part_name", "ticket_id", "movement_id"),
            "moved_at": st.column_config.DatetimeColumn(
                labels["moved_at"].label.get(language), format="YYYY-MM-DD HH:mm"
            ),
            "place": labels["location"].label.get(language),
            "quantity": number(labels["quantity"].label.get(language)),
            "unit_cost": number(**_money(page, "unit_cost")),
            "unit_price": number(**_money(page, "unit_price")),
        },
    )
    return _picked(event, frame)


def day(page: Page, key: str, contract: str, on: date) -> Picked | None:
    """In the drawer: one day of the ratio, and the movements that made it."""
    words = page.words
    found = spares.day(page.book, contract, on)
    if found.empty:
        return None
    row = found.iloc[0]
    state = str(row["state"])
    target = Decimal(str(row["target"]))
    facts = (
        ("spares.column_local", "—" if pd.isna(row["on_hand"]) else words.number(row["on_hand"])),
        (
            "spares.column_open",
            "—"
            if pd.isna(row["on_hand"])
            else words.number(row["perhaps_on_hand"] - row["on_hand"]),
        ),
        ("spares.units", words.number(int(row["units_in_service"]))),
        ("spares.column_needed", words.number(row["needed"])),
        (
            "spares.ratio",
            f"{percent(page, row['on_hand'], row['units_in_service'], target)} / "
            f"{words.share(target)}",
        ),
    )
    said = "".join(
        f"<div><span>{escape(words(key))}</span><b>{escape(value)}</b></div>"
        for key, value in facts
    )
    pill = catalogue().states[state].title.get(words.language)
    st.html(
        f"<div class='kept-pills'><span class='kept-pill {TONES[state]}'>{escape(pill)}</span>"
        f"</div><div class='kept-facts'>{said}</div>"
    )
    title = f"{contract} · {words.day(on)}"
    st.button(
        words("spares.open_row"),
        key=f"{key}_row",
        icon=":material/gavel:",
        type="tertiary",
        on_click=drawer.rows,
        args=(title, spares.between(page.selection, contract, on, on)),
    )
    st.html(f"<div class='kept-title'>{escape(words('spares.movements_of_day'))}</div>")
    which = Stock(contract, places=("local", "open"), first_on=on, last_on=on)
    if spares.count_movements(page.book, which):
        return movements(page, key, which)
    nothing(words, "spares.none_moved")
    return None


def placeless(page: Page) -> None:
    """The card of movements that name no place: the parts may be local, nobody knows."""
    words = page.words
    which = Stock(page.filters.contract, places=("open",))
    count = spares.count_movements(page.book, which)
    frame = spares.movements(page.book, which, limit=SHOWN)
    title = words("spares.placeless")
    with card(words, "placeless", title, words("spares.placeless_subtitle")):
        if not count:
            nothing(words, "spares.all_placed" if loaded(page) else "spares.not_loaded")
            return
        st.button(
            words("spares.placeless_all", n=words.number(count)),
            key="open_placeless",
            on_click=aside.open_with,
            args=(title, movements, which),
        )
        contract = ["contract_id"] if frame["contract_id"].nunique() > 1 else []
        event = st.dataframe(
            frame[["moved_at", "kind", "quantity", "part_no", *contract]].assign(
                kind=[choice(words.language, "kind", one, log="parts") for one in frame["kind"]]
            ),
            key=drawer.numbered("placeless_rows"),
            hide_index=True,
            height="content",
            placeholder="",
            on_select="rerun",
            selection_mode="single-row",
            alt=title,
            column_config={
                **_labels(page, "parts", "kind", "part_no", "quantity", "contract_id"),
                "moved_at": st.column_config.DatetimeColumn(
                    _labels(page, "parts", "moved_at")["moved_at"], format="YYYY-MM-DD HH:mm"
                ),
            },
        )
        picked = _picked(event, frame)
        if picked is not None:
            aside.open_with(*_behind(page, picked))


def charges(page: Page) -> None:
    """The card of parts charged for after the warranty: at cost or above it."""
    words, selection = page.words, page.selection.but(clauses=(CHARGES,))
    counted = queries.counts(page.book, selection).iloc[0]
    title = catalogue().clauses[CHARGES].title.get(words.language)
    frame = spares.charges(
        page.book, selection.but(states=("breached", "unknown", "excluded")), limit=SHOWN
    )
    with card(words, "charges", title, words("spares.charges_subtitle"), frame):
        if not counted[list(queries.STATES)].sum():
            nothing(words, "spares.no_charges" if loaded(page) else "spares.not_loaded")
            return
        with st.container(horizontal=True, gap="xsmall", key="windows_charges"):
            for state in queries.STATES:
                if counted[state] or state in ("met", "breached"):
                    st.button(
                        words(f"spares.charge_{state}", n=words.number(int(counted[state]))),
                        key=f"open_charge_{state}",
                        disabled=not counted[state],
                        on_click=drawer.rows,
                        args=(title, selection.but(states=(state,))),
                    )
        if frame.empty:
            nothing(words, "spares.all_at_cost")
            return
        _charged(page, frame)


def _charged(page: Page, frame: pd.DataFrame) -> None:
    words, states = page.words, catalogue().states
    number = st.column_config.NumberColumn
    titles = [[states[one].title.get(words.language)] for one in frame["state"]]
    shown = frame.assign(state=pd.Series(titles, index=frame.index))
    event = st.dataframe(
        shown[list(_CHARGED)],
        key=drawer.numbered("charges"),
        hide_index=True,
        height="content",
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("spares.charges_subtitle"),
        column_config={
            **_labels(page, "parts", "part_no", "part_name", "ticket_id", "contract_id"),
            **_labels(page, "tickets", "department"),
            "state": labelled(page, words("row.state"), states, 78),
            "unit_cost": number(**_money(page, "unit_cost")),
            "unit_price": number(**_money(page, "unit_price")),
            "over": number(words("spares.column_over"), format="accounting"),
            "moved_at": st.column_config.DatetimeColumn(
                _labels(page, "parts", "moved_at")["moved_at"], format="YYYY-MM-DD"
            ),
        },
    )
    picked = _picked(event, frame)
    if picked is not None and not pd.isna(picked["ticket_id"]):
        drawer.ticket(str(picked["ticket_id"]))
