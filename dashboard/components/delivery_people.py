"""People: permits by duty day, training, conduct, and the plans for important meetings."""

from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.charts import delivery as delivery_figures
from dashboard.charts import grids
from dashboard.charts.figure import Figure
from dashboard.components import drawer
from dashboard.components.card import card, chart, nothing
from dashboard.components.delivery import (
    GLYPHS,
    WORST,
    rows_of,
    scoped,
    state,
    titled,
    why_nothing,
)
from dashboard.components.grid import grid
from dashboard.components.inspections import legend
from dashboard.page import Page
from dashboard.queries import Selection
from dashboard.queries import delivery as handed
from etl.catalogue import catalogue

MOST_ENGINEERS = 20
MOST_MONTHS = 18
MOST_TRAINED = 24
PAPERS = (handed.PERMIT, handed.CONFIDENTIALITY)


def duty(page: Page) -> None:
    """Engineers × months: days on duty with and without their papers; a cell opens its days."""
    words = page.words
    with card(words, "duty", words("delivery.duty"), scoped(page, "delivery.duty_sub")):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            clause: str = st.segmented_control(
                words("delivery.paper"),
                PAPERS,
                format_func=lambda one: words(f"delivery.paper_{one.split('.')[1]}"),
                key="delivery_paper",
                default=handed.PERMIT,
                required=True,
                label_visibility="collapsed",
            )
            selection = handed.of_contract(page.selection).but(clauses=(clause,))
            counted = queries.counts(page.book, selection)
            legend(
                [
                    (
                        name,
                        f"{GLYPHS[name][0]} {state(page, name)} "
                        + words("delivery.days", n=words.number(int(counted[name][0]))),
                        selection.but(states=(name,)),
                    )
                    for name in queries.STATES
                    if int(counted[name][0])
                ],
                titled(page, clause),
                "duty",
            )
        who = handed.engineers(page.book, selection, clause, MOST_ENGINEERS)
        if who.empty:
            nothing(words, "delivery.no_duty")
            return
        if "personnel" not in queries.loaded(page.book):
            st.caption(words("delivery.no_register"))
        _duty_chart(page, selection, clause, who)
        if int(who["of_all"].iloc[0]) > len(who):
            st.caption(words("delivery.most_engineers", n=len(who), all=int(who["of_all"].iloc[0])))


def _duty_chart(page: Page, selection: Selection, clause: str, who: pd.DataFrame) -> None:
    words = page.words
    cells = handed.duty(page.book, selection, clause, MOST_ENGINEERS)
    in_view = set(cells["month"])
    months = [month for month in queries.months(page.book) if month in in_view][-MOST_MONTHS:]
    names = {
        row["engineer_id"]: "" if pd.isna(row["name"]) else str(row["name"])
        for row in who.to_dict("records")
    }
    records = [
        row
        for row in cells.to_dict("records")
        if row["engineer_id"] in names and row["month"] in months
    ]

    def build() -> grids.Grid:
        return grids.marks(
            pd.DataFrame(
                [
                    {
                        "row": row["engineer_id"],
                        "column": row["month"],
                        "mark": next(name for name in WORST if row[name]),
                        "text": words.number(row["days"])
                        if row["met"] == row["days"]
                        else words.counts(row["met"], row["days"]),
                        "hover": _duty_hover(page, row, names[row["engineer_id"]]),
                        "key": [row["engineer_id"], row["month"]],
                    }
                    for row in records
                ]
            ),
            page.palette,
            rows=[(engineer, engineer, name) for engineer, name in names.items()],
            columns=list(zip(months, words.month_ticks(months), strict=True)),
            glyphs=GLYPHS,
        )

    grid(
        page,
        selection,
        build,
        f"duty_{clause.split('.')[1]}",
        words("delivery.duty"),
        lambda key: drawer.rows(
            f"{key[0]} · {titled(page, clause)}",
            selection.but(first=key[1], last=key[1], subject=key[0]),
        ),
    )


def _duty_hover(page: Page, row: Any, name: str) -> str:
    words = page.words
    said = [
        f"<b>{escape(str(row['engineer_id']))} {escape(name)}</b> · "
        f"{words.month(row['month'], with_year=True)}"
    ]
    said += [
        f"{GLYPHS[one][0]} {escape(state(page, one))} "
        + escape(words("delivery.days", n=words.number(row[one])))
        for one in queries.STATES
        if row[one]
    ]
    return "<br>".join(said)


