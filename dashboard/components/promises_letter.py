"""The rest of the letter: figures beside the clauses, and sentences without obligations."""

from html import escape
from urllib.parse import urlencode

import streamlit as st

from dashboard.components import clauses, promises
from dashboard.components.card import card, nothing
from dashboard.page import Page
from dashboard.queries import promises as told
from etl.catalogue import Figure, Sentence, catalogue

SHOWN_ON = {
    "availability": "availability",
    "warranty_forecast": "warranty",
    "retention": "retention",
    "fault_mix": "sla",
    "deductions": "retention",
}
"""The page that shows each figure."""


def sentences(page: Page, wanted: str) -> None:
    """Every sentence that no clause judges: where it is seen, or that no log can show it."""
    words = page.words
    shown = [
        one
        for one in catalogue().sentences
        if told.says(wanted, (one.quote, one.text.zh, one.text.en))
    ]
    silent = sum(not one.measurable for one in shown)
    subtitle = words("promises.sentences_sub", n=len(shown), silent=silent)
    with card(words, "sentences", words("promises.sentences"), subtitle):
        if not shown:
            nothing(words, "promises.none_found")
            return
        lines = "".join(
            f"<li><q>{escape(one.quote)}</q><span>{escape(one.text.get(words.language))}</span>"
            f"{_seen(page, one)}</li>"
            for one in shown
        )
        st.html(f"<ul class='kept-sentences'>{lines}</ul>")


def _seen(page: Page, one: Sentence) -> str:
    if not one.measurable or one.seen_in is None:
        said = escape(page.words("promises.not_measurable"))
        return f"<em class='kept-pill'>{said}</em>"
    return link(page, one.seen_in)


def link(page: Page, path: str) -> str:
    """A link to a page that keeps the view; nothing where there is no such page."""
    title = page.words.entries.get(f"page.{path}")
    if title is None:
        return ""
    said = {name: value for name, value in page.filters.query().items() if name != "clause"}
    place = "./" if path == "overview" else path
    return f"<a href='{escape(place)}?{escape(urlencode(said))}' target='_self'>{escape(title)}</a>"


def figures(page: Page, wanted: str) -> None:
    """The figures beside the clauses with their terms in force."""
    words = page.words
    shown = [
        one
        for one in catalogue().figures.values()
        if told.says(wanted, (one.quote, one.title.zh, one.title.en, one.text.zh, one.text.en))
    ]
    if not shown:
        return
    with (
        card(words, "figures", words("promises.figures"), words("promises.figures_sub")),
        st.grid("auto", min_column_width=320, gap="medium", key="figures"),
    ):
        for one in shown:
            with st.container(gap="xsmall"):
                _figure(page, one)


def _figure(page: Page, one: Figure) -> None:
    words = page.words
    said = [
        f"<div class='kept-title'>{escape(one.title.get(words.language))} "
        f"{link(page, SHOWN_ON[one.id])}</div>",
        f"<blockquote>{escape(one.quote)}</blockquote>",
        f"<p>{escape(one.text.get(words.language))}</p>",
    ]
    said.append(clauses.readings(page, one))
    st.html(f"<div class='kept-clause'>{''.join(said)}</div>")
    if one.terms:
        promises.terms(page, one.terms)
