"""What changed since an earlier day: verdicts, and promises newly broken."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import building, filters
from dashboard.components import drawer, states
from dashboard.components.built import built
from dashboard.components.card import card, fitted, nothing
from dashboard.components.tags import labelled
from dashboard.page import Page
from dashboard.queries import Book
from dashboard.queries import changes as asked
from etl.catalogue import catalogue
from etl.config import Settings

SHOWN = 8
MOST = 100


def card_of_changes(page: Page) -> None:
    """Draw the card; the earlier day's marts are built beside the page where they are not there."""
    words = page.words
    with card(words, "changes", words("changes.title"), words("changes.subtitle")):
        days = filters.since(words)
        day = page.book.as_of.date() - timedelta(days=days)
        try:
            then = building.book(Settings.from_environment(), day, patience=0)
        except building.StillBuilding as waiting:
            states.progress(waiting.build, words)
            return
        _verdicts(page, then)
        _broken(page, then)


def _verdicts(page: Page, then: Book) -> None:
    words = page.words
    found = asked.verdicts(page.book, then, page.everything)
    st.html(f"<div class='kept-sub'>{words('changes.verdicts', n=words.number(len(found)))}</div>")
    if found.empty:
        return
    shown = built(page, "changed_verdicts", (then, page.everything), lambda: _changed(page, found))
    event = st.dataframe(
        shown,
        key=drawer.numbered("changed_verdicts"),
        hide_index=True,
        height=fitted(len(shown)),
        on_select="rerun",
        selection_mode="single-row",
        alt=words("changes.title"),
        column_config={
            "clause": words("row.clause"),
            "contract_id": words("filter.contract"),
            "was": words("changes.was"),
            "is": labelled(page, words("changes.is"), catalogue().verdicts, 90),
            "counts": words("changes.counts"),
        },
    )
    if event["selection"]["rows"]:
        row = found.iloc[event["selection"]["rows"][0]]
        drawer.rows(
            catalogue().clauses[row["clause"]].title.get(words.language),
            page.everything.but(contract=row["contract_id"], clauses=(row["clause"],)),
        )


def _changed(page: Page, found: pd.DataFrame) -> pd.DataFrame:
    words, labels = page.words, catalogue().verdicts
    return pd.DataFrame(
        {
            "clause": [
                catalogue().clauses[clause].title.get(words.language) for clause in found["clause"]
            ],
            "contract_id": found["contract_id"],
            "was": [labels[one].title.get(words.language) for one in found["was"]],
            "is": [[labels[one].title.get(words.language)] for one in found["verdict"]],
            "counts": [
                words.counts(int(row["met"]), int(row["due"])) for row in found.to_dict("records")
            ],
        }
    ).head(SHOWN)


def _broken(page: Page, then: Book) -> None:
    words = page.words
    found = asked.newly_broken(page.book, then, page.everything)
    st.html(f"<div class='kept-sub'>{words('changes.broken', n=words.number(len(found)))}</div>")
    if found.empty:
        nothing(words, "changes.nothing")
        return
    row = _table(page, then, found.head(MOST), drawer.numbered("newly_broken"))
    if row is not None:
        drawer.obligation(page, row)
    if len(found) > MOST:
        st.button(
            words("changes.all", n=words.number(len(found))),
            key="open_newly_broken",
            type="tertiary",
            on_click=drawer.listing,
            args=(words("changes.broken", n=words.number(len(found))), partial(_every, then)),
        )


def _every(then: Book, page: Page, key: str) -> drawer.Opened | None:
    row = _table(page, then, asked.newly_broken(page.book, then, page.everything), key)
    return None if row is None else drawer.behind(page, row)


def _table(page: Page, then: Book, found: pd.DataFrame, key: str) -> Mapping[Any, Any] | None:
    """Obligations, and the one that was picked."""
    words = page.words
    event = st.dataframe(
        built(page, "broken", (then, page.everything, len(found)), lambda: _told(page, found)),
        key=key,
        hide_index=True,
        height=fitted(len(found)) if len(found) <= SHOWN else 300,
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("changes.title"),
        column_config={
            "clause": words("row.clause"),
            "subject": words("row.subject"),
            "department": catalogue()
            .logs["tickets"]
            .columns["department"]
            .label.get(words.language),
            "contract_id": words("filter.contract"),
        },
    )
    picked = event["selection"]["rows"]
    return found.iloc[picked[0]].to_dict() if picked else None


def _told(page: Page, found: pd.DataFrame) -> pd.DataFrame:
    titles = {
        clause: catalogue().clauses[clause].title.get(page.words.language)
        for clause in found["clause"].unique()
    }
    return found.assign(clause=found["clause"].map(titles))[
        ["clause", "subject", "department", "contract_id"]
    ]
