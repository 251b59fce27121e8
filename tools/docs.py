"""The parts of the documents that the catalogue and the command know better: cog puts them in."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files

import typer

from etl.catalogue import Clause, Column, Label, Log, Term, Text, catalogue
from etl.cli import app
from etl.intake.cells import EMPTY_WORDS, NO_WORDS, YES_WORDS
from etl.intake.check import exact
from etl.report import TABLES
from tests import tampering

HELP_WIDTH = 92
# Messages that refuse a file whole, though their module mostly has other things to say.
REFUSALS = ("columns_would_empty", "key_reused")
# And one that does not.
ASKED_OF_ROWS = ("values_unknown",)


def logs_summary() -> str:
    """One row per log: its names, its key, what a file must have."""
    return _table(
        ("log", "台账", "key", "required besides"),
        (
            (
                f"[{log.name}](docs/logs.md#{log.name})",
                log.label.zh,
                _codes(log.key),
                _codes(_required(log, besides=log.key)),
            )
            for log in catalogue().logs.values()
        ),
    )


def command_help() -> str:
    """The help text of every command."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    every = {"kept": group, **{f"kept {name}": one for name, one in group.commands.items()}}
    parts = []
    for name, command in every.items():
        assert isinstance(command, typer.core.TyperGroup | typer.core.TyperCommand)
        parts.append(f"```text\n{_help(command, name)}\n```")
    return "\n\n".join(parts)


def logs_in_full() -> str:
    """Every log with its columns and the words of its choices."""
    return "\n\n".join(_log(log) for log in catalogue().logs.values())


def words() -> str:
    """The words that mean nothing, yes, no and a totals row."""
    empty = [word for word in EMPTY_WORDS if word]
    return _table(
        ("meaning", "words, in any case"),
        (
            ("empty", f"a blank cell, {_codes(empty)}"),
            ("yes", _codes(YES_WORDS)),
            ("no", _codes(NO_WORDS)),
            (
                "a totals row",
                "合计, 小计, 总计, 共计, 累计, 汇总, Total and the like in its first cell",
            ),
        ),
    )


def rejections() -> str:
    """Why a row is rejected."""
    return _messages(_codes_of("check"))


def waits() -> str:
    """What a row waits for."""
    return _messages(_codes_of("references"))


def refusals() -> str:
    """Why a file is refused."""
    asked = [code for code in _codes_of("survey") if code not in ASKED_OF_ROWS]
    return _messages([*_codes_of("read"), *_codes_of("match"), *asked, *REFUSALS])


def states() -> str:
    """The states of an obligation, in the catalogue's words."""
    return _labels("state", catalogue().states)


def verdicts() -> str:
    """The verdicts on a clause, in the catalogue's words."""
    return _labels("verdict", catalogue().verdicts)


def terms() -> str:
    """The terms with their defaults, those that every clause has left out."""
    return _table(
        ("term", "", "default", ""),
        (
            (f"`{term.name}`", _both(term.label), _default(term), "assumed" if term.assumed else "")
            for term in catalogue().terms.values()
            if "." not in term.name
        ),
    )


def clauses() -> str:
    """Every clause: the letter's words, how it is judged, on which terms."""
    parts = []
    group = None
    for clause in catalogue().clauses.values():
        if clause.group != group:
            group = clause.group
            parts.append(f"### {_both(catalogue().groups[group])}")
        parts.append(_clause(clause))
    return "\n\n".join(parts)


def alternatives() -> str:
    """The clauses and figures with a reading that has a plain alternative."""
    return _table(
        ("clause", "taken", "the other reading"),
        (
            (f"`{one.id}`", one.readings[0].en, one.alternative.en)
            for one in (*catalogue().clauses.values(), *catalogue().figures.values())
            if one.alternative
        ),
    )


def signals() -> str:
    """Every signal and what it says."""
    return _labels("signal", catalogue().signals)


def published() -> str:
    """The tables of `kept export` and their columns."""
    return _table(
        ("table", "columns"),
        ((f"`{name}`", _codes(columns)) for name, columns in TABLES.items()),
    )


def tamperings() -> str:
    """What was done to a warehouse and its packs, what names it, and in which words."""
    return _table(
        ("what was done", "named by", "as"),
        (
            (one.what, f"`{one.by}`", " ".join(map(_said, one.codes)))
            for one in tampering.TAMPERINGS
        ),
    )


def _said(code: str) -> str:
    """A message with its blanks open; the beginning of several, or a file, as it is."""
    found = catalogue().messages.get(code)
    if found is None:
        return f"`{code}…`" if code.endswith("_") else f"`{code}`"
    return re.sub(r"\{[^}]*\}", "…", found.en)


def _help(command: typer.core.TyperCommand | typer.core.TyperGroup, name: str) -> str:
    # Plain text: a box drawn for a terminal says no more and depends on its width.
    command.rich_markup_mode = None
    context = command.make_context(
        name, [], resilient_parsing=True, terminal_width=HELP_WIDTH, max_content_width=HELP_WIDTH
    )
    return str(command.get_help(context)).rstrip()


