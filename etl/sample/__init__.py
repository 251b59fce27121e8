"""A realistic, synthetic set of all thirteen logs, of any size, for trying Kept and measuring it.

What it tells is data in `story`, the rows with a fault (`PLANTED`) included; the same size and
seed give the same bytes. Contracts are written one after the other and rows as they arise, so
memory holds one contract's units, never its tickets.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from etl.errors import KeptError
from etl.sample.complaints import ComplaintDesk
from etl.sample.files import (
    EXCEL,
    ISO_MINUTES,
    ISO_SECONDS,
    SLASHES,
    WORDS,
    Book,
    CsvFile,
    Sheet,
)
from etl.sample.people import Team, write_people
from etl.sample.registers import (
    write_contract,
    write_coverage,
    write_meetings,
    write_sample_tests,
    write_terms,
    write_training,
    write_waivers,
)
from etl.sample.stock import Stockroom
from etl.sample.story import CONTRACTS, DAY, HORIZON, LAST_DAY, PLANTED, Contract, Planted, day
from etl.sample.tickets import Desk, Ticket, as_exported, values
from etl.sample.units import Fleet, write_units
from etl.sample.visits import write_visits

__all__ = [
    "DEFAULT_SEED",
    "DEFAULT_TICKETS",
    "PLANTED",
    "Planted",
    "write_sample",
]

DEFAULT_TICKETS = 5_000
DEFAULT_SEED = 20_260_101
Progress = Callable[[str, int, int], None]

_LARGE = 20_000
_TICKETS_PER_SIBLING = 150_000
_MOST_SIBLINGS = 20
_YEAR_END = (day("2025-12-31") + 1) * DAY - 1
_STEP = 1_000


def write_sample(
    directory: Path,
    tickets: int = DEFAULT_TICKETS,
    seed: int = DEFAULT_SEED,
    progress: Progress | None = None,
) -> list[Path]:
    """Write the logs into `directory` and return the files, in the order of their names.

    `progress` is told the log being written, the tickets done and their total. Raises KeptError
    where `directory` is a file.
    """
    if directory.exists() and not directory.is_dir():
        raise KeptError("sample_no_folder", path=directory)
    directory.mkdir(parents=True, exist_ok=True)
    sheets, paths = _open(directory, large=tickets >= _LARGE)
    contracts = _contracts(tickets)
    done = 0
    for contract, share in contracts:
        for _ in _write(contract, share, tickets, seed, sheets):
            done += 1
            if progress and done % _STEP == 0:
                progress("tickets", done, tickets)
    write_coverage(sheets["coverage"])
    for planted in PLANTED:
        sheets[planted.sheet].plant(planted.cells)
    for sheet in sheets.values():
        sheet.close()
    if progress:
        progress("tickets", tickets, tickets)
    return sorted(paths)


def _contracts(tickets: int) -> list[tuple[Contract, int]]:
    """The contracts with their tickets: the three of the story, and siblings of them at scale."""
    siblings = max(1, min(_MOST_SIBLINGS, tickets // _TICKETS_PER_SIBLING))
    shares = [(contract, n) for contract in CONTRACTS for n in range(1, siblings + 1)]
    so_far, upto, result = 0.0, 0, []
    for contract, n in shares:
        so_far += contract.tickets / siblings
        before, upto = upto, round(tickets * so_far)
        result.append((contract if n == 1 else _sibling(contract, n), upto - before))
    return result


def _sibling(contract: Contract, n: int) -> Contract:
    """The same story under another contract, without its incidents."""
    return replace(
        contract,
        code=f"{contract.code}{n:02d}",
        contract_id=f"{contract.contract_id}-{n:02d}",
        buyer=f"{contract.buyer}({n}分部)",
        bad=(),
        forgotten=(),
        scripts=(),
        visits_until=LAST_DAY,
    )


def _open(directory: Path, large: bool) -> tuple[dict[str, Sheet], list[Path]]:
    """All sheets by what they hold, and the files they are in; large logs are never workbooks."""
    paths: list[Path] = []

    def at(name: str) -> Path:
        paths.append(directory / name)
        return paths[-1]

    registers = Book(at("01_合同台账.xlsx"))
    people = Book(at("人员_培训_条款.xlsx"))
    checks = Book(at("样品检测_重要会议.xlsx"))
    sheets = {
        "contracts": Sheet(
            "contracts", registers.sheet("合同"), EXCEL, title="合同台账(示例数据)", total="amount"
        ),
        "tickets YY 2025": Sheet(
            "tickets", CsvFile(at("工单_市一院_2025.csv"), "utf-8-sig"), SLASHES
        ),
        "tickets YY 2026": Sheet(
            "tickets", CsvFile(at("工单_市一院_2026.csv"), "utf-8-sig"), SLASHES
        ),
        "tickets ZW": Sheet(
            "tickets",
            CsvFile(at("工单_政务中心.csv"), delimiter=";", first_line="sep=;"),
            WORDS,
        ),
        "inspections": Sheet("inspections", CsvFile(at("巡检记录.csv"), "gb18030"), SLASHES),
        "parts": Sheet(
            "parts", CsvFile(at("备件出入库.csv"), delimiter="\t", newline="\n"), ISO_SECONDS
        ),
        "complaints": Sheet("complaints", CsvFile(at("投诉登记.csv"), newline="\n"), ISO_MINUTES),
        "personnel": Sheet("personnel", people.sheet("服务人员"), EXCEL),
        "training": Sheet("training", people.sheet("培训记录"), EXCEL, title="培训签到汇总"),
        "terms": Sheet("terms", people.sheet("条款参数"), EXCEL),
        "sample_tests": Sheet("sample_tests", checks.sheet("样品检测"), EXCEL),
        "special_periods": Sheet("special_periods", checks.sheet("重要会议"), EXCEL),
        "coverage": Sheet("coverage", CsvFile(at("数据截止.csv"), newline="\n"), ISO_SECONDS),
        "waivers": Sheet("waivers", CsvFile(at("豁免.csv"), "utf-8-sig"), ISO_SECONDS),
    }
    if large:
        sheets["equipment"] = Sheet("equipment", CsvFile(at("设备台账.csv")), ISO_SECONDS)
        sheets["tickets JY"] = Sheet("tickets", CsvFile(at("工单_教育局.csv")), ISO_SECONDS)
    else:
        sheets["equipment"] = Sheet(
            "equipment",
            Book(at("设备台账.xlsx")).sheet("设备"),
            EXCEL,
            title="云汀市采购设备台账(截至2026年9月)",
            total="delivery_charge",
        )
        sheets["tickets JY"] = Sheet(
            "tickets",
            Book(at("工单_教育局.xlsx")).sheet("工单"),
            EXCEL,
            title="教育局报修工单导出",
            total="parts_charge",
            notes={"ticket_id": "(必填)", "reported_at": "(必填)", "labour_charge": "(元)"},
        )
    return sheets, paths


def _write(
    contract: Contract, tickets: int, of: int, seed: int, sheets: dict[str, Sheet]
) -> Iterator[Ticket]:
    """Write all logs of one contract; yields each ticket once it is written."""

    def rng(part: str) -> Random:
        return Random(f"{seed} {contract.contract_id} {part}")

    per_ticket = 0.12 * contract.units / contract.tickets if of < _LARGE else 0.1
    fleet = Fleet(contract, max(30, round(tickets * per_ticket)), rng("units"))
    team = Team(contract, tickets)
    stock = Stockroom(contract, len(fleet.units), sheets["parts"], rng("stock"))
    complaints = ComplaintDesk(contract, sheets["complaints"], rng("complaints"))
    breached: list[str] = []
    for ticket in Desk(contract, tickets, fleet, team, stock, rng("tickets")).tickets():
        seen = as_exported(ticket, HORIZON)
        _export(seen, contract, sheets)
        complaints.consider(seen)
        if contract.code == "YY" and len(breached) < 2 and _breached_in_january(seen):
            breached.append(seen.ticket_id)
        yield seen
    write_contract(sheets["contracts"], contract)
    write_units(sheets["equipment"], fleet, rng("register"))
    write_visits(sheets["inspections"], contract, fleet, team, rng("visits"))
    write_people(sheets["personnel"], team)
    write_training(sheets["training"], contract)
    write_sample_tests(sheets["sample_tests"], contract)
    write_meetings(sheets["special_periods"], contract)
    write_terms(sheets["terms"], contract)
    if len(breached) == 2:
        write_waivers(sheets["waivers"], contract, breached)


def _export(ticket: Ticket, contract: Contract, sheets: dict[str, Sheet]) -> None:
    """Write a ticket into the file that has it; what was open at year's end comes in both."""
    if not contract.code.startswith("YY"):
        sheets[f"tickets {contract.code[:2]}"].write(values(ticket))
        return
    if ticket.reported_at <= _YEAR_END:
        before = as_exported(ticket, _YEAR_END)
        sheets["tickets YY 2025"].write(values(before))
        if before is ticket:
            return
    sheets["tickets YY 2026"].write(values(ticket))


def _breached_in_january(ticket: Ticket) -> bool:
    """Whether the answer to a fault came late in the worst quarter's first month."""
    responded = ticket.responded_at
    return (
        ticket.is_fault
        and day("2026-01-01") <= ticket.reported_at // DAY <= day("2026-01-31")
        and responded is not None
        and responded - ticket.reported_at > 40 * 60
    )
