"""Spans of time as people write them: the seconds of one, or why it has no certain length."""

import re

_NUMBER = r"[0-9]{1,7}(?:\.[0-9]+)?"
_AMOUNT = rf"({_NUMBER}) ?"
_SPAN = (
    rf"^(?:{_AMOUNT}(?:周|星期|weeks?|wks?|w))?,? ?(?:{_AMOUNT}(?:天|日|days?|d))?,? ?"
    rf"(?:{_AMOUNT}(?:个?小时|时|hours?|hrs?|h))?,? ?"
    rf"(?:零?{_AMOUNT}(?:分钟?|minutes?|mins?|m))?,? ?(?:零?{_AMOUNT}(?:秒钟?|seconds?|secs?|s))?$"
)
_ISO = (
    rf"^p(?:({_NUMBER})w)?(?:({_NUMBER})d)?"
    rf"(?:t(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?)?$"
)
_HALF = r"^(?:([0-9]{1,7})个)?半个?小时$"
_TIME = r"([01]?[0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9](?:\.[0-9]+)?)"
_DAYS_AND_TIME = rf"^([0-9]{{1,5}})(?: ?(?:天|日|days?|d),? ?|\.){_TIME}$"
_CLOCK = r"^([0-9]{1,4}):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]+)?))?$"
CLOCK = r"[0-9]{1,4}:[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
"""As a stopwatch shows it, or a clock: 00:12:30."""
BARE_NUMBER = r"[0-9]{1,9}(\.[0-9]+)?"
_MENTION = r"[0-9半] ?(个?小时|分钟?|秒钟?|天|周|个?工作日|hours?|hrs?|min|sec|days?|weeks?)"
# A cell of a workbook in the format [h]:mm, of a day or more, is read as a day of 1900.
_LONG_CLOCK = r"1900-01-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}(?:\.[0-9]+)?)"
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
# Wide enough for any number of decimals that a computed span has.
_EXACT = "decimal(38, 18)"


def names_its_units(cell: str) -> str:
    """Whether a cell is a span that nobody could take for anything else: 6小时30分钟, PT4H30M."""
    text = f"lower({cell})"
    return (
        f"(regexp_matches({text}, '[0-9半]') and (regexp_matches({text}, '{_SPAN}') "
        f"or (regexp_matches({text}, '{_ISO}') and length({text}) > 2) "
        f"or regexp_matches({text}, '{_HALF}') or regexp_matches({text}, '{_DAYS_AND_TIME}')))"
    )


def mentions_a_unit(cell: str) -> str:
    """Whether a cell seems to be a span, though perhaps not of a certain length: 约2小时."""
    return f"regexp_matches(lower({cell}), '{_MENTION}')"


def span_seconds(name: str, unit: str | None) -> str:
    """The seconds of a span, with their fractions; null where it has no one certain reading.

    6小时30分钟, 2h 5m, PT4H30M, 00:45:00, 1 day, 2:03:04, or a bare number of `unit`. 12:30 is
    hours and minutes where the unit is the hour; else nobody can tell. 00:00 is nothing either way.
    """
    cell = f'lower("{name}")'
    bare = f"cast({cell} as {_EXACT}) * {_SECONDS[unit]}" if unit else "null"
    clock = _parts(cell, _CLOCK, "hms")
    full = r"[0-9]{1,4}:[0-5][0-9]:.*|0{1,4}:00" if unit != "hours" else ".*"
    half = f"regexp_extract({cell}, '{_HALF}', 1)"
    return (
        f"case when regexp_full_match({cell}, '{BARE_NUMBER}') then {bare} "
        f"when regexp_full_match({cell}, '{_LONG_CLOCK}') "
        f"then {_parts(cell, _LONG_CLOCK, 'dhms')} "
        f"when regexp_matches({cell}, '{_CLOCK}') "
        f"then case when regexp_full_match({cell}, '{full}') then {clock} end "
        f"when regexp_matches({cell}, '{_DAYS_AND_TIME}') "
        f"then {_parts(cell, _DAYS_AND_TIME, 'dhms')} "
        f"when regexp_matches({cell}, '{_HALF}') "
        f"then coalesce(try_cast({half} as {_EXACT}), 0) * 3600 + 1800 "
        f"when regexp_matches({cell}, '{_ISO}') and length({cell}) > 2 "
        f"then {_parts(cell, _ISO, 'wdhms')} "
        f"when regexp_matches({cell}, '[0-9]') and regexp_matches({cell}, '{_SPAN}') "
        f"then {_parts(cell, _SPAN, 'wdhms')} end"
    )


def _parts(cell: str, pattern: str, letters: str) -> str:
    names = ", ".join(f"'{letter}'" for letter in letters)
    found = f"regexp_extract({cell}, '{pattern}', [{names}])"
    return " + ".join(
        f"coalesce(try_cast({found}.{letter} as {_EXACT}), 0) * {_UNITS[letter]}"
        for letter in letters
    )


_NEGATIVE = re.compile(r"(-|−|负) ?[0-9p半]")
_INSTANT = re.compile(r"[0-9]{4} ?[-/.年] ?[0-9]{1,2} ?[-/.月] ?[0-9]{1,2}")
_RANGE = re.compile(r"[0-9a-z时分秒天日] ?(-|~|–|—|～|至|到|to) ?[0-9]")
_BOUND = re.compile(
    r"约|大概|左右|近|不到|不足|少于|小于|大于|超过|多于|至少|最多|以上|以下|以内|余|许|多"
    r"|[<>≤≥~～≈＜＞]|\b(about|approx|less|more|over|under|at (least|most))\b"
)
_OPEN = re.compile(r"工作日|工作天|工日|半天|半日|个?月|年|\b(working|business|months?|years?)\b")
_COMMA = re.compile(r"[0-9],[0-9]")


def span_problem(text: str, unit: str | None) -> str:
    """The message code for a span that `span_seconds` cannot read."""
    text = text.lower()
    reasons = (
        ("span_negative", _NEGATIVE.match),
        ("span_is_instant", _INSTANT.match),
        ("span_range", _RANGE.search),
        ("span_open", _OPEN.search),
        ("span_bound", _BOUND.search),
        ("span_clock", re.compile(_CLOCK).match),
        ("span_no_unit", re.compile(BARE_NUMBER).fullmatch),
        ("span_no_unit", _ends_without_unit),
        ("span_comma", _COMMA.search),
    )
    return next((code for code, found in reasons if found(text)), "not_a_duration")


def _ends_without_unit(text: str) -> bool:
    """1小时5: the last number may be of anything."""
    last = re.search(rf"(?<=[^0-9.:, ]) ?{_NUMBER}$", text)
    return last is not None and re.search(_SPAN, text[: last.start()]) is not None
