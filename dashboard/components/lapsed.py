"""How many tickets in view say that they are cancelled or duplicate, or what nobody can read."""

from html import escape

import streamlit as st

from dashboard.page import Page
from dashboard.queries import data
from etl.catalogue import catalogue


def note(page: Page) -> None:
    """Draw a sentence for each kind that there is in the contracts in view."""
    contract, language = page.filters.contract, page.words.language
    said = []
    if counts := data.lapsed(page.book, contract):
        said.append(catalogue().message("load_lapsed", language, **counts))
    if count := data.unread(page.book, contract):
        said.append(catalogue().message("statuses_unread", language, count=count))
    for sentence in said:
        st.html(f"<p class='kept-sub'>{escape(sentence)}</p>")
