"""How the columns of a kind of file become those of a log: chosen once, kept, sent as TOML.

A mapping is laid over what Kept finds by itself; a column that it does not name stays as found.

    match.propose(tables, mappings=…) -> Proposal   what Kept makes of a sheet
    match.applied(proposal, mapping) -> Match       the same, a person's word over it
    survey.questions(con, staged, match)            what the values leave open
    check.check(con, staged, match, …) -> Checked   typed rows; refuses what is still open
    remembered.remember, remembered, forget         the mappings a warehouse keeps
    profiles.profiles() -> {name: Profile}          ready-made mappings of known tools
"""

import hashlib
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from etl.catalogue import Log, catalogue
from etl.errors import KeptError

UNITS = ("seconds", "minutes", "hours", "days")
# In a translation: any other value, and a cell that is empty.
ANY_OTHER, EMPTY = "*", ""

_BRACKETS = re.compile(r"[(\[【〔<].*?[)\]】〕>]")
_NOISE = re.compile(r"[\s_*:.\-]+")
_PARTS = (
    "log", "profile", "headers", "columns", "constants", "translations", "durations", "key_prefix",
)  # fmt: skip
CONTRACT, YEAR = "contract_id", "year"
"""What may stand before a number besides a text: the row's contract, the year of its begin."""
ANSWERS = ("day_first", "swapped", "years")


@dataclass(frozen=True)
class Duration:
    """An instant given as a span: the values under `header` after the column `start` of the row.

    `unit` is that of bare numbers; None where every value names its own (6小时30分钟, 00:45:00).
    """

    header: str
    start: str
    unit: str | None = None


@dataclass(frozen=True)
class ColumnMapping:
    """What a person (or a profile) says of a header set.

    columns        column of the log → header; several are joined (a date and a time, the parts of
                   a key); none means that the column is not taken, whatever fits it. A header that
                   the file has twice is named `Header@1`, `Header@2`
    constants      column → the text that every row has there
    translations   column → value as the file has it → code or text to read instead; `*` is any
                   other value, the empty text an empty cell
    durations      column → the span that gives the instant
    key_prefix     column that holds a number → what stands before it: a text, CONTRACT or YEAR
    day_first      column → whether 05/01/2026 is 5 January, where the values leave it open
    swapped        column → whether a spreadsheet swapped day and month of the cells it understood
    years          column → whether bare numbers of a column of months are years
    headers        the header set that it was made for, as in the file; the key under which it is
                   remembered
    profile        the ready-made mapping below it
    place          only for this file or sheet (`TextTable.place`); in no TOML
    """

    log: str
    headers: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    durations: Mapping[str, Duration] = field(default_factory=dict)
    day_first: Mapping[str, bool] = field(default_factory=dict)
    swapped: Mapping[str, bool] = field(default_factory=dict)
    key_prefix: Mapping[str, str] = field(default_factory=dict)
    years: Mapping[str, bool] = field(default_factory=dict)
    profile: str | None = None
    place: str | None = None

    @property
    def named(self) -> frozenset[str]:
        """The columns whose source it states, be it that they have none."""
        return frozenset((*self.columns, *self.constants, *self.durations))

    @property
    def used_headers(self) -> tuple[str, ...]:
        """The headers it takes values from."""
        taken = [header for headers in self.columns.values() for header in headers]
        return tuple(dict.fromkeys((*taken, *(d.header for d in self.durations.values()))))

    @property
    def identity(self) -> str:
        """The name under which it is remembered: the folded header set and the log."""
        return header_set(self.headers, self.log)

    def answered(self, part: str, column: str, yes: bool) -> "ColumnMapping":
        """The mapping with the answer to a question about a column; `part` is one of ANSWERS."""
        answers: dict[str, Any] = {part: {**getattr(self, part), column: yes}}
        return replace(self, **answers)

    def to_toml(self) -> str:
        """The mapping as a TOML file that `from_toml` and `kept load --map` read."""
        lines = [f"log = {_quoted(self.log)}"]
        if self.profile:
            lines.append(f"profile = {_quoted(self.profile)}")
        if self.headers:
            lines.append(f"headers = {_array(self.headers)}")
        columns = {
            name: _quoted(headers[0] if headers else "") if len(headers) < 2 else _array(headers)
            for name, headers in self.columns.items()
        }
        lines += _section("columns", columns)
        lines += _section("constants", {n: _quoted(text) for n, text in self.constants.items()})
        for name, words in self.translations.items():
            quoted = {_quoted(word): _quoted(code) for word, code in words.items()}
            lines += _section(f"translations.{name}", quoted)
        lines += _section("durations", {n: _span(d) for n, d in self.durations.items()})
        lines += _section("key_prefix", {n: _quoted(text) for n, text in self.key_prefix.items()})
        for part in ANSWERS:
            answers = getattr(self, part)
            lines += _section(part, {name: str(yes).lower() for name, yes in answers.items()})
        return "\n".join(lines) + "\n"

    @classmethod
    def from_toml(cls, text: str, file: str = "") -> "ColumnMapping":
        """The mapping in `text`; `file` is its name as the person knows it.

        Raises KeptError where it is no TOML, or names a log, column, code or unit there is not.
        """
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise KeptError("mapping_not_toml", file=file, detail=error) from error
        return cls.from_raw(raw, file)

    @classmethod
    def from_raw(cls, raw: Mapping[str, Any], file: str = "") -> "ColumnMapping":
        """The mapping in a TOML document that is read already; raises as `from_toml` does."""
        return _from_raw(raw, file)


