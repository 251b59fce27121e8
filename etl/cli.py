"""The `kept` command: parse, call, print. Everything it does, the same functions do for the pages.

Exit status: 0 done, 1 nothing could be done though the call was right, 2 the call or a file is
wrong. What is wrong is one sentence on stderr.
"""

import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from etl import __version__
from etl.catalogue import Text, catalogue
from etl.changes import changes
from etl.config import Settings, sample_folder
from etl.errors import KeptError
from etl.load import Loaded, LoadReport, load, parse_instant, undo
from etl.marts import Marts, open_marts, rebuild
from etl.report import TABLES, export, report, write_rejects
from etl.store import Warehouse

app = typer.Typer(
    name="kept",
    help="Kept (履约): is the vendor keeping its after-sales promises?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

MOST_CHANGES = 20

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
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it.")]


@app.callback(invoke_without_command=True)
def common(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Kept (履约): is the vendor keeping its after-sales promises?"""
    if version:
        typer.echo(f"kept {__version__}")
        raise typer.Exit


@app.command("load")
def load_command(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files or folders.")],
    log: Annotated[
        str | None, typer.Option("--log", metavar="NAME", help="Take the files for this log.")
    ] = None,
    through: Annotated[
        str | None,
        typer.Option("--through", metavar="T", help="Up to when the files are complete."),
    ] = None,
    replace_missing: Annotated[
        bool,
        typer.Option("--replace-missing", help="Let columns a file lacks empty their values."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; write nothing.")
    ] = False,
    by: ByOption = None,
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Load exports (CSV, Excel, folders of them) into the warehouse: all of them or none."""
    settings = Settings.from_environment(warehouse, timezone)
    with _progress() as tell:
        done = load(
            settings,
            paths,
            log=log,
            by=by,
            through=through,
            replace_missing=replace_missing,
            dry_run=dry_run,
            progress=tell,
            waiting_for=lambda holder: _note(settings, "warehouse_waiting", holder=holder),
        )
    if as_json:
        _print_json(done.as_json())
    else:
        _print_load(settings, done)


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
            "rejected": batch.rejected,
            "undone": batch.id in undone,
        }
        for batch in batches
    ]
    if as_json:
        _print_json({"manifest": manifest.number, "batches": rows})
        return
    if not rows:
        typer.echo(_say(settings, "history_empty"))
        return
    shown = ("batch", "file", "by", "at", "new", "changed", "unchanged", "rejected", "undone")
    _print_table(settings, shown, rows)


@app.command("undo")
def undo_command(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="A batch id of kept history.")],
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Take a batch back: the logs are then as had it never been loaded."""
    settings = Settings.from_environment(warehouse, timezone)
    with _progress() as tell:
        gone = undo(settings, batch, tell)
    if as_json:
        _print_json({"undone": gone.id, "log": gone.log, "file": gone.file})
    else:
        typer.echo(_say(settings, "undone", batch=gone.id, file=gone.file))


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


@app.command("report")
def report_command(
    contract: Annotated[
        str | None, typer.Option("--contract", metavar="ID", help="Only this contract.")
    ] = None,
    as_of: AsOfOption = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="T", help="What changed since that date or instant."),
    ] = None,
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Print the clauses with their counts, rates and verdicts, per contract; or what changed."""
    settings = Settings.from_environment(warehouse, timezone)
    marts = _marts(settings, as_of)
    manifest = Warehouse(settings).manifest()
    if since is not None:
        changed = changes(marts, _marts(settings, since), manifest, contract)
        if as_json:
            _print_json(changed)
        else:
            _print_changes(settings, changed)
        return
    figures = report(marts, manifest, contract)
    if as_json:
        _print_json(figures)
    else:
        _print_report(settings, figures)


