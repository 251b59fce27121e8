"""The sample: what is committed is what the code writes, and what it writes is what it says."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from etl.catalogue import catalogue
from etl.errors import KeptError
from etl.sample import DEFAULT_TICKETS, PLANTED, write_sample
from etl.sample.tickets import Ticket, as_exported

COMMITTED = Path(__file__).parent.parent / "data" / "sample"
ENCODINGS = {"巡检记录.csv": "gb18030"}
DELIMITERS = {"备件出入库.csv": "\t", "工单_政务中心.csv": ";"}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_sample(tmp_path_factory.mktemp("sample"))


def tables(path: Path) -> Iterator[tuple[str, list[list[str]]]]:
    """The rows of a file as text, sheet by sheet, with those above its header left out."""
    if path.suffix == ".csv":
        text = path.read_text(encoding=ENCODINGS.get(path.name, "utf-8-sig"))
        text = text.removeprefix("sep=;\n")
        yield "", list(csv.reader(io.StringIO(text), delimiter=DELIMITERS.get(path.name, ",")))
        return
    book = openpyxl.load_workbook(path, read_only=True)
    for sheet in book.worksheets:
        rows = [
            ["" if cell is None else str(cell) for cell in row]
            for row in sheet.iter_rows(values_only=True)
        ]
        header = next(number for number, row in enumerate(rows) if len([c for c in row if c]) > 1)
        width = len(rows[header])
        yield sheet.title, [row + [""] * (width - len(row)) for row in rows[header:]]
    book.close()


def log_of(header: list[str]) -> str | None:
    """The log whose columns are exactly these, but for what people add in brackets."""
    for name, log in catalogue().logs.items():
        labels = [
            column.label.zh
            for column in log.columns.values()
            if not column.bookkeeping and column.lasting is None
        ]
        if len(labels) == len(header) and all(
            re.fullmatch(re.escape(label) + r"(\((必填|元)\))?", cell)
            for cell, label in zip(header, labels, strict=True)
        ):
            return name
    return None


def rows_by_log(paths: list[Path]) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for path in paths:
        for sheet, (header, *rows) in tables(path):
            log = log_of(header)
            assert log is not None, f"{path.name} {sheet}: {header}"
            found.setdefault(log, []).extend(rows)
    return found


def tickets_in(paths: list[Path]) -> int:
    """How many tickets there are, each counted once, without planted rows and totals."""
    planted = {row.cells["ticket_id"] for row in PLANTED if row.log == "tickets"}
    return len({row[0] for row in rows_by_log(paths)["tickets"]} - planted - {"合计"})


def content(path: Path) -> object:
    """The bytes of a file; of a workbook those of its parts, whatever packed them."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as book:
        return [(part.filename, part.date_time, book.read(part)) for part in book.infolist()]


def test_the_committed_sample_is_the_output(written: list[Path]) -> None:
    assert [path.name for path in written] == sorted(path.name for path in COMMITTED.iterdir())
    for path in written:
        assert content(path) == content(COMMITTED / path.name), path.name


def test_the_committed_sample_is_small() -> None:
    assert sum(path.stat().st_size for path in COMMITTED.iterdir()) < 3_000_000


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path: Path) -> None:
    first = write_sample(tmp_path / "first", tickets=300, seed=7)
    again = write_sample(tmp_path / "again", tickets=300, seed=7)
    other = write_sample(tmp_path / "other", tickets=300, seed=8)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert [path.read_bytes() for path in first] != [path.read_bytes() for path in other]


def test_workbooks_do_not_know_when_they_were_written(written: list[Path]) -> None:
    for path in written:
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                core = book.read("docProps/core.xml").decode()
                assert core.count("2026-10-01T00:00:00Z") == 2
                assert {part.date_time for part in book.infolist()} == {(2026, 10, 1, 0, 0, 0)}


def test_all_thirteen_logs_under_the_catalogue_s_headers(written: list[Path]) -> None:
    assert set(rows_by_log(written)) == set(catalogue().logs) - {"pauses"}


@pytest.mark.parametrize("size", [2, 100, 1_234])
def test_as_many_tickets_as_asked_for(size: int, tmp_path: Path) -> None:
    assert tickets_in(write_sample(tmp_path, tickets=size)) == size


def test_as_many_tickets_as_it_says(written: list[Path]) -> None:
    assert tickets_in(written) == DEFAULT_TICKETS


def test_large_logs_are_not_workbooks_and_grow_together(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    paths = write_sample(tmp_path, 20_000, progress=lambda *step: told.append(step))
    rows = rows_by_log(paths)
    assert all(path.suffix == ".csv" for path in paths if path.name.startswith(("工单", "设备")))
    assert 1_900 < len(rows["equipment"]) < 2_100
    assert 36_000 < len(rows["parts"]) < 44_000
    assert len(rows["inspections"]) > 1_000
    assert told[0] == ("tickets", 1_000, 20_000)
    assert told[-1] == ("tickets", 20_000, 20_000)


def test_planted_rows_stand_in_their_logs(written: list[Path]) -> None:
    rows = rows_by_log(written)
    assert sum(row.refused for row in PLANTED) == 12
    assert sum(not row.refused for row in PLANTED) == 3
    for planted in PLANTED:
        columns = catalogue().logs[planted.log].columns.values()
        names = [c.name for c in columns if not c.bookkeeping and c.lasting is None]
        assert [planted.cells.get(name, "") for name in names] in rows[planted.log]


def test_an_export_does_not_know_what_came_later() -> None:
    ticket = Ticket(
        "T1", "C1", None, "A", "phone", "hardware_fault", 100, responded_at=200, onsite_at=300,
        left_site_at=900, resolved_at=800, closed_at=1_000, outcome="fixed", labour_charge=0,
    )  # fmt: skip
    assert as_exported(ticket, 1_000) is ticket
    seen = as_exported(ticket, 500)
    assert (seen.responded_at, seen.onsite_at, seen.left_site_at) == (200, 300, None)
    assert (seen.resolved_at, seen.closed_at, seen.outcome, seen.labour_charge) == (None,) * 4
    assert as_exported(ticket, 850).outcome == "fixed"


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    in_the_way = tmp_path / "sample"
    in_the_way.write_text("")
    with pytest.raises(KeptError) as blocked:
        write_sample(in_the_way)
    assert str(in_the_way) in catalogue().sentence(blocked.value, "zh")
