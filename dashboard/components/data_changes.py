"""What loading (or taking back) would change: rows, old beside new, and the clauses that move."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.components.card import card
from dashboard.components.obligations import choice
from dashboard.intake import Intake
from dashboard.page import Desk
from dashboard.texts import Words
from etl.catalogue import Log, catalogue
from etl.intake.check import exact
from etl.intake.differences import ChangedCell, Differences
from etl.intake.effect import Effect, Figures, Moved
from etl.intake.match import Note
from etl.intake.preview import Preview, Sheet
from etl.report import iso

KINDS = ("changed", "new", "unchanged", "superseded", "older")
PAGE = 200


def cards(desk: Desk, intake: Intake, preview: Preview) -> None:
    """Draw what committing the preview would change."""
    words = desk.words
    with card(words, "changes", words("data.changes"), words("data.changes_sub")):
        if preview.changes_nothing:
            st.html(
                f"<div class='kept-empty'><h2>{escape(words('data.nothing'))}</h2>"
                f"<p>{escape(words('data.nothing_sub'))}</p></div>"
            )
        _counts(words, preview.sheets, preview.remarks)
        if preview.skipped:
            said = words("data.skipped", names=words.listed(preview.skipped))
            st.html(f"<div class='kept-sub'>{escape(said)}</div>")
        chosen = 0
        if len(preview.sheets) > 1:
            chosen = st.selectbox(
                words("data.rows_of"),
                range(len(preview.sheets)),
                format_func=lambda i: place(words, preview.sheets[i]),
                key="data_rows_of",
                width=420,
            )
        sheet = preview.sheets[chosen or 0]
        rows(words, sheet.log, sheet.differences, f"sheet_{chosen}")
    if preview.effect is not None:
        effect_card(desk, preview.effect, "effect")


def place(words: Words, sheet: Sheet) -> str:
    """The file, and the sheet where there is one, or what a person stated beside the files."""
    return words("data.through") if sheet.prepared.path is None else sheet.loaded.place


def _counts(words: Words, sheets: Sequence[Sheet], remarks: Sequence[Note]) -> None:
    names = ("new", "changed", "unchanged", "superseded", "older", "rejected", "totals_rows")
    shown = pd.DataFrame(
        [
            {
                "file": place(words, sheet),
                "log": sheet.log.label.get(words.language),
                **{name: getattr(sheet.loaded, name) for name in names},
            }
            for sheet in sheets
        ]
    )
    for note in remarks:
        said = catalogue().message(note.code, words.language, **note.values)
        st.html(f"<p class='kept-refusal warn'>{escape(said)}</p>")
    dropped = [name for name in ("superseded", "older", "totals_rows") if not shown[name].any()]
    for sheet in sheets:
        for note in (*sheet.loaded.notes, *sheet.loaded.remarks):
            said = catalogue().message(note.code, words.language, **note.values)
            st.html(
                f"<p class='kept-refusal info'>{escape(place(words, sheet))}: {escape(said)}</p>"
            )
    st.dataframe(
        shown.drop(columns=dropped),
        hide_index=True,
        height="content" if len(shown) <= 16 else 560,
        alt=words("data.changes"),
        column_config={
            "file": st.column_config.TextColumn(words("data.file"), pinned=True),
            "log": words("data.log"),
            **{
                name: st.column_config.NumberColumn(
                    words(f"data.kind_{name}"), help=words(f"data.help_{name}")
                )
                for name in names
            },
        },
    )


def rows(words: Words, log: Log, differences: Differences, key: str, prefix: str = "kind") -> None:
    """Draw the rows of a file by kind, a page at a time; of changed ones old beside new."""
    counts = differences.counts()
    kinds = [kind for kind in KINDS if counts[kind]]
    if not kinds:
        return
    kind = st.segmented_control(
        words("data.kinds"),
        kinds,
        format_func=lambda one: f"{words(f'data.{prefix}_{one}')} {words.number(counts[one])}",
        key=f"kind_{key}",
        default=kinds[0],
        required=True,
        label_visibility="collapsed",
    )
    skip = 0
    if counts[kind] > PAGE:
        pages = -(-counts[kind] // PAGE)
        page = st.number_input(
            words("data.page", n=words.number(pages)),
            min_value=1,
            max_value=pages,
            key=f"page_{key}_{kind}",
            width=160,
        )
        skip = (int(page) - 1) * PAGE
    if kind == "changed":
        cells = list(differences.cells(skip, PAGE))
        shown = _changed(words, log, cells)
        alike = min(PAGE, counts[kind] - skip) - len({cell.source_row for cell in cells})
        if alike:
            st.caption(words("data.only_recorded", n=words.number(alike)))
    else:
        shown = _whole(words, log, differences, kind, skip)
    st.dataframe(
        shown,
        key=f"rows_{key}_{kind}",
        hide_index=True,
        height="content" if len(shown) <= 12 else 440,
        placeholder="",
        alt=words("data.rows_table"),
    )


def _changed(words: Words, log: Log, cells: Sequence[ChangedCell]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            words("data.row"): [cell.source_row for cell in cells],
            words("data.key"): [" · ".join(map(str, cell.key)) for cell in cells],
            words("data.column"): [
                log.columns[cell.column].label.get(words.language) for cell in cells
            ],
            words("data.was"): [value(words, log, cell.column, cell.was) for cell in cells],
            words("data.now"): [value(words, log, cell.column, cell.now) for cell in cells],
        }
    )


def _whole(words: Words, log: Log, differences: Differences, kind: str, skip: int) -> pd.DataFrame:
    found = differences.page(kind, skip, PAGE)
    filled = [name for name in log.columns if any(row[name] is not None for row in found)]
    return pd.DataFrame(
        {
            words("data.row"): [row["source_row"] for row in found],
            **{
                log.columns[name].label.get(words.language): [
                    value(words, log, name, row[name]) for row in found
                ]
                for name in filled
            },
        }
    )


def value(words: Words, log: Log, column: str, found: Any) -> str:
    """A value of a log as people read it."""
    if found is None:
        return ""
    if isinstance(found, bool):
        return words("data.yes" if found else "data.no")
    if isinstance(found, Decimal):
        return exact(found)
    if log.columns[column].choices:
        return words.listed(
            choice(words.language, column, code, log.name) for code in str(found).split(";")
        )
    return str(iso(found)).replace("T", " ") if not isinstance(found, str) else found


def effect_card(desk: Desk, effect: Effect, key: str) -> None:
    """Draw the clauses whose rates or verdicts would move, and what would count nowhere."""
    words = desk.words
    turning = sum(one.turns for one in effect.clauses)
    with card(
        words,
        key,
        words("data.effect"),
        words("data.effect_sub", n=len(effect.clauses), turning=turning),
    ):
        pills = []
        if effect.as_of_moves:
            pills.append(
                words(
                    "data.as_of_moves",
                    was=words.instant(effect.was.as_of),
                    now=words.instant(effect.now.as_of),
                )
            )
        pills.append(
            words(
                "data.waiting_moves",
                was=sum((effect.was.waiting or {}).values()),
                now=sum((effect.now.waiting or {}).values()),
            )
        )
        pills.append(words("data.rejected_moves", was=effect.was.rejected, now=effect.now.rejected))
        st.html("".join(f"<span class='kept-pill'>{escape(text)}</span>" for text in pills))
        if effect.clauses:
            _clauses(desk, effect.clauses, key)
        else:
            st.html(f"<div class='kept-nothing'>{escape(words('data.no_move'))}</div>")


def _clauses(desk: Desk, moved: Iterable[Moved], key: str) -> None:
    words, labels = desk.words, catalogue().verdicts
    ordered = sorted(moved, key=lambda one: (not one.turns, one.contract_id))
    shown = pd.DataFrame(
        {
            "clause": [
                catalogue().clauses[one.clause].title.get(words.language) for one in ordered
            ],
            "contract_id": [one.contract_id for one in ordered],
            "rate_was": [_rate(words, one.was) for one in ordered],
            "rate_now": [_rate(words, one.now) for one in ordered],
            "was": [labels[one.verdicts[0]].title.get(words.language) for one in ordered],
            "now": [labels[one.verdicts[1]].title.get(words.language) for one in ordered],
        }
    )
    tones = [[desk.palette.tone(verdict) for verdict in one.verdicts] for one in ordered]
    styled = shown.style
    for place, name in enumerate(("was", "now")):
        styled = styled.apply(
            lambda _, place=place: [
                f"background-color: {both[place].tint}; color: {both[place].text}" for both in tones
            ],
            subset=[name],
        )
    st.dataframe(
        styled,
        key=f"moved_{key}",
        hide_index=True,
        height="content" if len(shown) <= 12 else 440,
        alt=words("data.effect"),
        column_config={
            "clause": st.column_config.TextColumn(words("row.clause"), pinned=True),
            "contract_id": words("filter.contract"),
            "rate_was": words("data.rate_was"),
            "rate_now": words("data.rate_now"),
            "was": words("data.verdict_was"),
            "now": words("data.verdict_now"),
        },
    )


def _rate(words: Words, figures: Figures | None) -> str:
    """`19 / 20 95.0%`, and how many could not be decided."""
    if figures is None:
        return "—"
    due = figures["met"] + figures["breached"] + figures["unknown"]
    if not due:
        return "—"
    said = f"{words.counts(figures['met'], due)} · {words.percent(figures['met'], due)}"
    if figures["unknown"]:
        said += f" · {words('data.unknown', n=words.number(figures['unknown']))}"
    return said
