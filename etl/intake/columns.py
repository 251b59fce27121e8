"""The columns of one header row, by a mapping, a profile, an alias; those that are lacking."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from etl.catalogue import Column, Log
from etl.errors import KeptError
from etl.intake.headings import (
    SCALES,
    UNIT_LIKE,
    Heading,
    aliases,
    as_written,
    headers_of,
    headings,
    own_headers,
    span_unit,
    unit_fits,
    units,
    words_of,
)
from etl.intake.mapping import (
    ANSWERS,
    CONTRACT,
    YEAR,
    ColumnMapping,
    Duration,
    fold_header,
)
from etl.intake.profiles import Profile
from etl.intake.read import TextTable

# A spelling less like the heading than this is not even offered.
OFFERED = 0.7


@dataclass(frozen=True)
class Note:
    """Something about a file that a person should read: a message code and its values."""

    code: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class Match:
    """A text table recognised as a log.

    `columns` maps a column of the log to its position in the table, `joined` to several; `scale`
    to the factor that a unit in the header asks for (合同总价(万元)); `durations` to the position
    of a span. `mapping` has constants, translations and answers; `ignored` are headers that no
    column has; `how` says of each column with a source how that was found: given, remembered,
    profile, alias, duration, constant.
    """

    table: TextTable
    log: Log
    header_index: int
    headers: tuple[str, ...]
    columns: Mapping[str, int]
    scale: Mapping[str, Decimal]
    ignored: tuple[str, ...]
    mapping: ColumnMapping
    joined: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    durations: Mapping[str, int] = field(default_factory=dict)
    how: Mapping[str, str] = field(default_factory=dict)
    profile: Profile | None = None
    notes: tuple[Note, ...] = ()

    @property
    def given(self) -> frozenset[str]:
        """The columns of the log that this file has something to say of."""
        return frozenset((*self.columns, *self.joined, *self.durations, *self.mapping.constants))


@dataclass(frozen=True)
class Suggestion:
    """A header that is spelled like a column's heading; `score` is 1 for the same letters."""

    header: str
    score: float


@dataclass(frozen=True)
class Reading:
    """A match that may not hold: `problems` say why."""

    match: Match
    problems: tuple[KeptError, ...]


def by_alias(table: TextTable, index: int, log: Log) -> Match:
    """What aliases alone say of a header row: enough to tell which row and which log it is."""
    headers = headers_of(headings(table, index), log.name)
    names = aliases(log.name)
    columns: dict[str, int] = {}
    for position, header in enumerate(headers):
        column = names.get(fold_header(header))
        if column and column not in columns and unit_fits(log.columns[column], header):
            columns[column] = position
    return Match(table, log, index, headers, columns, {}, (), ColumnMapping(log.name))


def read_header(
    table: TextTable,
    index: int,
    log: Log,
    profile: Profile | None = None,
    over: ColumnMapping | None = None,
    how: str = "given",
) -> Reading:
    """A header row by everything that is known of it, the person's word over all."""
    taken = _Taken(table, log, headings(table, index))
    spoken_for: set[str] = set()
    if over:
        taken.by_mapping(over, how)
    if profile and profile.mapping.log == log.name:
        taken.by_mapping(profile.mapping, "profile")
        spoken_for = {as_written(header) for header in profile.mapping.headers}
    taken.by_alias(spoken_for)
    match = taken.match(index, profile, over)
    scale, unknown = _scale(match)
    match = replace(match, scale=scale)
    problems = [*taken.problems, *unknown]
    if missing := missing_columns(match):
        problems.insert(
            0,
            KeptError(
                "column_missing",
                file=table.place,
                log=log.label,
                columns=_labels(log, missing),
                extra=listed(_with_meanings(match, missing)),
            ),
        )
    return Reading(match, tuple(problems))