def register(page: Page) -> None:
    """Engineers on duty who are not in the register, and permits that end soon."""
    words, columns = page.words, catalogue().logs["personnel"].columns
    selection = handed.of_contract(page.selection)
    unlisted = handed.unlisted(page.book, selection)
    subtitle = scoped(page, "delivery.unlisted_sub")
    with card(words, "unlisted", words("delivery.unlisted"), subtitle, unlisted):
        if unlisted.empty:
            nothing(words, "delivery.none_unlisted")
        else:
            picked = rows_of(
                page,
                unlisted,
                "unlisted_table",
                words("delivery.unlisted"),
                {
                    "engineer_id": columns["engineer_id"].label.get(words.language),
                    "contract_id": words("row.contract"),
                    "days": st.column_config.NumberColumn(words("delivery.duty_days"), width=72),
                    "first_on": words("inspections.first"),
                    "last_on": words("inspections.last"),
                },
            )
            if picked is not None:
                row = unlisted.iloc[picked]
                drawer.rows(
                    f"{row['engineer_id']} · {titled(page, handed.PERMIT)}",
                    selection.but(
                        contract=str(row["contract_id"]),
                        clauses=(handed.PERMIT,),
                        subject=str(row["engineer_id"]),
                    ),
                )
    _expiring(page)


def _expiring(page: Page) -> None:
    words, columns = page.words, catalogue().logs["personnel"].columns
    found = handed.expiring(page.book, handed.of_contract(page.everything))
    title = words("delivery.expiring", days=handed.EXPIRING_DAYS)
    with card(words, "expiring", title, scoped(page, "delivery.expiring_sub"), found):
        if found.empty:
            nothing(
                words,
                "delivery.none_expiring"
                if "personnel" in queries.loaded(page.book)
                else "delivery.not_loaded",
            )
            return
        picked = rows_of(
            page,
            found,
            "expiring_table",
            title,
            {
                **{
                    name: columns[name].label.get(words.language)
                    for name in ("engineer_id", "name", "permit_no", "permit_until")
                },
                "permit_until": st.column_config.DateColumn(
                    columns["permit_until"].label.get(words.language), format="YYYY-MM-DD"
                ),
                "days_left": st.column_config.NumberColumn(words("delivery.days_left"), width=72),
                "last_on": words("delivery.last_duty"),
            },
        )
        if picked is not None:
            engineer = str(found.iloc[picked]["engineer_id"])
            drawer.rows(
                f"{engineer} · {titled(page, handed.PERMIT)}",
                handed.of_contract(page.everything).but(clauses=(handed.PERMIT,), subject=engineer),
            )


def training(page: Page) -> None:
    """Topics per contract: the day they were first taught, against the due; a bar opens its row."""
    words = page.words
    found = handed.training(page.book, page.everything)
    selection = handed.of_contract(page.everything).but(clauses=("people.training",))
    with card(
        words, "training", words("delivery.training"), scoped(page, "delivery.training_sub"), found
    ):
        if queries.assumed(page.book, "people.training", page.filters.contract):
            st.html(f"<span class='kept-pill warn'>{escape(words('clause.assumed'))}</span>")
        if found.empty:
            nothing(words, "delivery.no_training")
            return
        topics = catalogue().logs["training"].columns["topics"].choices or {}
        ranked = found.assign(severity=[WORST.index(one) for one in found["state"]]).sort_values(
            "severity", kind="stable"
        )
        shown = ranked.head(MOST_TRAINED)
        several = found["contract_id"].nunique() > 1

        def topic(code: str) -> str:
            if words.language == "zh" and topics.get(code):
                return topics[code][0]
            return code.capitalize()

        def build() -> Figure:
            return delivery_figures.against_limit(
                pd.DataFrame(
                    [
                        {
                            "label": escape(topic(row["topic"]))
                            + (
                                f"  <span style='color:{page.palette.muted}'>"
                                f"{escape(row['contract_id'])}</span>"
                                if several
                                else ""
                            ),
                            "taken": row["taken"],
                            "allowed": row["allowed"],
                            "said": state(page, row["state"])
                            if pd.isna(row["done_on"])
                            else words("delivery.taught", n=int(row["taken"])),
                            "tone": "" if row["state"] == "met" else row["state"],
                            "hover": _training_hover(page, topic(row["topic"]), row),
                            "key": [row["contract_id"], row["topic"]],
                        }
                        for row in shown.to_dict("records")
                    ]
                ),
                page.palette,
            )

        chart(
            page,
            selection,
            build,
            "training_chart",
            words("delivery.training"),
            lambda key: drawer.rows(
                f"{titled(page, 'people.training')} · {topic(str(key[1]))}",
                selection.but(contract=key[0], subject=key[1]),
            ),
        )
        if len(found) > MOST_TRAINED:
            st.caption(words("inspections.most_clauses", n=MOST_TRAINED, all=len(found)))


