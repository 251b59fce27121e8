"""Text to typed rows and rejects, by one SQL statement per log generated from the catalogue.

A staged table has `source_row`, the cells `c0 … cN` as text, `cells_extra` and `cells_missing`.
Checking it yields a typed table (source_row, the columns of the log, days) and a list of rejects.
Nothing is guessed: a cell either has exactly one reading, or its row is rejected with a reason.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import duckdb

from etl.catalogue import Column, Log, Text, catalogue
from etl.intake.cells import SQL_TYPES, Spelling, parts_of, typed, year_first
from etl.intake.mapping import CONTRACT, YEAR
from etl.intake.match import Match, Note, noted
from etl.intake.moments import DAY_SECONDS, PLAUSIBLE, Moments, moments, written_columns
from etl.intake.read.odd_cells import DAMAGED, MERGED, UNCALCULATED
from etl.intake.spans import span_problem, span_seconds
from etl.intake.survey import BLANKS, CARRIED, clean, refusal, sources, survey
from etl.intake.zones import later
from etl.sql import listed, literal

# Clocks differ, and zones.
_AHEAD = timedelta(hours=24)

# The first cell of a row of totals, folded and without spaces.
_TOTALS = (
    r"[【\[(]?(本页|本月|本年)?(合计|小计|总计|共计|累计|汇总)(金额|数量|数)?[】\])]?(\(.*\))?:?"
    r"|(grand|sub)?totals?:?"
    r"|[\"']?(opening|closing|期初|期末|上期|上月|上年|承前页|过次页)"
    r"(balance|stock|余额|结存|结转|库存|数)?[\"']?:?"
)


@dataclass(frozen=True)
class Problem:
    """Why a row cannot be taken: the column and the value at fault, and a message code."""

    column: str | None
    value: str | None
    code: str
    values: Mapping[str, str]

    def text(self, log: Log, language: str) -> str:
        """The reason as a sentence, in `language` (zh or en)."""
        label = log.columns[self.column].label if self.column else Text("", "")
        labels = {
            name: log.columns[value].label if value in log.columns else value
            for name, value in self.values.items()
        }
        return catalogue().message(
            self.code, language, **{"column": label, "value": self.value or "", **labels}
        )


@dataclass(frozen=True)
class Reject:
    """A refused row: where it began, its cells as they came, and every reason.

    `texts` is what its columns say, whatever else the file holds: the same row is known by it.
    """

    source_row: int
    cells: tuple[str | None, ...]
    texts: tuple[str | None, ...]
    key: tuple[str | None, ...]
    contract_id: str | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Checked:
    """What a file holds: `table` has the typed rows, `totals` counts rows left out as no data.

    These are totals, opening balances, and rows of another table beside this one. `unread`: column
    → word that nobody translated → how often it is in rows that were taken.
    """

    match: Match
    table: str
    rows: int
    rejects: tuple[Reject, ...]
    totals: int
    unread: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def check(
    con: duckdb.DuckDBPyConnection,
    staged: str,
    match: Match,
    timezone: str,
    table: str,
    now: datetime,
) -> Checked:
    """Types and checks the rows of `staged` into the new table `table`.

    Grain of `table`: one source row that holds; columns: source_row, all of the log's, and `days`
    (the instants of the row that are days, `;reported_at;closed_at;`, null where none is). `now` is
    the moment of loading, a local time of `timezone`.
    Raises KeptError where the values of a column leave open what they mean (`Question`).
    """
    clean(con, staged, match)
    found = survey(con, match)
    for question in found.questions:
        if question.blocking:
            raise refusal(match, question)
    match = noted(found.match)
    cells = sources(match)
    # A table of its own: pushed down into the typing, each condition would type its cells again.
    typed_rows = _prefixed(match, _typed_sql(match, timezone, found.spellings))
    con.execute(f"create or replace temp table typed_text as {typed_rows}")
    seen = moments(con, match, found.spellings, timezone)
    problems = _problems(match, cells, seen, now)
    bad = " or ".join(f"coalesce({condition}, false)" for condition, *_ in problems)
    columns = ", ".join(_value(column, seen) for column in match.log.columns.values())
    con.execute(
        f"create or replace table {table} as "
        f"select source_row, {columns}, {seen.days} as days from typed_text where not ({bad})"
    )
    every, good = _count(con, "cleaned"), _count(con, table)
    rejects: tuple[Reject, ...] = ()
    totals = 0
    if good < every:
        rejects, totals = _rejects(con, staged, match, cells, bad, problems)
    match = replace(match, notes=(*match.notes, *_notes_of_values(con, match)))
    unread = _unread(con, match, table)
    con.execute("drop table cleaned")
    con.execute("drop table typed_text")
    return Checked(match, table, good, rejects, totals, unread)


def _value(column: Column, seen: Moments) -> str:
    """A column as it is stored."""
    value = seen.earliest(column.name)
    if column.endless:
        value = f"case when {value} not in {listed(column.endless)} then {value} end"
    return f'{value} as "{column.name}"'


def _notes_of_values(con: duckdb.DuckDBPyConnection, match: Match) -> Iterator[Note]:
    """What was done to values that a person should know of."""
    log, table = match.log, match.table
    used = {
        name: (position,) for name, position in (*match.columns.items(), *match.durations.items())
    } | dict(match.joined)
    rounded = {
        name: count
        for name, positions in used.items()
        if log.columns[name].is_number
        and (count := sum(table.rounded.get(position, 0) for position in positions))
    }
    if rounded:
        yield Note("note_numbers_rounded", _counted_in(log, rounded))
    below = match.header_index
    filled = {
        name: count
        for name, positions in used.items()
        if (count := sum(int(row > below) for p in positions for row in table.filled.get(p, ())))
    }
    if filled:
        yield Note("note_merged", _counted_in(log, filled))
    for name, span in match.mapping.durations.items():
        fraction = f'count(*) filter ("{name} seconds" <> round("{name} seconds"))'
        counted = con.execute(f"select {fraction} from typed_text").fetchone()
        if counted and counted[0]:
            values = {"column": log.columns[name].label, "header": span.header, "count": counted[0]}
            yield Note("note_spans_rounded", values)


def _unread(con: duckdb.DuckDBPyConnection, match: Match, table: str) -> dict[str, dict[str, int]]:
    """The words of each column that stand for themselves alone, the most frequent first."""
    found = {}
    for name, column in match.log.columns.items():
        if column.unread and name in match.given:
            rows = con.execute(
                f'select "{name} text", count(*) from typed_text semi join {table} '
                f'using (source_row) where "{name}" = {literal(column.unread)} '
                "group by 1 order by 2 desc, 1"
            ).fetchall()
            if rows:
                found[name] = dict(rows)
    return found


def _counted_in(log: Log, counts: Mapping[str, int]) -> dict[str, object]:
    labels = [log.columns[name].label for name in counts]
    return {
        "count": sum(counts.values()),
        "columns": Text("、".join(one.zh for one in labels), ", ".join(one.en for one in labels)),
    }


def typed_columns(log: Log) -> str:
    """The columns of `log` with their SQL types, as in `create table`."""
    return ", ".join(f'"{c.name}" {SQL_TYPES[c.type]}' for c in log.columns.values())


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    found = con.execute(f"select count(*) from {table}").fetchone()
    return found[0] if found else 0


def _typed_sql(match: Match, timezone: str, spellings: Mapping[str, Spelling]) -> str:
    """`source_row`, every column of the log typed, and the text beside it as `"name text"`."""
    parts = [CARRIED]
    given, spans = match.given, match.mapping.durations
    in_sheet = match.table.sheet is not None and match.table.delimiter is None
    for name, column in match.log.columns.items():
        sql_type = SQL_TYPES[column.type]
        if name in given:
            value = typed(column, timezone, spellings.get(name), in_sheet)
            if name in match.scale:
                # A value with a unit of its own does not take the header's as well.
                bare = f"regexp_full_match(\"{name}\", '[-+0-9,. ]+')"
                value = f"case when {bare} then {value} * {match.scale[name]} end"
            if column.unread:
                value = f"coalesce({value}, {literal(column.unread)})"
                value = f'case when "{name}" is not null then {value} end'
            parts.append(f'"{name}" as "{name} text"')
        else:
            value = "null"
        if name in spellings and column.type == "instant":
            parts += written_columns(name, spellings[name])
        if name in spans:
            parts.append(f'{span_seconds(name, spans[name].unit)} as "{name} seconds"')
            value = "null"
        if column.default is not None:
            present = f'"{name}" is null' if name in given else "true"
            value = f"case when {present} then {literal(column.default)} else {value} end"
        parts.append(f'cast({value} as {sql_type}) as "{name}"')
    source = "cleaned"
    if spellings:
        spelled = ", ".join(
            f'{year_first(name, spelling)} as "{name} spelled"'
            for name, spelling in spellings.items()
        )
        source = f"(select *, {spelled} from cleaned)"
        source = f"(select *, {', '.join(map(parts_of, spellings))} from {source})"
    rows = f"select {', '.join(parts)} from {source}"
    if not spans:
        return rows
    ends = ", ".join(
        f"""cast({later(f'"{span.start}"', f'round("{name} seconds")', timezone)} """
        f"""as {SQL_TYPES[match.log.columns[name].type]}) as "{name}\""""
        for name, span in spans.items()
    )
    return f"select * replace ({ends}) from ({rows})"