class _Taken:
    """Headers given to columns, one after the other; the first to name a column has it."""

    def __init__(self, table: TextTable, log: Log, found: Sequence[Heading]) -> None:
        self._table, self._log, self._headings = table, log, found
        self._headers = headers_of(found, log.name)
        self._named: set[str] = set()
        self._columns: dict[str, tuple[int, ...]] = {}
        self._constants: dict[str, str] = {}
        self._durations: dict[str, tuple[int, Duration]] = {}
        self._translations: dict[str, Mapping[str, str]] = {}
        self._answers: dict[str, dict[str, bool]] = {part: {} for part in ANSWERS}
        self._how: dict[str, str] = {}
        self.problems: list[KeptError] = []

    def by_mapping(self, mapping: ColumnMapping, how: str) -> None:
        """Takes what a mapping states; a profile may speak of columns that this file lacks."""
        demanded = how != "profile"
        for column, duration in mapping.durations.items():
            if column not in self._named:
                position = self._position(duration.header, demanded)
                if position is not None:
                    self._named.add(column)
                    self._durations[column] = (position, duration)
                    self._how[column] = "duration" if how == "profile" else how
        for column, text in mapping.constants.items():
            if column not in self._named:
                self._named.add(column)
                self._constants[column] = text
                self._how[column] = "constant" if how == "profile" else how
        for column, names in mapping.columns.items():
            if column in self._named:
                continue
            found = [self._position(name, demanded) for name in names]
            positions = tuple(position for position in found if position is not None)
            if len(positions) == len(names):
                self._named.add(column)
                if positions:
                    self._columns[column] = positions
                    self._how[column] = how
        for column, words in mapping.translations.items():
            self._translations[column] = {**words, **self._translations.get(column, {})}
        for part, answers in self._answers.items():
            for column, yes in getattr(mapping, part).items():
                answers.setdefault(column, yes)

    def by_alias(self, spoken_for: set[str]) -> None:
        """Gives what is left to the columns whose name, heading or alias it is."""
        names = aliases(self._log.name)
        given = {p for positions in self._columns.values() for p in positions}
        given |= {position for position, _ in self._durations.values()}
        mine: dict[str, int] = {}
        spans: dict[str, tuple[int, str]] = {}
        for position, header in enumerate(self._headers):
            column = names.get(fold_header(header))
            if column is None or column in self._named or position in given:
                continue
            if as_written(header) in spoken_for:
                continue
            if not unit_fits(self._log.columns[column], header):
                if unit := span_unit(header):
                    spans.setdefault(column, (position, unit))
                continue
            if column in mine:
                self.problems.append(
                    KeptError(
                        "column_twice",
                        file=self._table.place,
                        column=self._log.columns[column].label,
                        headers=listed((self._headers[mine[column]], header)),
                    )
                )
            else:
                mine[column] = position
        for column, position in mine.items():
            self._columns[column] = (position,)
            self._how[column] = "alias"
        self._spans_after_begin(spans)

    def _spans_after_begin(self, spans: Mapping[str, tuple[int, str]]) -> None:
        """响应时间(分钟) beside 报修时间 is the instant so many minutes later."""
        begins = self._log.begins
        if begins is None or begins not in self._columns:
            return
        for column, (position, unit) in spans.items():
            if column not in self._columns and (begins, column) in self._log.order:
                duration = Duration(self._headers[position], begins, unit)
                self._durations[column] = (position, duration)
                self._how[column] = "duration"

    def match(self, index: int, profile: Profile | None, over: ColumnMapping | None) -> Match:
        used = {p for positions in self._columns.values() for p in positions}
        used |= {position for position, _ in self._durations.values()}
        columns = {name: found[0] for name, found in self._columns.items() if len(found) == 1}
        joined = {name: found for name, found in self._columns.items() if len(found) > 1}
        mapping = ColumnMapping(
            log=self._log.name,
            headers=own_headers(self._headers),
            columns={
                name: tuple(self._name_of(p) for p in self._columns.get(name, ()))
                for name in self._log.columns
                if name not in self._constants and name not in self._durations
            },
            constants=self._constants,
            translations=self._translations,
            durations={
                name: replace(duration, header=self._name_of(position))
                for name, (position, duration) in self._durations.items()
            },
            day_first=self._answers["day_first"],
            swapped=self._answers["swapped"],
            key_prefix=over.key_prefix if over else {},
            years=self._answers["years"],
            profile=profile.name if profile else None,
            place=over.place if over else None,
        )
        return Match(
            table=self._table,
            log=self._log,
            header_index=index,
            headers=self._headers,
            columns=columns,
            scale={},
            ignored=tuple(
                header
                for position, header in enumerate(self._headers)
                if header.strip() and position not in used
            ),
            mapping=mapping,
            joined=joined,
            durations={name: position for name, (position, _) in self._durations.items()},
            how=self._how,
            profile=profile,
        )

    def _position(self, name: str, demanded: bool) -> int | None:
        """Where a header stands; `Header@2` is the second of that name."""
        bare, at, number = name.rpartition("@")
        bare = bare if at and number.isdecimal() else name
        spelled = as_written(bare)
        places = [p for p, header in enumerate(self._headers) if as_written(header) == spelled]
        if not places or at:
            # By the other name, without its group or with it; the numbers go by the bare name.
            known = [{as_written(name) for name in one.names} for one in self._headings]
            places = [p for p, names in enumerate(known) if spelled in names] or places
        if at and number.isdecimal() and 0 < int(number) <= len(places):
            return places[int(number) - 1]
        if len(places) == 1 and bare == name:
            return places[0]
        if len(places) > 1 and bare == name:
            self.problems.append(
                KeptError(
                    "mapping_header_twice",
                    file=self._table.place,
                    header=name,
                    choices=listed(f"{name}@{n}" for n in range(1, len(places) + 1)),
                )
            )
        elif demanded:
            self.problems.append(
                KeptError("mapping_header_missing", file=self._table.place, headers=name)
            )
        return None

    def _name_of(self, position: int) -> str:
        header = self._headers[position]
        spelled = as_written(header)
        same = [p for p, other in enumerate(self._headers) if as_written(other) == spelled]
        return header if len(same) == 1 else f"{header}@{same.index(position) + 1}"


