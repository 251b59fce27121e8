"""The command that writes how Kept would take the columns of a file, to be corrected and kept."""

from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from etl.catalogue import catalogue
from etl.cli.common import TimezoneOption, WarehouseOption, app, note, say
from etl.config import Settings
from etl.errors import KeptError
from etl.intake.mapping import ColumnMapping, read_mapping
from etl.intake.match import Proposal, propose
from etl.intake.read import sniff
from etl.intake.remembered import forget, remember, remembered
from etl.store import Warehouse


@app.command("map")
def map_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export, or a mapping.")],
    log: Annotated[
        str | None, typer.Option("--log", metavar="NAME", help="Take it for this log.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="A .toml file.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--remember", help="Keep the mapping FILE for its headers.")
    ] = False,
    drop: Annotated[
        bool, typer.Option("--forget", help="Forget what is kept for those headers.")
    ] = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Write how the columns of an export would be taken, as a mapping to correct and load with."""
    settings = Settings.from_environment(warehouse, timezone)
    store = Warehouse(settings)
    if keep or drop:
        _remember(settings, store, read_mapping(file), keep)
        return
    if log is not None and log not in catalogue().logs:
        raise KeptError("log_unknown_name", log=log, logs=", ".join(catalogue().logs))
    texts = []
    with sniff(file, limits=settings.limits) as source:
        for sheet, tables in groupby(source.tables(), key=lambda table: table.sheet):
            hint = f"{file.stem} {sheet or ''}"
            found = propose(list(tables), log, hint, remembered=remembered(store))
            if found is not None:
                texts.append(_commented(settings, found))
    if not texts:
        raise KeptError("log_unknown", file=file.name)
    if len(texts) > 1:
        note(settings, "mapping_several", file=file.name, count=len(texts))
    if output is None:
        typer.echo("\n".join(texts), nl=False)
    else:
        output.write_text(texts[0], encoding="utf-8")


def _remember(settings: Settings, store: Warehouse, mapping: ColumnMapping, keep: bool) -> None:
    if not mapping.headers:
        raise KeptError("mapping_without_headers")
    if keep:
        with store.lock():
            remember(store, mapping)
        typer.echo(say(settings, "mapping_remembered", log=catalogue().logs[mapping.log].label))
    elif forget(store, mapping.identity):
        typer.echo(say(settings, "mapping_forgotten"))
    else:
        raise KeptError("mapping_not_remembered")


def _commented(settings: Settings, found: Proposal) -> str:
    """The mapping with what is open above it, and what each column without a source may be."""
    lines = [f"# {found.table.place}"]
    if found.profile:
        label = found.profile.label.get(settings.language)
        lines.append(f"# {say(settings, 'note_profile', profile=label)}")
        if words := found.profile.note.get(settings.language):
            lines.append(f"# {words}")
    problems = (catalogue().sentence(problem, settings.language) for problem in found.problems)
    lines += [f"# ! {problem}" for problem in problems]
    for one in found.columns:
        label = one.column.label.get(settings.language)
        for near in one.suggestions:
            lines.append(f"# ? {one.column.name} ({label}) = {near.header} {near.score}")
    return "\n".join(line.replace("\n", " ") for line in lines) + "\n" + found.mapping.to_toml()
