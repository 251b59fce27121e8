"""Ids that a workbook holds as a date, a time or a truth value: what they were is lost."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from etl.intake.read.merged import Fill
from etl.intake.read.odd_cells import DAMAGED

Kinds = Mapping[tuple[int, int], str]
"""Row and column of a cell → the one of `DAMAGED` that says what it holds."""

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)?"
_TIME = r"[0-9]{1,4}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
_TRUTH = "true|false"
_NUMBER = r"[0-9]{5}(?:\.[0-9]+)?"


def marked(
    fill: Fill,
    ids: Collection[int],
    kinds_of: Callable[[frozenset[int]], Kinds | None],
    hidden_dates: bool,
) -> Any:
    """The sheet where the cells of `ids` that hold no text and no number say so.

    `kinds_of` is asked where a cell looks as if; where it does not know, the look decides. With
    `hidden_dates` some dates look like numbers.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    batch = fill.batch
    looks = f"^(?:{_DATE}|{_TIME}|{_TRUTH}{f'|{_NUMBER}' if hidden_dates else ''})$"
    suspects = {
        position: rows
        for position in ids
        if position < batch.num_columns
        and len(rows := pc.indices_nonzero(pc.match_substring_regex(batch.column(position), looks)))
    }
    if not suspects:
        return batch
    kinds = kinds_of(frozenset(position + fill.first for position in suspects))
    for position, rows in suspects.items():
        texts = batch.column(position).to_pylist()
        for row in rows.to_pylist():
            place = (fill.origin(position, row), position + fill.first)
            kind = _kind_by_look(texts[row]) if kinds is None else kinds.get(place, "")
            texts[row] = f"{kind}{texts[row]}"
        column = pa.array(texts, pa.string())
        batch = batch.set_column(position, batch.schema.field(position), column)
    return batch


def _kind_by_look(text: str) -> str:
    date, time, boolean = DAMAGED
    if text in _TRUTH.split("|"):
        return boolean
    # A text may well be a date alone; a cell comes with a time.
    return "" if len(text) == len("2026-01-05") else date if text[4] == "-" else time