def _scale(reading: Match) -> tuple[dict[str, Decimal], list[KeptError]]:
    """The factor for each column whose header names a unit, and the units that are not known."""
    scale, unknown = {}, []
    for name, position in reading.columns.items():
        kind = reading.log.columns[name].type
        for unit in units(reading.headers[position]):
            factor = SCALES.get(kind, {}).get(unit)
            if factor is None and kind in UNIT_LIKE and UNIT_LIKE[kind].search(unit):
                unknown.append(
                    KeptError(
                        "unit_unknown",
                        file=reading.table.place,
                        header=reading.headers[position],
                        unit=unit,
                    )
                )
            if factor is not None and factor != 1:
                scale[name] = factor
    return scale, unknown


def missing_columns(reading: Match) -> list[str]:
    """The required columns that the file says nothing of."""
    return [
        column.name
        for column in reading.log.columns.values()
        if column.required
        and column.name not in reading.given
        and column.required_unless not in reading.given
    ]


def suggestions(match: Match, column: Column) -> Iterator[Suggestion]:
    """The unused headers spelled like the column's name, headings or aliases, best first."""
    words = {fold_header(word) for word in words_of(column)}
    # What a profile knows to be something else is not offered for it.
    known = match.profile.mapping.headers if match.profile else ()
    scored = [
        Suggestion(header, score)
        for header in dict.fromkeys(match.ignored)
        if header not in known
        and (score := max(_likeness(fold_header(header), word) for word in words)) >= OFFERED
    ]
    yield from sorted(scored, key=lambda one: -one.score)[:3]


def _likeness(one: str, other: str) -> float:
    # The matcher is not symmetric; two decimals are enough for a person and the same everywhere.
    return round(difflib.SequenceMatcher(None, min(one, other), max(one, other)).ratio(), 2)


def noted(match: Match) -> Match:
    """The match with what a person should read about it, as it now stands."""
    return replace(match, notes=tuple(_notes(match)))


def _notes(match: Match) -> Iterator[Note]:
    """What was taken otherwise than from a header of that name, and what was nearly taken."""
    columns, mapping = match.log.columns, match.mapping
    if match.profile:
        yield Note("note_profile", {"profile": match.profile.label})
    if "remembered" in match.how.values():
        yield Note("note_remembered", {})
    for name, text in mapping.constants.items():
        yield Note("note_constant", {"column": columns[name].label, "value": text})
    for name, duration in mapping.durations.items():
        start = columns[duration.start].label
        values = {"column": columns[name].label, "start": start, "header": duration.header}
        yield Note("note_duration", values)
    for name, prefix in mapping.key_prefix.items():
        code = f"note_prefix_{prefix}" if prefix in (CONTRACT, YEAR) else "note_prefix"
        yield Note(code, {"column": columns[name].label, "prefix": prefix})
    for name in match.joined:
        headers = listed(mapping.columns[name])
        yield Note("note_joined", {"column": columns[name].label, "headers": headers})
    if match.profile is None:
        for name, column in columns.items():
            for near in suggestions(match, column) if name not in match.given else ():
                values = {"header": near.header, "column": column.label, "score": near.score}
                yield Note("note_close", values)


def _labels(log: Log, columns: Iterable[str]) -> str:
    return "、".join(f"{log.columns[name].label.zh} ({name})" for name in columns)


def listed(words: Iterable[str]) -> str:
    """Words in a sentence of either language."""
    return "、".join(words) or "-"


def _with_meanings(match: Match, missing: Sequence[str]) -> list[str]:
    """The unknown headers, each with the missing column it may mean and how alike they are."""
    meant: dict[str, str] = {}
    for name in missing:
        column = match.log.columns[name]
        for near in suggestions(match, column):
            meant.setdefault(near.header, f"{near.header} (→ {column.label.zh}? {near.score})")
    return [meant.get(header, header) for header in match.ignored]
