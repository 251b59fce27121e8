"""Warranty: what ends when, what extended it, what is to be replaced, what the register says."""

from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.charts.warranty import amounts, expiries
from dashboard.components import clauses, drawer
from dashboard.components import warranty_lists as lists
from dashboard.components.card import card, chart, nothing, part
from dashboard.components.drawer import Picked
from dashboard.components.figure import figure
from dashboard.components.tags import tags
from dashboard.page import Page
from dashboard.queries import Selection
from dashboard.queries import warranty as asked
from dashboard.texts import plain
from etl.catalogue import catalogue

SHORTENED = 8
STILL_OWED = ("overdue", "ahead")
MOST_VISIBLE = 8
_AHEAD = 528
"""About as high as the two cards beside the chart of expiries."""
_STAGE_STATES = {
    "overdue": "breached",
    "late": "breached",
    "other_model": "breached",
    "ahead": "pending",
    "unproven": "unknown",
    "waived": "excluded",
    "made": "met",
}


def figures(page: Page) -> None:
    """The key figures: in warranty, ending soon, extended, to be replaced, register too short."""
    words, book, everyone = page.words, page.book, lists.everyone(page)
    meant, n = asked.meant(book, everyone), asked.tally(book, everyone)
    owed = asked.replacements(book, page.everything)
    overdue, ahead = (int((owed["stage"] == stage).sum()) for stage in STILL_OWED)
    said: dict[str, tuple[str, str]] = {
        "in_warranty": (words("warranty.of_accepted", n=words.number(n["accepted"])), ""),
        "in_30": (words("warranty.until", day=words.day(meant["in_30"].until_on)), ""),
        "in_90": (words("warranty.until", day=words.day(meant["in_90"].until_on)), ""),
        "extended": (words("warranty.perhaps", n=words.number(n["perhaps"])), ""),
        "shortened": (words("warranty.unproven_n", n=words.number(n["unproven"])), ""),
    }
    if n["shortened"]:
        most = _shortened(page)["short_days"].iloc[0]
        said["shortened"] = (words("warranty.short_most", n=words.number(int(most))), "red")
    with st.grid(6, min_column_width=160, gap="small", key="kpis_plain"):
        for name, told in said.items():
            title = words(f"warranty.{name}")
            _figure(
                page,
                name,
                words.number(n[name]),
                *told,
                opens=partial(lists.open_units, title, meant[name]) if n[name] else None,
            )
            if name == "extended":
                _figure(
                    page,
                    "to_replace",
                    words.number(overdue + ahead),
                    words("warranty.overdue_n", n=words.number(overdue)),
                    "red" if overdue else "",
                    opens=partial(drawer.listing, words("warranty.to_replace"), _still_owed)
                    if overdue + ahead
                    else None,
                )


def _replacement(page: Page) -> Selection:
    return page.everything.but(clauses=("warranty.replacement",))


def _figure(
    page: Page, name: str, value: str, said: str, colour: str, *, opens: Callable[[], None] | None
) -> None:
    words = page.words
    title = words(f"warranty.{name}")
    figure(
        page,
        name,
        title,
        value,
        note=said,
        colour=colour or "gray",
        hint=words(f"warranty.{name}_help"),
        foot=words("warranty.see"),
        opens=opens,
        foot_hint=words("kpi.open", title=plain(title)),
    )


def ahead(page: Page) -> None:
    """Units whose warranty ends, by month ahead; a bar opens its units."""
    words, book, everyone = page.words, page.book, lists.everyone(page)
    months = asked.months_ahead(book)
    counted = asked.expiries(book, everyone, months)
    title = words("warranty.ahead")
    with card(words, "ahead", title, words("warranty.ahead_sub"), counted):
        if not counted[list(asked.BASES)].to_numpy().any():
            nothing(words, "warranty.none_ahead")
        else:
            chart(
                page,
                Selection(everyone.contract, everyone.department),
                lambda: expiries(
                    pd.DataFrame(
                        {
                            "key": months,
                            "label": _every_other(words.month_ticks(months[::2]), len(months)),
                            **{basis: counted[basis] for basis in asked.BASES},
                            "hover": [_hover(page, row) for row in counted.to_dict("records")],
                        }
                    ),
                    page.palette,
                    names=(
                        words("warranty.bar_base"),
                        words("warranty.bar_sure"),
                        words("warranty.bar_perhaps"),
                    ),
                ),
                "expiries",
                title,
                lambda key: lists.open_units(
                    f"{words(f'warranty.{key[1]}')} · {words.month(key[0], with_year=True)}",
                    asked.ending(book, everyone, key[1], key[0]),
                ),
                height=_AHEAD,
            )
        n = asked.tally(book, everyone)["later"]
        if n:
            st.button(
                words("warranty.later", n=words.number(n)),
                key="open_later",
                type="tertiary",
                on_click=lists.open_units,
                args=(title, asked.meant(book, everyone)["later"]),
            )


