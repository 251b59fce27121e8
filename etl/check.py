"""Text to typed rows and rejects, by one SQL statement per log generated from the catalogue.

A staged table has `source_row`, the cells `c0 … cN` as text, `cells_extra` and `cells_missing`.
Checking it yields a typed table (the columns of the log and `source_row`) and a list of rejects.
Nothing is guessed: a cell either has exactly one reading, or its row is rejected with a reason.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from etl.catalogue import Column, Log, Text, catalogue
from etl.errors import KeptError
from etl.match import Match
from etl.sql import listed, literal

EMPTY_WORDS = ("", "?", "-", "—", "/", "n/a", "na", "ns", "null", "none", "无", "暂无")
YES_WORDS = ("是", "有", "y", "yes", "true", "1", "√", "✓", "✔", "满意")
NO_WORDS = ("否", "无", "n", "no", "false", "0", "×", "✗", "✘", "不满意")
# The first cell of a row of totals, folded and without spaces.
_TOTALS = (
    r"[【\[(]?(本页|本月|本年)?(合计|小计|总计|共计|累计|汇总)(金额|数量|数)?[】\])]?(\(.*\))?:?"
    r"|(grand|sub)?totals?:?"
)
# What a spreadsheet leaves of a value it could not compute or could not hold.
_ERRORS = ("#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!")
_DAMAGED = r"#(N/A|REF!|DIV/0!|VALUE!|NAME\?|NULL!|NUM!|SPILL!|CALC!)|[0-9](\.[0-9]+)?[eE]\+[0-9]+"

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

# A column of the file of rejected rows: what did not fit the header, until a person has mended it.
STRAY_CELLS = "未对齐的单元格(改好后清空) stray cells (empty this once mended)"
_CARRIED = "source_row, cells_extra, cells_missing, stray"
_BLANKS = " \t\r\n\u00a0\u3000\u2003\u2002\u200b\ufeff"
_WIDE = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000\u00a0"
_NARROW = "".join(chr(code) for code in range(0x21, 0x7F)) + "  "


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
    """What a file holds: `table` has the typed rows, `totals` counts totals rows left out."""

    match: Match
    table: str
    rows: int
    rejects: tuple[Reject, ...]
    totals: int


def check(
    con: duckdb.DuckDBPyConnection, staged: str, match: Match, timezone: str, table: str
) -> Checked:
    """Types and checks the rows of `staged` into the new table `table`.

    Grain of `table`: one source row that holds; columns: all of the log's, and `source_row`.
    Raises KeptError where a column of dates can be read both day first and month first.
    """
    cells = {name: f"c{position}" for name, position in match.columns.items()}
    stray = "null"
    if STRAY_CELLS in match.headers:
        stray = f"nullif(trim(c{match.headers.index(STRAY_CELLS)}), '')"
    con.execute(_cleaned_sql(staged, match.log, cells, stray))
    awkward = _awkward(con, match)
    typed = _typed_sql(match, cells, timezone, awkward, _day_first(con, match, awkward))
    problems = _problems(match.log, cells)
    bad = " or ".join(f"coalesce({condition}, false)" for condition, *_ in problems)
    columns = ", ".join(f'"{name}"' for name in match.log.columns)
    # A table of its own: pushed down into the typing, each condition would type its cells again.
    con.execute(f"create or replace temp table typed_text as {typed}")
    con.execute(
        f"create or replace table {table} as "
        f"select source_row, {columns} from typed_text where not ({bad})"
    )
    every, good = _count(con, "cleaned"), _count(con, table)
    rejects: tuple[Reject, ...] = ()
    totals = 0
    if good < every:
        rejects, totals = _rejects(con, staged, match, bad, problems)
    con.execute("drop table cleaned")
    con.execute("drop table typed_text")
    return Checked(match, table, good, rejects, totals)


def typed_columns(log: Log) -> str:
    """The columns of `log` with their SQL types, as in `create table`."""
    return ", ".join(f'"{c.name}" {SQL_TYPES[c.type]}' for c in log.columns.values())


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    found = con.execute(f"select count(*) from {table}").fetchone()
    return found[0] if found else 0


# --- cells ---------------------------------------------------------------------------------------


def _cleaned_sql(staged: str, log: Log, cells: Mapping[str, str], stray: str) -> str:
    """One column of trimmed text per column of the log; null where the cell says 'empty'."""
    unguarded, trimmed, present = [], [], []
    for name, cell in cells.items():
        # A guard against formulas, put there by an export, is not part of the value.
        unguarded.append(
            f"case when {cell}[1] = '''' and {cell}[2] in ('=', '+', '-', '@') "
            f'then {cell}[2:] else {cell} end as "{name}"'
        )
        # Plain `trim` knows spaces only and is six times faster; few cells need more.
        odd = f"""regexp_matches("{name}", '[{_BLANKS[1:]}！-～]')"""
        folded = f'"{name}"'
        if log.columns[name].type != "text":
            folded = f"translate({folded}, {literal(_WIDE)}, {literal(_NARROW)})"
        text = f'case when {odd} then trim({folded}, {literal(_BLANKS)}) else trim("{name}") end'
        trimmed.append(f'{text} as "{name}"')
        is_flag = log.columns[name].type == "flag"
        empty = [word for word in EMPTY_WORDS if not (is_flag and word == "无")]
        present.append(
            f'case when lower("{name}") in {listed(empty)} then null else "{name}" end as "{name}"'
        )
    kept = f"source_row, cells_extra, cells_missing, {stray} as stray"
    return (
        f"create or replace temp table cleaned as select {_CARRIED}, {', '.join(present)} "
        f"from (select {_CARRIED}, {', '.join(trimmed)} "
        f"from (select {kept}, {', '.join(unguarded)} from {staged}))"
    )


def _typed_sql(
    match: Match,
    cells: Mapping[str, str],
    timezone: str,
    awkward: frozenset[str],
    day_first: Mapping[str, bool],
) -> str:
    """`source_row`, every column of the log typed, and the text beside it as `"name text"`."""
    parts = [_CARRIED]
    for name, column in match.log.columns.items():
        sql_type = SQL_TYPES[column.type]
        if name in cells:
            value = _typed(column, timezone, name in awkward, match.table.sheet is not None)
            if name in match.scale:
                # A value with a unit of its own does not take the header's as well.
                bare = f"regexp_full_match(\"{name}\", '[-+0-9,. ]+')"
                value = f"case when {bare} then {value} * {match.scale[name]} end"
            parts.append(f'"{name}" as "{name} text"')
        else:
            value = "null"
        if column.default is not None:
            present = f'"{name}" is null' if name in cells else "true"
            value = f"case when {present} then {literal(column.default)} else {value} end"
        parts.append(f'cast({value} as {sql_type}) as "{name}"')
    source = "cleaned"
    if awkward:
        spelled = ", ".join(
            f'{_year_first(name, day_first.get(name, True))} as "{name} spelled"'
            for name in sorted(awkward)
        )
        taken_apart = ", ".join(
            f'regexp_extract("{name} spelled", \'{_INSTANT}\', {_GROUPS}) as "{name} parts"'
            for name in sorted(awkward)
        )
        source = f"(select *, {taken_apart} from (select *, {spelled} from cleaned))"
    return f"select {', '.join(parts)} from {source}"


def _typed(column: Column, timezone: str, awkward: bool, in_sheet: bool) -> str:
    """The expression that types a cleaned cell; null where it has no reading."""
    cell = f'"{column.name}"'
    if column.known == "log":
        return _by_words(cell, _log_words())
    match column.type:
        case "id":
            return f"case when not regexp_full_match({cell}, {literal(_DAMAGED)}) then {cell} end"
        case "text":
            return f"case when {cell} not in {listed(_ERRORS)} then {cell} end"
        case "flag":
            return _by_words(cell, {"true": YES_WORDS, "false": NO_WORDS})
        case "choice":
            return _by_words(cell, _choice_words(column))
        case "choices":
            return _several_by_words(cell, _choice_words(column))
        case "date":
            return f"cast({_instant(column.name, timezone, awkward)} as date)"
        case "instant":
            instant = _instant(column.name, timezone, awkward)
            if column.date_means_end_of_day:
                alone = (
                    f"regexp_full_match({cell}, '[^:时点]{{5,11}}') and strpos({cell}, '.') <> 6"
                )
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


def _choice_words(column: Column) -> dict[str, tuple[str, ...]]:
    return {
        code: (code, code.replace("_", ""), *words)
        for code, words in (column.choices or {}).items()
    }


def _log_words() -> dict[str, tuple[str, ...]]:
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
_SERIAL = r"[2-7][0-9]{4}(\.[0-9]+)?"


def _plain(cell: str) -> str:
    """Whether a cell is in one of the forms a plain cast reads, leaving nothing out."""
    forms = ("____-__-__ __:__:__", "____-__-__T__:__:__", "____-__-__ __:__", "____-__-__")
    likes = " or ".join(f"{cell} like '{form}'" for form in forms)
    time = "( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?"
    days = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}"
    return f"({likes} or regexp_full_match({cell}, '({days}){time}'))"


def _awkward(con: duckdb.DuckDBPyConnection, match: Match) -> frozenset[str]:
    """The columns of dates that hold any form but the plain ones."""
    names = [name for name in match.columns if match.log.columns[name].type in ("date", "instant")]
    if not names:
        return frozenset()
    counts = ", ".join(f"count(*) filter (not {_plain(chr(34) + n + chr(34))})" for n in names)
    found = con.execute(f"select {counts} from cleaned").fetchone() or ()
    return frozenset(name for name, count in zip(names, found, strict=True) if count)


def _year_first(name: str, day_first: bool) -> str:
    """The text of a date with its year first and one space before the time."""
    cell = f"regexp_replace(\"{name}\", '\\s+', ' ', 'g')"
    year_last = r"\3-\2-\1" if day_first else r"\3-\1-\2"
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


def _instant(name: str, timezone: str, awkward: bool) -> str:
    """An instant in the deployment's time zone, from any of the forms people's exports have."""
    cell = f'"{name}"'
    if not awkward:
        return f"try_cast({cell} as timestamp)"
    serial = (
        "timestamp '1899-12-30' + to_seconds("
        f"cast(round(try_cast({cell} as decimal(28, 12)) * 86400) as bigint))"
    )
    return (
        f"case when {_plain(cell)} then try_cast({cell} as timestamp) "
        f"when regexp_full_match({cell}, '{_SERIAL}') then {serial} "
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


def _day_first(
    con: duckdb.DuckDBPyConnection, match: Match, awkward: frozenset[str]
) -> dict[str, bool]:
    """Per column of dates like 05/01/2026: whether the day comes first, by the whole column."""
    decided = {}
    for name in sorted(awkward):
        form = "^([0-9]{1,2})[-/.]([0-9]{1,2})[-/.][0-9]{4}"
        found = con.execute(
            f"""with apart as (
                    select "{name}" as text, regexp_extract("{name}", ?, ['a', 'b']) as parts
                    from cleaned
                ),
                numbers as (
                    select text, cast(parts.a as integer) as a, cast(parts.b as integer) as b
                    from apart
                    where parts.a <> ''
                )
                select count(*) filter (a between 13 and 31), count(*) filter (b between 13 and 31),
                    count(*) filter (a <= 12 and b <= 12 and a <> b), min(text)
                from numbers""",
            [form],
        ).fetchone()
        days, months, ambiguous, example = found or (0, 0, 0, None)
        if ambiguous and bool(days) == bool(months):
            raise KeptError(
                "dates_ambiguous",
                file=match.table.place,
                column=match.headers[match.columns[name]],
                example=example,
            )
        # Where nothing is ambiguous each value has one reading; both orders give it or null.
        decided[name] = not months
    return decided


# --- problems ------------------------------------------------------------------------------------

_Rule = tuple[str, str | None, str, Mapping[str, str]]
_TOTAL = "is_total"


def _problems(log: Log, cells: Mapping[str, str]) -> list[_Rule]:
    """(condition, column, message code, values) for everything that rejects a row."""
    rules: list[_Rule] = [
        ("cells_extra is not null", None, "row_too_wide", {}),
        ("cells_missing > 0", None, "row_cut_off", {}),
        ("stray is not null", None, "row_not_mended", {}),
    ]
    for name in log.key:
        if log.columns[name].type == "id":
            word = f"lower(replace(\"{name}\", ' ', ''))"
            rules.append((f"regexp_full_match({word}, {literal(_TOTALS)})", name, _TOTAL, {}))
            column = log.columns[name]
            header = [w.lower() for w in (name, column.label.zh, column.label.en, *column.aliases)]
            rules.append((f"{word} in {listed(header)}", name, "header_repeated", {}))
    for name, column in log.columns.items():
        if name in cells:
            condition = f'"{name}" is null and "{name} text" is not null'
            if column.type in ("date", "instant"):
                # Before 1900 lie slips and what a spreadsheet makes of an empty date.
                condition += f" or \"{name}\" < date '1900-01-01'"
            rules.append((condition, name, f"not_a_{column.type}", {}))
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
        (f'"{then}" < "{first}"', then, "before", {"first": first}) for first, then in log.order
    ]
    if log.name == "terms":
        rules += _term_rules()
    return rules


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
    whole = [term.name for term in terms if term.whole]
    days = [term.name for term in terms if term.unit == "day_of_month"]
    ratios = [term.name for term in terms if term.unit == "ratio"]
    return [
        (f"term in {listed(whole)} and value <> trunc(value)", "value", "term_not_whole", {}),
        (f"term in {listed(days)} and (value < 1 or value > 28)", "value", "term_not_a_day", {}),
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
    bad: str,
    problems: list[_Rule],
) -> tuple[tuple[Reject, ...], int]:
    log = match.log
    flags = ", ".join(f"coalesce({rule[0]}, false)" for rule in problems)
    said = {name: f'"{name} text"' for name in match.columns}
    texts = ", ".join(said.get(name, "null") for name in log.columns)
    key = ", ".join(f'cast("{name}" as varchar)' for name in log.key)
    contract = '"contract_id"' if "contract_id" in log.columns else "null"
    width = len(match.headers)
    cells = ", ".join(f"staged.c{position}" for position in range(width))
    rows = con.execute(
        f"""select source_row, broken, texts, key, contract, [{cells}], staged.cells_extra
            from (
                select source_row, [{flags}] as broken, [{texts}] as texts, [{key}] as key,
                    {contract} as contract
                from typed_text where {bad}
            ) as refused
            join {staged} as staged using (source_row) order by source_row"""
    ).fetchall()
    names = list(log.columns)
    rejects: list[Reject] = []
    totals = 0
    for source_row, broken, text, key_values, contract_id, raw, extra in rows:
        found = tuple(
            Problem(column, text[names.index(column)] if column else None, code, values)
            for fails, (_, column, code, values) in zip(broken, problems, strict=True)
            if fails
        )
        if _is_total(raw) or any(problem.code == _TOTAL for problem in found):
            totals += 1
            continue
        cells_as_they_came = (*raw, extra) if extra is not None else tuple(raw)
        rejects.append(
            Reject(
                source_row, cells_as_they_came, tuple(text), tuple(key_values), contract_id, found
            )
        )
    return tuple(rejects), totals


def _is_total(cells: Iterable[str | None]) -> bool:
    first = next((cell for cell in cells if cell and cell.strip(_BLANKS)), "")
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