def _prefixed(match: Match, rows: str) -> str:
    """The typed rows with their numbers as `prefix/number`, where the mapping says so.

    A number that has its prefix already is left as it is; one without is null.
    """
    said = match.mapping.key_prefix
    if not said:
        return rows
    replaced = []
    for name, prefix in said.items():
        before = _prefix_sql(match.log, prefix)
        has = f"starts_with(\"{name}\", {before} || '/')"
        replaced.append(
            f'case when {has} then "{name}" else {before} || \'/\' || "{name}" end as "{name}"'
        )
    return f"select * replace ({', '.join(replaced)}) from ({rows})"


def _prefix_sql(log: Log, prefix: str) -> str:
    if prefix == CONTRACT:
        return '"contract_id"'
    if prefix != YEAR:
        return literal(prefix)
    dates = [c.name for c in log.columns.values() if c.is_event]
    dates = [log.begins, *dates] if log.begins else dates
    first = ", ".join(f'cast("{name}" as date)' for name in dates)
    return f"cast(year(coalesce({first})) as varchar)"


# --- problems ------------------------------------------------------------------------------------

_Rule = tuple[str, str | None, str, Mapping[str, str]]
_TOTAL = "is_total"


def _problems(match: Match, cells: Mapping[str, str], seen: Moments, now: datetime) -> list[_Rule]:
    """(condition, column, message code, values) for everything that rejects a row."""
    log = match.log
    rules: list[_Rule] = [
        ("cells_extra is not null", None, "row_too_wide", {}),
        ("cells_missing > 0", None, "row_cut_off", {}),
        ("stray is not null", None, "row_not_mended", {}),
    ]
    for name in log.key:
        if log.columns[name].type == "id" and name in cells:
            word = f"lower(replace(\"{name} text\", ' ', ''))"
            rules.append((f"regexp_full_match({word}, {literal(_TOTALS)})", name, _TOTAL, {}))
            column = log.columns[name]
            header = [w.lower() for w in (name, column.label.zh, column.label.en, *column.aliases)]
            rules.append((f"{word} in {listed(header)}", name, "header_repeated", {}))
    for name, column in log.columns.items():
        if name in cells:
            if name in match.durations:
                rules += _span_rules(match, name, seen)
            else:
                unread = f'"{name}" is null and "{name} text" is not null'
                if prefix := match.mapping.key_prefix.get(name):
                    lacks = f"{_prefix_sql(match.log, prefix)} is null"
                    rules.append((f"{unread} and {lacks}", name, "prefix_missing", {}))
                    unread += f" and not ({lacks})"
                rules.append((unread, name, f"not_a_{column.type}", {}))
            if column.type in ("date", "instant"):
                rules += _date_rules(column, seen, now)
        if column.required:
            unless = column.required_unless
            condition = f'"{name}" is null' + (
                f' and "{name} text" is null' if name in cells else ""
            )
            if unless:
                condition += f' and "{unless}" is null'
                rules.append((condition, name, "required_unless", {"other": unless}))
            else:
                rules.append((condition, name, "required", {}))
        if column.minimum is not None:
            condition = f'"{name}" < {column.minimum}'
            if column.minimum_unless:
                other, code = column.minimum_unless
                condition += f' and "{other}" is distinct from {literal(code)}'
            rules.append((condition, name, "too_small", {"minimum": str(column.minimum)}))
        if column.known in ("term", "clause"):
            known = catalogue().terms if column.known == "term" else catalogue().clauses
            rules.append((f'"{name}" not in {listed(known)}', name, f"no_such_{column.known}", {}))
    rules += [
        (f"{seen.latest(then)} < {seen.earliest(first)}", then, "before", {"first": first})
        for first, then in log.order
    ]
    if log.name == "terms":
        rules += _term_rules()
    return rules


