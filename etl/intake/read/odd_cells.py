"""What the XML of an XLSX sheet says that no reader of its values tells.

A formula that was never computed has no value, yet is not empty. A number of more than 15 digits
has lost its last ones: as an id it is another than the one that was meant. A number shown by the
format 00000 or "GD-"0000 is an id whose zeros and letters are in the format alone. A number is
shown with 15 significant digits, whatever stands in the file. A date shown without a time is a
day; one shown with 00:00 is an instant. A merged range holds its value in the first cell only.
"""

import re
import struct
from array import array
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from functools import cache

from etl.intake.read.styles import Styles

UNCALCULATED = "#UNCALCULATED!"
# Before the text of a cell that holds a date, a time or a truth value where an id should be.
DAMAGED = ("#DATE!", "#TIME!", "#BOOLEAN!")
# Before a number that is merged over several rows.
MERGED = "#MERGED!"
# A range is a tuple: first row, last row, first column, last column, counted from 0.
Range = tuple[int, int, int, int]
_MOST_RANGES = 1_000_000
# A set of styles larger than this is not looked for by name.
_MOST_STYLES = 300
_LARGEST_CELL = 40_000
# From here on a number has more than 15 digits before its point.
EXACT = 1e15

_N = r"(?:[\w.\-]+:)?"
_AFTER_FORMULA = rf"(?:<{_N}f\b(?:[^<>]*/>|[^<>]*>[^<]*</{_N}f>))?<{_N}v>"
_FORMULA = re.compile(
    rf"<{_N}c\b([^<>]*)><{_N}f\b(?:[^<>]*/>|[^<>]*>[^<]*</{_N}f>)"
    rf"(?:<{_N}v\s*/>|<{_N}v></{_N}v>)?</{_N}c>".encode()
)
_LONG = r"(?:[0-9]{16,}|[0-9.]+[eE]\+?(?:1[5-9]|[2-9][0-9]))"
# What calamine writes with nine decimals, other than a spreadsheet shows it.
_FRACTION = r"-?(?:[0-9]+\.[0-9]{6,}|[0-9]{7,}\.[0-9]+|[0-9.]+[eE][-+]?[0-9]+)"
_RANGE = re.compile(
    rf"<{_N}mergeCell\b[^<>]*?\bref\s*=\s*[\"']"
    r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7}):\$?([A-Za-z]{1,3})\$?([0-9]{1,7})[\"']".encode()
)
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{1,3})([0-9]{1,7})[\"']")
_TYPE = re.compile(rb"\bt\s*=\s*[\"'](\w+)[\"']")
_STYLE = re.compile(rb"\bs\s*=\s*[\"']([0-9]+)[\"']")

Search = tuple[Callable[[bytes], bool], "re.Pattern[bytes]", Callable[["re.Match[bytes]"], None]]


class Scan:
    """Searches of a sheet's XML, which comes in pieces; each cell is looked at once, whole."""

    def __init__(self, searches: Sequence[Search]) -> None:
        self._searches = searches
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        """Takes the next piece."""
        block = self._rest + piece
        start = block.rfind(b"<", 0, max(block.rfind(b"<c "), block.rfind(b":c ")) + 1)
        if start < 0 or len(block) - start > _LARGEST_CELL:
            start = max(block.rfind(b"<"), 0)
        self._look(block[:start])
        self._rest = block[start:]

    def finish(self) -> None:
        """Takes what is left at the end of the sheet."""
        self._look(self._rest)
        self._rest = b""

    def _look(self, block: bytes) -> None:
        for is_there, pattern, take in self._searches:
            if is_there(block):
                for found in pattern.finditer(block):
                    take(found)


class OddCells(Scan):
    """The odd cells of one sheet, by column and row as `Range` counts them.

    texts    column → row → what to read in its stead
    rounded  column → how many numbers have more than 15 digits in the file
    merged   the merged ranges
    """

    def __init__(self, styles: Styles) -> None:
        self.texts: dict[int, dict[int, str]] = {}
        self.rounded: dict[int, int] = {}
        self.merged: set[Range] = set()
        self._styles = styles
        number = _of_style(styles.others, f"{_AFTER_FORMULA}{_FRACTION}<")
        searches: list[Search] = [
            (matches(r"[<:]f[ />]"), _FORMULA, self._formula),
            (matches(f"v>{_LONG}<"), _cell_with(f"({_LONG})"), self._long),
            (matches(number), _cell_with(f"({_FRACTION})"), self._number),
            (matches("mergeCell "), _RANGE, self._range),
        ]
        if styles.ids:
            searches.append(_of(styles.ids, "[0-9]{1,15}", self._id))
        super().__init__(searches)

    def _formula(self, found: "re.Match[bytes]") -> None:
        kind = _TYPE.search(found[1])
        # A formula whose value is the empty text says that its value is a text.
        if kind is None or kind[1] != b"str":
            self._note(found[1], UNCALCULATED)

    def _long(self, found: "re.Match[bytes]") -> None:
        if _is_number(found[1]):
            self._note(found[1], f"{float(found[2]):.14E}")

    def _number(self, found: "re.Match[bytes]") -> None:
        style = _STYLE.search(found[1])
        written = found[2].decode()
        value = float(written)
        is_date = style is not None and style[1] in self._styles.dates
        if is_date or abs(value) >= EXACT or not _is_number(found[1]):
            return
        text = shown(value)
        if Decimal(written) != Decimal(text) and (place := _place(found[1])):
            self.rounded[place[1]] = self.rounded.get(place[1], 0) + 1
        self._note(found[1], text)

    def _id(self, found: "re.Match[bytes]") -> None:
        tag = _tag(found)
        if found[1] in self._styles.ids and _is_number(tag):
            letters, width = self._styles.ids[found[1]]
            self._note(tag, letters + found[2].decode().zfill(width))

    def _range(self, found: "re.Match[bytes]") -> None:
        first, last = int(found[2]) - 1, int(found[4]) - 1
        left, right = column_of(found[1]), column_of(found[3])
        if len(self.merged) >= _MOST_RANGES:
            raise ValueError(f"more than {_MOST_RANGES:,} merged ranges")
        self.merged.add((min(first, last), max(first, last), min(left, right), max(left, right)))

    def _note(self, tag: bytes, text: str) -> None:
        if place := _place(tag):
            self.texts.setdefault(place[1], {})[place[0]] = text


