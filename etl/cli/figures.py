"""Commands that print and write the figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from etl.catalogue import catalogue
from etl.changes import changes
from etl.cli.common import (
    AsOfOption,
    JsonOption,
    LanguageOption,
    TimezoneOption,
    WarehouseOption,
    app,
    looked_at,
    print_json,
    print_table,
    say,
    shown_progress,
)
from etl.config import Settings
from etl.errors import KeptError
from etl.marts import open_marts, rebuild
from etl.report import TABLES, export, report
from etl.reports import write_report
from etl.reports.digest import FORMATS, STALE_AFTER, clock, digest, since_when
from etl.store import Warehouse

MOST_CHANGES = 20
MOST_MONTHS = 12


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
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The management report: .xlsx or .pdf."
        ),
    ] = None,
    language: LanguageOption = None,
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Print the clauses with their counts, rates and verdicts, per contract; or what changed."""
    settings = Settings.from_environment(warehouse, timezone)
    if output is not None and since is not None:
        raise KeptError("management_alone")
    marts = looked_at(settings, as_of)
    manifest = Warehouse(settings).manifest()
    if output is not None:
        write_report(marts, manifest, language or settings.language, contract, output)
        typer.echo(say(settings, "management_written", file=output))
        return
    if since is not None:
        changed = changes(marts, looked_at(settings, since), contract)
        if as_json:
            print_json(changed)
        else:
            _print_changes(settings, changed)
        return
    figures = report(marts, contract)
    if as_json:
        print_json(figures)
    else:
        _print_report(settings, figures)


@app.command("digest")
def digest_command(
    since: Annotated[
        str,
        typer.Option("--since", metavar="T", help="A date, an instant, or days before now: 7d."),
    ] = "7d",
    form: Annotated[
        Literal["text", "html", "json", "wecom", "dingtalk", "feishu"],
        typer.Option("--format", help="How it is sent: for people, machines or a chat robot."),
    ] = "text",
    contract: Annotated[
        str | None, typer.Option("--contract", metavar="ID", help="Only this contract.")
    ] = None,
    as_of: AsOfOption = None,
    stale_after: Annotated[
        int,
        typer.Option("--stale-after", metavar="DAYS", min=0, help="Say how old older data are."),
    ] = STALE_AFTER,
    language: LanguageOption = None,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Print what changed, broke and falls due, and that data are old; nothing without news."""
    settings = Settings.from_environment(warehouse, timezone)
    timezone = Warehouse(settings).manifest().timezone
    then = since_when(since, timezone)
    now = looked_at(settings, as_of)
    found = digest(
        now,
        open_marts(settings, then) if then < now.as_of else now,
        language or settings.language,
        contract,
        since=then,
        at=now.as_of if as_of is not None else max(now.as_of, clock(timezone)),
        stale_after=stale_after,
    )
    if not found.quiet:
        typer.echo(FORMATS[form](found), nl=False)


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
    text = export(looked_at(settings, as_of), table, output)
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
    with shown_progress() as tell:
        built = rebuild(settings, tell)
    marts = built if as_of is None else looked_at(settings, as_of)
    typer.echo(say(settings, "built", as_of=marts.as_of, manifest=marts.manifest))


def _print_changes(settings: Settings, changed: Mapping[str, Any]) -> None:
    """The three lists, the longer ones cut: --json has all of it."""
    language, labels = settings.language, catalogue().verdicts
    since, as_of = (changed[name].replace("T", " ") for name in ("since", "as_of"))
    typer.echo(say(settings, "changes_between", since=since, as_of=as_of))

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
            "kind": say(settings, f"due_{row['kind']}"),
            "clause": clause(row["clause"]),
            "subject": row["subject"],
            "due": row["due_at"],
        }
        for row in changed["falls_due"]
    ]
    for name, rows in (("verdicts", verdicts), ("newly_broken", broken), ("falls_due", due)):
        typer.echo("\n" + say(settings, f"changes_{name}", count=len(rows)))
        if rows:
            print_table(settings, tuple(rows[0]), rows[:MOST_CHANGES])
        if len(rows) > MOST_CHANGES:
            typer.echo(say(settings, "changes_more", count=len(rows) - MOST_CHANGES))


def _figure(name: str, value: object) -> str:
    """A figure of the report: hours with one decimal, shares as percentages, none as a dash."""
    if value is None:
        return "—"
    if name.endswith("_hours"):
        return f"{value:.1f}"
    if name.startswith("availability") or name == "ratio":
        return f"{value:.2%}"
    return str(value)


def _print_reopened(settings: Settings, figures: Mapping[str, Any]) -> None:
    """Tickets reopened: in all, and in the last months that had any."""
    months = [(month, n["reopened"]) for month, n in figures["months"].items() if n["reopened"]]
    said = "report_reopened" if months else "report_reopened_none"
    listed = ", ".join(f"{month} {n}" for month, n in months[-MOST_MONTHS:])
    typer.echo(say(settings, said, **{**figures, "months": listed}))


def _print_report(settings: Settings, figures: Mapping[str, Any]) -> None:
    typer.echo(say(settings, "report_as_of", as_of=figures["as_of"].replace("T", " ")))
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
        print_table(settings, shown, rows)
        for section in ("availability", "spares", "warranty", "retention"):
            said = {name: _figure(name, value) for name, value in found[section].items()}
            if section == "retention":
                verdict = catalogue().contract_verdicts[found[section]["verdict"]]
                said["verdict"] = verdict.title.get(settings.language)
            typer.echo(say(settings, f"report_{section}", **said))
            if section == "availability" and (count := found[section]["open_unit_months"]):
                typer.echo(say(settings, "report_months_open", count=count))
        _print_reopened(settings, found["reopened"])
    if figures["rejected_rows"] or figures["waiting_rows"]:
        typer.echo(
            "\n"
            + say(
                settings,
                "report_left_out",
                rejected=figures["rejected_rows"],
                waiting=figures["waiting_rows"],
            )
        )
