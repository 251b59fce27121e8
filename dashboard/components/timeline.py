"""One ticket: when each thing happened, and each stage against its limit."""

from html import escape

import pandas as pd
import streamlit as st

from dashboard import charts, queries
from dashboard.charts import CONFIG
from dashboard.charts.margins import settle
from dashboard.components.obligations import choice
from dashboard.page import Page
from dashboard.theme import TONES
from etl.catalogue import catalogue

_STAGES = (
    "reported_at", "responded_at", "onsite_at", "left_site_at",
    "loaner_provided_at", "resolved_at", "closed_at",
)  # fmt: skip
_FACTS = (
    "ticket_id",
    "contract_id",
    "equipment_id",
    "department",
    "channel",
    "service_type",
    "outcome",
)


def timeline(page: Page, ticket_id: str) -> None:
    """Draw the ticket's stages; a sentence where there is no such ticket as of now."""
    words = page.words
    found = queries.ticket(page.book, ticket_id)
    if found.empty:
        st.info(words("ticket.gone"), icon=":material/info:")
        return
    row = found.iloc[0].to_dict()
    columns = catalogue().logs["tickets"].columns
    facts = [
        f"<span>{escape(columns[name].label.get(words.language))}</span>"
        f"<b>{escape(_said(page, name, str(row[name])))}</b>"
        for name in _FACTS
        if name in row and not pd.isna(row[name])
    ]
    happened = sorted(
        (row[name], i, name)
        for i, name in enumerate(_STAGES)
        if name in row and not pd.isna(row[name])
    )
    began = row["reported_at"]
    steps = "".join(
        f"<li><b>{escape(columns[name].label.get(words.language))}</b>"
        f"<time>{escape(words.instant(at.to_pydatetime()))}</time>"
        f"<em>{escape(_since(page, int((at - began).total_seconds())))}</em></li>"
        for at, _, name in happened
    )
    st.html(f"<div class='kept-facts'>{''.join(facts)}</div><ol class='kept-steps'>{steps}</ol>")
    stages = queries.stages(page.book, ticket_id)
    timed = stages[stages["allowed"] > 0]
    if len(timed):
        st.html(f"<div class='kept-title'>{escape(words('ticket.stages'))}</div>")
        st.plotly_chart(
            settle(charts.stage_times(_bars(page, timed), page.palette)),
            theme=None,
            config=CONFIG,
            key="ticket_stages",
            alt=words("ticket.stages"),
        )
    _others(page, stages[~stages.index.isin(timed.index)])
    if isinstance(row.get("description"), str):
        st.text(row["description"])


def _said(page: Page, name: str, value: str) -> str:
    if name in ("channel", "service_type", "outcome"):
        return choice(page.words.language, name, value)
    return value


def _since(page: Page, seconds: int) -> str:
    return f"+{page.words.duration(seconds)}" if seconds else ""


def _bars(page: Page, timed: pd.DataFrame) -> pd.DataFrame:
    words = page.words
    said = []
    for one in timed.to_dict("records"):
        done = not pd.isna(one["elapsed"])
        limit = words.duration(int(one["allowed"]))
        state = catalogue().states[one["state"]].title.get(words.language)
        time = words.duration(int(one["elapsed"])) if done else state
        said.append(
            {
                "label": escape(catalogue().clauses[one["clause"]].title.get(words.language)),
                "share": one["elapsed"] / one["allowed"] if done else None,
                "said": f"{time} / {limit}",
                "tone": one["state"],
                "hover": f"{state}<br>{time} / {limit}",
            }
        )
    return pd.DataFrame(said)


def _others(page: Page, rest: pd.DataFrame) -> None:
    """The promises about this ticket that are kept or broken without a clock."""
    words = page.words
    pills = "".join(
        f"<span class='kept-pill {TONES[one['state']]}'>"
        f"{escape(catalogue().clauses[one['clause']].title.get(words.language))} · "
        f"{escape(catalogue().states[one['state']].title.get(words.language))}</span>"
        for one in rest.to_dict("records")
    )
    if pills:
        st.html(f"<div class='kept-pills'>{pills}</div>")
