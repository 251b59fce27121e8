"""Commands that keep a warehouse safe: back it up, restore it, put it right."""

from pathlib import Path
from typing import Annotated

import typer

from etl.catalogue import catalogue
from etl.cli.common import (
    JsonOption,
    WarehouseOption,
    app,
    note,
    print_json,
    say,
    shown_progress,
)
from etl.config import Settings
from etl.errors import KeptError
from etl.store import Warehouse

MOST_NAMED = 20


@app.command("backup")
def backup_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .zip file to write.")],
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
) -> None:
    """Write the warehouse without its cache into one file, and read that again to check it."""
    from etl.backup import backup

    settings = Settings.from_environment(warehouse)
    with shown_progress() as tell:
        made = backup(
            Warehouse(settings),
            file,
            tell,
            lambda holder: note(settings, "warehouse_waiting", holder=holder),
        )
    _sentences(settings, made.damaged)
    if as_json:
        print_json(
            {
                "file": str(file),
                "files": made.files,
                "bytes": made.size,
                "manifest": made.manifest,
                "damaged": [one.values["file"] for one in made.damaged],
            }
        )
    else:
        values = {"file": file, "count": made.files, "manifest": made.manifest}
        typer.echo(say(settings, "backup_written", megabytes=f"{made.size / 1e6:,.1f}", **values))
    if made.damaged:
        raise typer.Exit(2)


@app.command("restore")
def restore_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A backup, as kept backup wrote it.")
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
) -> None:
    """Make a warehouse of a backup in an empty folder, and verify it."""
    from etl.backup import restore
    from etl.evidence.verify import verify

    settings = Settings.from_environment(folder)
    with shown_progress() as tell:
        made = restore(
            file,
            Warehouse(settings),
            tell,
            lambda holder: note(settings, "warehouse_waiting", holder=holder),
        )
        found = verify(settings, progress=tell)
    for one in found.findings:
        typer.echo(one.text(settings.language))
    values = {"folder": folder, "count": made.files, "manifest": made.manifest}
    typer.echo(say(settings, "restored" if found.sound else "restored_unsound", **values))
    if not found.sound:
        raise typer.Exit(2)


@app.command("repair")
def repair_command(
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this it is only shown.")
    ] = False,
    emptying: Annotated[
        bool, typer.Option("--empty-trash", help="Delete what is in trash/ for good.")
    ] = False,
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
) -> None:
    """Show how a damaged warehouse can be put right from its own files; do it with --yes."""
    from etl.repair import empty_trash, examine, repair

    settings = Settings.from_environment(warehouse)
    place = Warehouse(settings)
    if emptying:
        gone = empty_trash(place)
        typer.echo(say(settings, "trash_emptied", count=len(gone)))
        return
    with shown_progress() as tell:
        plan = (repair if yes else examine)(place, tell)
    if as_json:
        print_json(
            {
                "problem": plan.problem.code if plan.problem else None,
                "manifest": plan.number,
                "passed_over": [number for number, _ in plan.passed_over],
                "unlisted": plan.unlisted,
                "damaged": [one.values["file"] for one in plan.damaged],
                "trash": plan.trash,
                "done": yes and plan.is_needed,
            }
        )
        return
    if plan.problem is not None and not yes:
        typer.echo(catalogue().sentence(plan.problem, settings.language))
    for number, reason in plan.passed_over:
        words = catalogue().sentence(reason, settings.language)
        typer.echo(say(settings, "repair_passed_over", number=number, reason=words))
    if plan.number is not None:
        typer.echo(say(settings, "repair_named" if yes else "repair_names", number=plan.number))
    if plan.unlisted:
        code = "repair_threw_away" if yes else "repair_throws_away"
        typer.echo(say(settings, code, count=len(plan.unlisted), trash=plan.trash or "trash/"))
        for name in plan.unlisted[:MOST_NAMED]:
            typer.echo(f"  {name}")
        if len(plan.unlisted) > MOST_NAMED:
            typer.echo(say(settings, "changes_more", count=len(plan.unlisted) - MOST_NAMED))
    _sentences(settings, plan.damaged)
    if plan.is_needed and not yes:
        typer.echo(say(settings, "repair_with_yes"))
    if plan.damaged:
        typer.echo(say(settings, "repair_not_these", count=len(plan.damaged)))
        raise typer.Exit(1)
    if not plan.is_needed:
        typer.echo(say(settings, "repair_nothing"))


def _sentences(settings: Settings, errors: tuple[KeptError, ...]) -> None:
    for one in errors:
        typer.echo(catalogue().sentence(one, settings.language), err=True)
