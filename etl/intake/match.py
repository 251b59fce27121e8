"""Headers to columns: which row is the header, which log it is, which column is which.

A heading is told by a mapping that a person gave or the warehouse remembers, by the profile of a
known tool, or by an alias, in this order. A close spelling is offered with its score and never
taken by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from etl.catalogue import Text, catalogue
from etl.errors import KeptError
from etl.intake.columns import (
    OFFERED,
    Match,
    Note,
    Reading,
    Suggestion,
    by_alias,
    missing_columns,
    noted,
    read_header,
    suggestions,
)
from etl.intake.headings import (
    LACKS,
    MARK,
    STRAY_CELLS,
    as_written,
    headers_of,
    headings,
    own_headers,
)
from etl.intake.mapping import ColumnMapping, header_set
from etl.intake.profiles import Profile, profiles
from etl.intake.proposal import Found, Proposal, proposal_of
from etl.intake.read import Source, StagedCounts, TextTable

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "LACKS",
    "MARK",
    "OFFERED",
    "STRAY_CELLS",
    "Found",
    "Match",
    "Note",
    "Proposal",
    "Suggestion",
    "applied",
    "fitting",
    "noted",
    "propose",
    "recognise",
    "reconsidered",
    "stage",
    "suggestions",
]


def propose(
    tables: Sequence[TextTable],
    forced: str | None = None,
    hint: str = "",
    mappings: Sequence[ColumnMapping] = (),
    remembered: Sequence[ColumnMapping] = (),
    header_index: int | None = None,
) -> Proposal | None:
    """What one sheet is, under the delimiter that suits it; None where it is like no log.

    `mappings` are a person's, `remembered` the warehouse's: the first that fits is laid over what
    is found. `forced` names the log and `header_index` the header row, where a person chose them;
    then there is always a proposal. `hint` (file and sheet name) decides between logs that fit
    equally well.
    """
    reading = _read(tables, forced, hint, mappings, remembered, header_index)
    if reading is None and forced:
        table = max(tables, key=lambda one: max(map(len, one.top), default=0))
        index = header_index if header_index is not None else _widest(table)
        reading = read_header(table, index, catalogue().logs[forced])
    return proposal_of(tables, reading) if reading else None


def applied(proposal: Proposal, mapping: ColumnMapping | None = None) -> Match:
    """The match to stage and check by: the proposal, with `mapping` laid over it.

    Raises KeptError for the first thing in the way: a required column without a source, one that
    is there twice, a unit that is not known, a header of the mapping that the file lacks.
    """
    return _settled(_over(proposal, mapping))


def reconsidered(proposal: Proposal, mapping: ColumnMapping) -> Proposal:
    """The proposal as it is with `mapping` laid over it: samples, problems, suggestions anew."""
    return proposal_of(proposal.tables, _over(proposal, mapping))


def recognise(
    tables: Sequence[TextTable],
    forced: str | None = None,
    hint: str = "",
    mappings: Sequence[ColumnMapping] = (),
    remembered: Sequence[ColumnMapping] = (),
) -> Match | None:
    """The best reading among `tables` (the same sheet under several delimiters), or None.

    Raises KeptError as `applied` does, and where it could be two logs.
    """
    reading = _read(tables, forced, hint, mappings, remembered)
    if reading is None:
        return None
    return _settled(reading)


def fitting(tables: Sequence[TextTable], mapping: ColumnMapping) -> bool:
    """Whether `mapping` is for this sheet: it has every header that the mapping takes values from.

    A mapping without headers is for a sheet of its log that lacks the columns it gives constants.
    """
    return _laid(tables, mapping, "given", "") is not None


def stage(
    source: Source, con: "duckdb.DuckDBPyConnection", match: Match, into: str
) -> StagedCounts:
    """Stages the rows below the header of `match` as the relation `into` (`Source.stage`)."""
    columns = match.log.columns
    places = {name: (position,) for name, position in match.columns.items()} | dict(match.joined)
    ids = [place for name, place in match.columns.items() if columns[name].type == "id"]
    numbers = [p for name, found in places.items() if columns[name].is_number for p in found]
    width = len(match.headers)
    return source.stage(con, match.table, match.header_index, width, into, ids, numbers)


def _over(proposal: Proposal, mapping: ColumnMapping | None) -> Reading:
    if mapping is None:
        return Reading(proposal.match, proposal.problems)
    return read_header(
        proposal.table,
        proposal.header_index,
        catalogue().logs[mapping.log],
        _profile_for(mapping, proposal.headers),
        mapping,
        "given",
    )


def _settled(reading: Reading) -> Match:
    if reading.problems:
        raise reading.problems[0]
    return noted(reading.match)


def _read(
    tables: Sequence[TextTable],
    forced: str | None,
    hint: str,
    mappings: Sequence[ColumnMapping],
    remembered: Sequence[ColumnMapping],
    only_row: int | None = None,
) -> Reading | None:
    place = tables[0].place if tables else ""
    for how, known in (("given", mappings), ("remembered", remembered)):
        for mapping in known:
            if (forced and mapping.log != forced) or mapping.place not in (None, place):
                continue
            if reading := _laid(tables, mapping, how, hint):
                return reading
    rows = [
        (table, index)
        for table in tables
        for index in range(len(table.top))
        if only_row in (None, index)
    ]
    profiled = _profiled(rows, forced)
    if profiled and not profiled.problems:
        return profiled
    aliased = _by_aliases(rows, forced, hint)
    # A form of DingTalk may be about anything: its own fields say what.
    if profiled and (aliased is None or aliased.problems or _same_log(profiled, aliased)):
        return profiled
    return aliased


def _same_log(one: Reading, other: Reading) -> bool:
    return one.match.log.name == other.match.log.name


def _laid(
    tables: Sequence[TextTable], mapping: ColumnMapping, how: str, hint: str
) -> Reading | None:
    """The sheet as `mapping` reads it; None where that is not for it."""
    log = catalogue().logs[mapping.log]
    if mapping.used_headers or mapping.headers:
        found = _header_of(tables, mapping, exactly=how == "remembered")
        if found is None:
            return None
        table, index = found
        return read_header(table, index, log, _profile_for(mapping, table.top[index]), mapping, how)
    rows = [(table, index) for table in tables for index in range(len(table.top))]
    bare = _profiled(rows, mapping.log) or _by_aliases(rows, mapping.log, hint)
    if bare is None or bare.match.given & mapping.constants.keys():
        return None
    match = bare.match
    over = read_header(match.table, match.header_index, log, match.profile, mapping, how)
    return None if missing_columns(over.match) else over


def _by_aliases(
    rows: Sequence[tuple[TextTable, int]], forced: str | None, hint: str
) -> Reading | None:
    logs = catalogue().logs
    candidates = [logs[forced]] if forced else list(logs.values())
    readings = [
        reading
        for table, index in rows
        for log in candidates
        if (reading := by_alias(table, index, log)).columns
    ]
    if not readings:
        return None
    complete = [reading for reading in readings if not missing_columns(reading)]
    best, rivals = _first(complete, hint) if complete else _most(readings, hint)
    if not complete and not forced and len(best.columns) < max(2, len(best.headers) // 3):
        return None
    whole = read_header(best.table, best.header_index, best.log)
    if len(rivals) > 1:
        ambiguous = KeptError("log_ambiguous", file=best.table.place, logs=_logs(rivals))
        return Reading(whole.match, (ambiguous, *whole.problems))
    return whole


def _profiled(rows: Sequence[tuple[TextTable, int]], forced: str | None) -> Reading | None:
    """By the profile of a known tool: the one that asks for the most headers, on its first row."""
    found: tuple[int, Profile, TextTable, int] | None = None
    for table, index in rows:
        header = {as_written(name) for one in headings(table, index) for name in one.names}
        for profile in profiles().values():
            size = len(profile.signature)
            if forced not in (None, profile.mapping.log) or (found and found[0] >= size):
                continue
            if all(as_written(cell) in header for cell in profile.signature):
                found = (size, profile, table, index)
    if found is None:
        return None
    _, profile, table, index = found
    return read_header(table, index, catalogue().logs[profile.mapping.log], profile)


def _profile_for(mapping: ColumnMapping, headers: Sequence[str]) -> Profile | None:
    """The profile a mapping lies on: the one it names, else the one its headers ask for."""
    if mapping.profile is not None:
        return profiles().get(mapping.profile)
    header = {as_written(cell) for cell in headers}
    fits = [
        profile
        for profile in profiles().values()
        if profile.mapping.log == mapping.log
        and all(as_written(cell) in header for cell in profile.signature)
    ]
    return max(fits, key=lambda profile: len(profile.signature), default=None)


def _header_of(
    tables: Sequence[TextTable], mapping: ColumnMapping, exactly: bool = False
) -> tuple[TextTable, int] | None:
    """The first row that has the headers of `mapping`: all it uses, or exactly its header set."""
    wanted = {as_written(header.partition("@")[0]) for header in mapping.used_headers}
    wanted = wanted or {as_written(header) for header in mapping.headers}
    for table in tables:
        for index in range(len(table.top)):
            found = headings(table, index)
            bare = [heading.own for heading in found]
            sets = (headers_of(found, mapping.log), bare) if exactly else ()
            if any(header_set(own_headers(one), mapping.log) == mapping.identity for one in sets):
                return table, index
            names = {as_written(name) for heading in found for name in heading.names}
            if not exactly and wanted and wanted <= names:
                return table, index
    return None


def _widest(table: TextTable) -> int:
    sizes = [sum(bool(cell.strip()) for cell in row) for row in table.top]
    return sizes.index(max(sizes))


def _first(complete: Sequence[Match], hint: str) -> tuple[Match, tuple[str, ...]]:
    """The topmost complete header: what stands above a later one is data, not a title.

    Cells merged over two rows make the second row say more than the first: then it is that one.
    """
    top = min(reading.header_index for reading in complete)
    best, rivals = _most([reading for reading in complete if reading.header_index == top], hint)
    for below in complete:
        if (below.table, below.log, below.header_index) == (best.table, best.log, top + 1) and (
            best.columns.items() < below.columns.items() or _repeats(best, below)
        ):
            return below, rivals
    return best, rivals


def _repeats(header: Match, below: Match) -> bool:
    """Whether the next row has the same headings where cells are merged over both rows."""
    cells = below.table.top[below.header_index]
    return header.columns == below.columns and all(
        as_written(cells[position]) == as_written(header.headers[position])
        for position in header.columns.values()
    )


def _most(readings: Sequence[Match], hint: str) -> tuple[Match, tuple[str, ...]]:
    """The reading with the most columns; among logs that fit equally, the one hinted at.

    With it the logs that remain possible.
    """
    most = max(len(reading.columns) for reading in readings)
    top = [reading for reading in readings if len(reading.columns) == most]
    names = tuple(dict.fromkeys(reading.log.name for reading in top))
    if len(names) == 1 or missing_columns(top[0]):
        return top[0], names[:1]
    hinted = [r for r in top if any(w in hint for w in (r.log.label.zh, *r.log.aliases))]
    if len({reading.log.name for reading in hinted}) != 1:
        return top[0], names
    return hinted[0], (hinted[0].log.name,)


def _logs(names: Iterable[str]) -> str:
    labels: Mapping[str, Text] = {name: catalogue().logs[name].label for name in names}
    return "、".join(f"{label.zh} ({name})" for name, label in labels.items())
