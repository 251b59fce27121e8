"""The command that asks a vendor for what is missing."""

from pathlib import Path
from typing import Annotated

import typer

from etl.cli.common import AsOfOption, TimezoneOption, WarehouseOption, app, looked_at, say
from etl.config import Settings
from etl.evidence.request import write_request
from etl.store import Warehouse


@app.command("request")
def request_command(
    contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="A contract's id.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="An .xlsx file.")],
    as_of: AsOfOption = None,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Write what the vendor has to supply before the retention money can be decided."""
    settings = Settings.from_environment(warehouse, timezone)
    place = Warehouse(settings)
    marts = looked_at(settings, as_of)
    asked = write_request(marts, place, place.manifest_numbered(marts.manifest), contract, output)
    typer.echo(
        say(
            settings,
            "request_written",
            file=output,
            records=asked.records,
            cells=asked.cells,
            wanted=asked.wanted,
            rejected=asked.rejected,
        )
    )
