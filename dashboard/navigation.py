"""The pages: adding one is an entry here and its view."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dashboard.page import Desk, Page
from dashboard.texts import Words
from dashboard.views.availability import availability
from dashboard.views.complaints import complaints
from dashboard.views.data import data
from dashboard.views.delivery import delivery
from dashboard.views.inspections import inspection
from dashboard.views.overview import overview
from dashboard.views.promises import promises
from dashboard.views.retention import retention
from dashboard.views.sla import sla
from dashboard.views.spares import spares
from dashboard.views.warranty import warranty


@dataclass(frozen=True)
class Entry:
    """One page: its path, title in the texts (`page.<path>`), icon, view and own URL parameters.

    Pages of the same `menu` (`menu.<name>` in the texts) stand under one heading. A page with a
    `desk` in the place of its view is there before any data is, and has no filters.
    """

    path: str
    icon: str
    view: Callable[[Page], None] = lambda _page: None
    parameters: tuple[str, ...] = ()
    menu: str = "service"
    desk: Callable[[Desk], None] | None = None

    def title(self, words: Words) -> str:
        """What the page is called."""
        return words(f"page.{self.path}")


PAGES = (
    Entry("overview", "dashboard", overview, menu=""),
    Entry("sla", "timer", sla, ("clause", "find", "beside")),
    Entry("availability", "monitor_heart", availability),
    Entry("warranty", "verified_user", warranty, ("find", "status")),
    Entry("inspections", "event_available", inspection),
    Entry("spares", "inventory_2", spares),
    Entry("complaints", "forum", complaints, ("clause",)),
    Entry("delivery", "badge", delivery, menu="contract"),
    Entry("promises", "contract", promises, ("clause",), menu="contract"),
    Entry("retention", "account_balance", retention, menu="contract"),
    Entry("data", "upload_file", menu="", desk=data),
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
    menus: dict[str, list[st.Page]] = {}
    for page, entry in entries.items():
        menus.setdefault(entry.menu and words(f"menu.{entry.menu}"), []).append(page)
    return entries[st.navigation(menus, position="top")]


def _nothing() -> None:
    """The app draws the page itself: it has the data the view needs."""
