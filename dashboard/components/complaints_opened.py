"""Complaints as a table, and one of them round by round."""

from collections.abc import Callable
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.components import aside
from dashboard.components.drawer import Picked
from dashboard.components.obligations import choice
from dashboard.components.tags import tags
from dashboard.page import Page
from dashboard.queries import complaints
from dashboard.queries.complaints import OUTCOMES, RULINGS, Complaints
from dashboard.texts import plain
from dashboard.theme import TONES
from etl.catalogue import catalogue

MOST_VISIBLE = 14
OUTCOME_TONES = {
    "satisfied": "good", "unsatisfied": "bad", "unknown": "warn", "open": "info",
}  # fmt: skip
_EVENTS = ("received_at", "acknowledged_at", "handled_at", "feedback_sought_at", "closed_at")
_FACTS = ("contract_id", "department", "channel", "category", "ticket_id")


def named(page: Page, column: str, code: str) -> str:
    """What people call a choice of the log of complaints."""
    return choice(page.words.language, column, code, log="complaints")


def many(page: Page, key: str, which: Complaints) -> None:
    """In the drawer: the complaints that are meant, each of which turns to its rounds."""
    paged(
        page,
        which,
        f"{key}_complaints",
        lambda complaint_id: aside.turn_to(complaint_id, one, complaint_id),
    )