@app.command("export")
def export_command(
    table: Annotated[str, typer.Argument(metavar="TABLE", help=f"One of: {', '.join(TABLES)}.")],
    as_of: AsOfOption = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="A .csv, .xlsx or .parquet file."),
    ] = None,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Write a published table."""
    settings = Settings.from_environment(warehouse, timezone)
    text = export(_marts(settings, as_of), table, output)
    if text is not None:
        typer.echo(text, nl=False)


@app.command()
def build(
    as_of: AsOfOption = None,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Build the marts anew from the batches."""
    settings = Settings.from_environment(warehouse, timezone)
    with _progress() as tell:
        built = rebuild(settings, tell)
    marts = built if as_of is None else _marts(settings, as_of)
    typer.echo(_say(settings, "built", as_of=marts.as_of, manifest=marts.manifest))


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the files.")],
    tickets: Annotated[int, typer.Option("--tickets", metavar="N", min=1)] = 5000,
    seed: Annotated[int | None, typer.Option("--seed", metavar="S")] = None,
) -> None:
    """Write a realistic synthetic set of all logs, of any size."""
    from etl.sample import DEFAULT_SEED, write_sample

    settings = Settings.from_environment()
    with _progress() as tell:
        written = write_sample(folder, tickets, DEFAULT_SEED if seed is None else seed, tell)
    typer.echo(_say(settings, "sample_written", count=len(written), folder=folder))


@app.command()
def serve(
    port: Annotated[int | None, typer.Option("--port", metavar="P")] = None,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Loopback unless you say otherwise.")
    ] = "127.0.0.1",
    demo: Annotated[
        bool, typer.Option("--demo", help="Load the sample into a throw-away warehouse first.")
    ] = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Serve the dashboard."""
    from dashboard.server import serve as serve_dashboard

    settings = Settings.from_environment(warehouse, timezone)
    if not demo:
        raise typer.Exit(serve_dashboard(settings, port, host))
    with tempfile.TemporaryDirectory(prefix="kept-demo-") as folder:
        settings = replace(settings, warehouse=Path(folder) / "warehouse")
        with _progress() as tell:
            load(settings, [sample_folder()], progress=tell)
        status = serve_dashboard(settings, port, host)
    raise typer.Exit(status)


def main() -> None:
    """Runs `kept`; whatever goes wrong ends in one sentence and an exit status."""
    _speak_any_alphabet()
    try:
        status = app(standalone_mode=False)
    except KeptError as error:
        language = Settings.language_of_environment()
        print(catalogue().sentence(error, language), file=sys.stderr)
        sys.exit(error.exit_status)
    except typer.TyperException as error:
        if words := error.format_message():
            print(f"kept: {words}", file=sys.stderr)
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if Settings.debugging():
            raise
        language = Settings.language_of_environment()
        words = catalogue().message(
            "unexpected", language, error=f"{type(error).__name__}: {error}".splitlines()[0]
        )
        print(words, file=sys.stderr)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _speak_any_alphabet() -> None:
    """A pipe gets UTF-8; a terminal that lacks a character gets a mark in its place."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _marts(settings: Settings, as_of: str | None) -> Marts:
    zone = Warehouse(settings).manifest().timezone
    with _progress() as tell:
        return open_marts(settings, None if as_of is None else parse_instant(as_of, zone), tell)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on a terminal, silence elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, of: bar.update(task, description=what, completed=done, total=of)


def _say(settings: Settings, code: str, **values: object) -> str:
    return catalogue().message(code, settings.language, **values)


def _note(settings: Settings, code: str, **values: object) -> None:
    typer.echo(_say(settings, code, **values), err=True)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def _print_load(settings: Settings, done: LoadReport) -> None:
    for one in done.files:
        typer.echo(_line(settings, one, done.dry_run))
    if done.skipped:
        typer.echo(_say(settings, "files_skipped", files=", ".join(done.skipped)))
    for log, count in sorted(done.waiting.items()):
        typer.echo(_say(settings, "rows_waiting", count=count, log=catalogue().logs[log].label))


