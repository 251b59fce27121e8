"""What the values of whole columns say: how dates are written, whether spans stand for instants.

`clean` lays the cells of a staged table under the names of the log's columns, trimmed; `survey`
looks at the columns of dates that are written otherwise than plainly, and asks what stays open.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from etl.catalogue import Log
from etl.errors import KeptError
from etl.intake.cells import (
    EMPTY_WORDS,
    ENGLISH,
    MINGUO,
    NO_WORDS,
    SERIAL,
    YES_WORDS,
    Spelling,
    plain_date,
    typed,
)
from etl.intake.mapping import ANY_OTHER, EMPTY, Duration
from etl.intake.match import STRAY_CELLS, Match
from etl.intake.spans import BARE_NUMBER, CLOCK, mentions_a_unit, names_its_units
from etl.sql import listed, literal

CARRIED = "source_row, cells_extra, cells_missing, stray"
BLANKS = " \t\r\n\u00a0\u3000\u2003\u2002\u200b\ufeff"

_WIDE = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000\u00a0"
_NARROW = "".join(chr(code) for code in range(0x21, 0x7F)) + "  "
_VALUES = 50


@dataclass(frozen=True)
class Question:
    """What the values of a column leave open, and a mapping answers.

    code              answered in the mapping by
    dates_ambiguous   day_first: 05/01/2026 is 5 January, or May 1
    dates_swapped     swapped: a spreadsheet read some days as months, or it did not
    holds_durations   durations: 00:12:30 counted from when; or the column is not taken
    holds_numbers     durations: in which unit, counted from when; or the column is not taken
    holds_flags       columns: it says yes or no, and no instant; another header, or none
    values_unknown    translations: what these values mean

    While `blocking`, `check` refuses the file; otherwise the rows in question are rejected one by
    one. `values` has the values it is about, the most frequent first, and how often each is there.
    """

    code: str
    column: str
    header: str
    blocking: bool
    values: Mapping[str, int]


@dataclass(frozen=True)
class Survey:
    """`match` with the spans that its values show, and how each column that needs it is spelled."""

    match: Match
    spellings: Mapping[str, Spelling]
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class _Orders:
    """How many values of a column of dates there are, and how many say what of their order.

    `dates` begin like one; `english` name a month, `minguo` count years from 1912. Of those with
    their year last: a day past the 12th in the first place, in the second, and those that could be
    read either way.
    """

    values: int
    dates: int
    english: int
    minguo: int
    first_is_day: int
    second_is_day: int
    either: int
    either_example: str | None

    @property
    def one_order(self) -> bool:
        """Whether the days past the 12th all stand in the same place."""
        return bool(self.first_is_day) != bool(self.second_is_day)


def sources(match: Match) -> dict[str, str]:
    """Where the text of each column comes from: an expression over a staged table."""
    found = {name: f"c{position}" for name, position in match.columns.items()}
    for name, positions in match.joined.items():
        parts = [f"c{position}" for position in positions]
        separator, kind = "/", match.log.columns[name].type
        if kind in ("number", "integer", "money"):
            found[name] = _sum(parts)
            continue
        if kind in ("instant", "date"):
            separator = " "
            # A date cell of a workbook comes with a midnight of its own.
            parts[0] = f"regexp_replace({parts[0]}, '[ T]00:00(:00)?$', '')"
        joined = ", ".join(f"nullif(trim({part}, {literal(BLANKS)}), '')" for part in parts)
        found[name] = f"concat_ws({literal(separator)}, {joined})"
    for name, position in match.durations.items():
        found[name] = f"c{position}"
    for name, text in match.mapping.constants.items():
        found[name] = literal(text)
    return found


def _sum(parts: list[str]) -> str:
    """In and out in columns of their own, as one signed number; unreadable where a part is."""
    bare = [f"replace(trim({part}, {literal(BLANKS)}), ',', '')" for part in parts]
    numbers = [f"try_cast(coalesce(nullif({part}, ''), '0') as decimal(18, 6))" for part in bare]
    shown = ", ".join(bare)
    every = " or ".join(f"{number} is null" for number in numbers)
    return (
        f"case when concat({shown}) = '' then '' when {every} then concat_ws(' + ', {shown}) "
        f"else cast({' + '.join(numbers)} as varchar) end"
    )


def clean(con: duckdb.DuckDBPyConnection, staged: str, match: Match) -> None:
    """The temporary table `cleaned`: one column of trimmed text per column of the log that the
    file has, null where the cell says 'empty'; grain as of `staged`.
    """
    unguarded, trimmed, translated, present = [], [], [], []
    words_of = match.mapping.translations
    for name, cell in sources(match).items():
        # A guard against formulas, put there by an export, is not part of the value.
        unguarded.append(
            f"case when {cell}[1] = '''' and {cell}[2] in ('=', '+', '-', '@') "
            f'then {cell}[2:] else {cell} end as "{name}"'
        )
        # Plain `trim` knows spaces only and is six times faster; few cells need more.
        odd = f"""regexp_matches("{name}", '[{BLANKS[1:]}！-～]')"""
        folded = f'"{name}"'
        if match.log.columns[name].type != "text":
            folded = f"translate({folded}, {literal(_WIDE)}, {literal(_NARROW)})"
        text = f'case when {odd} then trim({folded}, {literal(BLANKS)}) else trim("{name}") end'
        trimmed.append(f'{text} as "{name}"')
        empty = _empty_words(match.log, name)
        if words := words_of.get(name):
            translated.append(f'{_translated(name, words, empty)} as "{name}"')
        present.append(
            f'case when lower("{name}") in {listed(empty)} then null else "{name}" end as "{name}"'
        )
    stray = "null"
    if STRAY_CELLS in match.headers:
        stray = f"nullif(trim(c{match.headers.index(STRAY_CELLS)}), '')"
    kept = f"source_row, cells_extra, cells_missing, {stray} as stray"
    trimmed_rows = (
        f"(select {CARRIED}, {', '.join(trimmed)} "
        f"from (select {kept}, {', '.join(unguarded)} from {staged}))"
    )
    if translated:
        trimmed_rows = f"(select * replace ({', '.join(translated)}) from {trimmed_rows})"
    con.execute(
        f"create or replace temp table cleaned as "
        f"select {CARRIED}, {', '.join(present)} from {trimmed_rows}"
    )


def _empty_words(log: Log, name: str) -> list[str]:
    column = log.columns[name]
    words = [word for word in EMPTY_WORDS if not (column.type == "flag" and word == "无")]
    return [*words, *column.no_end_words]


def _translated(name: str, words: Mapping[str, str], empty: list[str]) -> str:
    """The value to read instead, by the words of a translation."""
    cell = f'"{name}"'
    folded = (
        f"lower(regexp_replace(translate({cell}, {literal(_WIDE)}, {literal(_NARROW)}), "
        f"'\\s+', '', 'g'))"
    )
    branches = [
        f"when {folded} = {literal(_folded(word))} then {literal(code)}"
        for word, code in words.items()
        if word not in (ANY_OTHER, EMPTY)
    ]
    for_empty = literal(words[EMPTY]) if EMPTY in words else cell
    branches.append(f"when {cell} is null or {folded} in {listed(empty)} then {for_empty}")
    other = literal(words[ANY_OTHER]) if ANY_OTHER in words else cell
    return f"case {' '.join(branches)} else {other} end"


def _folded(word: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", word)).lower()


def survey(con: duckdb.DuckDBPyConnection, match: Match) -> Survey:
    """Looks at every value in `cleaned`; what it leaves open is a question, never a guess."""
    spellings, asked = {}, []
    durations, columns = dict(match.durations), dict(match.columns)
    mapping = match.mapping
    spans = dict(mapping.durations)
    for name in _awkward(con, match):
        orders = _orders(con, name)
        if orders.values and not orders.dates and _may_be_span(match, name):
            kind = _kind(con, name)
            if kind == "spans":
                begins = match.log.begins or ""
                spans[name] = Duration(match.headers[match.columns[name]], begins)
                durations[name] = columns.pop(name)
                continue
            if kind is not None:
                header = match.headers[match.columns[name]]
                asked.append(Question(kind, name, header, True, _counted(con, name)))
        asked += _questions_of_order(con, match, name, orders)
        # Where nothing is ambiguous each value has one reading; both orders give it or null.
        spellings[name] = Spelling(
            day_first=mapping.day_first.get(name, not orders.second_is_day),
            swapped=mapping.swapped.get(name, False),
            english=orders.english > 0,
            minguo=orders.minguo > 0,
        )
    if spans != mapping.durations:
        found = {name: names for name, names in mapping.columns.items() if name not in spans}
        mapping = replace(mapping, durations=spans, columns=found)
        how = {**match.how, **dict.fromkeys(spans.keys() - match.durations.keys(), "duration")}
        match = replace(match, mapping=mapping, durations=durations, columns=columns, how=how)
    return Survey(match, spellings, tuple(asked))


def questions(
    con: duckdb.DuckDBPyConnection, staged: str, match: Match, timezone: str
) -> tuple[Question, ...]:
    """What `check` would refuse or reject for want of an answer; asked of every row of `staged`."""
    clean(con, staged, match)
    found = survey(con, match)
    asked = [*found.questions]
    in_sheet = match.table.sheet is not None and match.table.delimiter is None
    for name in sources(found.match):
        column = match.log.columns[name]
        if column.type not in ("choice", "choices", "flag") and column.known != "log":
            continue
        unread = f"{typed(column, timezone, None, in_sheet)} is null"
        if values := _counted(con, name, unread):
            header = match.headers[match.columns[name]] if name in match.columns else name
            asked.append(Question("values_unknown", name, header, False, values))
    con.execute("drop table cleaned")
    return tuple(asked)


def refusal(match: Match, question: Question) -> KeptError:
    """The sentence for a question that nobody answered."""
    return KeptError(
        question.code,
        file=match.table.place,
        column=question.header,
        example=next(iter(question.values), "-"),
        name=question.column,
    )


def _awkward(con: duckdb.DuckDBPyConnection, match: Match) -> list[str]:
    """The columns of dates that hold any form but the plain ones."""
    names = [
        name
        for name in (*match.columns, *match.joined, *match.mapping.constants)
        if match.log.columns[name].type in ("date", "instant")
    ]
    if not names:
        return []
    plain = (plain_date(f'"{name}"') for name in names)
    counts = ", ".join(f"count(*) filter (not {condition})" for condition in plain)
    found = con.execute(f"select {counts} from cleaned").fetchone() or ()
    awkward = {name for name, count in zip(names, found, strict=True) if count}
    return sorted(awkward | {name for name, yes in match.mapping.swapped.items() if yes})


def _orders(con: duckdb.DuckDBPyConnection, name: str) -> _Orders:
    date = r"^([0-9]{4}[-/.年]|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}|[0-9]{8})|" + MINGUO
    found = con.execute(
        f"""with apart as (
                select "{name}" as text, regexp_matches("{name}", '{date}') as is_date,
                    regexp_extract("{name}", ?, ['a', 'b']) as parts
                from cleaned
                where "{name}" is not null
            ),
            numbers as (
                select text, is_date, try_cast(parts.a as integer) as a,
                    try_cast(parts.b as integer) as b,
                    lower(text) <> upper(text) and regexp_matches(text, '{ENGLISH}') as is_english
                from apart
            )
            select count(*), count(*) filter (is_date or is_english),
                count(*) filter (is_english),
                count(*) filter (regexp_matches(text, '{MINGUO}')),
                count(*) filter (a between 13 and 31), count(*) filter (b between 13 and 31),
                count(*) filter (a <= 12 and b <= 12 and a <> b),
                min(text) filter (a <= 12 and b <= 12 and a <> b)
            from numbers""",
        ["^([0-9]{1,2})[-/.]([0-9]{1,2})[-/.][0-9]{4}"],
    ).fetchone()
    counts: tuple[Any, ...] = found or (0,) * 7 + (None,)
    return _Orders(*counts)


def _may_be_span(match: Match, name: str) -> bool:
    """Whether a column could be given as a span since the row began: 响应时间, 解决时间."""
    log = match.log
    begun = log.begins in match.given and (log.begins, name) in log.order
    return begun and name in match.columns


def _kind(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """What a column holds none of whose values is a date: `spans`, or the code of a question."""
    found = con.execute(
        f"""select count(*), count(*) filter (regexp_full_match(text, '{SERIAL}')),
                count(*) filter (regexp_full_match(text, '{BARE_NUMBER}')),
                count(*) filter ({names_its_units("text")}),
                count(*) filter (not {names_its_units("text")} and {mentions_a_unit("text")}),
                count(*) filter (regexp_full_match(text, '{CLOCK}')),
                count(*) filter (lower(text) in {listed((*YES_WORDS, *NO_WORDS))})
            from (select "{name}" as text from cleaned where "{name}" is not null)"""
    ).fetchone()
    values, serials, numbers, spans, doubtful, clocks, flags = found or (0,) * 7
    if spans and spans + doubtful == values:
        return "spans"
    if 0 < clocks == values - spans:
        return "holds_durations"
    if serials < numbers == values:
        return "holds_numbers"
    return "holds_flags" if 0 < flags == values else None


def _questions_of_order(
    con: duckdb.DuckDBPyConnection, match: Match, name: str, orders: _Orders
) -> list[Question]:
    """Day or month first, where the whole column leaves it open."""
    mapping = match.mapping
    position = match.columns.get(name, match.joined.get(name, (0,))[0])
    header = match.headers[position]
    year_last = f"regexp_matches(\"{name}\", '^[0-9]{{1,2}}[-/.][0-9]{{1,2}}[-/.][0-9]{{4}}')"
    if orders.either and not orders.one_order and name not in mapping.day_first:
        values = {orders.either_example or "": orders.either, **_counted(con, name, year_last)}
        return [Question("dates_ambiguous", name, header, True, values)]
    # A spreadsheet that reads month first takes 05/01/2026 for May 1 and leaves 13/01/2026 a text:
    # then no day it understood is past the 12th, and every day it left is.
    if orders.one_order and not orders.either and name not in mapping.swapped:
        understood = _all_by_the_twelfth(con, name)
        if understood is not None:
            values = {understood: 1, **_counted(con, name, f"not {year_last}")}
            return [Question("dates_swapped", name, header, True, values)]
    return []


def _all_by_the_twelfth(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """An example of the values with their year first, where none has a day past the 12th."""
    found = con.execute(
        f"""select max(day), min(text) filter (day <> month)
            from (
                select text, cast(ymd.month as integer) as month, cast(ymd.day as integer) as day
                from (
                    select "{name}" as text, regexp_extract("{name}", ?, ['month', 'day']) as ymd
                    from cleaned
                )
                where ymd.day <> ''
            )""",
        ["^[0-9]{4}[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})"],
    ).fetchone()
    latest, example = found or (None, None)
    return str(example) if latest is not None and latest <= 12 and example else None


def _counted(con: duckdb.DuckDBPyConnection, name: str, condition: str = "true") -> dict[str, int]:
    """The values of a column for which `condition` holds, the most frequent first."""
    rows = con.execute(
        f'select "{name}", count(*) from cleaned where "{name}" is not null and ({condition}) '
        f"group by 1 order by 2 desc, 1 limit {_VALUES}"
    ).fetchall()
    return dict(rows)
