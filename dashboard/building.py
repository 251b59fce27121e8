"""Another day's marts, built beside the pages: who asked waits and watches, nobody else does."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import streamlit as st

from dashboard import queries
from dashboard.queries import Book
from etl.config import Settings

AT_ONCE_SECONDS = 1.0
"""As long as this a reader waits for a small warehouse rather than see progress flash by."""


@dataclass
class Build:
    """One build under way: for which day, and how many of its models are done."""

    as_of: date | None
    future: "Future[Book]" = field(default_factory=Future)
    done: int = 0
    of: int = 1

    def tell(self, _name: str, done: int, of: int) -> None:
        """Progress as the ledger reports it."""
        self.done, self.of = done, of


class StillBuilding(Exception):
    """What was asked for is not there yet."""

    def __init__(self, build: Build) -> None:
        self.build = build


@dataclass
class _Workshop:
    pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(2, thread_name_prefix="kept-build")
    )
    builds: dict[tuple[Path, date | None], Build] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)


@st.cache_resource(show_spinner=False)
def _workshop() -> _Workshop:
    return _Workshop()


def book(settings: Settings, as_of: date | None = None, patience: float = AT_ONCE_SECONDS) -> Book:
    """What is published as of the end of that day (None: the data horizon).

    Two readers who ask for the same day share one build. Raises StillBuilding where it takes longer
    than `patience`, in seconds, and KeptError as `queries.book`.
    """
    shop, key = _workshop(), (settings.warehouse, as_of)
    with shop.guard:
        build = shop.builds.get(key)
        if build is None and queries.is_built(settings, as_of):
            return queries.book(settings, as_of)
        if build is None:
            build = shop.builds[key] = Build(as_of)
            shop.pool.submit(_run, build, settings, as_of)
    try:
        return build.future.result(patience)
    except TimeoutError as error:
        raise StillBuilding(build) from error
    finally:
        if build.future.done():
            with shop.guard:
                shop.builds.pop(key, None)


def _run(build: Build, settings: Settings, as_of: date | None) -> None:
    try:
        build.future.set_result(queries.book(settings, as_of, build.tell))
    except BaseException as error:  # handed to whoever waits for it
        build.future.set_exception(error)