def _line(settings: Settings, one: Loaded, dry_run: bool) -> str:
    log: Text = catalogue().logs[one.log].label
    if not one.batch:
        parts = [_say(settings, "load_unchanged", place=one.place, log=log, rows=one.unchanged)]
    else:
        parts = [
            _say(
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
        parts.append(_say(settings, "load_superseded", count=one.superseded))
    if one.totals_rows:
        parts.append(_say(settings, "load_totals", count=one.totals_rows))
    if one.ignored_columns:
        parts.append(_say(settings, "load_ignored", columns=", ".join(one.ignored_columns)))
    return "; ".join(parts)


def _print_table(
    settings: Settings, columns: tuple[str, ...], rows: list[Mapping[str, object]]
) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        number = isinstance(rows[0][column], int) and not isinstance(rows[0][column], bool)
        table.add_column(
            _say(settings, f"column_{column}"),
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


def _print_changes(settings: Settings, changed: Mapping[str, Any]) -> None:
    """The three lists, the longer ones cut: --json has all of it."""
    language, labels = settings.language, catalogue().verdicts
    since, as_of = (changed[name].replace("T", " ") for name in ("since", "as_of"))
    typer.echo(_say(settings, "changes_between", since=since, as_of=as_of))

    def clause(name: str | None) -> str:
        return "" if name is None else catalogue().clauses[name].title.get(language)

    verdicts: list[Mapping[str, object]] = [
        {
            "contract": row["contract_id"],
            "clause": clause(row["clause"]),
            "was": labels[row["was"]].title.get(language),
            "is": labels[row["is"]].title.get(language),
        }
        for row in changed["verdicts"]
    ]
    broken: list[Mapping[str, object]] = [
        {
            "contract": row["contract_id"],
            "clause": clause(row["clause"]),
            "subject": row["subject"],
            "department": row["department"],
            "due": row["due"],
            "done": row["done"],
        }
        for row in changed["newly_broken"]
    ]
    due: list[Mapping[str, object]] = [
        {
            "contract": row["contract_id"],
            "kind": _say(settings, f"due_{row['kind']}"),
            "clause": clause(row["clause"]),
            "subject": row["subject"],
            "due": row["due_at"],
        }
        for row in changed["falls_due"]
    ]
    for name, rows in (("verdicts", verdicts), ("newly_broken", broken), ("falls_due", due)):
        typer.echo("\n" + _say(settings, f"changes_{name}", count=len(rows)))
        if rows:
            _print_table(settings, tuple(rows[0]), rows[:MOST_CHANGES])
        if len(rows) > MOST_CHANGES:
            typer.echo(_say(settings, "changes_more", count=len(rows) - MOST_CHANGES))


def _figure(name: str, value: object) -> str:
    """A figure of the report: hours with one decimal, shares as percentages, none as a dash."""
    if value is None:
        return "—"
    if name.endswith("_hours"):
        return f"{value:.1f}"
    if name.startswith("availability") or name == "ratio":
        return f"{value:.2%}"
    return str(value)


def _print_report(settings: Settings, figures: Mapping[str, Any]) -> None:
    typer.echo(_say(settings, "report_as_of", as_of=figures["as_of"].replace("T", " ")))
    for contract, found in figures["contracts"].items():
        typer.echo(f"\n{contract}")
        rows: list[Mapping[str, object]] = [
            {
                "clause": catalogue().clauses[clause].title.get(settings.language),
                **counts,
                "verdict": catalogue().verdicts[counts["verdict"]].title.get(settings.language),
            }
            for clause, counts in found["clauses"].items()
        ]
        shown = ("clause", "met", "breached", "unknown", "pending", "excluded", "rate", "verdict")
        _print_table(settings, shown, rows)
        for section in ("availability", "spares", "warranty", "retention"):
            said = {name: _figure(name, value) for name, value in found[section].items()}
            if section == "retention":
                verdict = catalogue().contract_verdicts[found[section]["verdict"]]
                said["verdict"] = verdict.title.get(settings.language)
            typer.echo(_say(settings, f"report_{section}", **said))
    if figures["rejected_rows"] or figures["waiting_rows"]:
        typer.echo(
            "\n"
            + _say(
                settings,
                "report_left_out",
                rejected=figures["rejected_rows"],
                waiting=figures["waiting_rows"],
            )
        )
