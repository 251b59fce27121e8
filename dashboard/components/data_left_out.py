"""The rows that count nowhere yet: refused ones with why, waiting ones with what for."""

from html import escape

import pandas as pd
import streamlit as st

from dashboard import building
from dashboard.components import states
from dashboard.components.card import card, nothing
from dashboard.components.obligations import choice
from dashboard.page import Desk
from dashboard.queries import Book
from dashboard.queries import data as asked
from etl.catalogue import catalogue
from etl.errors import KeptError
from etl.store import Warehouse

PAGE = 200
MOST_VISIBLE = 12


def section(desk: Desk) -> None:
    """Draw the section."""
    book = current(desk)
    if book is None:
        return
    _concerns(desk, book)
    _lapsed(desk, book)
    log = _log(desk, book)
    _rejects(desk, book, log)
    _waiting(desk, book, log)


def current(desk: Desk) -> Book | None:
    """What is published now; None, and said so, where nothing is or it is being built."""
    try:
        return building.book(desk.settings)
    except building.StillBuilding as waiting:
        states.building(waiting.build, desk.words)
    except KeptError as error:
        words = desk.words
        with card(words, "none", words("data.empty"), ""):
            sentence = catalogue().sentence(error, words.language)
            if error.code in states.EMPTY:
                sentence = words("data.empty_sub")
            st.html(f"<p class='kept-sub'>{escape(sentence)}</p>")
    return None


def _concerns(desk: Desk, book: Book) -> None:
    words, found = desk.words, asked.concerns(book)
    if not found:
        return
    with card(words, "concerns", words("data.concerns"), words("data.concerns_sub")):
        for note in found:
            said = catalogue().message(note.code, words.language, **note.values)
            tone = "warn" if note.code == "lone_event" else "info"
            st.html(f"<p class='kept-refusal {tone}'>{escape(said)}</p>")


def _lapsed(desk: Desk, book: Book) -> None:
    """Draw the tickets that are cancelled or duplicate, where there are any."""
    words, counts = desk.words, asked.lapsed(book)
    if not counts:
        return
    said = catalogue().message("load_lapsed", words.language, **counts)
    with card(words, "lapsed", words("data.lapsed"), said):
        skip = _page(desk, counts["cancelled"] + counts["duplicate"], "lapsed")
        found = asked.lapsed_tickets(book, skip=skip, limit=PAGE)
        columns = catalogue().logs["tickets"].columns
        st.dataframe(
            found.assign(
                status=[choice(words.language, "status", one) for one in found["status"]],
                reported_at=[words.instant(one.to_pydatetime()) for one in found["reported_at"]],
                late=[words("data.yes" if one else "data.no") for one in found["late"]],
                counts=[words("data.yes" if one else "data.no") for one in found["counts"]],
            ),
            key="data_lapsed",
            hide_index=True,
            height="content" if len(found) <= MOST_VISIBLE else 460,
            alt=words("data.lapsed"),
            column_config={
                **{
                    name: columns[name].label.get(words.language)
                    for name in ("ticket_id", "contract_id", "status", "reported_at")
                },
                "late": words("data.lapsed_late"),
                "counts": words("data.lapsed_counts"),
            },
        )


def _log(desk: Desk, book: Book) -> str | None:
    words, counted = desk.words, asked.left_out(book)
    names = sorted({name for counts in counted.values() for name in counts})
    if not names:
        return None
    chosen: str = st.selectbox(
        words("data.log"),
        ["", *names],
        format_func=lambda name: (
            words("data.all_logs") if not name else catalogue().logs[name].label.get(words.language)
        ),
        key="data_left_out_log",
        width=280,
    )
    return chosen or None


def _number(counts: dict[str, int], log: str | None) -> int:
    return counts.get(log, 0) if log else sum(counts.values())


def _rejects(desk: Desk, book: Book, log: str | None) -> None:
    words, counted = desk.words, asked.left_out(book)
    numbers = {kind: _number(counted[kind], log) for kind in ("open", "closed")}
    with card(words, "rejects", words("data.rejects"), words("data.rejects_sub")):
        kind = st.segmented_control(
            words("data.rejects"),
            ["open", "closed"],
            format_func=lambda one: f"{words(f'data.{one}')} {words.number(numbers[one])}",
            key="data_rejects_kind",
            default="open",
            required=True,
            label_visibility="collapsed",
        )
        if not numbers[kind]:
            nothing(words, f"data.no_{kind}")
            return
        skip = _page(desk, numbers[kind], f"rejects_{kind}")
        found = asked.rejects(book, log, closed=kind == "closed", skip=skip, limit=PAGE)
        batches = {one.sequence: one for one in Warehouse(desk.settings).manifest().batches}
        reasons = [
            (
                catalogue().logs[row["log"]],
                asked.reasons(row["problems"]),
            )
            for row in found.to_dict("records")
        ]
        st.dataframe(
            pd.DataFrame(
                {
                    "log": [log.label.get(words.language) for log, _ in reasons],
                    "batch": [
                        batches[number].id if number in batches else "" for number in found["batch"]
                    ],
                    "file": [
                        batches[number].file if number in batches else ""
                        for number in found["batch"]
                    ],
                    "row": found["source_row"],
                    "key": found["key"],
                    "why": [
                        "; ".join(one.text(log, words.language) for one in several)
                        for log, several in reasons
                    ],
                }
            ),
            key=f"data_rejects_{kind}",
            hide_index=True,
            height="content" if len(found) <= MOST_VISIBLE else 460,
            placeholder="",
            alt=words("data.rejects"),
            column_config={
                "log": words("data.log"),
                "batch": words("data.batch"),
                "file": words("data.file"),
                "row": words("data.row"),
                "key": words("data.key"),
                "why": st.column_config.TextColumn(words("data.why"), width="large"),
            },
        )


def _waiting(desk: Desk, book: Book, log: str | None) -> None:
    words, counted = desk.words, asked.left_out(book)
    number = _number(counted["waiting"], log)
    with card(words, "waiting", words("data.waiting"), words("data.waiting_sub")):
        if not number:
            nothing(words, "data.no_waiting")
            return
        skip = _page(desk, number, "waiting")
        found = asked.waiting(book, log, skip=skip, limit=PAGE)
        logs = catalogue().logs
        st.dataframe(
            pd.DataFrame(
                {
                    "log": [logs[name].label.get(words.language) for name in found["log"]],
                    "key": found["key"],
                    "row": found["source_row"],
                    "why": [
                        catalogue().message(
                            row["code"],
                            words.language,
                            column=logs[row["log"]].columns[row["column_name"]].label,
                            value=row["value"],
                        )
                        for row in found.to_dict("records")
                    ],
                }
            ),
            key="data_waiting",
            hide_index=True,
            height="content" if len(found) <= MOST_VISIBLE else 460,
            placeholder="",
            alt=words("data.waiting"),
            column_config={
                "log": words("data.log"),
                "key": words("data.key"),
                "row": words("data.row"),
                "why": st.column_config.TextColumn(words("data.waits_for"), width="large"),
            },
        )


def _page(desk: Desk, number: int, key: str) -> int:
    """Draw the choice of a page where there are several; how many rows to skip."""
    if number <= PAGE:
        return 0
    pages = -(-number // PAGE)
    page = st.number_input(
        desk.words("data.page", n=desk.words.number(pages)),
        min_value=1,
        max_value=pages,
        key=f"data_page_{key}",
        width=160,
    )
    return (int(page) - 1) * PAGE
