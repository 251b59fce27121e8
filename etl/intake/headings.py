"""What one heading says: the column it may be, its unit, the notes beside it."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from etl.catalogue import Column, catalogue
from etl.intake.mapping import fold_header
from etl.intake.read import TextTable

# What did not fit the header of a refused row, in the file of rejects: from this column on, the
# columns are Kept's own.
STRAY_CELLS = "未对齐的单元格(改好后清空) stray cells (empty this once mended)"
MARK = "标识(勿改) mark (leave as it is)"
# In a request, the column after those of the log: its rows are filled in by hand.
LACKS = "本行缺少的内容 what this row lacks"

_BRACKETS = re.compile(r"[(\[【〔<].*?[)\]】〕>]")
_SPACES = re.compile(r"\s+")
_UNIT = re.compile(r"(?:单位:?)?(.*)", re.IGNORECASE)
_SPANS = {
    **dict.fromkeys(("秒", "s", "sec", "secs", "second", "seconds"), "seconds"),
    **dict.fromkeys(("分钟", "分", "min", "mins", "minute", "minutes"), "minutes"),
    **dict.fromkeys(("小时", "时", "h", "hr", "hrs", "hour", "hours"), "hours"),
    **dict.fromkeys(("天", "日", "d", "day", "days"), "days"),
}
# A month or a minute: no instant, but no span that could be added either.
_DURATIONS = frozenset({*_SPANS, "m"})
SCALES = {
    "money": {
        **dict.fromkeys(("元", "人民币", "人民币元", "cny", "rmb", "¥", "yuan"), Decimal(1)),
        **dict.fromkeys(("万", "万元", "人民币万元", "万元人民币"), Decimal(10_000)),
    },
    "integer": {
        **dict.fromkeys(("月", "个月", "month", "months"), Decimal(1)),
        **dict.fromkeys(("年", "year", "years"), Decimal(12)),
    },
}
_MONTHS_OR_YEARS = re.compile(r"[月年]|month|year", re.IGNORECASE)
# A note with one of these is a unit; one that `SCALES` does not know must not be guessed at.
UNIT_LIKE = {
    "money": re.compile(
        r"[万千百亿$€£]|元|\bk\b|\bm\b|thousand|million|usd|eur|hkd|gbp|jpy|10k", re.IGNORECASE
    ),
    "integer": re.compile(r"天|日|周|季|年|day|week|quarter|year", re.IGNORECASE),
}


def as_written(header: str) -> str:
    """A header as mappings and profiles compare it: folded, but with its notes in brackets."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", header)).strip("*").casefold()


@dataclass(frozen=True)
class Heading:
    """What stands over a column.

    `own` is its cell in the header row, or the one above where that is empty (merged over both);
    `joined` the same behind the group that stands over it, as 报修 over 时间; None without a group.
    """

    own: str
    joined: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """All that it goes by."""
        return (self.own,) if self.joined is None else (self.joined, self.own)


def headings(table: TextTable, index: int) -> tuple[Heading, ...]:
    """The headings of a header row, by itself and with the row above."""
    row = list(table.top[index])
    above = table.top[index - 1] if index else []
    while row and not row[-1].strip() and not _is_over_values(table, index, len(row) - 1):
        row.pop()  # columns without a header to the right of the table are no part of it
    groups = _groups(table, index - 1, len(row)) if index else []
    found = []
    for position, cell in enumerate(row):
        group = groups[position].strip() if position < len(groups) else ""
        if not cell.strip():
            found.append(Heading(above[position] if position < len(above) else cell, None))
        elif not group or as_written(group) == as_written(cell):
            found.append(Heading(cell, None))
        else:
            between = " " if group[-1].isascii() and cell.strip()[0].isascii() else ""
            found.append(Heading(cell, f"{group}{between}{cell.strip()}"))
    return tuple(found)


def _is_over_values(table: TextTable, index: int, position: int) -> bool:
    """Whether the cell above a header row stands over a column of values."""
    rows = table.top[index - 1 :] if index else [[]]
    cells = [row[position] if position < len(row) else "" for row in rows]
    return bool(cells[0].strip()) and any(cell.strip() for cell in cells[2:])


def _groups(table: TextTable, index: int, width: int) -> list[str]:
    """What stands in a row over each column: as far as its cells are merged, else to the next."""
    row = [*table.top[index], *[""] * width][:width]
    across = table.across.get(index, ())
    if across:
        for first, last in across:
            if 0 <= first < width:
                row[first : last + 1] = [row[first]] * (min(last + 1, width) - first)
        return row
    group = ""
    for position, cell in enumerate(row):
        group = row[position] = cell if cell.strip() else group
    return row


def headers_of(found: Sequence[Heading], log: str) -> tuple[str, ...]:
    """The header of each column: with its group where the log knows it so.

    Beside such a one, what is there twice below has its group as well; a title is no group.
    """
    known = aliases(log)
    in_group = [bool(one.joined) and fold_header(one.joined or "") in known for one in found]
    owns = Counter(as_written(one.own) for one in found)
    joined = Counter(as_written(one.joined) for one in found if one.joined)
    return tuple(
        one.joined
        if one.joined
        and (
            is_known
            or (
                any(in_group)
                and owns[as_written(one.own)] > 1
                and joined[as_written(one.joined)] == 1
            )
        )
        else one.own
        for one, is_known in zip(found, in_group, strict=True)
    )


def own_headers(headers: Sequence[str]) -> tuple[str, ...]:
    """The headers of the source itself: without those that Kept adds to a file of rejects."""
    end = headers.index(STRAY_CELLS) if STRAY_CELLS in headers else len(headers)
    return tuple(header for header in headers[:end] if header.strip())


def units(header: str) -> list[str]:
    """The notes in brackets of a header, folded: 合同总价(单位:万元) → 万元."""
    notes = _BRACKETS.findall(unicodedata.normalize("NFKC", header))
    found = (_UNIT.fullmatch(note[1:-1].replace(" ", "")) for note in notes)
    return [unit.group(1).casefold() for unit in found if unit]


def unit_fits(column: Column, header: str) -> bool:
    """False for a duration where an instant is wanted: 响应时间(分钟) is no time of day."""
    return column.type not in ("instant", "date") or _DURATIONS.isdisjoint(units(header))


def names_months_or_years(header: str) -> bool:
    """Whether a heading says, in brackets or not, of which of the two its numbers are."""
    return _MONTHS_OR_YEARS.search(unicodedata.normalize("NFKC", header)) is not None


def span_unit(header: str) -> str | None:
    """The unit of time that a heading names."""
    return next((_SPANS[unit] for unit in units(header) if unit in _SPANS), None)


@cache
def aliases(log: str) -> Mapping[str, str]:
    """The column of a log that each folded heading is known for."""
    return {
        fold_header(words): column.name
        for column in catalogue().logs[log].columns.values()
        for words in words_of(column)
    }


def words_of(column: Column) -> tuple[str, ...]:
    """The headings a column is known by."""
    return (column.name, column.label.zh, column.label.en, *column.aliases)
