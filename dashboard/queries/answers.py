"""Answers kept for all readers: what one has asked, the next is given at once."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from itertools import compress
from threading import Condition
from typing import ParamSpec, TypeVar, cast

import pandas as pd
from cachetools import LRUCache, cached
from cachetools.keys import hashkey

P = ParamSpec("P")
R = TypeVar("R")
MOST_GENERATIONS = 16
_views: list[LRUCache[object, object]] = []


def per_generation(ask: Callable[P, R]) -> Callable[P, R]:
    """Keep what is asked once of a generation, whoever looks at whatever of it."""
    return _kept(ask, LRUCache(MOST_GENERATIONS))


def per_view(most: int = 64) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep what is asked of a selection: the last `most` answers."""

    def keep(ask: Callable[P, R]) -> Callable[P, R]:
        cache: LRUCache[object, object] = LRUCache(most)
        _views.append(cache)
        return _kept(ask, cache)

    return keep


def forget_views() -> None:
    """As if nobody had looked at anything of any generation yet."""
    for cache in _views:
        cache.clear()


def _kept(ask: Callable[P, R], cache: LRUCache[object, object]) -> Callable[P, R]:
    """The arguments are the key, but those whose names begin with an underscore. Readers who ask
    for the same at once wait for one answer. A frame is given as a copy that shares its values
    until it is written to.
    """
    in_key = [not name.startswith("_") for name in signature(ask).parameters]

    def key(*args: object, **named: object) -> object:
        shown = {name: value for name, value in named.items() if not name.startswith("_")}
        return hashkey(*compress(args, in_key), **shown)

    held = cached(cache, key, condition=Condition())(ask)

    @wraps(ask)
    def answer(*args: P.args, **named: P.kwargs) -> R:
        found = held(*args, **named)
        return cast(R, found.copy(deep=False)) if isinstance(found, pd.DataFrame) else found

    return answer