def _log(log: Log) -> str:
    parts = [f"### {log.name}", " ".join(_about(log))]
    parts.append(
        _table(
            ("column", "type", "中文", "English", "also", "notes"),
            (
                (
                    f"**`{column.name}`**" if column.required else f"`{column.name}`",
                    column.type,
                    column.label.zh,
                    column.label.en,
                    ", ".join(column.aliases),
                    "; ".join(_notes(log, column)),
                )
                for column in log.columns.values()
            ),
        )
    )
    choices = [
        (f"`{column.name}`", f"`{code}`", ", ".join(said))
        for column in log.columns.values()
        for code, said in (column.choices or {}).items()
    ]
    if choices:
        parts.append(_table(("column", "code", "words"), choices))
    return "\n\n".join(parts)


def _about(log: Log) -> Iterator[str]:
    names = [log.label.zh, *log.aliases]
    yield f"{log.label.en}, {' or '.join(names)}. Key: {_codes(log.key)}."
    if log.begins:
        yield f"A row exists from its `{log.begins}` on."
    if log.ends:
        yield (
            f"It ends with {_codes(log.ends, ' or ')}, which decides {_codes(log.decided_by_end)}."
        )
    if log.register:
        yield "A register: taken to be complete at any as-of."
    if log.order:
        pairs = ", ".join(f"`{then}` before `{first}`" for first, then in log.order)
        yield f"Contradictions: {pairs}."


def _notes(log: Log, column: Column) -> Iterator[str]:
    if column.name in log.key:
        yield "key"
    if column.required_unless:
        yield f"required unless `{column.required_unless}` is given"
    elif column.required:
        yield "required"
    if column.bookkeeping:
        yield "no event"
    if column.unread:
        yield f"any other word: `{column.unread}`, and asked"
    if column.references:
        yield f"names one of [{column.references}](#{column.references})"
    if column.known:
        yield f"a {column.known} of the catalogue"
    if column.default is not None:
        yield f"empty: {column.default}"
    if column.minimum is not None:
        unless = ""
        if column.minimum_unless:
            other, code = column.minimum_unless
            unless = f", save where `{other}` is `{code}`"
        yield f"at least {exact(column.minimum)}{unless}"
    if column.ahead:
        yield "known ahead"
    elif column.foreseen and not column.bookkeeping:
        yield "may be stated in advance"
    if column.no_end:
        yield f"no end, that is empty: {', '.join(column.no_end)}"
    if column.date_means_end_of_day:
        yield "a date alone: the end of that day"


def _clause(clause: Clause) -> str:
    found = catalogue().terms
    logs = ", ".join(f"[{name}](logs.md#{name})" for name in clause.rests_on)
    lines = [
        f"#### {clause.id}",
        f"**{clause.title.en}** · {clause.title.zh}",
        f"> {clause.quote}",
        clause.text.en,
        clause.text.zh,
    ]
    lines += [f"*A reading.* {reading.en}" for reading in clause.readings]
    lines.append(
        "\n".join(
            (
                *(f"- term `{name}`: {_default(found[name])}" for name in clause.terms),
                *(
                    f"- `{name}` is assumed: the letter names no figure"
                    for name in clause.assumed_terms
                ),
                f"- evidence: {logs}",
                f"- rule: [{clause.id}.sql](../etl/models/clauses/{clause.id}.sql), "
                f"proof: [{clause.id}.toml](../tests/cases/{clause.id}.toml)",
            )
        )
    )
    return "\n\n".join(lines)


def _default(term: Term) -> str:
    unit = {"yes_no": "(1: yes, 0: no)"}.get(term.unit, term.unit.replace("_", " "))
    return "none" if term.default is None else f"{exact(term.default)} {unit}"


def _required(log: Log, besides: Iterable[str]) -> list[str]:
    left = set(besides)
    return [c.name for c in log.columns.values() if c.required and c.name not in left]


def _codes_of(module: str) -> list[str]:
    file = files("etl") / "catalogue" / "messages" / f"{module}.toml"
    return list(tomllib.loads(file.read_text(encoding="utf-8")))


def _messages(codes: Iterable[str]) -> str:
    found = catalogue().messages
    return _table(("中文", "English"), ((found[code].zh, found[code].en) for code in codes))


def _labels(what: str, labels: Mapping[str, Label]) -> str:
    return _table(
        (what, "", "meaning", "含义"),
        (
            (f"`{name}`", _both(label.title), label.text.en, label.text.zh)
            for name, label in labels.items()
        ),
    )


def _both(text: Text) -> str:
    return f"{text.en} · {text.zh}"


def _codes(names: Iterable[str], between: str = ", ") -> str:
    return between.join(f"`{name}`" for name in names)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
