"""Refused rows, grouped by cause: words to translate, cells to mend, a file to take along."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape

import pandas as pd
import streamlit as st

from dashboard.components.card import card
from dashboard.components.obligations import choice
from dashboard.intake import Intake
from dashboard.page import Desk
from dashboard.texts import Words
from etl.catalogue import Column
from etl.intake.check import Reject
from etl.intake.preview import Cause, Preview, Sheet
from etl.report import rejects_as_csv

SHOWN = 100
_CHOICES = ("choice", "choices")


def cards(desk: Desk, intake: Intake, preview: Preview) -> None:
    """Draw a card for each file or sheet that has refused rows."""
    for number, sheet in enumerate(preview.sheets):
        for column, counted in sheet.loaded.unread.items():
            _unread(desk, intake, sheet, sheet.log.columns[column], counted, number)
        if sheet.rejects:
            _card(desk, intake, sheet, number)


def _unread(
    desk: Desk,
    intake: Intake,
    sheet: Sheet,
    column: Column,
    counted: Mapping[str, int],
    number: int,
) -> None:
    """Words that nobody translated, in rows that are taken all the same."""
    words = desk.words
    label = column.label.get(words.language)
    with card(
        words,
        f"unread_{number}_{column.name}",
        words("data.unread", column=label, file=sheet.loaded.place),
        words("data.unread_sub"),
    ):
        _translate(words, intake, sheet, column, counted, number)


def _card(desk: Desk, intake: Intake, sheet: Sheet, number: int) -> None:
    words = desk.words
    fixed = intake.fixes.get(_place(sheet), {})
    causes = sheet.causes(but=fixed)
    with card(
        words,
        f"problems_{number}",
        words("data.problems", n=words.number(len(sheet.rejects)), file=sheet.loaded.place),
        words("data.problems_sub"),
    ):
        st.html(
            "".join(
                f"<div class='kept-cause'><b>{words.number(cause.count)}</b> "
                f"{escape(cause.text(sheet.log, words.language))}</div>"
                for cause in causes[:SHOWN]
            )
        )
        with st.container(horizontal=True, vertical_alignment="center", key=f"prob_row_{number}"):
            st.download_button(
                words("data.rejects_download"),
                data=lambda: rejects_as_csv(
                    sheet.log, sheet.prepared.headers, sheet.rejects, sheet.marks()
                ),
                file_name=f"{sheet.loaded.place}.rejects.csv",
                mime="text/csv",
                key=f"data_rejects_file_{number}",
                on_click="ignore",
                icon=":material/download:",
            )
            if fixed:
                st.html(
                    f"<span class='kept-pill good'>"
                    f"{escape(words('data.fixed', n=words.number(len(fixed))))}</span>"
                )
        if not causes:
            return
        with st.expander(words("data.mend"), key=f"mend_{number}"):
            _mend(words, intake, sheet, causes, number)


def _mend(words: Words, intake: Intake, sheet: Sheet, causes: Sequence[Cause], number: int) -> None:
    place = st.selectbox(
        words("data.cause"),
        range(len(causes)),
        format_func=lambda i: (
            f"{causes[i].text(sheet.log, words.language)} ({words.number(causes[i].count)})"
        ),
        key=f"cause_{number}",
    )
    cause = causes[place or 0]
    column = sheet.log.columns[cause.column] if cause.column else None
    if column is not None and column.type in _CHOICES and cause.code.startswith("not_a_"):
        counted: dict[str, int] = {}
        for reject in sheet.refused(cause):
            for problem in reject.problems:
                if (problem.code, problem.column) == (cause.code, cause.column) and problem.value:
                    counted[problem.value] = counted.get(problem.value, 0) + 1
        _translate(words, intake, sheet, column, counted, number)
    _cells(words, intake, sheet, cause, number)


def _translate(
    words: Words,
    intake: Intake,
    sheet: Sheet,
    column: Column,
    counted: Mapping[str, int],
    number: int,
) -> None:
    """Words that no choice has, each given its meaning: for this file, and others like it."""
    codes = list(column.choices or {})
    labels = [choice(words.language, column.name, code, sheet.log.name) for code in codes]
    values = sorted(counted, key=lambda value: -counted[value])[:SHOWN]
    st.html(f"<div class='kept-sub'>{escape(words('data.translate'))}</div>")
    edited = st.data_editor(
        pd.DataFrame(
            {
                "value": values,
                "rows": [counted[value] for value in values],
                "means": [None for _ in values],
            }
        ),
        key=f"translate_{number}_{column.name}_{abs(hash(tuple(values)))}",
        hide_index=True,
        num_rows="fixed",
        disabled=["value", "rows"],
        column_config={
            "value": words("data.value"),
            "rows": words("data.rows_column"),
            "means": st.column_config.SelectboxColumn(words("data.means"), options=labels),
        },
    )
    meanings = {
        str(row["value"]): codes[labels.index(str(row["means"]))]
        for row in edited.to_dict("records")
        if row["means"] in labels
    }
    if st.button(
        words("data.take_over"), key=f"translate_go_{number}_{column.name}", disabled=not meanings
    ):
        candidate = next(one for one in intake.candidates if one.place == _place(sheet))
        assert candidate.proposal is not None
        mapping = candidate.proposal.mapping
        known = dict(mapping.translations.get(column.name, {}))
        candidate.choose(
            replace(
                mapping,
                translations={**mapping.translations, column.name: {**known, **meanings}},
            )
        )
        intake.look()
        st.rerun()


def _cells(words: Words, intake: Intake, sheet: Sheet, cause: Cause, number: int) -> None:
    """The refused rows of a cause as they came, to be mended in place."""
    headers = list(sheet.prepared.headers)
    fixed = intake.fixes.get(_place(sheet), {})
    rejects = [one for one in sheet.refused(cause) if one.source_row not in fixed][:SHOWN]
    shown = _table(words, headers, rejects)
    st.html(f"<div class='kept-sub'>{escape(words('data.cells'))}</div>")
    first = _header_of(sheet, cause)
    order = [words("data.row")]
    if first is not None and first in shown.columns:
        order.append(first)
    order += [name for name in shown.columns if name not in order]
    edited = st.data_editor(
        shown,
        key=f"cells_{number}_{cause.code}_{cause.column}",
        hide_index=True,
        num_rows="fixed",
        height="content" if len(shown) <= 12 else 460,
        disabled=[words("data.row")],
        column_order=order,
        placeholder="",
    )
    changed = {
        reject.source_row: [None if pd.isna(cell) else str(cell) for cell in row[1:]]
        for reject, row, before in zip(
            rejects,
            edited.itertuples(index=False, name=None),
            shown.itertuples(index=False, name=None),
            strict=True,
        )
        if row != before
    }
    if st.button(
        words("data.check_cells", n=words.number(len(changed))),
        key=f"cells_go_{number}",
        disabled=not changed,
        icon=":material/rule:",
    ):
        found = intake.correct(sheet, changed)
        for source_row, problems in found.refused.items():
            why = "; ".join(p.text(sheet.log, words.language) for p in problems)
            st.html(
                f"<p class='kept-refusal warn'>"
                f"{escape(words('data.still', row=source_row, why=why))}</p>"
            )
        if found.good and not found.refused:
            intake.look()
            st.rerun()
    if intake.fixes.get(_place(sheet)) and st.button(
        words("data.use_fixes"), key=f"fixes_go_{number}", type="primary"
    ):
        intake.look()
        st.rerun()


def _table(words: Words, headers: Sequence[str], rejects: Sequence[Reject]) -> pd.DataFrame:
    names: list[str] = []
    for position, header in enumerate(headers):
        name = header.strip() or f"({position + 1})"
        names.append(name if name not in names else f"{name} ({position + 1})")
    rows = [[one.source_row, *_padded(one.cells, len(headers))] for one in rejects]
    return pd.DataFrame(rows, columns=[words("data.row"), *names])


def _padded(cells: Sequence[str | None], width: int) -> list[str]:
    padded = [*cells[:width], *[None] * (width - len(cells))]
    return ["" if cell is None else cell for cell in padded]


def _header_of(sheet: Sheet, cause: Cause) -> str | None:
    checked = sheet.prepared.checked
    position = checked.match.columns.get(cause.column or "") if checked else None
    return None if position is None else sheet.prepared.headers[position].strip()


def _place(sheet: Sheet) -> str:
    checked = sheet.prepared.checked
    assert checked is not None
    return checked.match.table.place
