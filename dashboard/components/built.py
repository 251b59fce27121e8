"""What readers who see the same share: a figure or a table is built for the first of them only."""

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

from dashboard.page import Page
from dashboard.queries import Book
from dashboard.queries.answers import per_view

T = TypeVar("T")


def built(page: Page, key: str, about: Hashable, build: Callable[[], T]) -> T:
    """What `build` gives for `about` in the page's language and mode; nobody may change it."""
    return cast(T, _built(key, about, page.book, page.words.language, page.palette.mode, build))


@per_view(512)
def _built(
    key: str,
    about: Hashable,
    book: Book,
    language: str,
    mode: str,
    _build: Callable[[], object],
) -> object:
    return _build()
