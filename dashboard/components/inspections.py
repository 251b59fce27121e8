"""Inspections: the calendar of visits, what was done on them, their reports and findings."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.charts import grids
from dashboard.charts import inspections as figures
from dashboard.charts.figure import Figure
from dashboard.components import drawer
from dashboard.components.card import card, chart, nothing
from dashboard.components.clauses import table as clause_table
from dashboard.components.grid import grid
from dashboard.page import Page
from dashboard.queries import Selection
from dashboard.queries import inspections as visits
from dashboard.queries.inspections import Visits
from dashboard.texts import plain
from etl.catalogue import catalogue

MOST_PLACES = 28
MOST_MONTHS = 18
MOST_CLAUSES = 24
CLAUSES: Mapping[str, tuple[str, ...]] = {
    "monthly": ("inspection.monthly",),
    "windows": ("inspection.quarterly", "inspection.half_yearly"),
}
GLYPHS: Mapping[str, tuple[str, str]] = {
    "done": ("✓", "plain"),
    "late": ("◐", "bad"),
    "missed": ("✕", "strong"),
    "undecided": ("?", "warn"),
    "pending": ("○", "empty"),
    "planned": ("◇", "info"),
    "waived": ("–", "quiet"),
}
"""The glyph and the paint of each status of a period."""
_STATES = {
    "met": ("done",),
    "breached": ("missed", "late"),
    "unknown": ("undecided",),
    "pending": ("pending", "planned"),
    "excluded": ("waived",),
}


def legend(entries: Sequence[tuple[str, str, Selection]], title: str, key: str) -> None:
    """What the glyphs mean, each with its count, which opens its rows: key, label, selection."""
    for name, label, selection in entries:
        st.button(
            plain(label),
            key=f"legend_{key}_{name}",
            type="tertiary",
            on_click=drawer.rows,
            args=(title, selection),
        )


def calendar(page: Page) -> None:
    """Department × month: which visits were owed and which took place; a cell opens its rows."""
    words = page.words
    with card(words, "calendar", words("inspections.calendar"), words("inspections.calendar_sub")):
        kind: str = st.segmented_control(
            words("inspections.kind"),
            tuple(CLAUSES),
            format_func=lambda one: words(f"inspections.kind_{one}"),
            key="inspections_kind",
            default="monthly",
            required=True,
            label_visibility="collapsed",
        )
        selection = page.selection.but(clauses=CLAUSES[kind])
        counted = visits.calendar_counts(page.book, selection, kind)
        places = visits.calendar_places(page.book, selection, kind, MOST_PLACES)
        if places.empty:
            nothing(words, _why_nothing(page, "inspections.none_owed"))
            return
        _calendar_legend(page, selection, kind, counted)
        _calendar_chart(page, selection, kind, places)
        if int(places["of_all"].iloc[0]) > len(places):
            st.caption(
                words("inspections.most_places", n=len(places), all=int(places["of_all"].iloc[0]))
            )


def _why_nothing(page: Page, otherwise: str) -> str:
    return otherwise if "inspections" in queries.loaded(page.book) else "inspections.not_loaded"


def _calendar_legend(
    page: Page, selection: Selection, kind: str, counted: Mapping[str, int]
) -> None:
    words, entries = page.words, []
    for state, statuses in _STATES.items():
        said = [
            f"{GLYPHS[status][0]} {words(f'inspections.status_{status}')} {counted[status]}"
            for status in statuses
            if counted[status]
        ]
        if said:
            entries.append((state, " · ".join(said), selection.but(states=(state,))))
    with st.container(horizontal=True, gap="small", key="legend_calendar"):
        legend(entries, words("inspections.calendar"), "calendar")
        what = Visits(planned=True, kinds=visits.KINDS[kind])
        ahead = visits.visit_count(page.book, selection, what) if _shows_ahead(page) else 0
        if ahead:
            st.button(
                plain(words("inspections.ahead", n=words.number(ahead))),
                key="legend_calendar_ahead",
                type="tertiary",
                on_click=_open,
                args=(words("inspections.ahead_title"), selection, what),
            )


def _shows_ahead(page: Page) -> bool:
    return page.selection.last in (None, page.last_month)


def _calendar_chart(page: Page, selection: Selection, kind: str, places: pd.DataFrame) -> None:
    words = page.words
    owed = visits.calendar(page.book, selection, kind, MOST_PLACES)
    ahead = visits.planned_ahead(page.book, selection, kind)
    if not _shows_ahead(page):
        ahead = ahead.iloc[:0]
    in_view = set(owed["month"])
    months = [month for month in queries.months(page.book) if month in in_view]
    months = [*months[-MOST_MONTHS:], *sorted(set(ahead["month"]))[:2]]
    shown = pd.concat([owed, ahead.assign(status="planned")], ignore_index=True)
    shown = shown[shown["month"].isin(months)]
    several = places["contract_id"].nunique() > 1
    rows = [
        ((contract, department), department, contract if several else "")
        for contract, department in zip(places["contract_id"], places["department"], strict=True)
    ]
    ticks = words.month_ticks(months)
    if kind == "windows":
        ticks = [
            f"{words.month(month)}<br>{_window(page, month)}"
            + (f"<br>{month[:4]}" if not i or month[5:] == "01" else "")
            for i, month in enumerate(months)
        ]

    def build() -> grids.Grid:
        return grids.marks(
            pd.DataFrame(
                {
                    "row": list(zip(shown["contract_id"], shown["department"], strict=True)),
                    "column": shown["month"],
                    "mark": shown["status"],
                    "hover": [_hover(page, row) for row in shown.to_dict("records")],
                    "key": [
                        [row["contract_id"], row["department"], row["month"]]
                        for row in shown.to_dict("records")
                    ],
                }
            ),
            page.palette,
            rows=rows,
            columns=list(zip(months, ticks, strict=True)),
            glyphs=GLYPHS,
        )

    def clicked(key: Sequence[Any]) -> None:
        contract, department, month = str(key[0]), str(key[1]), str(key[2])
        place = selection.but(contract=contract, department=department)
        title = f"{department} · {words.month(month, with_year=True)}"
        if month > page.last_month:
            what = Visits(planned=True, kinds=visits.KINDS[kind], month=month)
            _open(title, place, what)
        else:
            drawer.rows(title, place.but(first=month, last=month))

    grid(
        page,
        selection,
        build,
        f"calendar_{kind}",
        words("inspections.calendar"),
        clicked,
    )


def _window(page: Page, month: str) -> str:
    return page.words(
        "inspections.half_yearly" if month[5:] in ("01", "07") else "inspections.quarterly"
    )


def _hover(page: Page, row: Mapping[Any, Any]) -> str:
    words = page.words
    said = [
        f"<b>{escape(str(row['department']))} · {words.month(row['month'], with_year=True)}</b>",
        f"{GLYPHS[row['status']][0]} {escape(words('inspections.status_' + row['status']))}",
    ]
    if not pd.isna(row["first_on"]):
        said.append(
            escape(
                words(
                    "inspections.owed",
                    first=words.day(row["first_on"]),
                    last=words.day(row["last_on"]),
                )
            )
        )
    for name in ("planned_on", "visited_on", "late_on"):
        if not pd.isna(row[name]):
            said.append(escape(words(f"inspections.{name}", day=words.day(row[name]))))
    return "<br>".join(said)


def five_items(page: Page) -> None:
    """Which of the five items were left out, and how often; a bar opens its visits."""
    words, selection = page.words, page.selection
    counted = visits.five_items(page.book, selection)
    with card(words, "items", words("inspections.items"), words("inspections.items_sub"), counted):
        if not int(counted[list(visits.ANSWERS)].to_numpy().sum()):
            nothing(words, _why_nothing(page, "inspections.no_big_visits"))
            return
        columns = catalogue().logs["inspections"].columns

        def label(item: str) -> str:
            return columns[item].label.get(words.language)

        def build() -> Figure:
            return figures.answers(
                counted.assign(
                    key=counted["item"],
                    label=[label(item) for item in counted["item"]],
                    said=[_answers(page, row) for row in counted.to_dict("records")],
                    tone=[
                        "bad" if left else "warn" if unsaid else ""
                        for left, unsaid in zip(
                            counted["left_out"], counted["not_stated"], strict=True
                        )
                    ],
                    **{
                        f"hover_{answer}": [
                            f"<b>{escape(label(row['item']))}</b><br>"
                            + escape(words(f"inspections.{answer}", n=words.number(row[answer])))
                            for row in counted.to_dict("records")
                        ]
                        for answer in visits.ANSWERS
                    },
                ),
                page.palette,
            )

        chart(
            page,
            selection,
            build,
            "items_chart",
            words("inspections.items"),
            lambda key: _open(
                f"{label(str(key[0]))} · {words(f'inspections.{key[1]}', n='').strip()}",
                selection,
                Visits(item=str(key[0]), answer=str(key[1])),
            ),
        )


def _answers(page: Page, row: Mapping[Any, Any]) -> str:
    words = page.words
    said = [
        words(f"inspections.{answer}", n=words.number(row[answer]))
        for answer in ("left_out", "not_stated")
        if row[answer]
    ]
    return " · ".join(said) or words("inspections.all_done", n=words.number(row["done"]))


def reports(page: Page) -> None:
    """How many days the reports took, against the limit; a bar opens its visits."""
    words, selection = page.words, page.selection
    taken = visits.report_days(page.book, selection)
    limit = queries.term(page.book, selection, "report_days")
    assumed = queries.assumed(page.book, "inspection.report", page.filters.contract)
    subtitle = words("inspections.reports_sub")
    with card(words, "reports", words("inspections.reports"), subtitle, taken):
        if assumed:
            st.html(f"<span class='kept-pill warn'>{escape(words('clause.assumed'))}</span>")
        if taken.empty:
            nothing(words, _why_nothing(page, "inspections.no_reports"))
            return
        label = "" if limit is None else words("term.days", n=f"{limit.normalize():f}")

        def build() -> Figure:
            return figures.days(
                taken.assign(
                    hover=[
                        escape(
                            words("inspections.took", days=int(days), n=words.number(int(count)))
                        )
                        for days, count in zip(taken["days"], taken["visits"], strict=True)
                    ]
                ),
                page.palette,
                limit=None if limit is None else float(limit),
                limit_label=words("durations.limit", limit=label),
            )

        chart(
            page,
            selection,
            build,
            "reports_chart",
            words("inspections.reports"),
            lambda key: _open(words("inspections.reports"), selection, Visits(days=int(key[0]))),
        )


def approvals(page: Page) -> None:
    """How long before the visit its plan was approved; a bar opens its visits."""
    words, selection = page.words, page.selection
    approved = visits.approval_days(page.book, selection)
    missing = visits.unapproved(page.book, selection)
    title = words("inspections.approvals")
    with card(words, "approvals", title, words("inspections.approvals_sub"), approved):
        if missing:
            st.button(
                plain(words("inspections.unapproved", n=words.number(missing))),
                key="inspections_unapproved",
                type="tertiary",
                on_click=_open,
                args=(title, selection, Visits(unapproved=True)),
            )
        if approved.empty:
            nothing(words, _why_nothing(page, "inspections.no_big_visits"))
            return

        def build() -> Figure:
            return figures.days(
                approved.assign(
                    hover=[
                        escape(
                            words(
                                "inspections.approved_after"
                                if days < 0
                                else "inspections.approved_before",
                                days=abs(int(days)),
                                n=words.number(int(count)),
                            )
                        )
                        for days, count in zip(approved["days"], approved["visits"], strict=True)
                    ]
                ),
                page.palette,
                limit=None,
                limit_label="",
                height=200,
            )

        chart(
            page,
            selection,
            build,
            "approvals_chart",
            title,
            lambda key: _open(title, selection, Visits(lead=int(key[0]))),
        )


def findings(page: Page) -> None:
    """Problems found, by month of the visit; a bar opens the visits that found them."""
    words, selection = page.words, page.selection
    found = visits.findings(page.book, selection)
    with card(
        words, "findings", words("inspections.findings"), words("inspections.findings_sub"), found
    ):
        if found.empty:
            nothing(words, _why_nothing(page, "inspections.no_visits"))
            return
        shown = found.tail(MOST_MONTHS)
        months = list(shown["month"])

        def build() -> Figure:
            return figures.monthly(
                pd.DataFrame(
                    {
                        "key": months,
                        "label": words.month_ticks(months),
                        "count": shown["findings"],
                        "hover": [
                            f"<b>{words.month(row['month'], with_year=True)}</b><br>"
                            + escape(
                                words(
                                    "inspections.found",
                                    n=words.number(row["findings"]),
                                    visits=words.number(row["visits"]),
                                    unsaid=words.number(row["visits"] - row["stated"]),
                                )
                            )
                            for row in shown.to_dict("records")
                        ],
                    }
                ),
                page.palette,
                text=lambda count: words.number(int(count)),
            )

        chart(
            page,
            selection,
            build,
            "findings_chart",
            words("inspections.findings"),
            lambda key: _open(words("inspections.findings"), selection, Visits(month=str(key[0]))),
        )


def unlisted(page: Page) -> None:
    """Visits to departments without units: a spelling, or a move? A row opens its visits."""
    words = page.words
    found = visits.unlisted(page.book, page.everything)
    subtitle = words("inspections.unlisted_sub")
    with card(words, "unlisted", words("inspections.unlisted"), subtitle, found):
        if found.empty:
            nothing(words, _why_nothing(page, "inspections.none_unlisted"))
            return
        event = st.dataframe(
            pd.DataFrame(
                {
                    "department": found["department"],
                    "contract_id": found["contract_id"],
                    "visits": found["visits"],
                    "alike": [
                        words("inspections.or").join(close) or words("inspections.none_alike")
                        for close in found["alike"]
                    ],
                    "explains": [
                        words("inspections.explains", n=words.number(missed), name=close[0])
                        if missed
                        else ""
                        for missed, close in zip(found["missed"], found["alike"], strict=True)
                    ],
                    "first_on": found["first_on"],
                    "last_on": found["last_on"],
                }
            ),
            key=drawer.numbered("unlisted_table"),
            hide_index=True,
            height="content" if len(found) <= MOST_CLAUSES else 560,
            on_select="rerun",
            selection_mode="single-row",
            alt=words("inspections.unlisted"),
            column_config={
                "department": words("inspections.visited_name"),
                "contract_id": words("row.contract"),
                "visits": st.column_config.NumberColumn(words("inspections.visits"), width=64),
                "alike": st.column_config.TextColumn(words("inspections.alike")),
                "explains": st.column_config.TextColumn(words("inspections.would_explain")),
                "first_on": st.column_config.DateColumn(
                    words("inspections.first"), format="YYYY-MM-DD"
                ),
                "last_on": st.column_config.DateColumn(
                    words("inspections.last"), format="YYYY-MM-DD"
                ),
            },
        )
        if event["selection"]["rows"]:
            row = found.iloc[event["selection"]["rows"][0]]
            place = Selection(str(row["contract_id"]), str(row["department"]))
            _open(str(row["department"]), place, Visits(unlisted=True))


def verdicts(page: Page, key: str, title: str, subtitle: str, selection: Selection) -> None:
    """The verdicts of the clauses of `selection`, the worst first; a row opens its obligations."""
    words = page.words
    found = queries.verdicts(page.book, selection)
    with card(words, key, title, subtitle, found):
        order = sorted(
            range(len(found)), key=lambda i: queries.SEVERITY.index(found["verdict"].iloc[i])
        )
        picked = clause_table(
            page, found.iloc[order[:MOST_CLAUSES]], drawer.numbered(f"table_{key}")
        )
        if len(found) > MOST_CLAUSES:
            st.caption(words("inspections.most_clauses", n=MOST_CLAUSES, all=len(found)))
        if picked is not None:
            contract, clause = picked
            drawer.rows(
                catalogue().clauses[clause].title.get(words.language),
                selection.but(contract=contract, clauses=(clause,)),
            )


def _open(title: str, selection: Selection, what: Visits) -> None:
    drawer.listing(title, lambda page, key: _visits(page, selection, what, key))


def _visits(page: Page, selection: Selection, what: Visits, key: str) -> None:
    """The visits behind a number."""
    words, columns = page.words, catalogue().logs["inspections"].columns
    found = visits.visits(page.book, selection, what)
    count = visits.visit_count(page.book, selection, what)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f"<b>{escape(words('drawer.rows', n=words.number(count)))}</b>")
        st.download_button(
            words("drawer.download"),
            data=lambda: queries.csv(found),
            file_name="kept-visits.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            key=f"{key}_download",
        )
    if count > len(found):
        st.caption(words("inspections.most_visits", n=len(found), all=words.number(count)))
    shown = found.assign(
        kind=[words(f"inspections.{kind}_visit") for kind in found["kind"]],
    )
    first = ["inspection_id", "department", "kind", "performed_on", "planned_on"]
    if what.item:
        first.insert(4, what.item)
    rest = [name for name in shown.columns if name not in first]
    st.dataframe(
        shown[[*first, *rest]].dropna(axis="columns", how="all"),
        hide_index=True,
        height="content" if len(shown) <= MOST_CLAUSES else 640,
        placeholder="",
        alt=words("inspections.visits"),
        column_config={
            name: st.column_config.DateColumn(column.label.get(words.language), format="YYYY-MM-DD")
            if column.type == "date"
            else column.label.get(words.language)
            for name, column in columns.items()
        },
    )
