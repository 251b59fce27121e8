"""Lists in the drawer that turn to other lists and back: parts and movements, complaints."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import streamlit as st

from dashboard.components import drawer
from dashboard.components.drawer import Picked
from dashboard.page import Page

Draw = Callable[..., Picked | None]
"""Given the page, a prefix of widgets' keys and its arguments; what was picked in it, if any."""
_STACK = "aside.stack"
_TURNED = "aside.turned"


@dataclass(frozen=True)
class Sheet:
    """What is shown: `draw` is given the page, a prefix of keys and `arguments`."""

    title: str
    draw: Draw
    arguments: tuple[object, ...] = ()


def open_with(title: str, draw: Draw, *arguments: object) -> None:
    """Open the drawer on what `draw` draws when this run ends."""
    st.session_state[_STACK] = (Sheet(title, draw, arguments),)
    drawer.listing(title, _inside)


def turn_to(title: str, draw: Draw, *arguments: object) -> None:
    """Show something else in the drawer instead, from which there is a way back."""
    _turn((*st.session_state[_STACK], Sheet(title, draw, arguments)))


def _turn(stack: tuple[Sheet, ...]) -> None:
    st.session_state[_STACK] = stack
    st.session_state[_TURNED] = st.session_state.get(_TURNED, 0) + 1
    st.rerun(scope="fragment")


def _inside(page: Page, key: str) -> Picked | None:
    stack: tuple[Sheet, ...] = st.session_state[_STACK]
    prefix = f"{key}_{st.session_state.get(_TURNED, 0)}"
    if len(stack) > 1:
        if st.button(
            page.words("drawer.back"),
            key=f"{prefix}_back",
            icon=":material/arrow_back:",
            type="tertiary",
        ):
            _turn(stack[:-1])
        st.html(f"<div class='kept-title'>{escape(stack[-1].title)}</div>")
    return stack[-1].draw(page, prefix, *stack[-1].arguments)
