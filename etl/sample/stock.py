"""The spare parts of a contract: every movement, in the order of time."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from etl.sample.files import Sheet
from etl.sample.story import DAY, HARDWARE, HORIZON, LAST_DAY, PARTS, Contract
from etl.sample.units import months_later

_LOCAL_SHARE = 0.085
_REMOTE_FACTOR = 40
_HOUR = 3600


@dataclass(frozen=True)
class Use:
    """A part taken for a ticket at `price` fen."""

    part: int
    ticket_id: str
    price: int | None


class Stockroom:
    """Local and remote stock; movements are written once nothing earlier can come."""

    def __init__(self, contract: Contract, units: int, sheet: Sheet, rng: Random) -> None:
        self._contract = contract
        self._sheet = sheet
        self._rng = rng
        self._number = 0
        self._order = count()
        self._pending: list[tuple[int, int, str, int, Use | None]] = []
        self._categories = [_category(contract, part.number) for part in PARTS]
        stocked = [part for part in range(len(PARTS)) if self._categories[part] is not None]
        base = max(len(stocked), round(units * _LOCAL_SHARE))
        self._base = [0] * len(PARTS)
        for rank, part in enumerate(stocked):
            self._base[part] = base // len(stocked) + (rank < base % len(stocked))
        self._local = [0] * len(PARTS)
        self._remote = [0] * len(PARTS)
        self._opened = contract.stocked * DAY + 8 * _HOUR
        for at in _counts(contract.stocked):
            self._push(at, "count")

    def use(self, at: int, use: Use) -> None:
        """Note that a part is taken at `at`."""
        self._push(at, "issue", use.part, use)

    def advance(self, until: int) -> None:
        """Write all movements before `until`, and what follows from them."""
        until = min(until, HORIZON)
        while self._pending and self._pending[0][0] < until:
            at, _, kind, part, use = heapq.heappop(self._pending)
            if kind == "issue" and use:
                self._issue(at, use)
            elif kind == "count":
                self._count(at)
            elif kind == "order":
                self._remote[part] -= 1
                self._write(at, part, "issue", "remote", 1)
            elif kind == "return" and use:
                self._local[part] += 1
                self._write(at, part, "return", "local", 1, ticket_id=use.ticket_id)
            else:
                self._local[part] += 1
                vague = self._contract.code == "JY" and self._rng.random() < 0.012
                self._write(at, part, "receipt", None if vague else "local", 1)

    def _push(self, at: int, kind: str, part: int = 0, use: Use | None = None) -> None:
        heapq.heappush(self._pending, (at, next(self._order), kind, part, use))

    def _issue(self, at: int, use: Use) -> None:
        part = use.part
        local = at > self._opened and self._local[part] > 0
        location = "local" if local else "remote"
        self._write(at, part, "issue", location, 1, ticket_id=use.ticket_id, price=use.price)
        if not local:
            self._remote[part] -= 1
            return
        self._local[part] -= 1
        if self._rng.random() < 0.05:
            self._push(at + 5 * _HOUR + int(20 * _HOUR * self._rng.random()), "return", part, use)
        else:
            self._replenish(at, part)

    def _replenish(self, at: int, part: int) -> None:
        ordered = at + _HOUR + int(4 * _HOUR * self._rng.random())
        arrives = at + 16 * _HOUR + int(22 * _HOUR * self._rng.random())
        shortage = self._contract.shortage
        if (
            shortage
            and shortage.first <= arrives // DAY <= shortage.last
            and self._rng.random() < 0.85
        ):
            ordered = shortage.last * DAY + 9 * _HOUR
            arrives = (shortage.last + 1) * DAY + 10 * _HOUR + int(6 * _HOUR * self._rng.random())
        self._push(ordered, "order", part)
        self._push(arrives, "receipt", part)

    def _count(self, at: int) -> None:
        """Count the shelves; the first count finds them filled, the others refill the remote."""
        first = at == self._opened
        for part, base in enumerate(self._base):
            if not base:
                continue
            if first:
                self._local[part] = base
                self._remote[part] = _REMOTE_FACTOR * base
            elif self._remote[part] < _REMOTE_FACTOR * base:
                missing = _REMOTE_FACTOR * base - self._remote[part]
                self._remote[part] += missing
                self._write(at - _HOUR, part, "receipt", "remote", missing)
            lost = not first and self._contract.code == "JY" and self._rng.random() < 0.01
            if lost and self._local[part]:
                self._local[part] -= 1
                self._write(at - 60, part, "adjustment", "local", -1)
                self._push(at + 2 * DAY, "receipt", part)
            self._write(at, part, "count", "local", self._local[part])
            self._write(at, part, "count", "remote", self._remote[part])

    def _write(
        self,
        at: int,
        part: int,
        kind: str,
        location: str | None,
        quantity: int,
        ticket_id: str | None = None,
        price: int | None = None,
    ) -> None:
        self._number += 1
        spare = PARTS[part]
        self._sheet.write(
            (
                f"LS{self._contract.code}{self._number:08d}",
                self._contract.contract_id,
                spare.number,
                spare.name,
                location,
                at,
                kind,
                quantity,
                ticket_id,
                spare.cost,
                price,
                self._categories[part] or None,
            )
        )


def _category(contract: Contract, part: str) -> str | None:
    """The one category under the contract that needs `part`: "" for several, None for none."""
    needing = {
        model.category
        for model in contract.models
        for problem in HARDWARE
        if problem.part == part and problem.fits(model.category)
    }
    return needing.pop() if len(needing) == 1 else "" if needing else None


def _counts(stocked: int) -> Iterator[int]:
    """When the shelves are counted: at the start, then at each month's end."""
    yield stocked * DAY + 8 * _HOUR
    month_end = months_later(30, 0)  # 31 January 2025
    for months in range(24):
        on = months_later(month_end, months)
        if stocked < on <= LAST_DAY:
            yield on * DAY + 17 * _HOUR + 1800
