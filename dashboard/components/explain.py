"""How a number came about: the SQL of its clause, and the batches that its rows came from."""

import pandas as pd
import streamlit as st

from dashboard.page import Page
from dashboard.queries import Selection, sources
from etl.catalogue import catalogue
from etl.ledger import models


def sql(page: Page, clause: str) -> None:
    """The clause's model, folded away."""
    words = page.words
    with st.expander(words("promises.sql"), icon=":material/code:"):
        st.caption(words("promises.sql_sub"))
        st.code(models()[clause].sql, language="sql", wrap_lines=True)


def how(page: Page, selection: Selection) -> None:
    """The SQL of the one clause of `selection`, and where its rows came from once it is asked."""
    words, clause = page.words, selection.clauses[0]
    sql(page, clause)
    if not sources.traceable(catalogue().clauses[clause]):
        return
    if not st.toggle(words("explain.sources"), key=f"explain_sources_{clause}"):
        return
    found = sources.batches(page.book, selection, clause)
    if found.empty:
        st.caption(words("explain.none"))
        return
    st.dataframe(
        found.assign(file=[_place(file, sheet) for file, sheet in _files(found)]).drop(
            columns="sheet"
        ),
        hide_index=True,
        height="content",
        alt=words("explain.sources"),
        column_config={
            "batch": words("explain.batch"),
            "file": words("explain.file"),
            "at": words("explain.at"),
            "by": words("explain.by"),
            "rows": st.column_config.NumberColumn(words("explain.rows"), width="small"),
        },
    )


def _files(found: pd.DataFrame) -> list[tuple[str, str | None]]:
    return list(zip(found["file"], found["sheet"], strict=True))


def _place(file: str, sheet: str | None) -> str:
    return file if not isinstance(sheet, str) else f"{file} › {sheet}"
