"""What a page is given: the data, the view of it, the words and the colours."""

from dataclasses import dataclass
from functools import cached_property

from dashboard.filters import Filters
from dashboard.queries import Book, Selection
from dashboard.texts import Words
from dashboard.theme import Palette
from etl.config import Settings


@dataclass(frozen=True)
class Page:
    """One run of one page."""

    book: Book
    filters: Filters
    words: Words
    palette: Palette

    @property
    def last_month(self) -> str:
        """The month of as_of."""
        return f"{self.book.as_of:%Y-%m}"

    @cached_property
    def selection(self) -> Selection:
        """The obligations in view."""
        return self.filters.selection(self.last_month)

    @cached_property
    def everything(self) -> Selection:
        """The obligations of every period, for this contract and department."""
        return Selection(self.filters.contract, self.filters.department)


@dataclass(frozen=True)
class Desk:
    """One run of a page that is there before any data is: it asks for the data itself."""

    settings: Settings
    words: Words
    palette: Palette
