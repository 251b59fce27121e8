"""The request to the vendor: it asks for what would decide, and loads without harm."""

import shutil
from io import BytesIO
from pathlib import Path

import duckdb
import openpyxl
import pytest

from etl.catalogue import catalogue
from etl.cli import app
from etl.errors import KeptError
from etl.evidence.missing import CELL, LOG_ENDS, NO_LOG, NO_RECORD, Missing, missing
from etl.evidence.request import heading, request, write_request
from etl.intake.load import load
from etl.intake.match import recognise
from etl.intake.read import TextTable
from etl.marts import Marts, open_marts
from etl.store import Warehouse
from tests.dashboard_data import settings


@pytest.fixture(scope="module")
def loaded(retention_warehouse: Path) -> Path:
    return retention_warehouse


@pytest.fixture
def warehouse(loaded: Path, tmp_path: Path) -> Path:
    """A copy to load into."""
    return Path(shutil.copytree(loaded, tmp_path / "warehouse"))


@pytest.fixture(scope="module")
def marts(loaded: Path) -> Marts:
    return open_marts(settings(loaded))


@pytest.fixture(scope="module")
def found(marts: Marts) -> dict[tuple[str, str], list[Missing]]:
    """What C-1 lacks, by clause and subject."""
    by_subject: dict[tuple[str, str], list[Missing]] = {}
    for one in missing(marts, "C-1"):
        by_subject.setdefault((one.clause, one.subject), []).append(one)
    return by_subject


def asked(folder: Path, contract: str = "C-1") -> openpyxl.Workbook:
    place = Warehouse(settings(folder))
    _, content = request(open_marts(settings(folder)), place, place.manifest(), contract)
    return openpyxl.load_workbook(BytesIO(content))


