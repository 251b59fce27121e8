"""Commands that write a sample and serve the dashboard."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from etl.cli.common import TimezoneOption, WarehouseOption, app, say, shown_progress
from etl.config import Settings, sample_folder
from etl.intake.load import load
from etl.scratch import scratch


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the files.")],
    tickets: Annotated[int, typer.Option("--tickets", metavar="N", min=1)] = 5000,
    seed: Annotated[int | None, typer.Option("--seed", metavar="S")] = None,
) -> None:
    """Write a realistic synthetic set of all logs, of any size."""
    from etl.sample import DEFAULT_SEED, write_sample

    settings = Settings.from_environment()
    with shown_progress() as tell:
        written = write_sample(folder, tickets, DEFAULT_SEED if seed is None else seed, tell)
    typer.echo(say(settings, "sample_written", count=len(written), folder=folder))


@app.command()
def serve(
    port: Annotated[int | None, typer.Option("--port", metavar="P")] = None,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Loopback unless you say otherwise.")
    ] = "127.0.0.1",
    open_to_everyone: Annotated[
        bool,
        typer.Option(
            "--open-to-everyone",
            help="Needed for an address that other machines reach: there is no sign-in.",
        ),
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Load the sample into a throw-away warehouse first.")
    ] = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Serve the dashboard to this machine.

    Pages open under localhost, 127.0.0.1, [::1] and the address of --host alone; behind a
    reverse proxy KEPT_ALLOWED_HOSTS names the public hosts, commas between. /healthz answers
    whether the warehouse can be read.
    """
    from dashboard.server import serve as serve_dashboard

    settings = Settings.from_environment(warehouse, timezone)
    served = partial(serve_dashboard, port=port, host=host, open_to_everyone=open_to_everyone)
    if not demo:
        raise typer.Exit(served(settings))
    with scratch("demo") as folder:
        settings = replace(settings, warehouse=folder / "warehouse", state=None)
        with shown_progress() as tell:
            load(settings, [sample_folder()], progress=tell)
        status = served(settings)
    raise typer.Exit(status)