def _every_other(labels: list[str], length: int) -> list[str]:
    """A label for every second month, so that they have room on a small screen."""
    return ["" if i % 2 else labels[i // 2] for i in range(length)]


def _hover(page: Page, row: Mapping[Any, Any]) -> str:
    words = page.words
    return f"<b>{words.month(str(row['month']), with_year=True)}</b>" + "".join(
        f"<br>{escape(words(f'warranty.{basis}'))} {words.number(int(row[basis]))}"
        for basis in asked.BASES
    )


def days_left(page: Page) -> None:
    """Units by how many days are left; a bar opens its units."""
    words, book, everyone = page.words, page.book, lists.everyone(page)
    names = {
        **{
            f"left_{i}": words("warranty.days", low=low, high=high)
            if high is not None
            else words("warranty.days_more", low=low - 1)
            for i, (low, high) in enumerate(asked.LEFT)
        },
        "expired": words("status.expired"),
    }
    meant, n = asked.meant(book, everyone), asked.tally(book, everyone)
    counted = {key: n[key] for key in names}
    data = pd.DataFrame({"days_left": list(names.values()), "units": list(counted.values())})
    title = words("warranty.left")
    with card(words, "left", title, words("warranty.left_sub"), data):
        if not any(counted.values()):
            nothing(words, "warranty.none_accepted")
            return
        chart(
            page,
            Selection(everyone.contract, everyone.department),
            lambda: amounts(
                pd.DataFrame(
                    {
                        "key": list(names),
                        "label": [escape(name) for name in names.values()],
                        "n": list(counted.values()),
                        "said": [words.number(n) for n in counted.values()],
                        "tone": [
                            "quiet" if key == "expired" else "warn" if key == "left_0" and n else ""
                            for key, n in counted.items()
                        ],
                        "hover": [
                            f"<b>{escape(names[key])}</b><br>"
                            f"{escape(words('warranty.units_n', n=words.number(counted[key])))}"
                            for key in names
                        ],
                    }
                ),
                page.palette,
            ),
            "days_left",
            title,
            lambda key: lists.open_units(names[key[0]], meant[key[0]]),
        )


def replacements(page: Page) -> None:
    """Replacements owed: still to be made, made late; a row opens the unit."""
    words, labels = page.words, catalogue().states
    frame = asked.replacements(page.book, page.everything)
    with card(
        words, "replacements", words("warranty.replacements"), words("warranty.replacements_sub"),
        frame,
    ):  # fmt: skip
        if frame.empty:
            nothing(words, "warranty.none_owed")
            return
        held = frame["state"].value_counts()
        with st.container(horizontal=True, gap="xsmall", key="windows_replacements"):
            for state in ("breached", "unknown", "pending", "met"):
                if state in held:
                    st.button(
                        f"{labels[state].title.get(words.language)} "
                        f"{words.number(int(held[state]))}",
                        key=f"open_replacement_{state}",
                        on_click=drawer.rows,
                        args=(
                            words("warranty.replacements"),
                            _replacement(page).but(states=(state,)),
                        ),
                    )
        picked = _owed(page, frame, drawer.numbered("replacements_table"))
        if picked is not None:
            drawer.unit(picked[1])


def _still_owed(page: Page, key: str) -> Picked | None:
    frame = asked.replacements(page.book, page.everything)
    frame = frame[frame["stage"].isin(STILL_OWED)].reset_index(drop=True)
    st.html(f"<b>{escape(page.words('drawer.rows', n=page.words.number(len(frame))))}</b>")
    return _owed(page, frame, f"{key}_owed")


def _owed(page: Page, frame: pd.DataFrame, key: str) -> Picked | None:
    """Draw replacements (see queries.warranty.replacements); the unit that was picked, if any."""
    words, known = page.words, catalogue().logs["equipment"].columns
    stages = list(_STAGE_STATES)
    shown = frame.assign(stage=frame["stage"].map(lambda one: [words(f"stage.{one}")]))
    picked = _picked(
        shown[["stage", "equipment_id", "problem_code", "due_on", "done_on", "department"]],
        key,
        words("warranty.replacements"),
        {
            "stage": tags(
                words("warranty.stage"),
                {words(f"stage.{one}"): page.palette.tone(_STAGE_STATES[one]) for one in stages},
                100,
            ),
            "due_on": st.column_config.DateColumn(words("warranty.due_on")),
            "done_on": st.column_config.DateColumn(words("warranty.done_on")),
            "problem_code": _label(page, "problem_code"),
            **{
                name: known[name].label.get(words.language)
                for name in ("equipment_id", "department")
            },
        },
    )
    return None if picked is None else ("unit", str(frame.iloc[picked]["equipment_id"]))


def chains(page: Page) -> None:
    """Problems where one more failed repair means a replacement; a row opens the unit."""
    words = page.words
    frame = asked.chains(page.book, page.everything)
    with card(words, "chains", words("warranty.chains"), words("warranty.chains_sub"), frame):
        if frame.empty:
            nothing(
                words,
                "warranty.no_chains"
                if "tickets" in queries.loaded(page.book)
                else "warranty.no_tickets",
            )
            return
        known = catalogue().logs["equipment"].columns
        picked = _picked(
            frame[["equipment_id", "problem_code", "run", "end_at", "department"]],
            drawer.numbered("chains_table"),
            words("warranty.chains"),
            {
                "problem_code": _label(page, "problem_code"),
                "run": st.column_config.NumberColumn(words("warranty.run"), width="small"),
                "end_at": st.column_config.DatetimeColumn(
                    words("warranty.last_repair"), format="YYYY-MM-DD"
                ),
                **{
                    name: known[name].label.get(words.language)
                    for name in ("equipment_id", "department")
                },
            },
        )
        if picked is not None:
            drawer.unit(str(frame.iloc[picked]["equipment_id"]))


def extensions(page: Page) -> None:
    """Every event that extended a warranty, with its ticket; a row opens the unit."""
    words = page.words
    frame = asked.extensions(page.book, lists.everyone(page))
    with card(
        words,
        "extensions",
        words("warranty.extensions"),
        words("warranty.extensions_sub"),
        frame,
        asked.extensions_csv(page.book, lists.everyone(page)),
    ):
        if frame.empty:
            nothing(
                words,
                "warranty.no_extensions"
                if "tickets" in queries.loaded(page.book)
                else "warranty.no_tickets",
            )
            return
        known = catalogue().logs["equipment"].columns
        shown = frame.assign(
            effect=[
                words(f"extension.{effect}", n=int(days))
                for effect, days in zip(frame["effect"], frame["extension_days"], strict=True)
            ]
        )
        picked = _picked(
            shown[["equipment_id", "ticket_id", "reported_at", "effect", "expires_on"]],
            drawer.numbered("extensions_table"),
            words("warranty.extensions"),
            {
                "equipment_id": known["equipment_id"].label.get(words.language),
                "ticket_id": _label(page, "ticket_id"),
                "reported_at": st.column_config.DatetimeColumn(
                    _label(page, "reported_at"), format="YYYY-MM-DD"
                ),
                "effect": words("warranty.effect"),
                "expires_on": st.column_config.DateColumn(words("warranty.expires_on")),
            },
        )
        part(words, frame)
        if picked is not None:
            drawer.unit(str(frame.iloc[picked]["equipment_id"]))


def _shortened(page: Page) -> pd.DataFrame:
    """The units whose warranty the register shortens most."""
    everyone = lists.everyone(page)
    return asked.rows(page.book, everyone.but(kind="shortened"), limit=SHORTENED)


def register(page: Page) -> None:
    """Register date against computed date: which units the register shortens, by how many days."""
    words, book, everyone = page.words, page.book, lists.everyone(page)
    meant, counted = asked.meant(book, everyone), asked.tally(book, everyone)
    frame = _shortened(page)
    with card(words, "register", words("warranty.register"), words("warranty.register_sub"), frame):
        with st.container(horizontal=True, gap="xsmall", key="windows_register"):
            for name in ("shortened", "unproven"):
                title = words(f"warranty.register_{name}")
                st.button(
                    f"{title} {words.number(counted[name])}",
                    key=f"open_register_{name}",
                    disabled=not counted[name],
                    on_click=lists.open_units,
                    args=(title, meant[name]),
                )
        if frame.empty:
            nothing(words, "warranty.none_shortened")
            return
        picked = lists.table(
            page,
            frame,
            drawer.numbered("register_table"),
            ("equipment_id", "short_days", "warranty_until", "expires_on", "department"),
        )
        if picked is not None:
            drawer.unit(picked[1])


def promises(page: Page) -> None:
    """The warranty and after-warranty clauses over all contracts in view; a row opens its rows."""
    words, selection = page.words, page.selection
    counted = queries.counts(page.book, selection.but(clauses=asked.CLAUSES), ("clause",))
    inside = counted.set_index("clause").reindex(list(asked.CLAUSES)).reset_index()
    sums = [*queries.STATES, "due"]
    frame = inside.fillna(dict.fromkeys(sums, 0)).astype(dict.fromkeys(sums, "int64"))
    frame["contract_id"] = selection.contract or queries.NONE
    frame["verdict"] = [
        queries.verdict_in_view(page.book, selection, clause) for clause in frame["clause"]
    ]
    title = words("warranty.promises")
    with card(words, "promises", title, words("warranty.promises_sub"), frame):
        picked = clauses.table(page, frame, drawer.numbered("promises_table"))
        if picked is not None:
            clause = picked[1]
            drawer.rows(
                catalogue().clauses[clause].title.get(words.language),
                selection.but(clauses=(clause,)),
            )


def _label(page: Page, column: str) -> str:
    return catalogue().logs["tickets"].columns[column].label.get(page.words.language)


def _picked(shown: pd.DataFrame, key: str, alt: str, columns: dict[str, Any]) -> int | None:
    """Draw a short table; the place of the row that was picked."""
    event = st.dataframe(
        shown,
        key=key,
        hide_index=True,
        height="content" if len(shown) <= MOST_VISIBLE else 318,
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=alt,
        column_config=columns,
    )
    rows = event["selection"]["rows"]
    return int(rows[0]) if rows else None
