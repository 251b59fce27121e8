"""A small warehouse whose figures can be counted by hand, for the tests of the dashboard."""

from datetime import datetime, timedelta
from pathlib import Path

import plotly.graph_objects as go

from dashboard.charts.figure import Figure
from etl.config import Settings
from etl.intake.load import load

CONTRACTS = """contract_id,name,vendor,amount,accepted_on
C-1,Imaging *and* _more_,Alpha,1000000,2026-01-01
C-2,Monitors,Beta,500000,2026-01-01
"""
EQUIPMENT = """equipment_id,contract_id,department,category,accepted_on
U-1,C-1,Radiology,Scanner,2026-01-01
U-2,C-1,=Emergency,Scanner,2026-01-01
U-3,C-2,Ward,Monitor,2026-01-01
"""
TERMS = """contract_id,term,value
C-1,sla.response.target,0.9
C-2,sla.response.target,0.9
"""
TICKET_COLUMNS = (
    "ticket_id,equipment_id,channel,service_type,reported_at,responded_at,"
    "onsite_at,left_site_at,resolved_at,remote_resolved"
)
MONTHS = 8
PER_MONTH = 10
LATE = {2: 1, 5: 3, 7: 2}
"""Months (January is 0) with so many late answers in C-1; C-2 is never late."""


def settings(warehouse: Path) -> Settings:
    """The settings of a test: that warehouse, the usual clock."""
    return Settings(warehouse=warehouse, timezone="Asia/Shanghai", language="en")


def checked(figure: Figure) -> go.Figure:
    """The figure as plotly takes it; ValueError where a name or a value is not one of plotly's."""
    return go.Figure(figure.data, figure.layout)


def write(folder: Path) -> None:
    """Ten tickets a month for each of two contracts, January to August 2026.

    Each is answered after 10 minutes, the late ones after 45; the last of all is still open.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contracts.csv").write_text(CONTRACTS, encoding="utf-8")
    (folder / "equipment.csv").write_text(EQUIPMENT, encoding="utf-8")
    (folder / "terms.csv").write_text(TERMS, encoding="utf-8")
    lines = [TICKET_COLUMNS]
    for month in range(MONTHS):
        for n in range(PER_MONTH):
            reported = datetime(2026, month + 1, 2 + 2 * n, 8 + n, 0)
            for contract, unit in (("A", f"U-{1 + n % 2}"), ("B", "U-3")):
                late = contract == "A" and n < LATE.get(month, 0)
                answered = reported + timedelta(minutes=45 if late else 10)
                on_site, left = reported + timedelta(hours=1), reported + timedelta(hours=4)
                solved = left - timedelta(minutes=5)
                kind = "hardware_fault" if n % 3 else "software_fault"
                channel = "phone" if n % 2 else "email"
                last = contract == "B" and (month, n) == (MONTHS - 1, PER_MONTH - 1)
                times = (answered, on_site, left, solved) if not last else (answered,)
                cells = [f"{time:%Y-%m-%d %H:%M:%S}" for time in times] + [""] * (4 - len(times))
                lines.append(
                    f"{contract}{month:02d}{n:02d},{unit},{channel},{kind},"
                    f"{reported:%Y-%m-%d %H:%M:%S},{','.join(cells)},false"
                )
    (folder / "tickets.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def make_warehouse(folder: Path) -> Path:
    """The warehouse, loaded."""
    write(folder / "exports")
    warehouse = folder / "warehouse"
    load(settings(warehouse), [folder / "exports"])
    return warehouse
