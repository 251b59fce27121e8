"""Grids: colours in cells of rows and columns, each cell with what it says when pointed at.

They are tables, not figures: reached by keyboard, read aloud, and drawn in a tenth of the time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from dashboard.charts.margins import plain, widest
from dashboard.theme import Palette, blend

# Heights in pixels, as grid.css and grid.js have them.
_ROW, _LINE, _HEAD = 30, 15, 8
_MOST_BELOW = 12
"""With more rows the names of the columns stand above them."""

Row = tuple[Any, str, str]
"""The key of a row, its name, and what stands beside the name in a fainter colour."""


@dataclass(frozen=True)
class Grid:
    """What the browser is sent.

    `rows` are names with what stands beside them, `columns` the lines of their names; a cell is its
    row, its column, fill, ink, text, the lines of what it says, and its key. `empty` fills what has
    no cell; `latest` says that the last columns come into view first.
    """

    rows: list[tuple[str, str]]
    columns: list[list[str]]
    cells: list[tuple[int, int, str, str, str, list[str], Any]]
    empty: str
    above: bool
    latest: bool

    @property
    def height(self) -> int:
        """In pixels, known beforehand so that nothing moves."""
        lines = max((len(column) for column in self.columns), default=0)
        return _ROW * len(self.rows) + _LINE * lines + _HEAD

    @cached_property
    def narrowest(self) -> int:
        """How narrow a column may become, in pixels: what stands in its cells is never cut off."""
        names = [column[0] for column in self.columns]
        wide = max(widest(cell[4] for cell in self.cells), widest(names) if all(names) else 0)
        return round(wide) + 4 if wide else 0

    @property
    def sent(self) -> dict[str, Any]:
        """What draws it."""
        return {
            "rows": self.rows,
            "columns": self.columns,
            "cells": self.cells,
            "empty": self.empty,
            "above": self.above,
            "latest": self.latest,
            "narrowest": self.narrowest,
        }


def heat_height(rows: int) -> int:
    """The height of `heat` with so many rows, its columns being months."""
    return _ROW * rows + 2 * _LINE + _HEAD


def heat(
    frame: pd.DataFrame,
    palette: Palette,
    *,
    rows: Sequence[Row],
    columns: Sequence[tuple[Any, str]],
    target: float,
    text: Callable[[Any], str] | None,
) -> Grid:
    """Rates in cells: blue at or above the target, the redder the further below.

    Takes row, column, rate, hover; `rows` and `columns` are keys with their names in order.
    """
    rates = frame[frame["rate"].notna()]
    span = max(0.04, target - min(map(float, rates["rate"]), default=target))
    light = palette.mode == "light"
    good = blend(palette.card, palette.accent, 0.14 if light else 0.24)
    faint = blend(palette.card, palette.bad.line, 0.2 if light else 0.3)

    def painted(one: Mapping[Any, Any]) -> tuple[str, str]:
        depth = min(1.0, (target - float(one["rate"])) / span)
        if depth <= 0:
            return good, palette.text
        return blend(faint, palette.bad.line, depth), _ink(palette, depth)

    return _grid(
        rates,
        rows,
        columns,
        painted,
        text or (lambda _: ""),
        lambda one: [one["row"], one["column"]],
        palette.grid,
    )


def marks(
    frame: pd.DataFrame,
    palette: Palette,
    *,
    rows: Sequence[Row],
    columns: Sequence[tuple[Any, str]],
    glyphs: Mapping[str, tuple[str, str]],
    latest: bool = True,
) -> Grid:
    """One glyph and tint per cell.

    Takes row, column, mark, hover, key (a list) and, where a cell says more than its glyph, text;
    `glyphs` maps each mark to its glyph and its paint: see `paint`. `rows` and `columns` are keys
    with their names in order.
    """
    paints = {mark: paint(palette, name) for mark, (_, name) in glyphs.items()}
    return _grid(
        frame,
        rows,
        columns,
        lambda one: paints[one["mark"]],
        lambda one: one.get("text") or glyphs[one["mark"]][0],
        lambda one: list(one["key"]),
        "transparent",
        latest=latest,
    )


def paint(palette: Palette, name: str) -> tuple[str, str]:
    """The fill and the ink of a cell: plain, strong (a breach), empty, or a tone of the palette."""
    light = palette.mode == "light"
    if name == "plain":
        return blend(palette.card, palette.accent, 0.1 if light else 0.18), palette.accent
    if name == "strong":
        return palette.bad.line, _ink(palette, 1)
    if name == "empty":
        return palette.grid, palette.muted
    tone = palette.tone(name)
    return tone.tint, tone.text


def _ink(palette: Palette, depth: float) -> str:
    if palette.mode == "light":
        return "#ffffff" if depth > 0.75 else palette.text
    return "#14181f" if depth > 0.75 else palette.text


def _grid(
    frame: pd.DataFrame,
    rows: Sequence[Row],
    columns: Sequence[tuple[Any, str]],
    painted: Callable[[Mapping[Any, Any]], tuple[str, str]],
    text: Callable[[Mapping[Any, Any]], str],
    key: Callable[[Mapping[Any, Any]], Any],
    empty: str,
    *,
    latest: bool = True,
) -> Grid:
    at_row = {one: y for y, (one, *_) in enumerate(rows)}
    at_column = {one: x for x, (one, _) in enumerate(columns)}
    return Grid(
        rows=[(name, beside) for _, name, beside in rows],
        columns=[plain(name) for _, name in columns],
        cells=[
            (at_row[one["row"]], at_column[one["column"]], *painted(one), text(one),
             plain(one["hover"]), key(one))
            for one in frame.to_dict("records")
            if one["row"] in at_row and one["column"] in at_column
        ],
        empty=empty,
        above=len(rows) > _MOST_BELOW,
        latest=latest,
    )  # fmt: skip
