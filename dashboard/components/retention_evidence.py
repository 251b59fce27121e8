"""What stands against releasing the money: open items, gaps, rows left out, logs that end early."""

from functools import partial
from html import escape

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.components import drawer, obligations
from dashboard.components.card import card, nothing
from dashboard.components.retention import title_of
from dashboard.page import Page
from dashboard.queries import csv
from dashboard.queries import retention as asked
from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError
from etl.evidence.decisions import Dossier
from etl.evidence.missing import CELL, LATER, Missing
from etl.evidence.request import request, what_is_wanted
from etl.store import Warehouse

OPEN_SHOWN = 6
ROWS_SHOWN = 6
MISSING_SHOWN = 12
MOST_VISIBLE = 8


def log_label(page: Page, name: str) -> str:
    """What a log is called."""
    return catalogue().logs[name].label.get(page.words.language)


def open_items(page: Page, found: Dossier) -> None:
    """What is not due yet, the soonest first; all of it on a click."""
    words = page.words
    title = words("retention.open_items")
    selection = asked.counted(found, None, "pending")
    total = sum(queries.tally(page.book, selection).values()) if found.due_on else 0
    with card(words, "open_items", title, words("retention.open_items_sub")):
        if not total:
            nothing(words, "retention.nothing_open")
            return
        frame = queries.rows(page.book, selection, limit=OPEN_SHOWN, soonest=True)
        row = obligations.table(page, frame, drawer.numbered("open_items"), compact=True)
        if row is not None:
            drawer.obligation(page, row)
        if total > len(frame):
            st.button(
                words("retention.all_open", n=words.number(total)),
                key="open_all_items",
                type="tertiary",
                on_click=drawer.rows,
                args=(title, selection),
            )


def logs(page: Page, found: Dossier) -> None:
    """Up to when each log says something of the contract; those that end too early first."""
    words = page.words
    stale = found.stale_logs
    listed = [*stale, *(one for one in found.logs if not one.stale and one.rows)]
    said = words("retention.logs_sub", n=len(stale)) if stale else words("retention.logs_all")
    with card(words, "logs", words("retention.logs"), said):
        if not listed:
            nothing(words, "retention.bare")
            return
        shown = pd.DataFrame(
            {
                "log": [log_label(page, one.log) for one in listed],
                "through": [
                    words.instant(one.through_at) if one.loaded else words("fresh.not_loaded")
                    for one in listed
                ],
                "needed": [words.instant(one.needed_until) if one.stale else "" for one in listed],
                "rows": [one.rows for one in listed],
            }
        )
        if not stale:
            shown = shown.drop(columns="needed")
        tint, ink = page.palette.tone("warn").tint, page.palette.tone("warn").text
        st.dataframe(
            shown.style.apply(
                lambda row: (
                    [f"background-color: {tint}; color: {ink}" if row.name < len(stale) else ""]
                    * len(row)
                ),
                axis=1,
            ),
            key="retention_logs",
            hide_index=True,
            height="content" if len(shown) <= MOST_VISIBLE else 320,
            alt=words("retention.logs"),
            column_config={
                "log": words("fresh.log"),
                "through": words("fresh.through"),
                "needed": words("retention.needed"),
                "rows": st.column_config.NumberColumn(words("retention.rows"), width="small"),
            },
        )


def rows_left_out(page: Page, found: Dossier) -> None:
    """Rejected and waiting rows that name the contract: they count for nothing yet."""
    words, language = page.words, page.words.language
    rejected = [
        (words("retention.rejected"), one.log, one.file, one.source_row, one.reasons.get(language))
        for one in found.rejected
    ]
    waiting = [
        (words("retention.waiting"), one.log, one.file, one.source_row, one.reason.get(language))
        for one in found.waiting
    ]
    rows = [
        (kind, log_label(page, log), file, row, reason)
        for kind, log, file, row, reason in (*rejected, *waiting)
    ]
    frame = pd.DataFrame(rows, columns=["kind", "log", "file", "source_row", "reason"])
    said = words("retention.left_out_sub", rejected=len(rejected), waiting=len(waiting))
    with card(words, "left_out", words("retention.left_out"), said, frame):
        if frame.empty:
            nothing(words, "retention.none_left_out")
            return
        items = "".join(
            f"<li><span class='kept-pill warn'>{escape(kind)}</span> "
            f"{escape(words('retention.at_row', log=log, file=file, row=row))}"
            f"<br><span class='kept-sub'>{escape(reason)}</span></li>"
            for kind, log, file, row, reason in rows[:ROWS_SHOWN]
        )
        st.html(f"<ul class='kept-plain'>{items}</ul>")
        if len(rows) > ROWS_SHOWN:
            st.caption(words("card.part", n=ROWS_SHOWN, of=words.number(len(rows))))


