"""What lies ahead, with how well such forecasts did before; and signals worth a look."""

from collections.abc import Mapping
from functools import partial
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.components import drawer
from dashboard.components.built import built
from dashboard.components.card import card, fitted, nothing, part
from dashboard.page import Page
from dashboard.queries import outlook as asked
from etl.catalogue import catalogue

HEIGHT = 330


def _label(page: Page, column: str) -> str:
    return catalogue().logs["tickets"].columns[column].label.get(page.words.language)


def falls_due(page: Page) -> None:
    """Draw what falls due within 30 days, the soonest first."""
    words = page.words
    found = asked.falls_due(page.book, page.everything)
    whole = asked.falls_due_csv(page.book, page.everything)
    with card(words, "due", words("due.title"), words("due.subtitle"), found, whole):
        if found.empty:
            nothing(words, "due.nothing")
            return
        shown = built(page, "falls_due", page.everything, lambda: _due(page, found))
        event = st.dataframe(
            shown,
            key=drawer.numbered("falls_due"),
            hide_index=True,
            height=fitted(len(shown)) if len(shown) <= 8 else HEIGHT,
            placeholder="",
            on_select="rerun",
            selection_mode="single-row",
            alt=words("due.title"),
            column_config={
                "due": words("due.due"),
                "kind": words("due.kind"),
                "clause": words("row.clause"),
                "subject": words("row.subject"),
                "chance": words("due.chance"),
                "contract_id": words("filter.contract"),
            },
        )
        part(words, found)
        st.html(f"<div class='kept-sub'>{escape(_risk_tested(page))}</div>")
        if event["selection"]["rows"]:
            _open(page, found.iloc[event["selection"]["rows"][0]].to_dict())


def _due(page: Page, found: pd.DataFrame) -> pd.DataFrame:
    words = page.words
    clauses = catalogue().clauses
    return pd.DataFrame(
        {
            "due": [words.instant(at.to_pydatetime()) for at in found["due_at"]],
            "kind": [catalogue().message(f"due_{kind}", words.language) for kind in found["kind"]],
            "clause": [
                None if pd.isna(one) else clauses[one].title.get(words.language)
                for one in found["clause"]
            ],
            "chance": [None if pd.isna(one) else f"{one:.0%}" for one in found["chance"]],
            "subject": found["subject"],
            "contract_id": found["contract_id"],
        }
    )


def _risk_tested(page: Page) -> str:
    words, found = page.words, asked.at_risk_tested(page.book, page.everything)
    if not found["obligations"]:
        return words("due.untested")
    return words(
        "due.tested",
        n=words.number(int(found["obligations"])),
        expected=f"{found['expected']:.1f}",
        broken=words.number(int(found["broken"])),
    )


def _open(page: Page, row: Mapping[Any, Any]) -> None:
    if row["kind"] == "warranty":
        drawer.unit(row["subject"])
    elif row["clause"] is not None:
        drawer.rows(
            catalogue().clauses[row["clause"]].title.get(page.words.language),
            page.everything.but(contract=row["contract_id"], clauses=(row["clause"],)),
        )


def signals(page: Page) -> None:
    """Draw the signals of the months in view; a row opens its tickets."""
    words = page.words
    found = asked.signals(page.book, page.selection)
    with card(words, "signals", words("signal.title"), words("signal.subtitle"), found):
        if found.empty:
            nothing(words, "signal.nothing")
            return
        labels = catalogue().signals
        event = st.dataframe(
            pd.DataFrame(
                {
                    "signal": [labels[one].title.get(words.language) for one in found["signal"]],
                    "tickets": found["tickets"],
                    "text": [labels[one].text.get(words.language) for one in found["signal"]],
                }
            ),
            key=drawer.numbered("signals"),
            hide_index=True,
            height=fitted(len(found)),
            on_select="rerun",
            selection_mode="single-row",
            alt=words("signal.title"),
            column_config={
                "signal": st.column_config.TextColumn(words("signal.name"), width=150),
                "tickets": st.column_config.NumberColumn(words("signal.tickets"), width=70),
                "text": st.column_config.TextColumn("", width="large"),
            },
        )
        if event["selection"]["rows"]:
            signal = str(found["signal"].iloc[event["selection"]["rows"][0]])
            drawer.listing(labels[signal].title.get(words.language), partial(_tickets, signal))


