"""How firm the verdicts are: other figures, other readings, and the evidence that would decide."""

from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.components import drawer
from dashboard.components.card import card, nothing
from dashboard.page import Page
from dashboard.queries import outlook as asked
from etl.catalogue import catalogue
from etl.intake.check import exact


def verdicts(page: Page) -> None:
    """Draw which verdicts would change under another figure or reading; a switch shows the rest."""
    words = page.words
    found = asked.sensitivity(page.book, page.everything)
    with card(
        words, "sensitivity", words("sensitivity.title"), words("sensitivity.subtitle"), found
    ):
        changed = found[found["verdict"] != found["other_verdict"]]
        if not st.toggle(words("sensitivity.all"), key="sensitivity_all"):
            found = changed
        if found.empty:
            nothing(words, "sensitivity.same")
            return
        labels = catalogue().verdicts
        rows = found.to_dict("records")
        shown = pd.DataFrame(
            {
                "contract": found["contract_id"],
                "clause": [_title(page, row["clause"]) for row in rows],
                "scenario": [_scenario(page, row) for row in rows],
                "verdict": [labels[row["verdict"]].title.get(words.language) for row in rows],
                "other": [labels[row["other_verdict"]].title.get(words.language) for row in rows],
                "counts": [
                    words.counts(row["met"], row["met"] + row["breached"] + row["unknown"])
                    for row in rows
                ],
            }
        )
        st.dataframe(
            shown,
            hide_index=True,
            height="content" if len(shown) <= 12 else 430,
            alt=words("sensitivity.title"),
            column_config={
                "scenario": st.column_config.TextColumn(
                    words("sensitivity.scenario"), width="large"
                ),
                **{
                    name: words(f"sensitivity.{name}")
                    for name in ("contract", "clause", "verdict", "other", "counts")
                },
            },
        )


def _title(page: Page, clause: str) -> str:
    return catalogue().clauses[clause].title.get(page.words.language)


def _scenario(page: Page, row: dict[Any, Any]) -> str:
    words = page.words
    if row["scenario"] == "reading":
        alternative = catalogue().clauses[row["clause"]].alternative
        assert alternative is not None
        return words("sensitivity.reading", reading=alternative.get(words.language))
    term = catalogue().terms[row["term"]]
    value, other = (
        words(f"term.{term.unit}", n=exact(Decimal(str(row[name]))))
        for name in ("value", "other_value")
    )
    return words(
        f"sensitivity.{row['scenario']}",
        term=term.label.get(words.language),
        value=value,
        other=other,
    )


def undecided(page: Page) -> None:
    """Draw the undecided clauses with how few records would decide each; a row opens them."""
    words = page.words
    found = asked.undecided(page.book, page.everything)
    with card(
        words,
        "undecided",
        words("sensitivity.undecided"),
        words("sensitivity.undecided_subtitle"),
        found,
    ):
        if found.empty:
            nothing(words, "sensitivity.decided")
            return
        logs = catalogue().logs
        event = st.dataframe(
            pd.DataFrame(
                {
                    "contract": found["contract_id"],
                    "clause": [_title(page, clause) for clause in found["clause"]],
                    "unknown": found["unknown"],
                    "to_keep": found["to_keep"],
                    "to_break": found["to_break"],
                    "evidence": [
                        words.listed(
                            logs[log].columns[column].label.get(words.language)
                            for log, column in catalogue().clauses[clause].evidence
                        )
                        for clause in found["clause"]
                    ],
                }
            ),
            key=drawer.numbered("undecided"),
            hide_index=True,
            height="content",
            on_select="rerun",
            selection_mode="single-row",
            alt=words("sensitivity.undecided"),
            column_config={
                name: words(f"sensitivity.{name}")
                for name in ("contract", "clause", "unknown", "to_keep", "to_break", "evidence")
            },
        )
        if event["selection"]["rows"]:
            row = found.iloc[event["selection"]["rows"][0]]
            drawer.rows(
                _title(page, row["clause"]),
                page.everything.but(
                    contract=row["contract_id"], clauses=(row["clause"],), states=("unknown",)
                ),
            )
