"""The states a page can be in besides showing figures: empty, failed, stale, a bad link."""

from datetime import datetime
from html import escape

import streamlit as st

from dashboard import filters, queries, texts
from dashboard.building import Build, StillBuilding
from dashboard.filters import Filters
from dashboard.queries import Book
from dashboard.texts import Words
from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError

EMPTY = ("warehouse_empty", "nothing_loaded")
LOOK_AGAIN_SECONDS = 3
"""After so long a page without data looks whether there are some now."""


def instead(
    reason: StillBuilding | KeptError,
    words: Words,
    settings: Settings | None,
    title: str | None = None,
) -> None:
    """Show, in place of what a page would show, why it cannot; its title, where it has none yet."""
    if title:
        filters.heading(title, words)
    if isinstance(reason, StillBuilding):
        building(reason.build, words)
        return
    _failed(reason, words)
    if settings is not None and _told(settings) == reason.code:
        _look_again(settings, reason.code)


@st.fragment(run_every=LOOK_AGAIN_SECONDS)
def _look_again(settings: Settings, code: str) -> None:
    """Draw the page anew once the warehouse says something else than `code`."""
    if _told(settings) != code:
        st.rerun()


def _told(settings: Settings) -> str | None:
    """The code of what the warehouse itself says is wrong; None where it can be read."""
    try:
        queries.is_built(settings)
    except KeptError as error:
        return error.code
    return None


def failed(error: Exception) -> bool:
    """Show what an error that nothing else caught says to a reader; True, as Streamlit wants it.

    An error that is none for readers is in the server's log by then.
    """
    words = texts.words(filters.language("zh"))
    if not isinstance(error, KeptError):
        error = KeptError("page_failed")
    with st.container(border=True):
        _say(catalogue().sentence(error, words.language), words)
    return True


def _failed(error: KeptError, words: Words) -> None:
    """Say what is wrong and what to do; where nothing was loaded yet, how to begin."""
    sentence = catalogue().sentence(error, words.language)
    with st.container(border=True, key="card_empty", horizontal_alignment="center"):
        if error.code in EMPTY:
            st.html(
                f"<div class='kept-empty'><h2>{escape(words('empty.title'))}</h2>"
                f"<p>{escape(words('empty.text'))}</p></div>"
            )
            st.code("kept load data/sample", language=None, width=360)
            st.html(
                f"<p class='kept-sub'>{escape(words('empty.next'))} "
                f"<a href='data?lang={words.language}' target='_self'>"
                f"{escape(words('empty.upload'))}</a></p>"
            )
        else:
            _say(sentence, words)
            st.button(words("empty.again"), key="try_again", icon=":material/refresh:")


def _say(sentence: str, words: Words) -> None:
    st.html(
        f"<div class='kept-empty'><h2>{escape(words('empty.failed'))}</h2>"
        f"<p>{escape(sentence)}</p></div>"
    )


def building(build: Build, words: Words) -> None:
    """Show how far a build has come, until it is done and the page draws itself."""
    with st.container(border=True, key="card_building"):
        title = (
            words("building.title")
            if build.as_of is None
            else words("building.day", day=words.day(build.as_of))
        )
        st.html(f"<div class='kept-empty'><h2>{escape(title)}</h2></div>")
        progress(build, words)
        text = words("building.anew" if build.as_of is None else "building.text")
        st.html(f"<p class='kept-sub'>{escape(text)}</p>")


@st.fragment(run_every=0.5)
def progress(build: Build, words: Words) -> None:
    """How far a build has come; the page is drawn anew when it is done."""
    if build.future.done():
        st.rerun()
    st.progress(build.done / build.of, text=words("building.steps", done=build.done, of=build.of))


def notices(view: Filters, latest: Book, words: Words) -> None:
    """What a reader has to know before the figures: a link in part ignored, old data."""
    if view.ignored:
        said = words.listed(words(f"parameter.{name}") for name in view.ignored)
        st.warning(words("notice.ignored", names=said), icon=":material/link_off:")
    age = datetime.now() - latest.horizon_at
    if age > queries.STALE_AFTER:
        st.warning(
            words("notice.stale", day=words.day(latest.horizon_at.date()), days=age.days),
            icon=":material/schedule:",
        )