def _tickets(signal: str, page: Page, key: str) -> drawer.Picked | None:
    words = page.words
    st.caption(catalogue().signals[signal].text.get(words.language))
    found = asked.signal_rows(page.book, page.selection, signal)
    empty = [name for name in found.columns if found[name].isna().all()]
    event = st.dataframe(
        found.drop(columns=empty),
        key=key,
        hide_index=True,
        height="content" if len(found) <= 16 else 560,
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("signal.title"),
        column_config={
            "subject": _label(page, "ticket_id"),
            "contract_id": words("filter.contract"),
            "department": _label(page, "department"),
            "equipment_id": _label(page, "equipment_id"),
            "engineer_id": words("signal.engineer"),
            "found_at": st.column_config.DatetimeColumn(
                words("signal.found"), format="YYYY-MM-DD HH:mm:ss"
            ),
            "beside": words("signal.beside"),
            "alike": words("signal.alike"),
        },
    )
    if event["selection"]["rows"]:
        return "ticket", str(found["subject"].iloc[event["selection"]["rows"][0]])
    return None


def expiries_tested(page: Page) -> None:
    """Draw how earlier forecasts of warranty ends did."""
    words = page.words
    found = asked.expiries_tested(page.book, page.everything)
    with card(
        words, "expiry_test", words("expiry_test.title"), words("expiry_test.subtitle"), found
    ):
        if found.empty:
            nothing(words, "expiry_test.nothing")
            return
        st.dataframe(
            pd.DataFrame(
                {
                    "origin": [words.day(day.date()) for day in found["origin_on"]],
                    "expected": [f"{one:.1f}" for one in found["expected"]],
                    "range": [
                        f"{max(0, low):.1f} – {high:.1f}"
                        for low, high in zip(found["low"], found["high"], strict=True)
                    ],
                    "actual": found["actual"],
                }
            ),
            hide_index=True,
            height="content",
            alt=words("expiry_test.title"),
            column_config={
                name: words(f"expiry_test.{name}")
                for name in ("origin", "expected", "range", "actual")
            },
        )
        wrong = _mean_error(found)
        if wrong is not None:
            said = words("expiry_test.error", share=f"{wrong:.1%}", n=len(found))
            st.html(f"<div class='kept-sub'>{escape(said)}</div>")


def spares(page: Page) -> None:
    """Draw how long each contract's spares last, and how well such forecasts did."""
    words = page.words
    found = asked.spares(page.book, page.everything)
    with card(
        words, "spares_ahead", words("spares_ahead.title"), words("spares_ahead.subtitle"), found
    ):
        if found.empty:
            nothing(words, "spares_ahead.nothing")
            return
        st.dataframe(
            pd.DataFrame(
                {
                    "contract": found["contract_id"],
                    "on_hand": found["on_hand"],
                    "needed": found["needed"],
                    "per_day": found["used_per_day"].round(2),
                    "days": [_days_left(page, row) for row in found.to_dict("records")],
                    "range": [
                        ""
                        if pd.isna(low)
                        else words("spares_ahead.days_range", low=int(low), high=int(high))
                        for low, high in zip(found["days_low"], found["days_high"], strict=True)
                    ],
                }
            ),
            hide_index=True,
            height="content",
            alt=words("spares_ahead.title"),
            column_config={
                name: words(f"spares_ahead.{name}")
                for name in ("contract", "on_hand", "needed", "per_day", "days", "range")
            },
        )
        tested = asked.spares_tested(page.book, page.everything)
        wrong = _mean_error(tested)
        if wrong is not None:
            inside = tested["actual"].between(tested["low"], tested["high"])
            said = words(
                "spares_ahead.tested", inside=int(inside.sum()), n=len(tested), share=f"{wrong:.0%}"
            )
            st.html(f"<div class='kept-sub'>{escape(said)}</div>")


def _days_left(page: Page, row: dict[Any, Any]) -> str:
    if row["on_hand"] < row["needed"]:
        return page.words("spares_ahead.below")
    if pd.isna(row["days_left"]):
        return page.words("spares_ahead.unused")
    return page.words.number(int(row["days_left"]))


def _mean_error(tested: pd.DataFrame) -> float | None:
    """Σ |expected − actual| ÷ Σ actual."""
    whole = float(tested["actual"].sum())
    return float((tested["expected"] - tested["actual"]).abs().sum()) / whole if whole else None
