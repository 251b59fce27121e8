"""Ids that a workbook holds as a date, a time or a truth value: what they were is lost."""

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from etl.intake.read.merged import Fill
from etl.intake.read.odd_cells import DAMAGED, HeldKinds
from etl.intake.read.parts import pieces
from etl.intake.read.styles import Styles

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)?"
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
_TRUTH = "true|false"


def marked(
    batch: Any, ids: Collection[int], fill: Fill, path: Path, part: str | None, styles: Styles
) -> Any:
    """The sheet where the cells of `ids` that hold no text and no number say so.

    `part` is the sheet's XML. Of a workbook without, a text that looks as such a cell is written
    counts as one.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    looks = f"^(?:{_DATE}|{_TIME}|{_TRUTH}{'|[0-9.]+' if styles.hidden_dates else ''})$"
    suspects = {
        position: rows
        for position in ids
        if position < batch.num_columns
        and len(rows := pc.indices_nonzero(pc.match_substring_regex(batch.column(position), looks)))
    }
    if not suspects:
        return batch
    kinds = None
    if part is not None:
        columns = frozenset(position + fill.first for position in suspects)
        kinds = HeldKinds(styles, columns)
        with zipfile.ZipFile(path) as archive:
            for piece in pieces(archive, part):
                kinds.feed(piece)
        kinds.finish()
    for position, rows in suspects.items():
        texts = batch.column(position).to_pylist()
        for row in rows.to_pylist():
            place = (fill.origin(position, row), position + fill.first)
            kind = kinds.kinds.get(place, "") if kinds else _kind_by_look(texts[row])
            texts[row] = f"{kind}{texts[row]}"
        column = pa.array(texts, pa.string())
        batch = batch.set_column(position, batch.schema.field(position), column)
    return batch


def _kind_by_look(text: str) -> str:
    date, time, boolean = DAMAGED
    if text in _TRUTH.split("|"):
        return boolean
    return date if text[4:5] == "-" else time
