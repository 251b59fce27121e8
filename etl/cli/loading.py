"""Commands that bring data in, list it and take it back."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from etl.catalogue import Text, catalogue
from etl.cli.common import (
    ByOption,
    JsonOption,
    LanguageOption,
    TimezoneOption,
    WarehouseOption,
    app,
    note,
    print_json,
    print_table,
    say,
    shown_progress,
)
from etl.config import Settings
from etl.errors import KeptError
from etl.intake.load import Loaded, LoadReport, load, undo
from etl.intake.mapping import read_mapping
from etl.intake.template import write_template
from etl.intake.watch import every, watch
from etl.report import write_rejects
from etl.store import Warehouse

WATCH_SECONDS = 5


@app.command("load")
def load_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Files or folders.")
    ] = None,
    log: Annotated[
        str | None, typer.Option("--log", metavar="NAME", help="Take the files for this log.")
    ] = None,
    maps: Annotated[
        list[Path] | None,
        typer.Option("--map", metavar="FILE", help="A mapping, as kept map writes it."),
    ] = None,
    through: Annotated[
        str | None,
        typer.Option("--through", metavar="T", help="Up to when the files are complete."),
    ] = None,
    replace_missing: Annotated[
        bool,
        typer.Option("--replace-missing", help="Let columns a file lacks empty their values."),
    ] = False,
    corrections: Annotated[
        bool,
        typer.Option("--corrections", help="Let a number come to be of another contract or time."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; write nothing.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--watch",
            metavar="DIR",
            help="Load what appears there; it moves to done/ or failed/, the reasons beside it.",
        ),
    ] = None,
    by: ByOption = None,
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Load exports (CSV, Excel, folders of them) into the warehouse: all of them or none."""
    settings = Settings.from_environment(warehouse, timezone)
    mappings = [read_mapping(file) for file in maps or ()]

    def load_them(files: list[Path]) -> LoadReport:
        with shown_progress() as tell:
            return load(
                settings,
                files,
                log=log,
                mappings=mappings,
                by=by,
                through=through,
                replace_missing=replace_missing,
                corrections=corrections,
                dry_run=dry_run,
                progress=tell,
                waiting_for=lambda holder: note(settings, "warehouse_waiting", holder=holder),
            )

    def tell_of(done: LoadReport) -> None:
        if as_json:
            print_json(done.as_json())
        else:
            _print_load(settings, done)

    if folder is not None:
        if paths or dry_run or corrections:
            raise KeptError("watch_alone")
        _watch(settings, folder, load_them, tell_of)
    elif not paths:
        raise KeptError("load_nothing_named")
    else:
        tell_of(load_them(paths))


def _watch(
    settings: Settings,
    folder: Path,
    load_them: Callable[[list[Path]], LoadReport],
    tell_of: Callable[[LoadReport], None],
) -> None:
    note(settings, "watch_began", folder=folder, seconds=WATCH_SECONDS)
    found = watch(settings, folder, lambda file: load_them([file]), pause=every(WATCH_SECONDS))
    for one in found:
        if one.loaded is not None:
            tell_of(one.loaded)
        if one.error is not None:
            reason = catalogue().sentence(one.error, settings.language)
            if one.target is None:
                note(settings, "watch_later", file=one.file, reason=reason)
                continue
            typer.echo(reason, err=True)
        note(settings, "watch_moved", file=one.file, target=one.target)


@app.command("template")
def template_command(
    name: Annotated[str, typer.Argument(metavar="LOG", help="A log, like tickets.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="An .xlsx file.")
    ] = None,
    language: LanguageOption = None,
) -> None:
    """Write an empty workbook of a log to fill in, with notes, choices and an example."""
    settings = Settings.from_environment()
    target = output or Path(f"{name}.xlsx")
    write_template(name, language or settings.language, target)
    typer.echo(say(settings, "template_written", file=target, log=catalogue().logs[name].label))


@app.command()
def history(
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """List the batches: who loaded what, when, and what it changed."""
    settings = Settings.from_environment(warehouse, timezone)
    manifest = Warehouse(settings).manifest()
    undone = {batch.id for batch in manifest.undone}
    batches = sorted((*manifest.batches, *manifest.undone), key=lambda batch: batch.sequence)
    rows: list[Mapping[str, object]] = [
        {
            "batch": batch.id,
            "log": batch.log,
            "file": batch.file,
            "sheet": batch.sheet,
            "sha256": batch.sha256,
            "by": batch.by,
            "at": batch.at,
            "new": batch.new,
            "changed": batch.changed,
            "unchanged": batch.unchanged,
            "older": batch.older,
            "rejected": batch.rejected,
            "undone": batch.id in undone,
        }
        for batch in batches
    ]
    if as_json:
        print_json({"manifest": manifest.number, "batches": rows})
        return
    if not rows:
        typer.echo(say(settings, "history_empty"))
        return
    shown = (
        "batch", "file", "by", "at", "new", "changed", "unchanged", "older", "rejected", "undone",
    )  # fmt: skip
    print_table(settings, shown, rows)


@app.command("undo")
def undo_command(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="A batch id of kept history.")],
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Take a batch back: the logs are then as had it never been loaded."""
    settings = Settings.from_environment(warehouse, timezone)
    with shown_progress() as tell:
        gone = undo(settings, batch, tell)
    if as_json:
        print_json({"undone": gone.id, "log": gone.log, "file": gone.file})
    else:
        typer.echo(say(settings, "undone", batch=gone.id, file=gone.file))


@app.command()
def rejects(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="A batch id of kept history.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="A .csv or .xlsx file.")
    ] = None,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Write the rejected rows of a batch in their original columns, with the reasons."""
    settings = Settings.from_environment(warehouse, timezone)
    store = Warehouse(settings)
    text = write_rejects(store, store.manifest().batch(batch), output)
    if text is not None:
        typer.echo(text, nl=False)


def _print_load(settings: Settings, done: LoadReport) -> None:
    for one in done.files:
        typer.echo(_line(settings, one, done.dry_run))
        for remark in one.remarks:
            typer.echo(f"  {say(settings, remark.code, **remark.values)}")
    for remark in done.remarks:
        typer.echo(say(settings, remark.code, **remark.values))
    if done.skipped:
        typer.echo(say(settings, "files_skipped", files=", ".join(done.skipped)))
    for log, count in sorted(done.waiting.items()):
        typer.echo(say(settings, "rows_waiting", count=count, log=catalogue().logs[log].label))


def _line(settings: Settings, one: Loaded, dry_run: bool) -> str:
    log: Text = catalogue().logs[one.log].label
    if not one.batch and one.older and not one.unchanged:
        parts = [say(settings, "load_older_only", place=one.place, log=log)]
    elif not one.batch:
        parts = [say(settings, "load_unchanged", place=one.place, log=log, rows=one.unchanged)]
    else:
        parts = [
            say(
                settings,
                "load_line_dry" if dry_run else "load_line",
                place=one.place,
                log=log,
                new=one.new,
                changed=one.changed,
                unchanged=one.unchanged,
                rejected=one.rejected,
                batch=one.batch,
            )
        ]
    if one.superseded:
        parts.append(say(settings, "load_superseded", count=one.superseded))
    if one.older:
        parts.append(say(settings, "load_older", count=one.older))
    if one.totals_rows:
        parts.append(say(settings, "load_totals", count=one.totals_rows))
    if one.ignored_columns:
        parts.append(say(settings, "load_ignored", columns=", ".join(one.ignored_columns)))
    parts += [say(settings, remark.code, **remark.values) for remark in one.notes]
    return "; ".join(parts)
