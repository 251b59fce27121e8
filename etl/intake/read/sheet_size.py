"""How many cells the grid of a sheet has, from its XML: calamine makes all of them at once."""

import re

from etl.intake.read.odd_cells import column_of, matches

_N = rb"(?:[\w.\-]+:)?"
_REFERENCE = rb"\br\s*=\s*[\"']"
_CELL = re.compile(rb"<" + _N + rb"c\b[^<>]*?" + _REFERENCE + rb"([A-Za-z]{1,3})([0-9]{1,9})[\"']")
_ROW = re.compile(rb"row\b[^<>]*?" + _REFERENCE + rb"([0-9]{1,9})[\"']")
_UNPLACED = re.compile(rb"<" + _N + rb"(row|c)\b(?![^<>]*" + _REFERENCE + rb")")
_OTHER = r"(?:[A-Za-qs-z]|r[\w:])[\w:.\-]*\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*')"
_UNPLACED_QUICK = rf"<(?:[\w.\-]+:)?(?:row|c)(?:\s+{_OTHER})*\s*/?>"
_CARRIED = 400


class SheetSize:
    """Rows and columns of a sheet, up to the last that any cell or row is said to be in.

    A cell or row without a place of its own counts as one after the other.
    """

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self._unplaced_rows = self._in_row = 0
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        """Takes the next piece of the sheet's XML."""
        block = self._rest + piece
        self.rows = max(self.rows, *map(int, _ROW.findall(block)), 0)
        if matches(self._beyond())(block):
            cells = _CELL.findall(block)
            self.columns = max(self.columns, *(column_of(one) + 1 for one, _ in cells), 0)
            self.rows = max(self.rows, *(int(row) for _, row in cells), 0)
            self._count_unplaced(block)
        self._rest = block[-_CARRIED:]

    def _beyond(self) -> str:
        """A pattern for a cell right of or below all that were seen, or without a place."""
        right, below = _letters_beyond(self.columns), _numbers_beyond(self.rows)
        placed = rf"[\"'](?:(?:{right})[0-9]{{1,9}}|[A-Za-z]{{1,3}}(?:{below}))[\"']"
        return f"{placed}|{_UNPLACED_QUICK}"

    def _count_unplaced(self, block: bytes) -> None:
        for found in _UNPLACED.finditer(block, len(self._rest)):
            if found[1] == b"row":
                self._unplaced_rows, self._in_row = self._unplaced_rows + 1, 0
            else:
                self._in_row += 1
                self.columns = max(self.columns, self._in_row)
        self.rows = max(self.rows, self._unplaced_rows)

    @property
    def cells(self) -> int:
        """Rows times columns, both from the first on."""
        return self.rows * self.columns


def _letters_beyond(columns: int) -> str:
    """A pattern for the letters of every column after the first so many."""
    letters = ""
    while columns:
        columns, last = divmod(columns - 1, 26)
        letters = chr(ord("A") + last) + letters
    return _beyond(letters, "A", "Z", most=3)


def _numbers_beyond(number: int) -> str:
    return _beyond(str(number), "0", "9", most=9)


def _beyond(text: str, lowest: str, highest: str, most: int) -> str:
    """A pattern for what comes after `text` among texts of these characters, longer ones last."""
    every = f"[{lowest}-{highest}]"
    found = [
        f"{text[:place]}[{chr(ord(character) + 1)}-{highest}]{every}{{{len(text) - place - 1}}}"
        for place, character in enumerate(text)
        if character < highest
    ]
    if len(text) < most:
        found.append(f"{every}{{{len(text) + 1},{most}}}")
    return "(?i:" + "|".join(found or ["[^\\x00-\\xff]"]) + ")"
