"""The catalogue of promises: a list to choose from, and the chosen one in full."""

from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.components import clauses, drawer, explain
from dashboard.components.card import card, nothing
from dashboard.components.delivery import GLYPHS, state
from dashboard.components.inspections import legend
from dashboard.components.tags import labelled
from dashboard.page import Page
from dashboard.queries import promises as told
from etl.catalogue import Clause, Term, catalogue

LIST_HEIGHT = 640
MOST_NAMED = 6


def listing(page: Page) -> tuple[Clause, str]:
    """The clauses with their verdicts over the view, narrowed by a search.

    Picking one puts it into the URL. Gives the clause to show in full — the one the URL names, or
    the first of those found — and what is searched for.
    """
    words, found = page.words, told.listing(page.book, page.selection)
    with card(words, "promises", words("promises.list"), words("promises.list_sub"), found):
        wanted = st.text_input(
            words("promises.find"),
            key="promises_find",
            type="search",
            max_chars=80,
            placeholder=words("promises.find"),
            label_visibility="collapsed",
        ).strip()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            groups = catalogue().groups
            group = st.selectbox(
                words("promises.group"),
                ("", *groups),
                format_func=lambda one: (
                    groups[one].get(words.language) if one else words("promises.all_groups")
                ),
                key="promises_group",
                label_visibility="collapsed",
                width=170,
            )
            assumed_only = st.toggle(words("promises.assumed_only"), key="promises_assumed")
        shown = told.matching(wanted, group or None, assumed_only=assumed_only)
        st.html(
            "<div class='kept-sub'>"
            + escape(words("promises.shown", n=len(shown), all=len(catalogue().clauses)))
            + "</div>"
        )
        known = catalogue().clauses
        here = known[page.filters.clause or next(iter(known))]
        if shown:
            here = here if here in shown else shown[0]
            _table(page, shown, found, here, f"promises_list_{group}_{assumed_only}_{wanted}")
        else:
            nothing(words, "promises.none_found")
    return here, wanted


def _table(
    page: Page, shown: Sequence[Clause], counted: pd.DataFrame, here: Clause, key: str
) -> None:
    words, labels = page.words, catalogue().verdicts
    ids = [clause.id for clause in shown]
    found = {str(row["clause"]): row for row in counted.to_dict("records")}
    chosen = [clause is here for clause in shown]
    tint = page.palette.tone("info").tint

    def picked() -> None:
        cells = st.session_state[key]["selection"]["cells"]
        if cells:
            st.session_state["clause"] = ids[int(cells[0][0])]

    frame = pd.DataFrame(
        {
            "verdict": [[labels[found[one]["verdict"]].title.get(words.language)] for one in ids],
            "title": [clause.title.get(words.language) for clause in shown],
            "counts": [
                words.counts(found[one]["met"], found[one]["due"]) if found[one]["due"] else "—"
                for one in ids
            ],
            "assumed": [
                words("promises.assumed")
                if queries.assumed(page.book, one, page.filters.contract)
                else ""
                for one in ids
            ],
            "group": [catalogue().groups[clause.group].get(words.language) for clause in shown],
        }
    )
    st.dataframe(
        frame.style.apply(
            lambda column: [f"background-color: {tint}" if one else "" for one in chosen]
        ),
        key=key,
        hide_index=True,
        height="content" if len(shown) <= 16 else LIST_HEIGHT,
        row_height=32,
        on_select=picked,
        selection_mode="single-cell",
        placeholder="",
        alt=words("promises.list"),
        column_config={
            "verdict": labelled(page, words("clause.verdict"), labels, 80),
            "title": st.column_config.TextColumn(words("row.clause"), width=148),
            "counts": st.column_config.TextColumn(
                words("clause.counts"), alignment="right", width=92
            ),
            "assumed": st.column_config.TextColumn(words("promises.assumed"), width=64),
            "group": st.column_config.TextColumn(words("promises.group"), width=92),
        },
    )