def _training_hover(page: Page, topic: str, row: Any) -> str:
    words = page.words
    return "<br>".join(
        [
            f"<b>{escape(topic)} · {escape(str(row['contract_id']))}</b>",
            f"{GLYPHS[row['state']][0]} {escape(state(page, row['state']))}",
            escape(words("delivery.accepted", day=words.day(row["accepted_on"]))),
            escape(words("delivery.due", day=words.day(row["due_on"]))),
            escape(
                words(
                    "delivery.held",
                    day="—" if pd.isna(row["done_on"]) else words.day(row["done_on"]),
                )
            ),
        ]
    )


def conduct(page: Page) -> None:
    """Months without an upheld complaint about conduct; a cell opens its rows."""
    words, clause = page.words, "people.conduct"
    selection = handed.of_contract(page.selection).but(clauses=(clause,))
    counted = queries.counts(page.book, selection, ("contract_id", "month"))
    with card(
        words, "conduct", words("delivery.conduct"), scoped(page, "delivery.conduct_sub"), counted
    ):
        if counted.empty:
            nothing(words, "delivery.no_conduct")
            return
        if "complaints" not in queries.loaded(page.book):
            st.caption(words("delivery.no_complaints"))
        sums = counted.groupby("contract_id")[list(queries.STATES)].sum()
        order = sums.sort_values(["breached", "unknown"], ascending=False, kind="stable").index
        contracts = list(order)[:MOST_ENGINEERS]
        months = sorted(set(counted["month"]))[-MOST_MONTHS:]

        def build() -> grids.Grid:
            return grids.marks(
                pd.DataFrame(
                    [
                        {
                            "row": row["contract_id"],
                            "column": row["month"],
                            "mark": (mark := next(name for name in WORST if row[name])),
                            "hover": f"<b>{escape(row['contract_id'])} · "
                            f"{words.month(row['month'], with_year=True)}</b><br>"
                            f"{GLYPHS[mark][0]} {escape(state(page, mark))}",
                            "key": [row["contract_id"], row["month"]],
                        }
                        for row in counted.to_dict("records")
                    ]
                ),
                page.palette,
                rows=[(one, one, "") for one in contracts],
                columns=list(zip(months, words.month_ticks(months), strict=True)),
                glyphs=GLYPHS,
            )

        grid(
            page,
            selection,
            build,
            "conduct_chart",
            words("delivery.conduct"),
            lambda key: drawer.rows(
                titled(page, clause), selection.but(contract=key[0], first=key[1], last=key[1])
            ),
        )
        if len(order) > len(contracts):
            st.caption(words("inspections.most_clauses", n=len(contracts), all=len(order)))


def special_periods(page: Page) -> None:
    """Important meetings: the plan on file or not; those ahead first."""
    words, columns = page.words, catalogue().logs["special_periods"].columns
    found = handed.special_periods(page.book, page.everything)
    subtitle = scoped(page, "delivery.special_sub")
    with card(words, "special", words("delivery.special"), subtitle, found):
        if found.empty:
            nothing(words, why_nothing(page, "special_periods", "delivery.no_special"))
            return
        shown = pd.DataFrame(
            {
                "state": [[state(page, one)] for one in found["state"]],
                "name": found["name"].fillna(found["period_id"]),
                "when": [
                    words("delivery.ahead") if one else words("delivery.past")
                    for one in found["ahead"]
                ],
                "starts_at": found["starts_at"],
                "plan_filed_on": found["plan_filed_on"],
                "contract_id": found["contract_id"],
            }
        )
        picked = rows_of(
            page,
            shown,
            "special_table",
            words("delivery.special"),
            {
                **{
                    name: columns[name].label.get(words.language)
                    for name in shown.columns
                    if name in columns
                },
                "when": st.column_config.TextColumn(words("delivery.when"), width=70),
            },
        )
        if picked is not None:
            row = found.iloc[picked]
            drawer.rows(
                f"{titled(page, 'sla.special_period')} · {row['period_id']}",
                Selection(
                    str(row["contract_id"]),
                    clauses=("sla.special_period",),
                    subject=str(row["period_id"]),
                ),
            )
