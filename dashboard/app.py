"""The dashboard's entry: settings, language, menu, filters, then the page."""

from dashboard import building, filters, navigation, queries
from dashboard.components import mode, printing, states
from dashboard.page import Desk, Page
from dashboard.texts import words
from dashboard.theme import palette
from etl.config import Settings
from etl.errors import KeptError


def main() -> None:
    """Draw the page that the URL asks for; whatever goes wrong is said in a sentence."""
    mode.dress()
    said = words(filters.language("zh"))
    entry = navigation.chosen(said)
    try:
        settings = Settings.from_environment()
        latest = None if entry.desk else building.book(settings)
    except (building.StillBuilding, KeptError) as reason:
        return states.instead(reason, said, entry.title(said))
    try:
        colours = palette(mode.mode())
        if entry.desk:
            filters.heading(entry.title(said), said)
            entry.desk(Desk(settings, said, colours))
        elif latest:
            view = filters.bar(entry.title(said), said, queries.choices(latest), entry.parameters)
            book = building.book(settings, view.as_of) if view.as_of else latest
            states.notices(view, latest, said)
            page = Page(book, view, said, colours)
            printing.begin()
            entry.view(page)
            printing.buttons(page, entry.title(said))
        mode.watch(colours.mode)
    except (building.StillBuilding, KeptError) as reason:
        states.instead(reason, said)


main()