def contents(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every log as it stands, without the batch that it came with."""
    with duckdb.connect(open_marts(settings(folder)).generation, read_only=True) as con:
        return {
            name: con.execute(
                f"select {', '.join(log.columns)} from logs.{name} order by all"
            ).fetchall()
            for name, log in catalogue().logs.items()
        }


def sheet_of(book: openpyxl.Workbook, log: str) -> openpyxl.worksheet.worksheet.Worksheet:
    return next(one for one in book if one.title.startswith(f"{catalogue().logs[log].label.zh} "))


def place(sheet: openpyxl.worksheet.worksheet.Worksheet, key: str, label: str) -> str:
    """Where the cell of a record stands, by its key and its heading."""
    column = next(cell.column_letter for cell in sheet[1] if str(cell.value).startswith(label))
    row = next(row for row in range(2, sheet.max_row + 1) if sheet.cell(row, 1).value == key)
    return f"{column}{row}"


@pytest.mark.parametrize(
    ("clause", "subject", "log", "key", "columns"),
    [
        ("sla.response", "T-4", "tickets", ("T-4",), ("responded_at",)),
        ("warranty.free_repair", "T-4", "tickets", ("T-4",), ("cause",)),
        (
            "delivery.new_certified", "U-1", "equipment", ("U-1",), ("quality_certificate_no",),
        ),
        ("inspection.plan_approved", "V-1", "inspections", ("V-1",), ("plan_approved_on",)),
        ("inspection.complete", "V-1", "inspections", ("V-1",), ("feedback_heard",)),
        ("complaint.acknowledged", "K-1", "complaints", ("K-1", "1"), ("acknowledged_at",)),
        ("complaint.closed_satisfied", "K-1", "complaints", ("K-1", "2"), ("satisfied",)),
        (
            "complaint.opinion_sought", "K-1/2", "complaints", ("K-1", "2"),
            ("feedback_sought_at", "satisfied"),
        ),
        ("people.conduct", "2025-10", "complaints", ("K-1", "1"), ("upheld",)),
        ("people.local_office", "C-1", "contracts", ("C-1",), ("service_office",)),
    ],
)  # fmt: skip
def test_a_gap_names_the_cell_that_decides_it(found, clause, subject, log, key, columns):
    (one,) = found[clause, subject]

    assert (one.kind, one.log, one.key, one.columns) == (CELL, log, key, columns)


@pytest.mark.parametrize(
    ("clause", "subject", "kind"),
    [
        ("people.training", "operation", NO_LOG),
        ("people.permit", "E-9|2025-07-05", NO_RECORD),
        ("inspection.monthly", "ICU|2025-10", LOG_ENDS),
    ],
)
def test_a_gap_without_a_record_says_why(found, clause, subject, kind):
    (one,) = found[clause, subject]

    assert (one.kind, one.key, one.columns) == (kind, (), ())


def test_every_day_without_spares_is_one_item(found):
    (one,) = [
        one for (clause, _), all_ in found.items() if clause == "spares.ratio" for one in all_
    ]

    # The units serve from 2025-06-01; counted are the days up to 2026-06-01.
    assert (one.kind, one.obligations) == (NO_LOG, 366)


def test_every_unknown_obligation_is_asked_for_or_explained(marts, found):
    with marts.beside_logs() as (con, _):
        unknown = con.execute(
            "select clause, subject from obligation where contract_id = 'C-1' "
            "and state = 'unknown' and arose_on <= date '2026-06-01' "
            "and clause not in ('delivery.guarantee_valid', 'spares.ratio')"
        ).fetchall()

    assert {key for key in found if key[0] != "spares.ratio"} == set(unknown)


@pytest.mark.parametrize("log", catalogue().logs)
def test_the_headings_of_a_sheet_are_recognised(log):
    columns = catalogue().logs[log].columns
    top = [[heading(column) for column in columns.values()]]
    match = recognise([TextTable(file="request.xlsx", sheet="x", top=top, top_rows=[1])])

    assert match is not None
    assert match.log.name == log
    assert list(match.columns) == list(columns)
    assert not match.ignored


def test_only_the_missing_cells_stand_out_and_say_what_they_decide(loaded):
    tickets = sheet_of(asked(loaded), "tickets")
    marked = {
        (tickets.cell(cell.row, 1).value, tickets.cell(1, cell.column).value.split(" (")[0])
        for row in tickets.iter_rows(min_row=2)
        for cell in row
        if cell.comment
    }

    assert marked == {("T-4", "响应时间"), ("T-4", "故障原因")}
    cell = tickets[place(tickets, "T-4", "响应时间")]
    assert cell.fill.start_color.rgb == "FFFFF2B3"
    assert "Responded at" in cell.comment.text and "响应时间" in cell.comment.text


def test_unfilled_it_changes_nothing(warehouse, tmp_path):
    before, manifest = contents(warehouse), Warehouse(settings(warehouse)).manifest()
    target = tmp_path / "request.xlsx"
    place_, marts = Warehouse(settings(warehouse)), open_marts(settings(warehouse))
    counted = write_request(marts, place_, manifest, "C-1", target)
    report = load(settings(warehouse), [target])

    assert (counted.rejected, counted.records) == (1, 6)
    assert [one.batch for one in report.files] == [None] * len(report.files)
    assert {one.log for one in report.files} == {
        "contracts", "equipment", "tickets", "inspections", "complaints", "personnel",
    }  # fmt: skip
    assert place_.manifest() == manifest
    assert contents(warehouse) == before


def test_filled_in_it_changes_what_was_filled_in_and_nothing_else(warehouse, tmp_path):
    before = contents(warehouse)
    book = asked(warehouse)
    tickets = sheet_of(book, "tickets")
    tickets[place(tickets, "T-4", "响应时间")] = "2025-07-04 08:20"
    rejected = next(one for one in book if one.title.startswith("拒收"))
    headings = [cell.value for cell in rejected[1]]
    assert rejected.cell(2, 1 + headings.index("ticket_id")).value == "T-BAD"
    assert "not a date and time" in rejected.cell(2, 1 + headings.index("reasons")).value
    rejected.cell(2, 1 + headings.index("reported_at")).value = "2025-12-01 08:00"
    book.save(tmp_path / "answer.xlsx")
    report = load(settings(warehouse), [tmp_path / "answer.xlsx"])
    after = contents(warehouse)

    counts = [(one.log, one.new, one.changed) for one in report.files if one.batch]
    assert counts == [("tickets", 0, 1), ("tickets", 1, 0)]
    assert {name for name in before if before[name] != after[name]} == {"tickets"}
    columns = list(catalogue().logs["tickets"].columns)
    (was,) = [row for row in before["tickets"] if row not in after["tickets"]]
    now, added = [row for row in after["tickets"] if row not in before["tickets"]]
    differing = [
        (name, str(new)) for name, old, new in zip(columns, was, now, strict=True) if old != new
    ]
    assert differing == [("responded_at", "2025-07-04 08:20:00")]
    assert added[0] == "T-BAD"
    marts = open_marts(settings(warehouse))
    assert marts.rejected_rows == 0
    left = [one.columns for one in missing(marts, "C-1") if "T-4" in one.key]
    assert left == [("cause",)]


@pytest.mark.parametrize(
    ("contract", "name", "code"),
    [
        ("C-3", "request.xlsx", "request_nothing"),
        ("C-9", "request.xlsx", "contract_unknown"),
        ("C-1", "request.csv", "request_format"),
        ("C-1", "no/request.xlsx", "folder_missing"),
    ],
)
def test_what_cannot_be_asked_is_said(loaded, marts, tmp_path, contract, name, code):
    place_ = Warehouse(settings(loaded))

    with pytest.raises(KeptError, match=code):
        write_request(marts, place_, place_.manifest(), contract, tmp_path / name)


def test_the_command_says_what_it_asks_for(loaded, tmp_path, capsys):
    target = tmp_path / "request.xlsx"
    app(["request", "C-1", "-o", str(target), "--warehouse", str(loaded)], standalone_mode=False)

    assert target.exists()
    assert "6 records lack" in capsys.readouterr().out


DAYS = (
    "工单编号,合同编号,设备编号,服务类型,报修时间,解决时间,到场时间,离场时间,备机提供时间,维修费,配件费\n"
    "T1,HT-1,U-1,硬件故障,2026-03-02,2026-03-02,,,,0,0\n"
    "T2,HT-1,U-1,硬件故障,2026-03-03,2026-03-04,,,,0,0\n"
)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tickets that state days, of an export without a column for the response."""
    folder = tmp_path_factory.mktemp("bare")
    for name, text in (
        ("c", "合同编号,合同总价,验收日期\nHT-1,100,2025-06-01\n"),
        ("e", "设备编号,合同编号,使用部门,验收日期\nU-1,HT-1,内科,2025-06-01\n"),
        ("t", DAYS),
    ):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    load(settings(folder / "warehouse"), [folder / f"{name}.csv" for name in "cet"])
    return folder / "warehouse"


def standing(folder: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(open_marts(settings(folder)).generation, read_only=True) as con:
        return con.execute(
            "select ticket_id, reported_at, responded_at, days, recorded from logs.tickets "
            "order by ticket_id"
        ).fetchall()


def test_a_column_that_was_never_exported_is_one_line(bare):
    book = asked(bare, "HT-1")
    wanted = [[cell.value for cell in row] for row in book["需补充 wanted"].iter_rows(min_row=2)]
    lines = [row for row in wanted if "please export" in str(row[2])]
    response = [row for row in lines if "Responded at" in str(row[2])]
    assert len(response) == 1
    assert response[0][3] == 2
    assert "报修响应" in str(response[0][0])
    tickets = sheet_of(book, "tickets")
    marked = {tickets.cell(1, cell.column).value for row in tickets for cell in row if cell.comment}
    assert not any("响应时间" in str(name) for name in marked)


def test_days_come_back_as_days_and_a_response_filled_in_is_recorded(bare, tmp_path):
    warehouse = Path(shutil.copytree(bare, tmp_path / "warehouse"))
    before = standing(warehouse)
    assert [row[3] for row in before] == [";reported_at;resolved_at;"] * 2
    book = asked(warehouse, "HT-1")
    book.save(tmp_path / "unfilled.xlsx")
    report = load(settings(warehouse), [tmp_path / "unfilled.xlsx"])
    assert [one.batch for one in report.files] == [None] * len(report.files)

    tickets = sheet_of(book, "tickets")
    tickets[place(tickets, "T1", "响应时间")] = "2026-03-02 00:00:00"
    tickets[place(tickets, "T1", "报修时间")] = "2026-03-02T00:00:00"
    book.save(tmp_path / "answer.xlsx")
    load(settings(warehouse), [tmp_path / "answer.xlsx"])
    now = standing(warehouse)
    assert now[1][:4] == before[1][:4]
    # A midnight that Kept wrote is an instant; one that somebody filled in may be a day's.
    assert now[0][3] == ";responded_at;resolved_at;"
    assert ";responded_at;" in str(now[0][4])