def _span_rules(match: Match, name: str, seen: Moments) -> Iterator[_Rule]:
    """What is wrong with an instant that is given as a span."""
    start = match.mapping.durations[name].start
    seconds, values = f'"{name} seconds"', {"first": start}
    yield f'{seconds} is null and "{name} text" is not null', name, "not_a_duration", {}
    yield f'{seconds} is not null and "{start}" is null', name, "span_without_start", values
    if start in seen.is_day:
        # From some time of a day on, only whole days end on a day that can be told.
        open_end = f"round({seconds}) % {DAY_SECONDS} <> 0 and {seen.is_day[start]}"
        yield open_end, name, "span_from_day", values


def _date_rules(column: Column, seen: Moments, now: datetime) -> Iterator[_Rule]:
    """What is wrong with a date that can be read."""
    name = column.name
    first, end = (f"date {literal(date)}" for date in PLAUSIBLE)
    implausible = f'("{name}" < {first} or "{name}" >= {end})'
    if column.endless:
        implausible += f' and "{name}" not in {listed(column.endless)}'
    yield implausible, name, "implausible_date", {}
    if not column.foreseen:
        latest = f"timestamp {literal(now + _AHEAD)}"
        yield f'"{name}" > {latest} and "{name}" < {end}', name, "in_future", {}
    if name in seen.ambiguous:
        yield seen.ambiguous[name], name, "ambiguous_hour", {}