def read_mapping(path: Path) -> ColumnMapping:
    """The mapping in a file. Raises KeptError where there is none, or as `from_toml` does."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise KeptError("file_missing", file=path) from error
    except OSError as error:
        raise KeptError(
            "file_unreadable", file=path.name, detail=error.strerror or error
        ) from error
    except UnicodeDecodeError as error:
        raise KeptError("mapping_not_toml", file=path.name, detail=error) from error
    return ColumnMapping.from_toml(text, path.name)


@lru_cache(maxsize=10_000)
def fold_header(header: str) -> str:
    """A header as it is compared: half-width, without notes in brackets, marks, spaces, case."""
    text = unicodedata.normalize("NFKC", header)
    return _NOISE.sub("", _BRACKETS.sub("", text)).casefold()


def fold_value(value: str) -> str:
    """A value as translations compare it: half-width, without spaces, in lower case."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", value)).lower()


def header_set(headers: Iterable[str], log: str) -> str:
    """A name for a set of headers, whatever their order and how often one stands there."""
    folded = sorted({_spelled(header) for header in headers if header.strip()})
    return hashlib.sha256(json.dumps([log, folded]).encode()).hexdigest()[:32]


def _spelled(header: str) -> str:
    # Notes in brackets count here: 响应时间(分钟) and 响应时间(小时) are not one source.
    return _NOISE.sub("", unicodedata.normalize("NFKC", header)).casefold()


def _quoted(text: str) -> str:
    # What JSON escapes, TOML understands; DEL alone only TOML forbids.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _array(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def _span(duration: Duration) -> str:
    unit = f", unit = {_quoted(duration.unit)}" if duration.unit else ""
    return f"{{ header = {_quoted(duration.header)}, from = {_quoted(duration.start)}{unit} }}"


def _section(name: str, entries: Mapping[str, str]) -> list[str]:
    if not entries:
        return []
    return ["", f"[{name}]", *(f"{key} = {value}" for key, value in entries.items())]


def _from_raw(raw: Mapping[str, Any], file: str) -> ColumnMapping:
    for part in raw:
        if part not in (*_PARTS, *ANSWERS):
            raise KeptError("mapping_part_unknown", file=file, part=part)
    name = str(raw.get("log", "-"))
    if name not in catalogue().logs:
        raise KeptError(
            "mapping_log_unknown", file=file, log=name, logs=", ".join(catalogue().logs)
        )
    log = catalogue().logs[name]
    columns = {
        column: _headers(file, "columns", said)
        for column, said in _of_log(file, log, raw, "columns").items()
    }
    constants = {
        column: _text(file, "constants", said)
        for column, said in _of_log(file, log, raw, "constants").items()
    }
    durations = {
        column: _duration(file, log, column, said)
        for column, said in _of_log(file, log, raw, "durations").items()
    }
    sources = [*(c for c, headers in columns.items() if headers), *constants, *durations]
    for column in log.columns:
        if sources.count(column) > 1:
            raise KeptError("mapping_column_twice", file=file, column=column)
    # "No header" beside a constant says the same as the constant alone.
    columns = {c: headers for c, headers in columns.items() if headers or c not in sources}
    translations = {
        column: _translation(file, log, column, said)
        for column, said in _of_log(file, log, raw, "translations").items()
    }
    profile = raw.get("profile")
    return ColumnMapping(
        log=log.name,
        headers=_headers(file, "headers", raw.get("headers", [])),
        columns=columns,
        constants=constants,
        translations=translations,
        durations=durations,
        profile=None if profile is None else _text(file, "profile", profile),
        day_first=_answers(file, log, raw, "day_first"),
        swapped=_answers(file, log, raw, "swapped"),
        key_prefix=_key_prefix(file, log, raw),
        years=_answers(file, log, raw, "years"),
    )


