"""Delivery: the papers that came with each unit, samples, and what a contract agreed once."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.charts import grids
from dashboard.components import drawer
from dashboard.components.card import card, nothing
from dashboard.components.grid import grid
from dashboard.components.inspections import legend
from dashboard.components.tags import labelled
from dashboard.page import Page
from dashboard.queries import Selection
from dashboard.queries import delivery as handed
from etl.catalogue import catalogue

MOST_DEPARTMENTS = 16
MOST_VISIBLE = 16
GLYPHS: Mapping[str, tuple[str, str]] = {
    "met": ("✓", "plain"),
    "breached": ("✕", "strong"),
    "unknown": ("?", "warn"),
    "pending": ("○", "empty"),
    "excluded": ("–", "quiet"),
}
"""The glyph and the paint of each state of an obligation."""
WORST = ("breached", "unknown", "pending", "excluded", "met")
"""The states, the one that colours a cell of several first."""
UNIT, DEPARTMENT = "unit", "department"


def titled(page: Page, clause: str) -> str:
    """What a clause is called."""
    return catalogue().clauses[clause].title.get(page.words.language)


def state(page: Page, name: str) -> str:
    """What a state is called."""
    return catalogue().states[name].title.get(page.words.language)


def state_column(page: Page) -> Any:
    """A column of states as coloured tags."""
    return labelled(page, page.words("row.state"), catalogue().states, 82)


def scoped(page: Page, key: str) -> str:
    """A subtitle, and that the department does not narrow it, where one is chosen."""
    said = page.words(key)
    if page.filters.department is None:
        return said
    return said + page.words("delivery.no_department")


def why_nothing(page: Page, log: str, otherwise: str) -> str:
    """The sentence of an empty card: the log was never loaded, or there is nothing."""
    return otherwise if log in queries.loaded(page.book) else "delivery.not_loaded"


def papers(page: Page) -> None:
    """What came with the units: those with something missing, or all by department."""
    words = page.words
    selection = page.everything.but(clauses=handed.UNIT_CLAUSES)
    lacking = handed.lacking_units(page.book, selection)
    counted = queries.counts(page.book, selection, ("clause",))
    with card(words, "papers", words("delivery.papers"), words("delivery.papers_sub"), counted):
        if counted.empty:
            nothing(words, why_nothing(page, "equipment", "delivery.no_units"))
            return
        shown = DEPARTMENT
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if lacking:
                shown = st.segmented_control(
                    words("delivery.by"),
                    (UNIT, DEPARTMENT),
                    format_func=lambda one: words(f"delivery.by_{one}"),
                    key="delivery_by",
                    default=UNIT,
                    required=True,
                    label_visibility="collapsed",
                )
            states = {name: int(counted[name].sum()) for name in queries.STATES}
            legend(
                [
                    (
                        name,
                        f"{GLYPHS[name][0]} {state(page, name)} {words.number(states[name])}",
                        selection.but(states=(name,)),
                    )
                    for name in queries.STATES
                    if states[name]
                ],
                words("delivery.papers"),
                "papers",
            )
        if shown == UNIT:
            _by_unit(page, selection, lacking)
        else:
            if not lacking:
                st.caption(words("delivery.nothing_lacking"))
            _by_department(page, selection)


def _columns(page: Page) -> list[tuple[str, str]]:
    return [
        (clause, escape(page.words(f"delivery.short_{clause.split('.')[1]}")))
        for clause in handed.UNIT_CLAUSES
    ]


def _by_unit(page: Page, selection: Selection, lacking: int) -> None:
    words = page.words
    pages = -(-lacking // handed.UNITS_A_PAGE)
    number = st.pagination(pages, key="papers_page") if pages > 1 else 1
    found = handed.units(page.book, selection, (number - 1) * handed.UNITS_A_PAGE)
    cells = pd.DataFrame(
        [
            {
                "row": row["equipment_id"],
                "column": clause,
                "mark": row[clause.split(".")[1]],
                "hover": f"<b>{escape(str(row['equipment_id']))}</b><br>"
                f"{escape(titled(page, clause))}<br>{GLYPHS[row[clause.split('.')[1]]][0]} "
                f"{escape(state(page, row[clause.split('.')[1]]))}<br>"
                + escape(words("delivery.accepted", day=_day(page, row["accepted_on"]))),
                "key": [row["equipment_id"], clause, row["contract_id"]],
            }
            for row in found.to_dict("records")
            for clause in handed.UNIT_CLAUSES
        ]
    )
    rows = [
        (row["equipment_id"], str(row["equipment_id"]), str(row["department"]))
        for row in found.to_dict("records")
    ]

    def build() -> grids.Grid:
        return grids.marks(
            cells,
            page.palette,
            rows=rows,
            columns=_columns(page),
            glyphs=GLYPHS,
            latest=False,
        )

    grid(
        page,
        selection,
        build,
        f"papers_units_{number}",
        words("delivery.papers"),
        lambda key: drawer.rows(
            f"{key[0]} · {titled(page, str(key[1]))}",
            selection.but(contract=key[2], clauses=(key[1],), subject=key[0]),
        ),
    )
    st.caption(words("delivery.lacking", n=words.number(lacking)))


def _day(page: Page, day: Any) -> str:
    return page.words.day(None if pd.isna(day) else day)


def _by_department(page: Page, selection: Selection) -> None:
    words = page.words
    counted = queries.counts(page.book, selection, ("department", "clause"))
    rated = counted[counted["due"] > 0]
    if rated.empty:
        nothing(words)
        return
    sums = rated.groupby("department")[["met", "due"]].sum()
    order = list((sums["met"] / sums["due"]).sort_values(kind="stable").index)[:MOST_DEPARTMENTS]
    shown = rated[rated["department"].isin(order)]

    def build() -> grids.Grid:
        return grids.marks(
            pd.DataFrame(
                [
                    {
                        "row": row["department"],
                        "column": row["clause"],
                        "mark": next(name for name in WORST if row[name]),
                        "text": words.counts(row["met"], row["due"]),
                        "hover": f"<b>{escape(row['department'])}</b><br>"
                        f"{escape(titled(page, row['clause']))}<br>"
                        f"{words.percent(row['met'], row['due'])}  "
                        f"({words.counts(row['met'], row['due'])})<br>"
                        + escape(
                            words(
                                "breakdown.states",
                                breached=row["breached"],
                                unknown=row["unknown"],
                            )
                        ),
                        "key": [row["department"], row["clause"]],
                    }
                    for row in shown.to_dict("records")
                ]
            ),
            page.palette,
            rows=[(one, one or words("card.none"), "") for one in order],
            columns=_columns(page),
            glyphs=GLYPHS,
            latest=False,
        )

    grid(
        page,
        selection,
        build,
        "papers_departments",
        words("delivery.papers"),
        lambda key: drawer.rows(
            f"{key[0]} · {titled(page, str(key[1]))}",
            selection.but(department=key[0], clauses=(key[1],)),
        ),
    )
    if len(sums) > MOST_DEPARTMENTS:
        st.caption(words("heat.most", n=MOST_DEPARTMENTS, all=len(sums)))


def samples(page: Page) -> None:
    """Sample tests: promised against measured, and who paid; a row opens its obligation."""
    words, columns = page.words, catalogue().logs["sample_tests"].columns
    found = handed.sample_tests(page.book, page.everything)
    with card(
        words, "samples", words("delivery.samples"), scoped(page, "delivery.samples_sub"), found
    ):
        if found.empty:
            nothing(words, why_nothing(page, "sample_tests", "delivery.no_samples"))
            return
        payers = columns["cost_borne_by"].choices or {}
        yes_no = {True: words("delivery.yes"), False: words("delivery.no")}
        shown = pd.DataFrame(
            {
                "state": [[state(page, one)] for one in found["state"]],
                "parameter": found["parameter"],
                "promised": found["promised"],
                "measured": found["measured"],
                "conforms": [
                    "" if pd.isna(one) else yes_no[bool(one)] for one in found["conforms"]
                ],
                "cost_borne_by": [
                    "" if pd.isna(one) else _choice(page, payers, one)
                    for one in found["cost_borne_by"]
                ],
                "tested_on": found["tested_on"],
                "contract_id": found["contract_id"],
            }
        )
        picked = rows_of(
            page,
            shown,
            "samples_table",
            words("delivery.samples"),
            {
                name: columns[name].label.get(words.language)
                for name in shown.columns
                if name in columns
            },
        )
        if picked is not None:
            row = found.iloc[picked]
            drawer.rows(
                f"{titled(page, 'delivery.sample_test')} · {row['test_id']}",
                Selection(
                    str(row["contract_id"]),
                    clauses=("delivery.sample_test",),
                    subject=str(row["test_id"]),
                ),
            )


def _choice(page: Page, choices: Mapping[str, Sequence[str]], code: str) -> str:
    if page.words.language == "zh" and choices.get(code):
        return choices[code][0]
    return code.capitalize()


def rows_of(
    page: Page, shown: pd.DataFrame, key: str, alt: str, labels: Mapping[str, Any]
) -> int | None:
    """A table with pills for `state` and dates; the place of the row that was picked, if any."""
    config: dict[str, Any] = dict(labels)
    for name in shown.columns:
        if name == "state":
            config[name] = state_column(page)
        elif name.endswith("_on"):
            config[name] = st.column_config.DateColumn(str(labels[name]), format="YYYY-MM-DD")
        elif name.endswith("_at"):
            config[name] = st.column_config.DatetimeColumn(
                str(labels[name]), format="YYYY-MM-DD HH:mm"
            )
    event = st.dataframe(
        shown,
        key=drawer.numbered(key),
        hide_index=True,
        height="content" if len(shown) <= MOST_VISIBLE else 560,
        placeholder="—",
        on_select="rerun",
        selection_mode="single-row",
        alt=alt,
        column_config=config,
    )
    picked = event["selection"]["rows"]
    return int(picked[0]) if picked else None


def contracts(page: Page) -> None:
    """The guarantee, the service manager and the local office of each contract."""
    words, columns = page.words, catalogue().logs["contracts"].columns
    found = handed.contracts(page.book, page.everything)
    subtitle = scoped(page, "delivery.contracts_sub")
    with card(words, "contracts", words("delivery.contracts"), subtitle, found):
        labels = {
            name: columns[name].label.get(words.language)
            for name in found.columns
            if name in columns
        }
        shown = pd.DataFrame(
            {
                "state": [[] if pd.isna(one) else [state(page, one)] for one in found["guarantee"]],
                "contract_id": found["contract_id"],
                "awarded_on": found["awarded_on"],
                "valid_on": found["valid_until"],
                "service_manager": found["service_manager"],
                "service_office": found["service_office"],
            }
        )
        picked = rows_of(
            page,
            shown,
            "contracts_table",
            words("delivery.contracts"),
            {**labels, "valid_on": words("delivery.valid_until")},
        )
        if picked is not None:
            contract = str(found.iloc[picked]["contract_id"])
            drawer.group(
                contract,
                Selection(
                    contract,
                    clauses=(
                        "delivery.guarantee_valid",
                        "people.service_manager",
                        "people.local_office",
                    ),
                ),
            )