# A share is at most the whole; a span at most a hundred years.
_MOST = {
    "ratio": 1,
    "minutes": 52_560_000,
    "hours": 876_000,
    "days": 36_525,
    "months": 1_200,
    "count": 1_000,
}


def _term_rules() -> list[_Rule]:
    terms = catalogue().terms.values()
    whole = [term.name for term in terms if term.whole and term.unit != "yes_no"]
    days = [term.name for term in terms if term.unit == "day_of_month"]
    ratios = [term.name for term in terms if term.unit == "ratio"]
    yes_no = [term.name for term in terms if term.unit == "yes_no"]
    return [
        (f"term in {listed(whole)} and value <> trunc(value)", "value", "term_not_whole", {}),
        (f"term in {listed(days)} and (value < 1 or value > 28)", "value", "term_not_a_day", {}),
        (f"term in {listed(yes_no)} and value not in (0, 1)", "value", "term_not_yes_no", {}),
        (
            f"term not in {listed(ratios)} and ends_with(\"value text\", '%')",
            "value",
            "term_not_a_share",
            {},
        ),
        *(
            (
                f"term in {listed(term.name for term in terms if term.unit == unit)} "
                f"and value > {most}",
                "value",
                "term_too_large",
                {"most": str(most)},
            )
            for unit, most in _MOST.items()
        ),
    ]


