"""What the instants of a file say as whole columns: which are days, which fall on a changed clock.

All of it is asked of `typed_text`, the table that `check` types the cells of a file into. Beside an
instant with a `Spelling` it has three columns: `"<name> alone"` (a date without a time), `"<name>
zero"` (written with 00:00) and `"<name> date"` (the date as written beside an offset, else null).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from etl.intake.cells import Spelling, at_midnight, without_time, written_date
from etl.intake.match import LACKS, Match
from etl.intake.zones import in_shift, shifts
from etl.sql import literal

# A date outside of these is a slip, or what a spreadsheet or a database makes of no date.
PLAUSIBLE = ("1990-01-01", "2100-01-01")
DAY_SECONDS = 86_400
_ALONE, _MIDNIGHT, _TIMED = range(3)


@dataclass(frozen=True)
class Moments:
    """Conditions over `typed_text`, by column; a column without any such row is left out.

    is_day     its value is a day (7-evidence, section 2); the column holds 00:00 of it
    ambiguous  its local time is there twice, or not at all, and no offset tells which it is
    value      the expression to take for its value, where that is not the column itself
    """

    is_day: Mapping[str, str] = field(default_factory=dict)
    ambiguous: Mapping[str, str] = field(default_factory=dict)
    value: Mapping[str, str] = field(default_factory=dict)

    def earliest(self, column: str) -> str:
        """The earliest reading of an instant or date, and its value."""
        return self.value.get(column, f'"{column}"')

    def latest(self, column: str) -> str:
        """The latest reading of an instant or date."""
        earliest = self.earliest(column)
        if column not in self.is_day:
            return earliest
        last = f"{earliest} + interval {DAY_SECONDS - 1} second"
        return f"case when {self.is_day[column]} then {last} else {earliest} end"

    @property
    def days(self) -> str:
        """The names of the columns that hold a day, as `;a;b;`; null where none does."""
        named = ", ".join(
            f"case when {is_day} then '{name};' else '' end" for name, is_day in self.is_day.items()
        )
        return f"';' || nullif(concat({named}), '')" if named else "cast(null as varchar)"


def written_columns(name: str, spelling: Spelling) -> list[str]:
    """What `typed_text` has beside an instant with a spelling."""
    return [
        f'{without_time(name, spelling)} as "{name} alone"',
        f'{at_midnight(name)} as "{name} zero"',
        f'{written_date(name)} as "{name} date"',
    ]


def moments(
    con: duckdb.DuckDBPyConnection,
    match: Match,
    spellings: Mapping[str, Spelling],
    timezone: str,
) -> Moments:
    """What the instants in `typed_text` say."""
    columns, spans = match.log.columns, match.mapping.durations
    names = [n for n in columns if n in match.given and columns[n].type == "instant"]
    asked = [name for name in names if name not in spans]
    if not asked:
        return Moments()
    exact = LACKS in match.headers
    kinds = ", ".join(f'"{n}", {_kind(n, n in spellings, exact)} as "{n} kind"' for n in asked)
    dates = {name: f'"{name} date"' if name in spellings else "null" for name in asked}
    carried = "".join(f", {date}" for date in dates.values() if date != "null")
    counts = ", ".join(
        f"""count("{name}"), count(*) filter ("{name} kind" = {_TIMED}), """
        f"""count(*) filter ("{name} kind" = {_ALONE}), count({dates[name]}), """
        f"""min("{name}") filter ({_in_years(name)}), max("{name}") filter ({_in_years(name)})"""
        for name in asked
    )
    rows = f"select {kinds}{carried} from typed_text"
    found: tuple[Any, ...] = con.execute(f"select {counts} from ({rows})").fetchone() or ()
    is_day: dict[str, str] = {}
    ambiguous: dict[str, str] = {}
    value: dict[str, str] = {}
    for place, name in enumerate(asked):
        values, timed, alone, dated, first, last = found[6 * place : 6 * place + 6]
        spelled = name in spellings
        if columns[name].date_means_end_of_day:
            pass
        elif values and not timed:
            is_day[name] = f'"{name}" is not null'
            if dated:
                value[name] = f'coalesce(cast("{name} date" as timestamp), "{name}")'
        elif alone:
            is_day[name] = _alone(name, spelled)
        if first and (condition := _ambiguous(name, spelled, first, last, timezone)):
            ambiguous[name] = condition
    for name, span in spans.items():
        if span.start in is_day and columns[name].type == "instant":
            # So many whole days after a day is a day.
            is_day[name] = f'({is_day[span.start]}) and "{name}" is not null'
            if span.start in value:
                value[name] = f'{value[span.start]} + ("{name}" - "{span.start}")'
    return Moments({n: is_day[n] for n in names if n in is_day}, ambiguous, value)


def _in_years(name: str) -> str:
    first, end = (f"timestamp {literal(date)}" for date in PLAUSIBLE)
    return f'"{name}" >= {first} and "{name}" < {end}'


def _kind(name: str, spelled: bool, exact: bool) -> str:
    """Whether a value is a date alone, at 00:00, or has another time; null without a value.

    Where `exact`, in a request, Kept itself wrote the instants with a T before 00:00.
    """
    if spelled:
        alone, zero = f'"{name} alone"', f'"{name} zero"'
        timed = f"not ({alone} or coalesce({zero}, false))"
    else:
        alone = f"""strpos("{name} text", ':') = 0"""
        # Of the plain forms, only 24:00 is a midnight that says otherwise.
        midnight = f'"{name}" = cast("{name}" as date)'
        late = f"""regexp_matches("{name} text", '[ T]24:')"""
        timed = f"case when {midnight} then {late} else true end"
    if exact:
        timed = f"""({timed}) or strpos("{name} text", 'T00:00') > 0"""
    return (
        f'case when "{name}" is null then null when {timed} then {_TIMED} '
        f"when {alone} then {_ALONE} else {_MIDNIGHT} end"
    )


def _alone(name: str, spelled: bool) -> str:
    if spelled:
        return f'("{name}" is not null and "{name} alone")'
    return (
        f'case when "{name}" = cast("{name}" as date) '
        f"""then strpos("{name} text", ':') = 0 else false end"""
    )


def _ambiguous(
    name: str, spelled: bool, first: datetime, last: datetime, timezone: str
) -> str | None:
    """The condition for a local time that a zone has twice or not at all; None without any."""
    known = tuple(one for one in shifts(timezone) if one[0] <= last and first < one[1])
    if not known:
        return None
    exact = _alone(name, spelled)
    if spelled:
        exact += f' or "{name} date" is not null'
    return f"""({in_shift(f'"{name}"', known)}) and not ({exact})"""
