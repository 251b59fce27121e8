"""Text in the cells of a workbook: it stays text, whatever it begins with."""

from typing import Any

from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell


def printable(said: str) -> str:
    """`said` with a mark in the place of what a workbook cannot hold."""
    return str(ILLEGAL_CHARACTERS_RE.sub("\ufffd", said))


def as_text(cell: Cell) -> Cell:
    """The cell, never a formula nor an error, whatever stands in it."""
    cell.data_type = "s"
    return cell


def text_cell(sheet: Any, said: str) -> Cell:
    """A cell with a text for a row of a sheet that is only written."""
    return as_text(WriteOnlyCell(sheet, value=printable(said)))
