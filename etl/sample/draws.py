"""Drawing from a story's shares and spells."""

from bisect import bisect
from collections.abc import Iterable, Sequence
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

from etl.sample.story import Spell

T = TypeVar("T")


class Weighted(Generic[T]):
    """Values, each as likely as its weight."""

    def __init__(self, pairs: Iterable[tuple[T, float]]) -> None:
        listed = list(pairs)
        self._values = [value for value, _ in listed]
        self._bounds = list(accumulate(weight for _, weight in listed))

    def draw(self, rng: Random) -> T:
        """One of the values."""
        return self._values[bisect(self._bounds, rng.random() * self._bounds[-1])]


def spread(rng: Random, median_minutes: float, sigma: float) -> int:
    """A lognormal duration in seconds."""
    return int(60 * median_minutes * rng.lognormvariate(0.0, sigma))


def within(rng: Random, limit: int, usual: float) -> int:
    """A duration in seconds that keeps `limit`; its median is near `usual` of it."""
    share = usual * rng.lognormvariate(0.0, 0.5)
    return int(limit * (share if share < 0.98 else 0.6 + 0.38 * rng.random()))


def beyond(rng: Random, limit: int) -> int:
    """A duration in seconds that misses `limit` by more than the minute a source rounds to."""
    return limit + 120 + min(int(limit * 0.5 * rng.lognormvariate(0.0, 0.9)), 12 * 3600)


def factor(spells: Sequence[Spell], day: int) -> float:
    """The product of the factors of the spells that `day` lies in."""
    result = 1.0
    for spell in spells:
        if spell.first <= day <= spell.last:
            result *= spell.factor
    return result
