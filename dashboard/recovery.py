"""Pages go on where the generation they read was swept or damaged meanwhile."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import streamlit as st

from dashboard import queries
from dashboard.queries import Book

MOST_TRIES = 2
_TRIES = "recovery.tries"


@contextmanager
def recovering(books: Iterable[Book] = ()) -> Iterator[None]:
    """Runs the app again where marts cannot be read; `books` are let go, to be built anew.

    After MOST_TRIES runs without success the error is raised as it is.
    """
    try:
        yield
    except queries.UNREADABLE as error:
        tries = st.session_state.get(_TRIES, 0)
        if tries == MOST_TRIES:
            recovered()
            raise
        st.session_state[_TRIES] = tries + 1
        logging.getLogger("kept").warning("marts could not be read, trying again: %s", error)
        for book in books:
            queries.let_go(book)
        st.rerun()


def recovered() -> None:
    """A run came to its end: the next failure is a new one."""
    st.session_state.pop(_TRIES, None)