def _rejects(
    con: duckdb.DuckDBPyConnection,
    staged: str,
    match: Match,
    cells: Mapping[str, str],
    bad: str,
    problems: list[_Rule],
) -> tuple[tuple[Reject, ...], int]:
    log = match.log
    flags = ", ".join(f"coalesce({rule[0]}, false)" for rule in problems)
    said = {name: f'"{name} text"' for name in cells}
    texts = ", ".join(said.get(name, "null") for name in log.columns)
    key = ", ".join(f'cast("{name}" as varchar)' for name in log.key)
    contract = '"contract_id"' if "contract_id" in log.columns else "null"
    width = len(match.headers)
    as_they_came = ", ".join(f"staged.c{position}" for position in range(width))
    rows = con.execute(
        f"""select source_row, broken, texts, key, contract, [{as_they_came}], staged.cells_extra
            from (
                select source_row, [{flags}] as broken, [{texts}] as texts, [{key}] as key,
                    {contract} as contract
                from typed_text where {bad}
            ) as refused
            join {staged} as staged using (source_row) order by source_row"""
    ).fetchall()
    names = list(log.columns)
    beside = _width_beside_another(match)
    rejects: list[Reject] = []
    totals = 0
    for source_row, broken, text, key_values, contract_id, raw, extra in rows:
        found = tuple(
            _problem(match, column, text[names.index(column)] if column else None, code, values)
            for fails, (_, column, code, values) in zip(broken, problems, strict=True)
            if fails
        )
        is_beside = beside and not any(cell and cell.strip(BLANKS) for cell in raw[:beside])
        if is_beside or _is_total(raw) or any(problem.code == _TOTAL for problem in found):
            totals += 1
            continue
        cells_as_they_came = (*raw, extra) if extra is not None else tuple(raw)
        rejects.append(
            Reject(
                source_row, cells_as_they_came, tuple(text), tuple(key_values), contract_id, found
            )
        )
    return tuple(rejects), totals


def _width_beside_another(match: Match) -> int:
    """How wide the table is where a column without a header parts it from another one; else 0."""
    used = {*match.columns.values(), *match.durations.values()}
    used |= {position for positions in match.joined.values() for position in positions}
    blank = [p for p, h in enumerate(match.headers) if not h.strip() and p > min(used, default=p)]
    return blank[0] if blank and max(used) < blank[0] else 0


def _problem(
    match: Match, column: str | None, value: str | None, code: str, values: Mapping[str, str]
) -> Problem:
    if value and code.startswith("not_a_"):
        if value == UNCALCULATED:
            code = "not_calculated"
        elif MERGED in value:
            code, value = "merged_number", value.replace(MERGED, "")
        elif code == "not_a_id" and value.startswith(DAMAGED):
            code, value = "damaged_id", value[value.index("!") + 1 :]
        elif code == "not_a_duration" and column:
            code = span_problem(value, match.mapping.durations[column].unit)
    return Problem(column, value, code, values)


def _is_total(cells: Iterable[str | None]) -> bool:
    first = next((cell for cell in cells if cell and cell.strip(BLANKS)), "")
    folded = unicodedata.normalize("NFKC", first).replace(" ", "").strip().lower()
    return re.fullmatch(_TOTALS, folded) is not None


def problems_json(problems: Iterable[Problem]) -> str:
    """The problems of a row as they are kept with its batch."""
    return json.dumps(
        [[p.column, p.value, p.code, dict(p.values)] for p in problems], ensure_ascii=False
    )


def problems_from_json(text: str) -> tuple[Problem, ...]:
    """The reverse of `problems_json`."""
    return tuple(Problem(*parts) for parts in json.loads(text))


def exact(value: Decimal) -> str:
    """A decimal as people write it: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
