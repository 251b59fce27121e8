"""The SQL that reads one cell: its one meaning in the type of its column, or null.

Every function gives an expression over a column of cleaned text, named in double quotes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from etl.catalogue import Column, catalogue
from etl.intake.read.odd_cells import DAMAGED
from etl.sql import listed, literal

EMPTY_WORDS = ("", "?", "-", "—", "/", "n/a", "na", "ns", "null", "none", "无", "暂无")
YES_WORDS = ("是", "有", "y", "yes", "true", "1", "√", "✓", "✔", "满意")
NO_WORDS = ("否", "无", "n", "no", "false", "0", "×", "✗", "✘", "不满意")
# What a spreadsheet leaves of a value it could not compute or could not hold.
_ERRORS = ("#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!", "#UNCALCULATED!")
_DAMAGED = (
    r"#(N/A|REF!|DIV/0!|VALUE!|NAME\?|NULL!|NUM!|SPILL!|CALC!|UNCALCULATED!)"
    r"|[0-9](\.[0-9]+)?[eE]\+[0-9]+"
    rf"|({'|'.join(DAMAGED)}).*"
)

SQL_TYPES = {
    "id": "varchar",
    "text": "varchar",
    "choice": "varchar",
    "choices": "varchar",
    "date": "date",
    "instant": "timestamp",
    "flag": "boolean",
    "integer": "bigint",
    "number": "decimal(18, 6)",
    "money": "decimal(18, 6)",
}


@dataclass(frozen=True)
class Spelling:
    """How the dates of a column are written, where not all are in a plain form.

    `day_first` is of 05/01/2026; `swapped` says that day and month of the values with their year
    first are to be swapped back; `english` that months stand there by name.
    """

    day_first: bool = True
    swapped: bool = False
    english: bool = False
    minguo: bool = False


def typed(column: Column, timezone: str, spelling: Spelling | None, in_sheet: bool) -> str:
    """The expression that types a cleaned cell; null where it has no reading.

    Of a date column with a `spelling`, `"<name> parts"` has the value taken apart (`parts_of`).
    """
    cell = f'"{column.name}"'
    if column.known == "log":
        return _by_words(cell, log_words())
    match column.type:
        case "id":
            return f"case when not regexp_full_match({cell}, {literal(_DAMAGED)}) then {cell} end"
        case "text":
            return f"case when {cell} not in {listed(_ERRORS)} then {cell} end"
        case "flag":
            return _by_words(cell, {"true": YES_WORDS, "false": NO_WORDS})
        case "choice":
            return _by_words(cell, choice_words(column))
        case "choices":
            return _several_by_words(cell, choice_words(column))
        case "date":
            return f"cast({_instant(column.name, timezone, spelling)} as date)"
        case "instant":
            instant = _instant(column.name, timezone, spelling)
            if column.date_means_end_of_day:
                alone = without_time(column.name, spelling)
                if in_sheet:  # a date cell of a workbook comes with a midnight of its own
                    alone = f"({alone} or ends_with({cell}, ' 00:00:00'))"
                return (
                    f"case when {alone} then {instant} + interval 86399 second else {instant} end"
                )
            return instant
        case "integer":
            number = _number(cell)
            return f"case when {number} = trunc({number}) then cast({number} as bigint) end"
    return _number(cell)


def choice_words(column: Column) -> dict[str, tuple[str, ...]]:
    """The words people write for each code."""
    return {
        code: (code, code.replace("_", ""), *words)
        for code, words in (column.choices or {}).items()
    }


def log_words() -> dict[str, tuple[str, ...]]:
    """The words people write for each log."""
    return {
        log.name: (log.name, log.name.replace("_", ""), log.label.zh, log.label.en, *log.aliases)
        for log in catalogue().logs.values()
    }


def _by_words(cell: str, words: Mapping[str, Iterable[str]]) -> str:
    folded = f"lower(replace({cell}, ' ', ''))"
    branches = " ".join(
        f"when {folded} in {listed(sorted({w.lower().replace(' ', '') for w in said}))} "
        f"then {literal(code)}"
        for code, said in words.items()
    )
    return f"case {branches} end"


def _several_by_words(cell: str, words: Mapping[str, Iterable[str]]) -> str:
    """Codes in the order of the catalogue, joined by `;`; null where any word is unknown."""
    parts = f"string_split_regex(lower(replace({cell}, ' ', '')), '[;、,]')"
    known = {code: sorted({w.lower() for w in said}) for code, said in words.items()}
    every = sorted({word for said in known.values() for word in said})
    has = ", ".join(
        f"case when list_has_any({parts}, [{', '.join(map(literal, said))}]) "
        f"then {literal(code)} end"
        for code, said in known.items()
    )
    return (
        f"case when len(list_filter({parts}, lambda part: part not in {listed(['', *every])})) = 0"
        f" then nullif(concat_ws(';', {has}), '') end"
    )


# --- numbers -------------------------------------------------------------------------------------

_PLAIN = r"[+-]?[0-9]{1,12}(\.[0-9]{1,6}0*)?"
_GROUPED = r"[+-]?[0-9]{1,3}(,[0-9]{3}){1,3}(\.[0-9]{1,6}0*)?"
_PERCENT = r"[+-]?[0-9]{1,6}(\.[0-9]{1,4}0*)? ?%"


def _number(cell: str) -> str:
    """An exact decimal; thousands, currency and percent signs as people write them."""
    bare = (
        f"regexp_replace(regexp_replace({cell}, '^(¥|￥|\\$|RMB|CNY|人民币) ?', '', 'i'), "
        f"' ?(元|RMB|CNY)$', '', 'i')"
    )
    exact = "decimal(18, 6)"
    return (
        f"case when regexp_full_match({cell}, '{_PLAIN}') then try_cast({cell} as {exact}) "
        f"when regexp_full_match({cell}, '{_PERCENT}') "
        f"then try_cast(trim(replace({cell}, '%', '')) as decimal(18, 4)) * 0.01 "
        f"when regexp_full_match({bare}, '{_PLAIN}|{_GROUPED}') "
        f"then try_cast(replace({bare}, ',', '') as {exact}) end"
    )


# --- instants ------------------------------------------------------------------------------------

_INSTANT = (
    r"^([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?"
    r"(?:[T ](上午|下午|[AaPp][Mm])? ?([0-9]{1,2})[:时点]([0-9]{1,2})?"
    r"(?:[:分]([0-9]{1,2}(?:\.[0-9]{1,6})?)秒?|分)? ?(上午|下午|[AaPp][Mm])?"
    r" ?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?$"
)
_GROUPS = "['year', 'month', 'day', 'before', 'hour', 'minute', 'second', 'after', 'zone']"
SERIAL = r"[2-7][0-9]{4}(\.[0-9]+)?"
MINGUO = r"^(?:中华|中華)?民[国國] ?([0-9]{1,3}) ?([-/.年])"


def plain_date(cell: str) -> str:
    """Whether a cell is in one of the forms a plain cast reads, leaving nothing out."""
    forms = ("____-__-__ __:__:__", "____-__-__T__:__:__", "____-__-__ __:__", "____-__-__")
    likes = " or ".join(f"{cell} like '{form}'" for form in forms)
    time = "( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?"
    days = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}"
    return f"({likes} or regexp_full_match({cell}, '({days}){time}'))"


def year_first(name: str, spelling: Spelling) -> str:
    """The text of a date with its year first and one space before the time."""
    cell = f"regexp_replace(\"{name}\", '\\s+', ' ', 'g')"
    if spelling.minguo:
        year = f"1911 + cast(regexp_extract({cell}, '{MINGUO}', 1) as integer)"
        rest = f"regexp_replace({cell}, '{MINGUO}', '\\2')"
        is_one = f"regexp_matches({cell}, '{MINGUO}')"
        cell = f"case when {is_one} then ({year}) || {rest} else {cell} end"
    if spelling.english:
        cell = _months_as_numbers(cell)
    if spelling.swapped:
        pattern = r"^([0-9]{4})([-/.年])([0-9]{1,2})([-/.月])([0-9]{1,2})"
        cell = f"regexp_replace({cell}, '{pattern}', '\\1\\2\\5\\4\\3')"
    year_last = r"\3-\2-\1" if spelling.day_first else r"\3-\1-\2"
    for pattern, spelled in (
        (r" ?(星期|周)[一二三四五六日天]", r""),
        (r"日 ?([0-9上下AaPp])", r" \1"),
        (r"^([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})", year_last),
        (r"^([0-9]{4})([0-9]{2})([0-9]{2})$", r"\1-\2-\3"),
        (
            r"^([0-9]{4})([0-9]{2})([0-9]{2})[T ]?([0-9]{2}):?([0-9]{2})$",
            r"\1-\2-\3 \4:\5",
        ),
        (
            r"^([0-9]{4})([0-9]{2})([0-9]{2})[T ]?([0-9]{2}):?([0-9]{2}):?([0-9]{2})$",
            r"\1-\2-\3 \4:\5:\6",
        ),
    ):
        cell = f"regexp_replace({cell}, '{pattern}', '{spelled}')"
    return cell


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "t(?:ember)?", "ober")
ENGLISH = rf"(?i)\b({'|'.join(_MONTHS)})"


def _months_as_numbers(cell: str) -> str:
    """12/Mar/24 9:41 AM, 12 March 2024 and Mar 12, 2024 with the year first.

    Two digits after the name of a month are a year of this century: no tool writes a day there.
    """
    cell = f"regexp_replace({cell}, '^(?i)(mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]? ', '')"
    endings = (*_MONTH_NAMES, "ember", "ember")
    for number, (month, ending) in enumerate(zip(_MONTHS, endings, strict=True), start=1):
        whole = f"{month}(?:{ending})?" if ending else month
        cell = f"regexp_replace({cell}, '(?i)\\b{whole}\\b\\.?', 'm{number:02}')"
    for pattern, spelled in (
        (r"^([0-9]{1,2})[-/. ]m([0-9]{2})[-/. ,]+([0-9]{4})\b,?", r"\3-\2-\1"),
        (r"^([0-9]{1,2})[-/. ]m([0-9]{2})[-/. ]([0-9]{2})\b,?", r"20\3-\2-\1"),
        (r"^m([0-9]{2}) ([0-9]{1,2}),? ([0-9]{4})\b,?", r"\3-\1-\2"),
        (r"^([0-9]{4})[-/. ]m([0-9]{2})[-/. ]([0-9]{1,2})\b,?", r"\1-\2-\3"),
    ):
        cell = f"regexp_replace({cell}, '{pattern}', '{spelled}')"
    return cell


def parts_of(name: str) -> str:
    """The parts of the date under `"<name> spelled"`, for `typed`."""
    return f'regexp_extract("{name} spelled", \'{_INSTANT}\', {_GROUPS}) as "{name} parts"'


def without_time(name: str, spelling: Spelling | None) -> str:
    """Whether a date stands there alone, without a time of day."""
    cell = f'"{name}"'
    if spelling is None:
        return f"strpos({cell}, ':') = 0"
    return (
        f"case when regexp_full_match({cell}, '{SERIAL}') "
        f"then try_cast({cell} as double) = trunc(try_cast({cell} as double)) "
        f"""else "{name} parts".hour = '' end"""
    )


def at_midnight(name: str) -> str:
    """Whether an instant of a column with a spelling is written with the time 00:00.

    Not so the 24:00 that is a midnight too.
    """
    parts = f'"{name} parts"'
    half, hour = f"upper({parts}.before || {parts}.after)", f"try_cast({parts}.hour as integer)"
    zero = " and ".join(
        f"coalesce(try_cast({parts}.{part} as double), 0) = 0" for part in ("minute", "second")
    )
    return (
        f"(({hour} = 0 and {half} not in ('下午', 'PM') "
        f"or {hour} = 12 and {half} in ('上午', 'AM')) and {zero})"
    )


def written_date(name: str) -> str:
    """The date as it is written beside an offset; null where there is none."""
    parts = f'"{name} parts"'
    date = f"try_cast({parts}.year || '-' || {parts}.month || '-' || {parts}.day as date)"
    return f"case when {parts}.zone <> '' then {date} end"


def _instant(name: str, timezone: str, spelling: Spelling | None) -> str:
    """An instant in the deployment's time zone, from any of the forms people's exports have."""
    cell = f'"{name}"'
    if spelling is None:
        return f"try_cast({cell} as timestamp)"
    serial = (
        "timestamp '1899-12-30' + to_seconds("
        f"cast(round(try_cast({cell} as decimal(28, 12)) * 86400) as bigint))"
    )
    plain = (
        "" if spelling.swapped else f"when {plain_date(cell)} then try_cast({cell} as timestamp)"
    )
    return (
        f"case {plain} "
        f"when regexp_full_match({cell}, '{SERIAL}') then {serial} "
        f"else {_assembled(f'{cell[:-1]} parts{chr(34)}', timezone)} end"
    )


def _assembled(parts: str, timezone: str) -> str:
    """The instant of what `_INSTANT` took apart; null where it did not match."""
    half = f"upper(concat({parts}.before, {parts}.after))"
    hour = f"try_cast({parts}.hour as integer)"
    hour = (
        f"case when {parts}.hour = '' then 0 "
        f"when {half} in ('下午', 'PM') and {hour} < 12 then {hour} + 12 "
        f"when {half} in ('上午', 'AM') and {hour} = 12 then 0 "
        f"when {half} in ('上午', 'AM') and {hour} > 12 then null else {hour} end"
    )
    second = (
        f"case when {parts}.second = '' then '00' "
        f"when regexp_full_match({parts}.second, '[0-9](\\..*)?') then '0' || {parts}.second "
        f"else {parts}.second end"
    )
    local = (
        f"{parts}.year || '-' || lpad({parts}.month, 2, '0') || '-' || lpad({parts}.day, 2, '0') "
        f"|| ' ' || lpad(cast({hour} as varchar), 2, '0') || ':' || "
        f"lpad({parts}.minute, 2, '0') || ':' || {second}"
    )
    zone = f"replace({parts}.zone, 'Z', '+00:00')"
    return (
        f"case when {parts}.year = '' then null "
        f"when {parts}.zone = '' then try_cast({local} as timestamp) "
        f"else timezone({literal(timezone)}, try_cast({local} || {zone} as timestamptz)) end"
    )
