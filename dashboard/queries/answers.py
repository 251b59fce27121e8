"""Answers kept for all readers: what one has asked, the next is given at once."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from itertools import chain, compress
from threading import Condition, Lock
from typing import ParamSpec, TypeVar, cast

import pandas as pd
from cachetools import LRUCache, cached

P = ParamSpec("P")
R = TypeVar("R")
Cache = LRUCache[tuple[object, ...], object]
MOST_GENERATIONS = 16
MOST_BOOKS = 8
"""Of so many books, those looked at last, answers are kept."""
_views: list[Cache] = []
_every: list[tuple[Cache, Condition]] = []
_books: LRUCache[object, None] = LRUCache(MOST_BOOKS)
_looking = Lock()


def per_generation(ask: Callable[P, R]) -> Callable[P, R]:
    """Keep what is asked once of a generation, whoever looks at whatever of it."""
    return _kept(ask, LRUCache(MOST_GENERATIONS))


def per_view(most: int = 64) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep what is asked of a selection: the last `most` answers."""

    def keep(ask: Callable[P, R]) -> Callable[P, R]:
        cache: Cache = LRUCache(most)
        _views.append(cache)
        return _kept(ask, cache)

    return keep


def looked_at(book: object) -> None:
    """Note that a reader looks at `book`; answers about those that nobody looks at any more go."""
    with _looking:
        is_new = book not in _books
        _books[book] = None
        books = set(_books)
    if is_new:
        for cache, held in _every:
            with held:
                for key in list(cache):
                    if not {part for part in key if isinstance(part, type(book))} <= books:
                        del cache[key]


def forget_views() -> None:
    """As if nobody had looked at anything of any generation yet."""
    for cache in _views:
        cache.clear()


def _kept(ask: Callable[P, R], cache: Cache) -> Callable[P, R]:
    """The arguments are the key, but those whose names begin with an underscore. Readers who ask
    for the same at once wait for one answer. A frame is given as a copy that shares its values
    until it is written to.
    """
    in_key = [not name.startswith("_") for name in signature(ask).parameters]

    def key(*args: object, **named: object) -> tuple[object, ...]:
        shown = sorted(name for name in named if not name.startswith("_"))
        return (*compress(args, in_key), *chain.from_iterable((n, named[n]) for n in shown))

    condition = Condition()
    _every.append((cache, condition))
    held = cached(cache, key, condition=condition)(ask)

    @wraps(ask)
    def answer(*args: P.args, **named: P.kwargs) -> R:
        found = held(*args, **named)
        return cast(R, found.copy(deep=False)) if isinstance(found, pd.DataFrame) else found

    return answer
