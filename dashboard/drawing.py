"""One run of one page, whose data are there: filters, notices, the page itself, its buttons."""

from dashboard import building, filters, queries
from dashboard.components import mode, printing, states
from dashboard.navigation import Entry
from dashboard.page import Desk, Page
from dashboard.queries import Book
from dashboard.texts import Words
from dashboard.theme import palette
from etl.config import Settings


def draw(entry: Entry, settings: Settings, books: list[Book], said: Words) -> None:
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
