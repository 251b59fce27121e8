"""The line that says how far the figures can be trusted: as of, logs, rows left out."""

from html import escape

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.page import Page
from dashboard.queries.data import concerns
from dashboard.texts import Words
from etl.catalogue import catalogue

OLD_DAYS = 31


def bar(page: Page) -> None:
    """As of when, over how many contracts, without which rows; per log on a click."""
    words, book = page.words, page.book
    ages = queries.log_ages(book)
    loaded = queries.loaded(book)
    missing = [name for name in ages.index if name not in loaded]
    said = [words("fresh.as_of", at=words.instant(book.as_of))]
    if book.as_of != book.horizon_at:
        said.append(words("fresh.horizon", at=words.instant(book.horizon_at)))
    said.append(words("fresh.contracts", n=words.number(len(queries.contracts(book)))))
    marks = []
    if book.rejected_rows:
        marks.append(("warn", words("fresh.rejected", n=words.number(book.rejected_rows))))
    if book.waiting_rows:
        marks.append(("warn", words("fresh.waiting", n=words.number(book.waiting_rows))))
    if missing:
        marks.append(("quiet", words("fresh.missing", n=len(missing))))
    marks += [
        ("warn", catalogue().message("lone_event_short", words.language, **note.values))
        for note in concerns(book)
        if note.code == "lone_event"
    ]
    pills = "".join(f"<span class='kept-pill {tone}'>{escape(text)}</span>" for tone, text in marks)
    with st.container(key="freshness", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(
            f"<div class='kept-sub'>{escape(' · '.join(said))}&ensp;{pills}</div>", width="content"
        )
        with st.popover(words("fresh.logs"), type="tertiary", width="content"):
            _logs(page, ages, missing)


def _logs(page: Page, ages: pd.DataFrame, missing: list[str]) -> None:
    words = page.words
    rows = [
        (
            catalogue().logs[str(name)].label.get(words.language),
            words("fresh.not_loaded") if name in missing else _instant(words, at),
            "" if pd.isna(days) else words("fresh.days", n=int(days)),
        )
        for name, at, days in ages[["through_at", "age_days"]].itertuples(name=None)
    ]
    heads = (words("fresh.log"), words("fresh.through"), words("fresh.age"))
    lines = "".join(
        f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in row)}</tr>"
        for tag, row in (("th", heads), *(("td", row) for row in rows))
    )
    st.html(f"<table class='kept-terms'>{lines}</table>")
    st.caption(words("fresh.explained"))


def _instant(words: Words, at: pd.Timestamp) -> str:
    return words.instant(None if pd.isna(at) else at.to_pydatetime())