def detail(page: Page, clause: Clause) -> None:
    """One clause: the letter's words, what is counted, terms, verdicts, and its SQL."""
    words = page.words
    group = catalogue().groups[clause.group].get(words.language)
    title = clause.title.get(words.language)
    with card(words, "promise", title, f"{group} · {clause.id}"):
        said = [f"<blockquote>{escape(one)}</blockquote>" for one in (clause.quote, *clause.also)]
        said.append(f"<p>{escape(clause.text.get(words.language))}</p>")
        said.append(clauses.evidence(page, clause.id, page.filters.contract))
        if queries.assumed(page.book, clause.id, page.filters.contract):
            said.append(f"<p class='kept-note'>{escape(words('clause.assumed'))}</p>")
        said.append(clauses.readings(page, clause))
        logs = words("promises.and").join(
            catalogue().logs[name].label.get(words.language) for name in clause.rests_on
        )
        said.append(f"<p class='kept-sub'>{escape(words('promises.rests_on', logs=logs))}</p>")
        st.html(f"<div class='kept-clause'>{''.join(said)}</div>")
        _heading(words("promises.terms"))
        terms(page, (*clause.terms, f"{clause.id}.target", f"{clause.id}.penalty_per_breach"))
        _heading(words("promises.verdicts"))
        _counts(page, clause)
        explain.sql(page, clause.id)


def _heading(said: str) -> None:
    st.html(f"<div class='kept-title' role='heading' aria-level='3'>{escape(said)}</div>")


def _counts(page: Page, clause: Clause) -> None:
    words = page.words
    selection = page.selection.but(clauses=(clause.id,))
    found = queries.verdicts(page.book, selection)
    title = clause.title.get(words.language)
    with st.container(horizontal=True, gap="small"):
        legend(
            [
                (
                    name,
                    f"{GLYPHS[name][0]} {state(page, name)} {words.number(int(found[name].sum()))}",
                    selection.but(states=(name,)),
                )
                for name in queries.STATES
                if int(found[name].sum())
            ],
            title,
            "promise",
        )
    picked = clauses.table(
        page, found.drop(columns="group"), drawer.numbered(f"promise_{clause.id}")
    )
    if picked is not None:
        drawer.rows(title, selection.but(contract=picked[0]))


def terms(page: Page, names: Sequence[str]) -> None:
    """The terms in force: each value, where it comes from, and for which contracts."""
    found = told.terms_in_force(page.book, page.everything, tuple(names))
    lines = "".join(
        f"<tr><td>{escape(_label(page, row['term']))}</td>"
        f"<td><b>{escape(value(page, row['term'], row['value']))}</b></td>"
        f"<td>{_source(page, row)}</td>"
        f"<td>{escape(_contracts(page, row['contracts']))}</td></tr>"
        for row in found.to_dict("records")
        if not (row["term"].endswith(".penalty_per_breach") and not row["value"])
    )
    st.html(f"<table class='kept-terms'><tbody>{lines}</tbody></table>")


def _label(page: Page, name: str) -> str:
    if name.endswith(".target"):
        return page.words("clause.target")
    if name.endswith(".penalty_per_breach"):
        return page.words("promises.penalty")
    return catalogue().terms[name].label.get(page.words.language)


def value(page: Page, name: str, amount: Any) -> str:
    """The value of a term with its unit."""
    term: Term = catalogue().terms[name]
    if amount is None:
        return page.words("promises.no_value")
    if term.unit == "ratio":
        return page.words.share(amount)
    return page.words(f"term.{term.unit}", n=f"{amount.normalize():f}")


def _source(page: Page, row: Any) -> str:
    if row["agreed"]:
        tone, key = "info", "promises.agreed"
    elif row["assumed"]:
        tone, key = "warn", "promises.assumed"
    elif row["term"].split(".")[-1] in ("target", "penalty_per_breach", "penalty_cap"):
        tone, key = "", "promises.default"
    else:
        tone, key = "", "promises.letter"
    return f"<span class='kept-pill {tone}'>{escape(page.words(key))}</span>"


def _contracts(page: Page, names: Sequence[str]) -> str:
    words, every = page.words, len(queries.contracts(page.book))
    if len(names) == every and every > 1:
        return words("filter.all_contracts")
    said = words("promises.and").join(names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return said + (words("promises.more", n=more) if more > 0 else "")
