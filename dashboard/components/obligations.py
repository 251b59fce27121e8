"""Rows of the ledger as a table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.components.tags import labelled
from dashboard.page import Page
from dashboard.texts import Words
from etl.catalogue import catalogue

MOST_VISIBLE = 16


def choice(language: str, column: str, code: str, log: str = "tickets") -> str:
    """What people call a choice of a log's column; any other value stays as it is."""
    choices = catalogue().logs[log].columns[column].choices or {}
    if code not in choices:
        return code
    if language == "zh" and choices[code]:
        return choices[code][0]
    return code.replace("_", " ").capitalize()


def lateness(words: Words, row: Mapping[Any, Any]) -> str:
    """How late, or how long until due, in words."""
    seconds = row["late_seconds"]
    if pd.isna(seconds):
        return ""
    late = int(seconds)
    if row["state"] == "pending":
        return words("row.left", duration=words.duration(late)) if late <= 0 else ""
    return words("row.late", duration=words.duration(late)) if late > 0 else ""


def _day_or_instant(words: Words, days: pd.Series, instants: pd.Series) -> list[str | None]:
    """A due or a done as its clause counts it: the day alone, or to the minute."""
    return [
        words.day(day.date())
        if not pd.isna(day)
        else None
        if pd.isna(at)
        else words.instant(at.to_pydatetime())
        for day, at in zip(days, instants, strict=True)
    ]


def table(
    page: Page, frame: pd.DataFrame, key: str, *, compact: bool = False
) -> Mapping[Any, Any] | None:
    """Draw `frame` (see queries.rows); the row that was picked, if any."""
    words = page.words
    labels = catalogue().states
    shown = pd.DataFrame(
        {
            "state": [[labels[state].title.get(words.language)] for state in frame["state"]],
            "clause": [
                catalogue().clauses[clause].title.get(words.language) for clause in frame["clause"]
            ],
            "subject": frame["subject"],
            "late": [lateness(words, row) for row in frame.to_dict("records")],
            "due_at": _day_or_instant(words, frame["due_on"], frame["due_at"]),
            "done_at": _day_or_instant(words, frame["done_on"], frame["done_at"]),
            "arose_on": frame["arose_on"],
            "department": frame["department"],
            "equipment_id": frame["equipment_id"],
            "contract_id": frame["contract_id"],
        }
    )
    dropped = ["state", "done_at", "arose_on", "equipment_id"] if compact else []
    dropped += [name for name in ("clause", "contract_id") if frame[name].nunique() == 1]
    dropped = [name for name in dropped if not (compact and name == "clause")]
    if not compact:
        dropped += [name for name in map(str, shown) if name != "late" and shown[name].isna().all()]
    if not any(shown["late"]):
        dropped.append("late")
    event = st.dataframe(
        shown.drop(columns=dropped),
        key=key,
        hide_index=True,
        height="content" if len(shown) <= MOST_VISIBLE else 560,
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("row.table"),
        column_config={
            "state": labelled(page, words("row.state"), labels, 78),
            "clause": st.column_config.TextColumn(words("row.clause")),
            "subject": st.column_config.TextColumn(words("row.subject")),
            "late": st.column_config.TextColumn(
                words("row.lateness"), width=96 if compact else 118
            ),
            "due_at": st.column_config.TextColumn(words("row.due"), width=124),
            "done_at": st.column_config.TextColumn(words("row.done"), width=124),
            "arose_on": st.column_config.DateColumn(words("row.arose"), format="YYYY-MM-DD"),
            **{
                name: st.column_config.TextColumn(column.label.get(words.language))
                for name, column in catalogue().logs["tickets"].columns.items()
                if name in ("department", "equipment_id", "contract_id")
            },
        },
    )
    picked = event["selection"]["rows"]
    if not picked:
        return None
    return frame.iloc[[picked[0]]].to_dict("records")[0]
