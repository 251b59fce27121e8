"""How far each log reaches, the templates to fill, and the mappings that are remembered."""

from html import escape

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.components.card import card, nothing
from dashboard.components.data_left_out import current
from dashboard.components.tags import tags
from dashboard.page import Desk
from dashboard.queries import data as asked
from etl.catalogue import catalogue
from etl.intake.mapping import CONTRACT, YEAR, ColumnMapping
from etl.intake.remembered import forget
from etl.intake.template import template
from etl.store import Warehouse

OLD_DAYS = 31


def section(desk: Desk) -> None:
    """Draw the section."""
    _reach(desk)
    _templates(desk)
    _mappings(desk)


def _reach(desk: Desk) -> None:
    words = desk.words
    book = current(desk)
    if book is None:
        return
    ages, loaded = queries.log_ages(book), queries.loaded(book)
    names = list(catalogue().logs)
    tones = {"good": desk.palette.good, "warn": desk.palette.warn, "quiet": desk.palette.quiet}
    states = {name: _state(name, ages, loaded) for name in names}
    with card(words, "reach", words("data.reach"), words("data.reach_sub")):
        st.dataframe(
            pd.DataFrame(
                {
                    "log": [catalogue().logs[name].label.get(words.language) for name in names],
                    "state": [[words(f"data.reach_{states[name]}")] for name in names],
                    "through": [
                        ""
                        if name not in ages.index or pd.isna(ages["through_at"][name])
                        else words.instant(ages["through_at"][name].to_pydatetime())
                        for name in names
                    ],
                    "age": [
                        ""
                        if name not in ages.index or pd.isna(ages["age_days"][name])
                        else words("fresh.days", n=int(ages["age_days"][name]))
                        for name in names
                    ],
                }
            ),
            hide_index=True,
            height="content",
            alt=words("data.reach"),
            column_config={
                "log": words("data.log"),
                "state": tags(
                    words("data.state"),
                    {words(f"data.reach_{name}"): tone for name, tone in tones.items()},
                    110,
                ),
                "through": words("fresh.through"),
                "age": words("fresh.age"),
            },
        )


def _state(name: str, ages: pd.DataFrame, loaded: frozenset[str]) -> str:
    if name not in loaded:
        return "quiet"
    if name in ages.index and not pd.isna(ages["age_days"][name]):
        return "warn" if ages["age_days"][name] > OLD_DAYS else "good"
    return "good"


def _templates(desk: Desk) -> None:
    words, logs = desk.words, catalogue().logs
    with (
        card(words, "templates", words("data.templates"), words("data.templates_sub")),
        st.container(key="data_templates", horizontal=True, vertical_alignment="bottom"),
    ):
        name = st.selectbox(
            words("data.log"),
            list(logs),
            format_func=lambda one: logs[one].label.get(words.language),
            key="data_template",
            width=280,
        )
        label = logs[name].label.get(words.language)
        st.download_button(
            words("data.template"),
            data=lambda: template(name, words.language),
            file_name=f"{label}.xlsx",
            key="data_template_file",
            on_click="ignore",
            icon=":material/download:",
        )


def _mappings(desk: Desk) -> None:
    words = desk.words
    known = asked.mappings(desk.settings)
    with card(words, "mappings", words("data.mappings"), words("data.mappings_sub")):
        if not known:
            nothing(words, "data.no_mappings")
            return
        for mapping in known:
            _mapping(desk, mapping)


def _mapping(desk: Desk, mapping: ColumnMapping) -> None:
    words, log = desk.words, catalogue().logs[mapping.log]
    said = [
        f"{log.columns[column].label.get(words.language)} ← {' + '.join(headers)}"
        for column, headers in mapping.columns.items()
        if headers and headers != (log.columns[column].label.zh,) and headers != (column,)
    ]
    said += [
        f"{log.columns[column].label.get(words.language)} = {constant}"
        for column, constant in mapping.constants.items()
    ]
    said += [
        f"{log.columns[column].label.get(words.language)}: "
        + words.listed(f"{value} → {code}" for value, code in meanings.items())
        for column, meanings in mapping.translations.items()
    ]
    said += [
        f"{log.columns[column].label.get(words.language)}: "
        + (words(f"data.prefix_{one}") if one in (CONTRACT, YEAR) else one)
        + "/…"
        for column, one in mapping.key_prefix.items()
    ]
    with st.container(
        key=f"data_mapping_{mapping.identity}", horizontal=True, vertical_alignment="center"
    ):
        st.html(
            f"<div><b>{escape(log.label.get(words.language))}</b> "
            f"<span class='kept-pill'>{escape(mapping.profile or '')}"
            f"{words('data.n_headers', n=len(mapping.headers))}</span>"
            f"<div class='kept-sub'>{escape('; '.join(said))}</div></div>"
        )
        st.download_button(
            words("data.mapping_toml"),
            data=mapping.to_toml,
            file_name=f"{mapping.log}-{mapping.identity[:8]}.toml",
            mime="application/toml",
            key=f"toml_of_{mapping.identity}",
            on_click="ignore",
            icon=":material/download:",
        )
        if st.button(
            words("data.forget"),
            key=f"forget_{mapping.identity}",
            type="tertiary",
            icon=":material/delete:",
        ):
            forget(Warehouse(desk.settings), mapping.identity)
            st.rerun()