def _of_log(file: str, log: Log, raw: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    said = raw.get(part, {})
    if not isinstance(said, Mapping):
        raise KeptError("mapping_part_wrong", file=file, part=part)
    for column in said:
        if column not in log.columns:
            raise KeptError(
                "mapping_column_unknown",
                file=file,
                part=part,
                column=column,
                log=log.label,
                columns=", ".join(log.columns),
            )
    return said


def _text(file: str, part: str, said: object) -> str:
    if not isinstance(said, str):
        raise KeptError("mapping_part_wrong", file=file, part=part)
    return said


def _headers(file: str, part: str, said: object) -> tuple[str, ...]:
    several = said if isinstance(said, list) else [said]
    return tuple(text for one in several if (text := _text(file, part, one)))


def _duration(file: str, log: Log, column: str, said: object) -> Duration:
    if not isinstance(said, Mapping) or set(said) - {"header", "from", "unit"}:
        raise KeptError("mapping_part_wrong", file=file, part="durations")
    start, unit = said.get("from"), said.get("unit")
    known = {name for name, one in log.columns.items() if one.type in ("instant", "date")}
    if (
        not isinstance(said.get("header"), str)
        or column not in known
        or start not in known - {column}
        or unit not in (None, *UNITS)
    ):
        raise KeptError(
            "mapping_duration_wrong",
            file=file,
            column=column,
            starts=", ".join(sorted(known - {column})),
            units=", ".join(UNITS),
        )
    return Duration(said["header"], start, unit)


def _translation(file: str, log: Log, column: str, said: object) -> dict[str, str]:
    if not isinstance(said, Mapping):
        raise KeptError("mapping_part_wrong", file=file, part="translations")
    words = {word: _text(file, "translations", code) for word, code in said.items()}
    choices = log.columns[column].choices
    for code in words.values():
        if code and choices is not None and not {*code.split(";")} <= set(choices):
            raise KeptError(
                "mapping_code_unknown",
                file=file,
                column=column,
                meaning=code,
                codes=", ".join(choices),
            )
    return words


def numbers(log: Log) -> tuple[str, ...]:
    """The columns of a log that hold numbers of records: its own, and those that it names."""
    named = [c.name for c in log.columns.values() if c.references not in (None, "contracts")]
    own = [log.key[0]] if log.columns[log.key[0]].references is None else []
    return tuple(n for n in (*own, *named) if n != CONTRACT and log.columns[n].known is None)


def prefixed(log: Log, prefix: str) -> dict[str, str]:
    """What `prefix` alone says: of the log's own numbers, and of the tickets that it names.

    The year is only that of the row's own number: a ticket may be of the year before.
    """
    return {
        name: prefix
        for name in numbers(log)
        if name == log.key[0] or (log.columns[name].references == "tickets" and prefix != YEAR)
    }


def _key_prefix(file: str, log: Log, raw: Mapping[str, Any]) -> dict[str, str]:
    said = raw.get("key_prefix", {})
    if isinstance(said, str):
        said = prefixed(log, said) if said.strip() else {}
    elif isinstance(said, Mapping):
        said = {name: _text(file, "key_prefix", text) for name, text in said.items()}
    else:
        raise KeptError("mapping_part_wrong", file=file, part="key_prefix")
    wrong = [name for name in said if name not in numbers(log)]
    if (
        wrong
        or any(not text.strip() for text in said.values())
        or (raw.get("key_prefix") and not said)
    ):
        raise KeptError(
            "mapping_prefix_wrong",
            file=file,
            log=log.label,
            columns=", ".join(numbers(log)) or "-",
        )
    if CONTRACT in said.values() and CONTRACT not in log.columns:
        raise KeptError("mapping_prefix_no_contract", file=file, log=log.label)
    return {name: text.strip() for name, text in said.items()}


def _answers(file: str, log: Log, raw: Mapping[str, Any], part: str) -> dict[str, bool]:
    said = dict(_of_log(file, log, raw, part))
    if not all(isinstance(yes, bool) for yes in said.values()):
        raise KeptError("mapping_part_wrong", file=file, part=part)
    return said
