"""Grids: what is in a cell, in which colours, and what it says when pointed at."""

import pandas as pd

from dashboard.charts import grids
from dashboard.theme import DARK, LIGHT

MONTHS = [("2026-01", "Jan<br>2026"), ("2026-02", "Feb")]
WARDS = [("A&B", "A&B", ""), ("ICU", "ICU", "C-1")]
GLYPHS = {"met": ("✓", "plain"), "breached": ("✕", "strong"), "excluded": ("–", "quiet")}


def rated(*cells):
    return pd.DataFrame(
        [
            (row, column, rate, f"<b>{row.replace('&', '&amp;')}</b> · x<br>{rate}")
            for row, column, rate in cells
        ],
        columns=["row", "column", "rate", "hover"],
    )


def heat(*cells, palette=LIGHT, text=None):
    return grids.heat(rated(*cells), palette, rows=WARDS, columns=MONTHS, target=0.9, text=text)


def test_a_cell_is_the_redder_the_further_it_is_below_its_target():
    cells = (
        ("A&B", "2026-01", 0.9),
        ("A&B", "2026-02", 0.89),
        ("ICU", "2026-01", 0.5),
        ("ICU", "2026-02", None),
        ("elsewhere", "2026-01", 0.95),
    )
    for palette in (LIGHT, DARK):
        met, short, worst = heat(*cells, palette=palette).cells

        assert met[:2] == (0, 0) and short[:2] == (0, 1) and worst[:2] == (1, 0)
        assert worst[2] == grids.paint(palette, "strong")[0] != short[2] != met[2]
        assert worst[3] == grids.paint(palette, "strong")[1] != short[3] == palette.text


def test_a_cell_says_plain_lines_and_hands_on_its_key():
    grid = heat(("A&B", "2026-02", 1.0), text=lambda one: f"{one['rate']:.0%}")

    (cell,) = grid.cells
    assert cell[4:] == ("100%", ["A&B · x", "1.0"], ["A&B", "2026-02"])
    assert grid.rows == [("A&B", ""), ("ICU", "C-1")]
    assert grid.columns == [["Jan", "2026"], ["Feb"]]
    assert grid.height == grids.heat_height(2)


def test_a_column_is_never_narrower_than_what_stands_in_it():
    wide = heat(("ICU", "2026-01", 1.0), text=lambda _: "1,039 / 1,068")
    narrow = heat(("ICU", "2026-01", 1.0), text=lambda _: "1")

    assert wide.narrowest > 2 * narrow.narrowest
    assert narrow.narrowest > 0


def test_a_mark_is_its_glyph_or_its_text_on_its_paint():
    frame = rated(("ICU", "2026-01", 0), ("ICU", "2026-02", 0), ("A&B", "2026-01", 0)).assign(
        mark=["met", "breached", "excluded"], text=["", "0 / 6", ""], key=[["k", 1]] * 3
    )
    grid = grids.marks(frame, LIGHT, rows=WARDS, columns=MONTHS, glyphs=GLYPHS)

    assert [cell[4] for cell in grid.cells] == ["✓", "0 / 6", "–"]
    assert [cell[2:4] for cell in grid.cells] == [
        grids.paint(LIGHT, paint) for paint in ("plain", "strong", "quiet")
    ]
    assert [cell[6] for cell in grid.cells] == [["k", 1]] * 3