def paged(page: Page, which: Complaints, key: str, opens: Callable[[str], None]) -> None:
    """The complaints that are meant, page by page; one that is picked is opened with `opens`."""
    words = page.words
    count = complaints.count(page.book, which)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f"<b>{escape(words('drawer.rows', n=words.number(count)))}</b>")
        if count:
            st.download_button(
                words("drawer.download"),
                data=complaints.download(page.book, which),
                file_name="kept-complaints.csv",
                mime="text/csv",
                on_click="ignore",
                icon=":material/download:",
                key=f"csv_{key}",
            )
    pages = -(-count // queries.PAGE_ROWS)
    number = st.pagination(pages, key=f"page_{key}") if pages > 1 else 1
    frame = complaints.listed(page.book, which, skip=(number - 1) * queries.PAGE_ROWS)
    picked = table(page, frame, key)
    if picked is not None:
        opens(picked)


def table(page: Page, frame: pd.DataFrame, key: str, *, compact: bool = False) -> str | None:
    """Draw complaints (see complaints.listed); the one that was picked, if any."""
    words, language = page.words, page.words.language
    columns = catalogue().logs["complaints"].columns
    said = {
        "outcome": [[words(f"complaints.outcome_{one}")] for one in frame["outcome"]],
        "ruling": [words(f"complaints.ruling_{one}") for one in frame["ruling"]],
        "age_days": [words("unit.day", n=int(days)) for days in frame["age_days"]],
        **{
            name: [None if pd.isna(one) else named(page, name, one) for one in frame[name]]
            for name in ("category", "channel")
        },
    }
    shown = frame.assign(
        **{name: pd.Series(cells, index=frame.index) for name, cells in said.items()}
    )
    dropped = ["ruling", "channel", "closed_at", "category"] if compact else []
    if frame["contract_id"].nunique() == 1:
        dropped.append("contract_id")
    event = st.dataframe(
        shown.drop(columns=dropped),
        key=key,
        hide_index=True,
        height="content" if len(frame) <= MOST_VISIBLE else 520,
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("complaints.table"),
        column_config={
            **{
                name: columns[name].label.get(language)
                for name in ("complaint_id", "category", "channel", "department", "contract_id")
            },
            "outcome": tags(
                words("complaints.outcome"),
                {
                    words(f"complaints.outcome_{one}"): page.palette.tone(OUTCOME_TONES[one])
                    for one in OUTCOMES
                },
                110,
            ),
            "rounds": st.column_config.NumberColumn(words("complaints.rounds_column"), width=70),
            "age_days": st.column_config.TextColumn(words("complaints.age_column"), width=80),
            "ruling": words("complaints.ruling"),
            **{
                name: st.column_config.DatetimeColumn(
                    columns[name].label.get(language), format="YYYY-MM-DD HH:mm"
                )
                for name in ("received_at", "closed_at")
            },
        },
    )
    rows = event["selection"]["rows"]
    return str(frame.iloc[rows[0]]["complaint_id"]) if rows else None


def one(page: Page, key: str, complaint_id: str) -> Picked | None:
    """In the drawer: one complaint, what the ledger says of it, and each of its rounds."""
    words = page.words
    rounds = complaints.rounds(page.book, complaint_id)
    if rounds.empty:
        st.info(words("complaints.gone"), icon=":material/info:")
        return None
    columns = catalogue().logs["complaints"].columns
    first = rounds.iloc[0].to_dict()
    facts = "".join(
        f"<div><span>{escape(columns[name].label.get(words.language))}</span>"
        f"<b>{escape(_said(page, name, str(first[name])))}</b></div>"
        for name in _FACTS
        if not pd.isna(first[name])
    )
    st.html(f"<div class='kept-facts'>{facts}</div>{_promises(page, complaint_id)}")
    picked: Picked | None = None
    for ticket_id in dict.fromkeys(str(one) for one in rounds["ticket_id"].dropna()):
        if st.button(
            words("complaints.open_ticket", ticket=plain(ticket_id)),
            key=f"{key}_{ticket_id}",
            icon=":material/arrow_forward:",
            icon_position="right",
            type="tertiary",
        ):
            picked = ("ticket", ticket_id)
    before = None
    for row in rounds.to_dict("records"):
        st.html(_round(page, row, before))
        before = row
    return picked


def _said(page: Page, name: str, value: str) -> str:
    return named(page, name, value) if name in ("channel", "category") else value


def _promises(page: Page, complaint_id: str) -> str:
    words = page.words
    pills = "".join(
        f"<span class='kept-pill {TONES[row['state']]}'>"
        f"{escape(catalogue().clauses[row['clause']].title.get(words.language))}"
        f"{_of_round(page, complaint_id, row)} · "
        f"{escape(catalogue().states[row['state']].title.get(words.language))}</span>"
        for row in complaints.ledger(page.book, complaint_id).to_dict("records")
    )
    return f"<div class='kept-pills'>{pills}</div>"


def _of_round(page: Page, complaint_id: str, row: Any) -> str:
    number = str(row["subject"]).removeprefix(f"{complaint_id}/")
    if number == row["subject"]:
        return ""
    return f" ({escape(page.words('complaints.nth_round', n=number))})"


def _round(page: Page, row: Any, before: Any) -> str:
    """One round: when it began, what happened in it, and whether the customer was satisfied."""
    words = page.words
    columns = catalogue().logs["complaints"].columns
    began = row["received_at"]
    happened = sorted(
        (row[name], i, name) for i, name in enumerate(_EVENTS) if not pd.isna(row[name])
    )
    steps = "".join(
        f"<li><b>{escape(columns[name].label.get(words.language))}</b>"
        f"<time>{escape(words.instant(at.to_pydatetime()))}</time>"
        f"<em>{escape(_since(page, at, began))}{escape(_who(row, name))}</em></li>"
        for at, _, name in happened
    )
    ruled = RULINGS[2] if pd.isna(row["upheld"]) else RULINGS[0] if row["upheld"] else RULINGS[1]
    if pd.isna(row["closed_at"]):
        outcome = OUTCOMES[3]
    elif pd.isna(row["satisfied"]):
        outcome = OUTCOMES[2]
    else:
        outcome = OUTCOMES[0] if row["satisfied"] else OUTCOMES[1]
    again = ""
    if before is not None and not pd.isna(before["closed_at"]):
        after = int((began - before["closed_at"]).total_seconds())
        if after > 0:
            again = words("complaints.again", duration=words.duration(after))
    return (
        f"<div class='kept-round'><div class='kept-title'>"
        f"{escape(words('complaints.nth_round', n=row['round']))} "
        f"<span class='kept-pill {OUTCOME_TONES[outcome]}'>"
        f"{escape(words(f'complaints.outcome_{outcome}'))}</span>"
        f"<span class='kept-pill'>{escape(words(f'complaints.ruling_{ruled}'))}</span></div>"
        f"<div class='kept-sub'>{escape(again)}</div></div><ol class='kept-steps'>{steps}</ol>"
    )


def _since(page: Page, at: Any, began: Any) -> str:
    seconds = int((at - began).total_seconds())
    return f"+{page.words.duration(seconds)}" if seconds else ""


def _who(row: Any, name: str) -> str:
    """The department in charge stands beside the handling, else beside the acknowledgement."""
    if pd.isna(row["assigned_to"]):
        return ""
    beside = "acknowledged_at" if pd.isna(row["handled_at"]) else "handled_at"
    return f" · {row['assigned_to']}" if name == beside else ""
