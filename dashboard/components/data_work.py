"""Work under way: how far it has come, and a way to stop it."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard.components.card import card
from dashboard.intake import Job
from dashboard.texts import Words, plain


def working(words: Words, job: Job[Any], stop: Callable[[], None], key: str) -> None:
    """Show how far `job` has come, until it is done and the page draws itself.

    What is being written is not stopped any more.
    """
    with card(words, f"{key}_work", words("data.working"), words("data.working_sub")):
        _progress(words, job, stop, key)


@st.fragment(run_every=0.5)
def _progress(words: Words, job: Job[Any], stop: Callable[[], None], key: str) -> None:
    if job.done():
        st.rerun()
    watch = job.watch
    said = words(f"data.stage_{watch.stage}")
    if watch.name and watch.stage in ("read", "merge", "write"):
        said = f"{said} {plain(watch.name)}"
    elif watch.of > 1:
        said = f"{said} {words.counts(watch.done, watch.of)}"
    if watch.rows:
        said = f"{said} · {words('data.rows', n=words.number(watch.rows))}"
    st.progress(min(1.0, watch.done / max(1, watch.of)), text=said)
    if watch.stage != "write" and st.button(
        words("data.stop"),
        key=f"{key}_stop",
        icon=":material/stop_circle:",
        disabled=watch.stopped,
    ):
        stop()
