"""What Kept makes of one sheet, laid out for a person to look at and change."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from etl.catalogue import Column, Log, catalogue
from etl.errors import KeptError
from etl.intake.columns import Match, Reading, Suggestion, by_alias, missing_columns, suggestions
from etl.intake.mapping import ColumnMapping
from etl.intake.profiles import Profile
from etl.intake.read import TextTable

SAMPLES = 5


@dataclass(frozen=True)
class Found:
    """What was found for one column of the log.

    `how` is as in `Match.how`, or None where the column has no source; then `suggestions` may
    help, best first. `samples` are the first values that differ, as they stand in the file.
    """

    column: Column
    how: str | None
    headers: tuple[str, ...]
    constant: str | None
    samples: tuple[str, ...]
    missing: bool
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True)
class Proposal:
    """What Kept makes of one sheet, before anything is decided.

    columns     one per column of the log, in the catalogue's order
    mapping     all of it as a mapping: every column is named, also those that have no source
    fits        every log with how many of its columns the header has, the most first
    problems    what stands in the way of loading it so, each a sentence of the catalogue
    unused      headers that no column takes; `samples` has the first values under each header
    """

    tables: tuple[TextTable, ...]
    table: TextTable
    header_index: int
    headers: tuple[str, ...]
    log: Log
    profile: Profile | None
    columns: tuple[Found, ...]
    mapping: ColumnMapping
    fits: tuple[tuple[str, int], ...]
    problems: tuple[KeptError, ...]
    unused: tuple[str, ...]
    samples: Mapping[str, tuple[str, ...]]
    match: Match


def proposal_of(tables: Sequence[TextTable], reading: Reading) -> Proposal:
    """The proposal that a reading of one of `tables` comes to."""
    match = reading.match
    samples = _samples(match)
    missing = set(missing_columns(match))
    mapping = match.mapping
    found = []
    for name, column in match.log.columns.items():
        headers = mapping.columns.get(name, ())
        if name in mapping.durations:
            headers = (mapping.durations[name].header,)
        positions = match.joined.get(name, ())
        if name in match.columns or name in match.durations:
            positions = (match.columns.get(name, match.durations.get(name, 0)),)
        found.append(
            Found(
                column=column,
                how=match.how.get(name),
                headers=headers,
                constant=mapping.constants.get(name),
                samples=tuple(dict.fromkeys(s for p in positions for s in samples[p]))[:SAMPLES],
                missing=name in missing,
                suggestions=() if name in match.how else tuple(suggestions(match, column)),
            )
        )
    counts = Counter(
        {
            name: len(by_alias(match.table, match.header_index, log).columns)
            for name, log in catalogue().logs.items()
        }
    )
    return Proposal(
        tables=tuple(tables),
        table=match.table,
        header_index=match.header_index,
        headers=match.headers,
        log=match.log,
        profile=match.profile,
        columns=tuple(found),
        mapping=mapping,
        fits=tuple((name, count) for name, count in counts.most_common() if count),
        problems=reading.problems,
        unused=match.ignored,
        samples={
            header: samples[position]
            for position, header in reversed(list(enumerate(match.headers)))
            if header.strip()
        },
        match=match,
    )


def _samples(match: Match) -> list[tuple[str, ...]]:
    body = match.table.top[match.header_index + 1 :]
    return [
        tuple(dict.fromkeys(row[p] for row in body if p < len(row) and row[p].strip()))[:SAMPLES]
        for p in range(len(match.headers))
    ]
