"""Clauses: their verdicts as a table, and one of them explained."""

from decimal import Decimal
from html import escape

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.components.tags import labelled
from dashboard.page import Page
from dashboard.queries import Selection
from etl.catalogue import Clause, Figure, catalogue

_END = (("tickets", "resolved_at"), ("tickets", "closed_at"))


def limits(page: Page, clause: str, contract: str | None) -> list[str]:
    """The terms of a clause with their values, in words."""
    said = []
    for name in catalogue().clauses[clause].terms:
        value = queries.term(page.book, Selection(contract=contract), name)
        term = catalogue().terms[name]
        shown = (
            page.words("clause.differs")
            if value is None
            else page.words(f"term.{term.unit}", n=f"{value.normalize():f}")
        )
        said.append(f"{term.label.get(page.words.language)} {shown}")
    return said


def _targets(page: Page, clause: str, contract: str | None) -> tuple[Decimal, ...]:
    return queries.targets(page.book, Selection(contract=contract), clause)


def explanation(page: Page, clause: str, contract: str | None) -> None:
    """The letter's words, how they are judged, and what is assumed or read into them."""
    words, found = page.words, catalogue().clauses[clause]
    parts = [
        f"<blockquote>{escape(found.quote)}</blockquote>",
        f"<p>{escape(found.text.get(words.language))}</p>",
    ]
    notes = limits(page, clause, contract)
    notes.append(f"{words('clause.target')} ≥ {words.share(*_targets(page, clause, contract))}")
    parts.append(f"<p class='kept-sub'>{escape(' · '.join(notes))}</p>")
    parts.append(evidence(page, clause, contract))
    if queries.assumed(page.book, clause, contract):
        parts.append(f"<p class='kept-note'>{escape(words('clause.assumed'))}</p>")
    parts.append(readings(page, found))
    st.html(f"<div class='kept-clause'>{''.join(parts)}</div>")


def evidence(page: Page, clause: str, contract: str | None) -> str:
    """Why a clause cannot be judged in the contracts in view, as HTML: empty where it can."""
    verdict = queries.verdict_in_view(page.book, page.selection.but(contract=contract), clause)
    said = no_evidence(page, clause, contract, verdict)
    if not said:
        return ""
    tone = "quiet" if verdict == "not_promised" else "warn"
    return f"<p><span class='kept-pill {tone}'>{escape(said)}</span></p>"


def no_evidence(page: Page, clause: str, contract: str | None, verdict: str) -> str:
    """What the exports lack that would show a clause, or that nobody promised it; empty where its
    verdict says neither.
    """
    words, found = page.words, catalogue().clauses[clause]
    kind = queries.evidence_of(page.book, clause, contract)
    if kind == "shown" or verdict not in ("no_evidence", "not_promised"):
        return ""
    logs = catalogue().logs
    columns = _END if kind == "no_end" else found.shown_by if kind == "no_column" else ()
    return words(
        f"clause.{kind}",
        log=logs[found.log].label.get(words.language),
        columns=words("clause.or").join(
            logs[log].columns[name].label.get(words.language) for log, name in columns
        ),
    )


def readings(page: Page, one: Clause | Figure) -> str:
    """What was read into the letter, as HTML: a paragraph for each reading."""
    words = page.words
    said = (words("clause.reading", text=text.get(words.language)) for text in one.readings)
    return "".join(f"<p class='kept-sub'>{escape(text)}</p>" for text in said)


def table(page: Page, frame: pd.DataFrame, key: str) -> tuple[str, str] | None:
    """Draw verdicts (see queries.verdicts); the contract and clause whose row was picked."""
    words = page.words
    ordered = frame.assign(
        severity=[queries.SEVERITY.index(one) for one in frame["verdict"]]
    ).sort_values(["severity", "breached"], ascending=[True, False], kind="stable")
    labels = catalogue().verdicts
    shown = pd.DataFrame(
        {
            "verdict": [[labels[one].title.get(words.language)] for one in ordered["verdict"]],
            "clause": [
                catalogue().clauses[one].title.get(words.language) for one in ordered["clause"]
            ],
            "contract_id": ordered["contract_id"],
            "rate": [
                words.percent(met, due, *_targets(page, k, c))
                for met, due, c, k in zip(
                    ordered["met"], ordered["due"], ordered["contract_id"], ordered["clause"],
                    strict=True,
                )
            ],
            "counts": [
                words.counts(met, due) if due else "—"
                for met, due in zip(ordered["met"], ordered["due"], strict=True)
            ],
            "breached": ordered["breached"],
            "unknown": ordered["unknown"],
            "pending": ordered["pending"],
        }
    )  # fmt: skip
    if shown["contract_id"].nunique() == 1:
        shown = shown.drop(columns="contract_id")
    states = catalogue().states
    number = st.column_config.NumberColumn
    event = st.dataframe(
        shown,
        key=key,
        hide_index=True,
        height="content",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("clause.table"),
        column_config={
            "verdict": labelled(page, words("clause.verdict"), labels, 90),
            "clause": st.column_config.TextColumn(words("row.clause")),
            "contract_id": st.column_config.TextColumn(words("row.contract")),
            "rate": st.column_config.TextColumn(words("clause.rate"), alignment="right"),
            "counts": st.column_config.TextColumn(words("clause.counts"), alignment="right"),
            **{
                name: number(states[name].title.get(words.language), width="small")
                for name in ("breached", "unknown", "pending")
            },
        },
    )
    picked = event["selection"]["rows"]
    if not picked:
        return None
    row = ordered.iloc[picked[0]]
    return str(row["contract_id"]), str(row["clause"])
