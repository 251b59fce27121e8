"""What a command says beside its result, and what it has written: kept for whoever runs it."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from etl.catalogue import catalogue

Tell = Callable[[str, Mapping[str, object]], None]


@dataclass
class Journal:
    """One run: whom it tells (message code, values) and the manifests and records it published."""

    tell: Tell
    written: list[str] = field(default_factory=list)


_JOURNAL: ContextVar[Journal | None] = ContextVar("journal", default=None)


@contextmanager
def keeping(journal: Journal) -> Iterator[None]:
    """Notes and what is written go into `journal` until the end, in this thread."""
    token = _JOURNAL.set(journal)
    try:
        yield
    finally:
        _JOURNAL.reset(token)


def note(code: str, **values: object) -> None:
    """Say something beside the result; where nobody listens it goes into the log."""
    journal = _JOURNAL.get()
    if journal is None:
        logging.getLogger("kept").warning(catalogue().message(code, "en", **values))
    else:
        journal.tell(code, values)


def wrote(what: str) -> None:
    """Remember that something was published, by its name in the warehouse."""
    journal = _JOURNAL.get()
    if journal is not None:
        journal.written.append(what)