def missing(page: Page, found: Dossier) -> None:
    """Each unknown obligation with the cell that would decide it, and the request to the vendor."""
    words = page.words
    gaps = asked.missing_evidence(page.book, found)
    title = words("retention.missing")
    first = _as_frame(page, gaps[:MISSING_SHOWN])
    subtitle = words("retention.missing_sub")
    with card(words, "missing", title, subtitle, first, lambda: csv(_as_frame(page, gaps))):
        if not gaps and not found.rejected:
            nothing(words, "retention.nothing_missing")
            return
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.download_button(
                words("retention.request"),
                data=partial(_request, found),
                file_name=f"kept-request-{_file_part(found.contract_id)}.xlsx",
                mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                key="retention_request",
                on_click="ignore",
                icon=":material/assignment_returned:",
                help=words("retention.request_help"),
                disabled=not _can_be_asked(gaps, found),
            )
            clauses = list(dict.fromkeys(one.clause for one in gaps))
            narrowed = st.selectbox(
                words("row.clause"),
                ("", *clauses),
                format_func=lambda one: (
                    title_of(page, one) if one else words("retention.every_clause")
                ),
                key="retention_missing_clause",
                label_visibility="collapsed",
                width=240,
            )
        listed = [one for one in gaps if not narrowed or one.clause == narrowed]
        if not listed:
            return
        pages = -(-len(listed) // MISSING_SHOWN)
        key = drawer.numbered(f"missing_{narrowed}")
        number = st.pagination(pages, key=f"{key}_page") if pages > 1 else 1
        skip = (number - 1) * MISSING_SHOWN
        shown = listed[skip : skip + MISSING_SHOWN]
        picked = _table(page, _as_frame(page, shown), f"{key}_{number}")
        if picked is not None:
            _open(page, found, shown[picked])


def _as_frame(page: Page, gaps: list[Missing] | tuple[Missing, ...]) -> pd.DataFrame:
    rows = [
        (
            title_of(page, one.clause),
            one.subject,
            one.department or "",
            log_label(page, one.log),
            "" if one.key == (one.subject,) else " ".join(one.key),
            _needed(page, one),
            one.obligations,
        )
        for one in gaps
    ]
    return pd.DataFrame(
        rows,
        columns=["clause", "subject", "department", "log", "record", "decides", "obligations"],
    )


def _needed(page: Page, one: Missing) -> str:
    words = page.words
    if one.kind == LATER:
        return words("retention.entered_later")
    if one.kind != CELL or not one.columns:
        return what_is_wanted(one, words.language)
    columns = catalogue().logs[one.log].columns
    return words(
        "retention.cells",
        cells=words.listed(columns[name].label.get(words.language) for name in one.columns),
    )


def _table(page: Page, frame: pd.DataFrame, key: str) -> int | None:
    words = page.words
    text = st.column_config.TextColumn
    dropped = [name for name in ("department", "record") if not any(frame[name])]
    if (frame["obligations"] == 1).all():
        dropped.append("obligations")
    event = st.dataframe(
        frame.drop(columns=dropped),
        key=key,
        hide_index=True,
        height="content",
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("retention.missing"),
        column_config={
            "clause": text(words("row.clause"), width=160),
            "subject": text(words("row.subject")),
            "department": text(
                catalogue().logs["tickets"].columns["department"].label.get(words.language)
            ),
            "log": text(words("fresh.log")),
            "record": text(words("retention.record")),
            "decides": text(words("retention.what_decides"), width="large"),
            "obligations": st.column_config.NumberColumn(
                words("retention.obligations"), width="small"
            ),
        },
    )
    picked = event["selection"]["rows"]
    return int(picked[0]) if picked else None


def _open(page: Page, found: Dossier, one: Missing) -> None:
    """What stands behind a gap: its ticket, its unit, or the unknown rows of its clause."""
    if one.log == "tickets" and one.key:
        drawer.ticket(one.key[0])
    elif one.log == "equipment" and one.key:
        drawer.unit(one.key[0])
    else:
        drawer.rows(title_of(page, one.clause), asked.counted(found, one.clause, "unknown"))


def _can_be_asked(gaps: tuple[Missing, ...], found: Dossier) -> bool:
    return bool(found.rejected) or any(one.kind != LATER for one in gaps)


def _request(found: Dossier) -> bytes:
    warehouse = Warehouse(Settings.from_environment())
    manifest = warehouse.manifest_numbered(found.manifest)
    try:
        return request(found.marts, warehouse, manifest, found.contract_id)[1]
    except KeptError as error:  # data was loaded meanwhile, and these marts are swept away
        raise RuntimeError(str(error)) from error


def _file_part(name: str) -> str:
    """An identifier as a part of a file's name."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)
