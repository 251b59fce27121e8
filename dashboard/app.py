"""The dashboard's entry: settings, language, menu, filters, then the page."""

from pathlib import Path

import streamlit as st

from dashboard import building, filters, navigation, queries
from dashboard.components import mode, states
from dashboard.page import Page
from dashboard.texts import words
from dashboard.theme import palette
from etl.config import Settings
from etl.errors import KeptError

STATIC = Path(__file__).parent / "static"


def main() -> None:
    """Draw the page that the URL asks for; whatever goes wrong is said in a sentence."""
    st.set_page_config("Kept 履约", STATIC / "kept.svg", layout="wide")
    st.logo(str(STATIC / "kept.svg"), size="small")
    st.html(STATIC / "kept.css")
    said = words(filters.language("zh"))
    entry = navigation.chosen(said)
    try:
        settings = Settings.from_environment()
        latest = building.book(settings)
        view = filters.bar(entry.title(said), said, queries.choices(latest), entry.parameters)
        book = building.book(settings, view.as_of) if view.as_of else latest
        states.notices(view, latest, said)
        colours = palette(mode.mode())
        entry.view(Page(book, view, said, colours))
        mode.watch(colours.mode)
    except building.StillBuilding as waiting:
        states.building(waiting.build, said)
    except KeptError as error:
        states.failed(entry.title(said), error, said)


main()
