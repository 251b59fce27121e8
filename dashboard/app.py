"""The dashboard's entry: settings, language, menu, filters, then the page."""

from dashboard import building, filters, navigation, queries
from dashboard.components import mode, printing, states
from dashboard.page import Desk, Page
from dashboard.queries import Book
from dashboard.recovery import recovered, recovering
from dashboard.texts import Words, words
from dashboard.theme import palette
from etl.config import Settings
from etl.errors import KeptError


def main() -> None:
    """Draw the page that the URL asks for; whatever goes wrong is said in a sentence."""
    mode.dress()
    said = words(filters.language("zh"))
    entry = navigation.chosen(said)
    settings, books = None, []
    try:
        with recovering():
            settings = Settings.from_environment()
            if not entry.desk:
                books.append(building.book(settings))
    except (building.StillBuilding, KeptError) as reason:
        return states.instead(reason, said, settings, entry.title(said))
    try:
        with recovering(books):
            _draw(entry, settings, books, said)
    except (building.StillBuilding, KeptError) as reason:
        states.instead(reason, said, settings)
    recovered()


def _draw(entry: navigation.Entry, settings: Settings, books: list[Book], said: Words) -> None:
    """Draw the page on the latest of `books`; the book of an earlier day is added to them."""
    colours = palette(mode.mode())
    if entry.desk:
        filters.heading(entry.title(said), said)
        entry.desk(Desk(settings, said, colours))
    else:
        latest = books[0]
        view = filters.bar(entry.title(said), said, queries.choices(latest), entry.parameters)
        if view.as_of:
            books.append(building.book(settings, view.as_of))
        states.notices(view, latest, said)
        page = Page(books[-1], view, said, colours)
        printing.begin()
        entry.view(page)
        printing.buttons(page, entry.title(said))
    mode.watch(colours.mode)


main()
