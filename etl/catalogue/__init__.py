"""The catalogue: logs, commitments and sentences as data, loaded and checked once.

Everything that people may want to read or change without touching code is in the TOML files beside
this module; everything else asks `catalogue()`.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from etl.errors import CatalogueError, KeptError

LANGUAGES = ("zh", "en")
TYPES = (
    "id", "text", "date", "instant", "flag", "number", "integer", "money", "choice", "choices",
)  # fmt: skip
STATES = ("met", "breached", "unknown", "pending", "excluded")


@dataclass(frozen=True)
class Text:
    """Words for people, in both languages."""

    zh: str
    en: str

    def get(self, language: str) -> str:
        """The words in `language` (zh or en)."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class Column:
    """One column of a log.

    `unread` is the code that stands for a word which is none of its `choices`; without it such a
    word rejects the row. With `lasting` the column says how things stand now: before the last event
    of its row it reads as empty, but for the codes of `lasting`.
    """

    name: str
    type: str
    label: Text
    aliases: tuple[str, ...] = ()
    required: bool = False
    required_unless: str | None = None
    choices: Mapping[str, tuple[str, ...]] | None = None
    references: str | None = None
    known: str | None = None
    minimum: Decimal | None = None
    minimum_unless: tuple[str, str] | None = None
    default: str | None = None
    unread: str | None = None
    lasting: tuple[str, ...] | None = None
    ahead: bool = False
    bookkeeping: bool = False
    date_means_end_of_day: bool = False
    foreseen: bool = False
    no_end: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether the column holds numbers or amounts."""
        return self.type in ("number", "integer", "money")

    @property
    def endless(self) -> tuple[str, ...]:
        """The dates by which people write that there is no end."""
        return tuple(word for word in self.no_end if word[0].isdecimal())

    @property
    def no_end_words(self) -> tuple[str, ...]:
        """The words by which people write that there is no end."""
        return tuple(word for word in self.no_end if not word[0].isdecimal())

    @property
    def is_event(self) -> bool:
        """Whether the column says that something happened, and when."""
        return self.type in ("date", "instant") and not (self.ahead or self.bookkeeping)


@dataclass(frozen=True)
class Log:
    """One log: its columns, its key, and what makes a row of it contradict itself.

    `example`: a row of it as a person would write it, column → text.
    """

    name: str
    label: Text
    aliases: tuple[str, ...]
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    order: tuple[tuple[str, str], ...] = ()
    begins: str | None = None
    ends: tuple[str, ...] = ()
    decided_by_end: tuple[str, ...] = ()
    register: bool = False
    example: Mapping[str, str] = field(default_factory=dict)

    @property
    def events(self) -> tuple[Column, ...]:
        """The columns that say when something happened."""
        return tuple(column for column in self.columns.values() if column.is_event)


@dataclass(frozen=True)
class Term:
    """A figure of a promise: its default, which a contract may override."""

    name: str
    label: Text
    unit: str
    default: Decimal | None
    whole: bool = False
    assumed: bool = False


@dataclass(frozen=True)
class Clause:
    """One promise of the letter. `evidence` are the (log, column) that show whether it was kept,
    `readings` what was read into the letter and `alternative` the plain other sense of the first.

    `shown_by` are the (log, column) any one of which shows the deed: where an export has none of
    them, the absence of a value says nothing. `shown_by_every_row`: the subject is no row of that
    log, so that the export of every row of the contract must have had one of them. `paused`: agreed
    pauses move its due.
    """

    id: str
    group: str
    quote: str
    also: tuple[str, ...]
    title: Text
    text: Text
    log: str
    rests_on: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]
    shown_by: tuple[tuple[str, str], ...]
    shown_by_every_row: bool
    paused: bool
    terms: tuple[str, ...]
    assumed_terms: tuple[str, ...]
    readings: tuple[Text, ...]
    alternative: Text | None


@dataclass(frozen=True)
class Figure:
    """A figure of the letter that is shown beside the clauses and judged by none.

    `readings` and `alternative`: as of a clause.
    """

    id: str
    quote: str
    title: Text
    text: Text
    terms: tuple[str, ...]
    readings: tuple[Text, ...]
    alternative: Text | None


@dataclass(frozen=True)
class Sentence:
    """A sentence of the letter that has no obligations of its own."""

    quote: str
    text: Text
    seen_in: str | None
    measurable: bool


@dataclass(frozen=True)
class Label:
    """A state or verdict as people read it."""

    title: Text
    text: Text


@dataclass(frozen=True)
class Catalogue:
    """All of it; `fingerprint` changes with the logs and the commitments, not with messages."""

    logs: Mapping[str, Log]
    groups: Mapping[str, Text]
    terms: Mapping[str, Term]
    clauses: Mapping[str, Clause]
    figures: Mapping[str, Figure]
    sentences: tuple[Sentence, ...]
    states: Mapping[str, Label]
    verdicts: Mapping[str, Label]
    contract_verdicts: Mapping[str, Label]
    signals: Mapping[str, Label]
    messages: Mapping[str, Text]
    fingerprint: str

    def sentence(self, error: KeptError, language: str) -> str:
        """What `error` says to a person, in `language` (zh or en)."""
        return self.message(error.code, language, **error.values)

    def message(self, code: str, language: str, **values: object) -> str:
        """The message `code` with its blanks filled in; a `Text` value is put in by language."""
        words = {
            name: value.get(language) if isinstance(value, Text) else value
            for name, value in values.items()
        }
        return self.messages[code].get(language).format(**words)


@cache
def catalogue() -> Catalogue:
    """The one catalogue. Raises CatalogueError where its files contradict themselves."""
    folder = files(__name__)
    # What the rules are made of: a changed sentence to people rebuilds nothing.
    sources = [folder / "commitments.toml", folder / "logs.toml"]
    examples = _read(folder / "examples.toml")
    logs = {
        name: _log(name, raw, examples[name]) for name, raw in _read(folder / "logs.toml").items()
    }
    promises = _read(folder / "commitments.toml")
    terms = {name: _term(name, raw) for name, raw in promises["terms"].items()}
    clauses = {name: _clause(name, raw) for name, raw in promises["clauses"].items()}
    for name, clause in clauses.items():
        terms[f"{name}.target"] = Term(
            f"{name}.target",
            Text(f"{clause.title.zh}:目标", f"{clause.title.en}: target"),
            "ratio",
            Decimal(1),
        )
        terms[f"{name}.penalty_per_breach"] = Term(
            f"{name}.penalty_per_breach",
            Text(f"{clause.title.zh}:每次违约扣款", f"{clause.title.en}: deduction per breach"),
            "money",
            Decimal(0),
        )
        terms[f"{name}.applies"] = Term(
            f"{name}.applies",
            Text(f"{clause.title.zh}:是否约定", f"{clause.title.en}: promised"),
            "yes_no",
            Decimal(1),
            whole=True,
        )
    messages: dict[str, Text] = {}
    for file in (folder / "messages").iterdir():
        for code, raw in _read(file).items():
            _demand(code not in messages, f"message {code} is there twice")
            messages[code] = _text(raw)
    result = Catalogue(
        logs=logs,
        groups={name: _text(raw) for name, raw in promises["groups"].items()},
        terms=terms,
        clauses=clauses,
        figures={name: _figure(name, raw) for name, raw in promises["figures"].items()},
        sentences=tuple(
            Sentence(raw["quote"], _text(raw), raw.get("seen_in"), raw["measurable"])
            for raw in promises["sentences"]
        ),
        states=_labels(promises["states"]),
        verdicts=_labels(promises["verdicts"]),
        contract_verdicts=_labels(promises["contract_verdicts"]),
        signals=_labels(promises["signals"]),
        messages=messages,
        fingerprint=hashlib.sha256(b"\0".join(file.read_bytes() for file in sources)).hexdigest(),
    )
    _check(result)
    return result


def _read(file: Traversable) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise CatalogueError(otherwise)


def _text(raw: Mapping[str, Any]) -> Text:
    return Text(raw["zh"], raw["en"])


def _labels(raw: Mapping[str, Any]) -> dict[str, Label]:
    return {
        name: Label(_text(words), Text(words["zh_text"], words["en_text"]))
        for name, words in raw.items()
    }


def _column(name: str, raw: Mapping[str, Any]) -> Column:
    choices = raw.get("choices")
    minimum = raw.get("min", 0 if raw["type"] == "money" else None)
    return Column(
        name=name,
        type=raw["type"],
        label=_text(raw),
        aliases=tuple(raw.get("aliases", ())),
        required=raw.get("required", False),
        required_unless=raw.get("required_unless"),
        choices={code: tuple(words) for code, words in choices.items()} if choices else None,
        references=raw.get("references"),
        known=raw.get("known"),
        minimum=None if minimum is None else Decimal(minimum),
        minimum_unless=next(iter(raw["min_unless"].items())) if "min_unless" in raw else None,
        default=raw.get("default"),
        unread=raw.get("unread"),
        lasting=tuple(raw["lasting"]) if "lasting" in raw else None,
        ahead=raw.get("ahead", False),
        bookkeeping=raw.get("bookkeeping", False),
        date_means_end_of_day=raw.get("date_means_end_of_day", False),
        foreseen=any(raw.get(one) for one in ("foreseen", "ahead", "bookkeeping")),
        no_end=tuple(raw.get("no_end", ())),
    )


def _log(name: str, raw: Mapping[str, Any], example: Mapping[str, str]) -> Log:
    end = raw.get("end", {"at": (), "decides": ()})
    return Log(
        name=name,
        label=_text(raw),
        aliases=tuple(raw.get("aliases", ())),
        key=tuple(raw["key"]),
        columns={column: _column(column, words) for column, words in raw["columns"].items()},
        order=tuple((first, then) for first, then in raw.get("order", ())),
        begins=raw.get("begins"),
        ends=tuple(end["at"]),
        decided_by_end=tuple(end["decides"]),
        register=raw.get("register", False),
        example=example,
    )


def _term(name: str, raw: Mapping[str, Any]) -> Term:
    default = raw.get("default")
    return Term(
        name=name,
        label=_text(raw),
        unit=raw["unit"],
        default=None if default is None else Decimal(default),
        whole=raw.get("whole", False),
        assumed=raw.get("assumed", False),
    )


def _evidence(log: str, named: str) -> tuple[str, str]:
    other, dot, column = named.partition(".")
    return (other, column) if dot else (log, named)


def _clause(name: str, raw: Mapping[str, Any]) -> Clause:
    return Clause(
        id=name,
        group=raw["group"],
        quote=raw["quote"],
        also=tuple(raw.get("also", ())),
        title=_text(raw),
        text=Text(raw["zh_text"], raw["en_text"]),
        log=raw["log"],
        rests_on=tuple(raw["rests_on"]),
        evidence=tuple(_evidence(raw["log"], named) for named in raw["evidence"]),
        shown_by=tuple(_evidence(raw["log"], named) for named in raw.get("shown_by", ())),
        shown_by_every_row=raw.get("shown_by_every_row", False),
        paused=raw.get("paused", False),
        terms=tuple(raw["terms"]),
        assumed_terms=tuple(raw.get("assumed_terms", ())),
        readings=tuple(map(_text, raw.get("readings", ()))),
        alternative=_text(raw["alternative"]) if "alternative" in raw else None,
    )


def _figure(name: str, raw: Mapping[str, Any]) -> Figure:
    return Figure(
        id=name,
        quote=raw["quote"],
        title=_text(raw),
        text=Text(raw["zh_text"], raw["en_text"]),
        terms=tuple(raw["terms"]),
        readings=tuple(map(_text, raw.get("readings", ()))),
        alternative=_text(raw["alternative"]) if "alternative" in raw else None,
    )


def _check(found: Catalogue) -> None:
    for log in found.logs.values():
        named = {*log.key, *log.ends, *log.decided_by_end, *(c for pair in log.order for c in pair)}
        if log.begins:
            named.add(log.begins)
        _demand(named <= set(log.columns), f"{log.name} names a column that it does not have")
        _demand(list(log.example) == list(log.columns), f"{log.name}: the columns of its example")
        for column in log.columns.values():
            _demand(column.type in TYPES, f"{log.name}.{column.name}: type {column.type}")
            _demand(
                (column.choices is not None) == (column.type in ("choice", "choices")),
                f"{log.name}.{column.name}: choices",
            )
            _demand(
                column.references is None or column.references in found.logs,
                f"{log.name}.{column.name}: references {column.references}",
            )
    for clause in found.clauses.values():
        _demand(clause.group in found.groups, f"{clause.id}: group {clause.group}")
        _demand({clause.log, *clause.rests_on} <= set(found.logs), f"{clause.id}: logs")
        for whose, name in (*clause.evidence, *clause.shown_by):
            _demand(
                whose in found.logs and name in found.logs[whose].columns,
                f"{clause.id}: column {whose}.{name}",
            )
        _demand({*clause.terms, *clause.assumed_terms} <= set(found.terms), f"{clause.id}: terms")
    promises: tuple[Clause | Figure, ...] = (*found.clauses.values(), *found.figures.values())
    for one in promises:
        _demand(bool(one.readings) or one.alternative is None, f"{one.id}: alternative to what?")
    for figure in found.figures.values():
        _demand(set(figure.terms) <= set(found.terms), f"{figure.id}: terms")
    _demand(tuple(found.states) == STATES, "the states and their order")
