"""How an XLSX shows its numbers: as dates with or without a time, or as ids of a fixed width."""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from etl.intake.read.parts import elements

# Formats that a workbook need not spell out; those from 27 on are of Chinese, Japanese and Korean.
_DAYS = {14, 15, 16, 17, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58}
_TIMES = {18, 19, 20, 21, 22, 32, 33, 34, 35, 45, 46, 47, 55, 56}
_UNKNOWN_TO_CALAMINE = {*range(27, 37), *range(50, 59)}
_FORMAT = re.compile(r"<(?:\w+:)?numFmt\b[^<>]*>")
_STYLE = re.compile(r"<(?:\w+:)?xf\b[^<>]*>")
_ID_FORMAT = re.compile(r"(?:\"([^\"]*[^\"\W][^\"]*)\")?(0{2,15})")
_LITERALS = re.compile(r"\"[^\"]*\"|\\.|[_*].|\[(?![hms]+\])[^\]]*\]")


@dataclass(frozen=True)
class Styles:
    """The cell styles of a workbook, each by its number as it stands in the sheets.

    `ids` show a number as an id: its letters, and how many digits; `days` show a date without a
    time, `times` a time, with a date or alone; `others` all else. `hidden_dates`: some of the
    dates are such that calamine takes them for numbers.
    """

    ids: Mapping[bytes, tuple[str, int]] = field(default_factory=dict)
    days: frozenset[bytes] = frozenset()
    times: frozenset[bytes] = frozenset()
    others: frozenset[bytes] = frozenset()
    hidden_dates: bool = False

    @property
    def dates(self) -> frozenset[bytes]:
        """The styles that show a number as a date or a time."""
        return self.days | self.times


def styles_of(archive: zipfile.ZipFile) -> Styles:
    """The styles of a workbook; none where it has no such part."""
    name = "xl/styles.xml"
    spelled = {
        found.get("numFmtId", ""): found.get("formatCode", "")
        for found in elements(archive, name, _FORMAT)
    }
    ids: dict[bytes, tuple[str, int]] = {}
    shown: dict[str, set[bytes]] = {"day": set(), "time": set(), "other": set()}
    hidden = False
    for number, style in enumerate(elements(archive, name, _STYLE, within="cellXfs")):
        key, used = str(number).encode(), style.get("numFmtId", "0")
        code = spelled.get(used)
        if code is not None:
            if as_id := _ID_FORMAT.fullmatch(code):
                ids[key] = (as_id[1] or "", len(as_id[2]))
            shown[kind_of_format(code)].add(key)
        else:
            built_in = int(used) if used.isdecimal() else 0
            kind = "day" if built_in in _DAYS else "time" if built_in in _TIMES else "other"
            hidden = hidden or built_in in _UNKNOWN_TO_CALAMINE
            shown[kind].add(key)
    return Styles(
        ids,
        frozenset(shown["day"]),
        frozenset(shown["time"]),
        frozenset(shown["other"]),
        hidden,
    )


def kind_of_format(code: str) -> str:
    """What a number format shows: day, time (with a date or alone) or other."""
    bare = _LITERALS.sub("", code.lower())
    if "general" in bare or not re.search(r"[ymdhs]", bare):
        return "other"
    return "time" if re.search(r"[hs]", bare) else "day"
