"""What a load or an undo would do to the figures: the state before beside the one after."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from etl.marts import Marts, Progress, opened, silent, whole_generation
from etl.report import clauses_by_contract
from etl.store import Manifest, Warehouse
from etl.verdict import IDLE

Figures = Mapping[str, Any]
"""Counts by state, rate, rate_upper and verdict, as a report gives them of one clause."""


@dataclass(frozen=True)
class Moved:
    """One clause of one contract whose counts or verdict would be others.

    `was` or `now` is None where the contract is not there.
    """

    contract_id: str
    clause: str
    was: Figures | None
    now: Figures | None

    @property
    def verdicts(self) -> tuple[str, str]:
        """The verdict before and after."""
        return tuple(  # type: ignore[return-value]
            "no_activity" if figures is None else str(figures["verdict"])
            for figures in (self.was, self.now)
        )

    @property
    def turns(self) -> bool:
        """Whether the verdict is another one."""
        was, now = self.verdicts
        return was != now


@dataclass(frozen=True)
class State:
    """What can be said of one state: None and empty where nothing is loaded."""

    as_of: datetime | None = None
    rejected: int = 0
    waiting: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Effect:
    """`was` and `now`, each as of its own data horizon, and the clauses that move between them."""

    was: State
    now: State
    clauses: tuple[Moved, ...]

    @property
    def as_of_moves(self) -> bool:
        """Whether the two are seen from different moments."""
        return self.was.as_of != self.now.as_of


def effect(
    warehouse: Warehouse,
    before: Manifest,
    after: Manifest,
    generation: Path,
    progress: Progress = silent,
) -> Effect:
    """What `after`, whose generation was built at `generation`, would change of `before`.

    The generation of `before` is built where it is not there.
    """
    was = _published(warehouse, before, progress)
    now = opened(generation, after) if after.batches else None
    return Effect(
        _state(was),
        _state(now),
        tuple(moved(_clauses(was), _clauses(now))),
    )


def moved(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Moved]:
    """The clauses that differ, of two mappings contract → clause → figures."""
    for contract in sorted({*was, *now}):
        earlier, later = was.get(contract, {}), now.get(contract, {})
        for clause in later or earlier:
            one, other = earlier.get(clause), later.get(clause)
            if one != other and (_counted(one) or _counted(other)):
                yield Moved(contract, clause, one, other)


def _counted(figures: Figures | None) -> bool:
    """Whether there is anything to say of the clause at all."""
    return figures is not None and figures["verdict"] not in (*IDLE, "no_evidence")


def _published(warehouse: Warehouse, manifest: Manifest, progress: Progress) -> Marts | None:
    if not manifest.batches:
        return None
    path = whole_generation(warehouse, manifest, progress)
    return opened(path, manifest)


def _clauses(marts: Marts | None) -> dict[str, Any]:
    return {} if marts is None else clauses_by_contract(marts)


def _state(marts: Marts | None) -> State:
    if marts is None:
        return State(waiting={})
    return State(marts.as_of, marts.rejected_rows, marts.waiting_rows)
