"""The pages: adding one is an entry here and its view."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dashboard.page import Page
from dashboard.texts import Words
from dashboard.views.overview import overview
from dashboard.views.sla import sla


@dataclass(frozen=True)
class Entry:
    """One page: its path, title in the texts (`page.<path>`), icon, view and own URL parameters."""

    path: str
    icon: str
    view: Callable[[Page], None]
    parameters: tuple[str, ...] = ()

    def title(self, words: Words) -> str:
        """What the page is called."""
        return words(f"page.{self.path}")


PAGES = (
    Entry("overview", "dashboard", overview),
    Entry("sla", "timer", sla, ("clause", "find")),
)


def chosen(words: Words) -> Entry:
    """Draw the menu and return the page that was asked for."""
    entries = {
        st.Page(
            _nothing,
            title=entry.title(words),
            icon=f":material/{entry.icon}:",
            url_path=entry.path,
            default=entry is PAGES[0],
        ): entry
        for entry in PAGES
    }
    return entries[st.navigation(list(entries), position="top")]


def _nothing() -> None:
    """The app draws the page itself: it has the data the view needs."""