class ShownDays(Scan):
    """The cells that show a date without a time: `days`, column → rows."""

    def __init__(self, styles: Styles) -> None:
        self.days: dict[int, array[int]] = {}
        self._styles = styles
        super().__init__([_of(styles.days, "[0-9]+", self._day)] if styles.days else [])

    def _day(self, found: "re.Match[bytes]") -> None:
        # Of many cells, so in few steps: whether it is a date at all, its text will tell.
        block, start = found.string, found.start()
        place = _PLACE.search(block, block.rfind(b"<", 0, start), found.end())
        if place and found[1] in self._styles.days:
            column = column_of(place[1])
            if column not in self.days:
                self.days[column] = array("l")
            self.days[column].append(int(place[2]) - 1)


class HeldKinds(Scan):
    """The cells of some columns that hold a date, a time or a truth value.

    `kinds`: row and column → the one of `DAMAGED` that says so.
    """

    def __init__(self, styles: Styles, columns: frozenset[int]) -> None:
        self.kinds: dict[tuple[int, int], str] = {}
        self._columns, self._styles = columns, styles
        typed = r"\bt\s*=\s*[\"'][bd][\"']"
        searches: list[Search] = [(matches(typed), re.compile(typed.encode()), self._typed)]
        if styles.dates:
            searches.append(_of(styles.dates, "[^<]*", self._styled))
        super().__init__(searches)

    def _typed(self, found: "re.Match[bytes]") -> None:
        self._note(_tag(found), DAMAGED[2] if b"b" in found[0] else DAMAGED[0])

    def _styled(self, found: "re.Match[bytes]") -> None:
        tag = _tag(found)
        if found[1] in self._styles.dates and _is_number(tag):
            self._note(tag, DAMAGED[found[1] in self._styles.times])

    def _note(self, tag: bytes, kind: str) -> None:
        place = _place(tag)
        if place and place[1] in self._columns:
            self.kinds[place] = kind


def shown(value: float) -> str:
    """A number with 15 significant digits, as a spreadsheet shows it at full precision."""
    digits = Decimal(f"{value:.15g}")
    return format(digits, "f") if -20 < digits.adjusted() < 20 else str(digits)


@cache
def column_of(letters: bytes) -> int:
    """The column of these letters, counted from 0."""
    column = 0
    for letter in letters.upper():
        column = column * 26 + letter - 64
    return column - 1


def _place(tag: bytes) -> tuple[int, int] | None:
    """Row and column of a cell."""
    place = _PLACE.search(tag)
    return (int(place[2]) - 1, column_of(place[1])) if place else None


def _is_number(tag: bytes) -> bool:
    kind = _TYPE.search(tag)
    return kind is None or kind[1] == b"n"


def _tag(found: "re.Match[bytes]") -> bytes:
    """The tag in which a match begins."""
    block, start = found.string, found.start()
    return block[block.rfind(b"<", 0, start) : block.find(b">", start)]


def _cell_with(value: str) -> "re.Pattern[bytes]":
    return re.compile(rf"<{_N}c\b([^<>]*)>{_AFTER_FORMULA}{value}</".encode())


def _of(styles: Collection[bytes], value: str, take: Callable[["re.Match[bytes]"], None]) -> Search:
    """The search for cells of these styles, each from its style on.

    It begins with a letter that few cells have, so that looking through a whole piece is quick.
    """
    pattern = rf"s\s*=\s*[\"']({_names(styles)})[\"'][^<>]*>{_AFTER_FORMULA}({value})</"
    return matches(pattern), re.compile(pattern.encode()), take


def _names(styles: Collection[bytes]) -> str:
    """A pattern for the numbers of some styles; of all where these are too many to be named."""
    if len(styles) > _MOST_STYLES:
        return "[0-9]+"
    return "|".join(sorted(style.decode() for style in styles)) or "0"


def _of_style(styles: frozenset[bytes], then: str) -> str:
    """A pattern for a cell that has one of these styles, or says none."""
    other = r"[A-Za-rt-z][\w:]*\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*')"
    return rf"<{_N}c\b(?:\s+(?:{other}|s\s*=\s*[\"'](?:{_names(styles)})[\"']))*\s*>{then}"


def matches(pattern: str) -> Callable[[bytes], bool]:
    """Whether a piece has a match; Arrow's engine looks at a gigabyte in a second."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def found(block: bytes) -> bool:
        sizes = pa.py_buffer(struct.pack("=ii", 0, len(block)))
        array = pa.Array.from_buffers(pa.binary(), 1, [None, sizes, pa.py_buffer(block)])
        return bool(pc.match_substring_regex(array, pattern=pattern)[0].as_py())

    return found
