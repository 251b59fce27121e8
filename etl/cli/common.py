"""What the commands share: options, the language they speak, progress, tables."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from etl.catalogue import catalogue
from etl.config import Settings
from etl.intake.load import parse_instant
from etl.marts import Marts, open_marts
from etl.store import Warehouse

app = typer.Typer(
    name="kept",
    help="Kept (履约): is the vendor keeping its after-sales promises?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

WarehouseOption = Annotated[
    Path | None,
    typer.Option("--warehouse", metavar="DIR", help="The warehouse (KEPT_WAREHOUSE, ./warehouse)."),
]
TimezoneOption = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        metavar="ZONE",
        help="Its clock (KEPT_TIMEZONE, Asia/Shanghai); fixed once made.",
    ),
]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="T", help="The day or instant to look from."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
LanguageOption = Annotated[
    Literal["zh", "en"] | None, typer.Option("--language", help="Instead of your own (LANG).")
]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it.")]


def looked_at(settings: Settings, as_of: str | None) -> Marts:
    """The marts as they are at `as_of`, as typed (None: the data horizon)."""
    with shown_progress() as tell:
        return open_marts(settings, instant(settings, as_of), tell)


def instant(settings: Settings, as_of: str | None) -> datetime | None:
    """The instant as typed, on the clock of the warehouse; None where none was."""
    zone = Warehouse(settings).manifest().timezone
    return None if as_of is None else parse_instant(as_of, zone)


@contextmanager
def shown_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on a terminal, silence elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, of: bar.update(task, description=what, completed=done, total=of)


def say(settings: Settings, code: str, **values: object) -> str:
    """A message of the catalogue in the language of this call."""
    return catalogue().message(code, settings.language, **values)


def note(settings: Settings, code: str, **values: object) -> None:
    """Say it beside the output, on stderr."""
    typer.echo(say(settings, code, **values), err=True)


def print_json(value: object) -> None:
    """Print for machines."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def print_table(
    settings: Settings, columns: tuple[str, ...], rows: list[Mapping[str, object]]
) -> None:
    """Print rows as a table headed by `column_<name>` of the catalogue."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        number = isinstance(rows[0][column], int) and not isinstance(rows[0][column], bool)
        table.add_column(
            say(settings, f"column_{column}"),
            justify="right" if number else "left",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    # A pipe has no width: a batch id must come through it whole.
    width = None if sys.stdout.isatty() else 240
    Console(markup=False, highlight=False, width=width).print(table)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "✓" if value else ""
    if isinstance(value, float):
        return f"{value:.2%}"
    return "" if value is None else str(value)
