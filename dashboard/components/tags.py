"""Columns of tables whose cells are coloured tags; a cell is a list with one of them."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.page import Page
from dashboard.theme import Tone
from etl.catalogue import Label


def tags(title: str, tones: Mapping[str, Tone], width: int) -> Any:
    """A column of the tags named, each in its tone."""
    return st.column_config.MultiselectColumn(
        title, options=list(tones), color=[tone.tint for tone in tones.values()], width=width
    )


def labelled(page: Page, title: str, labels: Mapping[str, Label], width: int) -> Any:
    """A column of states or verdicts by their titles."""
    language = page.words.language
    tones = {label.title.get(language): page.palette.tone(name) for name, label in labels.items()}
    return tags(title, tones, width)
