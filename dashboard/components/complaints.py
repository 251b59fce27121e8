"""Complaints: how far they come, in how many rounds, how old the open ones are, about what."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.charts import complaints as figures
from dashboard.charts.figure import Figure
from dashboard.components import aside, clauses, complaints_opened, drawer
from dashboard.components.card import card, chart, nothing
from dashboard.components.complaints_opened import named
from dashboard.page import Page
from dashboard.queries import complaints
from dashboard.queries.complaints import CLAUSES, DAY_ALONE, MANY_ROUNDS, Complaints
from etl.catalogue import catalogue

MOST_ROWS = 8
SHOWN = 8
_SHARES = (("reached", "accent"), ("missed", "warn"), ("open", "track"))
_OUTCOMES = (
    ("satisfied", "accent"), ("unsatisfied", "bad"), ("unknown", "warn"), ("open", "track"),
)  # fmt: skip
_RULINGS = (("upheld", "accent"), ("not_upheld", "pale"), ("none", "track"))
_AGES = (("n", "accent"),)


def _loaded(page: Page) -> bool:
    return "complaints" in queries.loaded(page.book)


def _missing(page: Page, key: str) -> None:
    """What a card says that has no complaint to show."""
    nothing(page.words, key if _loaded(page) else "complaints.not_loaded")


def _stacks(
    page: Page,
    frame: pd.DataFrame,
    parts: Sequence[tuple[str, str]],
    key: str,
    title: str,
    narrowed: Callable[[Any, str], Complaints],
    name: Callable[[Any], str],
    row_height: int = 34,
) -> None:
    """Bars put together from `parts`; each opens the complaints that it counts.

    Takes key, said, tone and hover, and the counts of the parts.
    """

    def build() -> Figure:
        labelled = frame.assign(label=[escape(name(one)) for one in frame["key"]])
        return figures.stacks(labelled, page.palette, parts=parts, row_height=row_height)

    def picked(mark: Any) -> None:
        which = narrowed(mark[0], str(mark[1]))
        aside.open_with(f"{title} · {name(mark[0])}", complaints_opened.many, which)

    chart(page, page.selection, build, key, title, picked)


def funnel(page: Page) -> None:
    """From received to closed: how many took each step; a bar opens them, its rest the others."""
    words, which = page.words, complaints.of(page.selection)
    frame = complaints.funnel(page.book, which)
    title = words("complaints.funnel")
    with card(words, "funnel", title, words("complaints.funnel_subtitle"), frame):
        if frame.empty:
            _missing(page, "complaints.nothing")
            return
        received = int(frame.iloc[0]["reached"])
        rows = frame.rename(columns={"step": "key"}).to_dict("records")
        frame = pd.DataFrame(rows).assign(
            said=[
                f"{words.percent(row['reached'], received)}  "
                f"{words.counts(row['reached'], received)}"
                if i
                else words.number(received)
                for i, row in enumerate(rows)
            ],
            tone=["warn" if row["missed"] else "" for row in rows],
            hover=[
                _hover(page, words(f"complaints.step_{row['key']}"), row, "share", _SHARES)
                for row in rows
            ],
        )
        _stacks(
            page,
            frame,
            _SHARES,
            "complaint_funnel",
            title,
            lambda step, share: which.but(step=str(step), share=share),
            lambda step: words(f"complaints.step_{step}"),
            row_height=44,
        )


def _hover(page: Page, name: str, row: Any, kind: str, parts: Sequence[tuple[str, str]]) -> str:
    words = page.words
    said = "<br>".join(
        escape(f"{words(f'complaints.{kind}_{part}')} {words.number(int(row[part]))}")
        for part, _ in parts
        if row[part]
    )
    return f"<b>{escape(name)}</b><br>{said}"


def rounds(page: Page) -> None:
    """How many rounds it took."""
    words, which = page.words, complaints.of(page.selection)
    frame = complaints.by_rounds(page.book, which)
    title = words("complaints.rounds")

    def name(key: Any) -> str:
        many = "many_rounds" if int(key) >= MANY_ROUNDS else "n_rounds"
        return words("complaints.one_round" if int(key) == 1 else f"complaints.{many}", n=int(key))

    with card(words, "rounds", title, words("complaints.rounds_subtitle"), frame):
        if frame.empty:
            _missing(page, "complaints.nothing")
            return
        _stacks(
            page,
            _with_outcomes(page, frame, name),
            _OUTCOMES,
            "complaint_rounds",
            title,
            lambda key, outcome: which.but(rounds=int(key), outcomes=(outcome,)),
            name,
        )


def _with_outcomes(page: Page, frame: pd.DataFrame, name: Callable[[Any], str]) -> pd.DataFrame:
    """With what stands behind each bar: all, and those that ended without satisfaction."""
    words = page.words
    rows = frame.to_dict("records")
    return frame.assign(
        said=[
            words("complaints.n_unsatisfied", n=row["n"], bad=row["unsatisfied"])
            if row["unsatisfied"]
            else words.number(int(row["n"]))
            for row in rows
        ],
        tone=["bad" if row["unsatisfied"] else "" for row in rows],
        hover=[_hover(page, name(row["key"]), row, "outcome", _OUTCOMES) for row in rows],
    )


def hours(page: Page) -> None:
    """By the hour of the day they came in, beside the limit for taking them: a bar opens them."""
    words, which = page.words, complaints.of(page.selection)
    frame = complaints.by_hour(page.book, which)
    title = words("complaints.hours")
    limit = words.listed(clauses.limits(page, CLAUSES[0], page.filters.contract))
    with card(
        words, "complaint_hours", title, words("complaints.hours_subtitle", limit=limit), frame
    ):
        if not frame["n"].sum():
            _missing(page, "complaints.nothing")
            return

        def build() -> Figure:
            hover = [
                _hover(page, _hour(row["key"]), row, "share", _SHARES)
                for row in frame.to_dict("records")
            ]
            return figures.hours(frame.assign(hover=hover), page.palette, parts=_SHARES)

        def picked(mark: Any) -> None:
            one = which.but(hour=int(mark[0]), step="acknowledged", share=str(mark[1]))
            aside.open_with(f"{title} · {_hour(mark[0])}", complaints_opened.many, one)

        chart(page, page.selection, build, "complaint_hours_chart", title, picked)
        if days := complaints.count(page.book, which.but(hour=DAY_ALONE)):
            st.caption(words("complaints.hours_left_out", n=words.number(days)))


def _hour(hour: Any) -> str:
    return f"{int(hour):02d}:00–{int(hour):02d}:59"


def ages(page: Page) -> None:
    """The open ones by the time since they were received, of whatever period."""
    words = page.words
    which = complaints.of(page.everything).but(outcomes=("open",))
    frame = complaints.ages(page.book, which)
    through = queries.log_ages(page.book)["through_at"]["complaints"]
    title = words("complaints.ages")
    subtitle = words("complaints.ages_subtitle")
    if not pd.isna(through):
        subtitle += words("complaints.through", at=words.instant(through.to_pydatetime()))
    with card(words, "ages", title, subtitle, frame):
        total = int(frame["n"].sum())
        if not total:
            _missing(page, "complaints.none_open")
            return
        _opens(page, "complaints_open", words("complaints.open_all", n=words.number(total)), which)
        buckets = {
            int(row["from_age"]): None if pd.isna(row["to_age"]) else int(row["to_age"])
            for row in frame.to_dict("records")
        }

        def name(first: Any) -> str:
            last = buckets[int(first)]
            key = "over" if last is None else "under" if not last else "between"
            return words(f"complaints.age_{key}", first=int(first), last=last)

        shown = frame.assign(
            key=list(buckets),
            said=[words.number(int(n)) if n else "" for n in frame["n"]],
            tone="",
            hover=[
                f"<b>{escape(name(first))}</b><br>{words.number(int(n))}"
                for first, n in zip(buckets, frame["n"], strict=True)
            ],
        )
        _stacks(
            page,
            shown,
            _AGES,
            "complaint_ages",
            title,
            lambda first, _: which.but(from_age=int(first), to_age=buckets[int(first)]),
            name,
        )


def _opens(page: Page, key: str, label: str, which: Complaints) -> None:
    st.button(
        label,
        key=f"open_{key}",
        on_click=aside.open_with,
        args=(label, complaints_opened.many, which),
    )


def unsatisfied(page: Page) -> None:
    """Closed although the customer was not satisfied, or nobody wrote down whether."""
    words, which = page.words, complaints.of(page.selection)
    title = words("complaints.unsatisfied")
    both = which.but(outcomes=("unsatisfied", "unknown"))
    frame = complaints.listed(page.book, both, limit=SHOWN)
    with card(words, "unsatisfied", title, words("complaints.unsatisfied_subtitle"), frame):
        if frame.empty:
            some = complaints.count(page.book, which)
            _missing(page, "complaints.all_satisfied" if some else "complaints.nothing")
            return
        with st.container(horizontal=True, gap="xsmall", key="windows_unsatisfied"):
            for outcome in both.outcomes:
                one = which.but(outcomes=(outcome,))
                count = complaints.count(page.book, one)
                label = words(f"complaints.closed_{outcome}", n=words.number(count))
                if count:
                    _opens(page, f"closed_{outcome}", label, one)
        picked = complaints_opened.table(page, frame, drawer.numbered("unsatisfied"), compact=True)
        if picked is not None:
            aside.open_with(picked, complaints_opened.one, picked)


def categories(page: Page) -> None:
    """About what, and whether the complaint was upheld."""
    words, which = page.words, complaints.of(page.selection)
    frame = complaints.by_category(page.book, which)
    title = words("complaints.categories")

    def name(key: Any) -> str:
        return named(page, "category", str(key)) if key else words("card.none")

    with card(words, "complaint_categories", title, words("complaints.categories_subtitle"), frame):
        if frame.empty:
            _missing(page, "complaints.nothing")
            return
        rows = frame.to_dict("records")
        shown = frame.assign(
            said=[
                words("complaints.n_upheld", n=row["n"], upheld=row["upheld"])
                if row["upheld"]
                else words.number(int(row["n"]))
                for row in rows
            ],
            tone="",
            hover=[_hover(page, name(row["key"]), row, "ruling", _RULINGS) for row in rows],
        )
        _stacks(
            page,
            shown,
            _RULINGS,
            "complaint_categories_chart",
            title,
            lambda key, ruling: which.but(category=str(key), ruling=ruling),
            name,
        )


def departments(page: Page) -> None:
    """From where, and how they ended."""
    words, which = page.words, complaints.of(page.selection)
    frame = complaints.by_department(page.book, which)
    title = words("complaints.departments")

    def name(key: Any) -> str:
        return str(key) or words("card.none")

    with card(
        words, "complaint_departments", title, words("complaints.departments_subtitle"), frame
    ):
        if frame.empty:
            _missing(page, "complaints.nothing")
            return
        _stacks(
            page,
            _with_outcomes(page, frame.head(MOST_ROWS), name),
            _OUTCOMES,
            "complaint_departments_chart",
            title,
            lambda key, outcome: which.but(department=str(key), outcomes=(outcome,)),
            name,
        )
        if len(frame) > MOST_ROWS:
            st.caption(words("complaints.most", n=MOST_ROWS, all=len(frame)))


def promises(page: Page) -> None:
    """The clauses about complaints, with their verdicts; one opens its rows."""
    words = page.words
    frame = complaints.promises(page.book, page.selection)
    subtitle = words("complaints.promises_subtitle")
    with card(words, "complaint_clauses", words("complaints.promises"), subtitle, frame):
        picked = clauses.table(page, frame, drawer.numbered("complaint_clauses"))
        if picked is not None:
            clause = picked[1]
            title = catalogue().clauses[clause].title.get(words.language)
            drawer.rows(title, page.selection.but(clauses=(clause,)))


def every(page: Page) -> None:
    """All complaints in view, the open ones first; one opens its rounds."""
    words, which = page.words, complaints.of(page.selection)
    count = complaints.count(page.book, which)
    with card(words, "complaints", words("complaints.table"), words("complaints.table_subtitle")):
        if not count:
            _missing(page, "complaints.nothing")
            return
        complaints_opened.paged(page, which, drawer.numbered("complaints"), _open)


def _open(complaint_id: str) -> None:
    aside.open_with(complaint_id, complaints_opened.one, complaint_id)
