"""What a workbook makes of cells, and how large it says to be."""

import datetime as dt
import io
import random
import zipfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from etl.errors import KeptError
from etl.intake.check import Checked, check
from etl.intake.match import recognise, stage
from etl.intake.read import Limits, sniff
from etl.intake.read.odd_cells import shown
from etl.intake.read.sheet_size import SheetSize
from etl.intake.read.styles import kind_of_format
from tests.binary_workbook import xlsb
from tests.checking import NOW, TICKET, Rows, codes

FAULT = "硬件故障"
AT = dt.datetime(2026, 1, 5, 9, 3)


def workbook(rows: Sequence[Sequence[Any]], change: Callable[[Any], None] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    if change:
        change(book.active)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_sheet(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with the XML of its first sheet changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            part = old.read(entry)
            is_sheet = entry.filename == "xl/worksheets/sheet1.xml"
            new.writestr(entry.filename, change(part) if is_sheet else part)
    return out.getvalue()


def loaded(folder: Path, content: bytes) -> tuple[Checked, Rows]:
    path = folder / "a.xlsx"
    path.write_bytes(content)
    return opened(path)


def opened(path: Path) -> tuple[Checked, Rows]:
    with duckdb.connect() as con, sniff(path, limits=Limits()) as source:
        match = recognise(source.tables())
        assert match is not None
        stage(source, con, match, "staged")
        result = check(con, "staged", match, "Asia/Shanghai", "typed", NOW)
        cursor = con.execute("select * from typed order by source_row")
        names = [column[0] for column in cursor.description]
        return result, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def texts(folder: Path, content: bytes) -> list[list[str]]:
    """The rows of the first sheet, as they are shown before anything is known of them."""
    path = folder / "a.xlsx"
    path.write_bytes(content)
    with sniff(path, limits=Limits()) as source:
        return source.tables()[0].top


def refusal(folder: Path, content: bytes) -> KeptError:
    path = folder / "a.xlsx"
    path.write_bytes(content)
    return refused(path)


def refused(path: Path) -> KeptError:
    with pytest.raises(KeptError) as caught, sniff(path, limits=Limits()) as source:
        source.tables()
    return caught.value


# Numbers


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (19999999.989999998, "19999999.99"),
        (123456789.12, "123456789.12"),
        (-8659380.130000001, "-8659380.13"),
        (99.90000000000001, "99.9"),
        (0.1 + 0.2, "0.3"),
        (1.0000000001, "1.0000000001"),
        (100 / 3, "33.3333333333333"),
        (1e-10, "0.0000000001"),
        (2.5e-7, "0.00000025"),
        (123456789012345, "123456789012345"),
        (999999999999.95, "999999999999.95"),
        (1200000, "1200000"),
    ],
)
def test_a_number_is_read_as_a_spreadsheet_shows_it(
    tmp_path: Path, number: float, text: str
) -> None:
    assert texts(tmp_path, workbook([["x"], [number]]))[1] == [text]
    styled = workbook([["x"], [number]], lambda s: setattr(s["A2"], "number_format", "#,##0.00"))
    assert texts(tmp_path, styled)[1] == [text]


def test_numbers_of_every_size_have_15_digits(tmp_path: Path) -> None:
    chance = random.Random(1)
    numbers = [chance.uniform(-1, 1) * 10 ** chance.randint(-9, 14) for _ in range(50)]
    numbers = [float(f"{number:.16g}") for number in numbers]  # as openpyxl writes them
    numbers += [round(chance.uniform(0, 10 ** chance.randint(1, 12)), 2) for _ in range(500)]
    book = workbook([["x"], *[[number] for number in numbers]])
    path = tmp_path / "a.xlsx"
    path.write_bytes(book)
    with duckdb.connect() as con, sniff(path, limits=Limits()) as source:
        source.stage(con, source.tables()[0], 0, 1, "staged")
        found = [row[0] for row in con.execute("select c0 from staged").fetchall()]
    assert [Decimal(text) for text in found] == [Decimal(f"{number:.15g}") for number in numbers]


def test_numbers_that_are_written_as_texts_stay_as_they_are(tmp_path: Path) -> None:
    rows = [["x"], ["19999999.989999998"], ["0.30000000000000004"], ["12345678.123456789"]]
    assert texts(tmp_path, workbook(rows))[1:] == rows[1:]


def test_amounts_with_cents_are_loaded_and_the_rounding_is_noted(tmp_path: Path) -> None:
    rows = [["合同编号", "合同总价"], ["C-1", 19999999.989999998], ["C-2", 8659380.13], ["C-3", 1]]
    result, found = loaded(tmp_path, workbook(rows))
    assert not result.rejects
    assert [row["amount"] for row in found] == [
        Decimal("19999999.99"), Decimal("8659380.13"), Decimal(1),
    ]  # fmt: skip
    [note] = result.match.notes
    assert (note.code, note.values["count"]) == ("note_numbers_rounded", 1)


def test_shown() -> None:
    assert [shown(x) for x in (0.0, 1.5, 1e-19, 1e-25, 123456.7890123456)] == [
        "0", "1.5", "0.0000000000000000001", "1E-25", "123456.789012346",
    ]  # fmt: skip


# Dates with and without a time


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("yyyy-mm-dd", "day"), ("m/d/yy", "day"), ('yyyy"年"m"月"d"日"', "day"), ("mmm", "day"),
        ("[$-804]aaaa d", "day"), ('yyyy-mm-dd "hours"', "day"), ("yyyy\\-mm\\-dd\\h", "day"),
        ("yyyy-mm-dd h:mm:ss", "time"), ("h:mm", "time"), ("[h]:mm", "time"), ("mm:ss.0", "time"),
        ('yyyy"年"m"月"d"日" h"时"', "time"), ("[$-409]h:mm AM/PM", "time"), ("General", "other"),
        ("0.00", "other"), ("[Red]0", "other"), ('"days" 0', "other"), ("@", "other"),
    ],
)  # fmt: skip
def test_number_formats(code: str, kind: str) -> None:
    assert kind_of_format(code) == kind


def responses(folder: Path, *cells: tuple[Any, str | None]) -> list[tuple[object, object]]:
    """Response and days of tickets whose response cells have these values and formats."""
    rows = [[f"T{n}", "C", FAULT, AT, value] for n, (value, _) in enumerate(cells)]

    def formats(sheet: Any) -> None:
        for line, (_, code) in enumerate(cells, start=2):
            if code:
                sheet.cell(line, 5).number_format = code

    result, found = loaded(folder, workbook([(*TICKET, "响应时间"), *rows], formats))
    assert not result.rejects
    return [(row["responded_at"], row["days"]) for row in found]


DATE, MIDNIGHT = dt.date(2026, 1, 6), dt.datetime(2026, 1, 6)
DAY = ";responded_at;"


def test_beside_another_time_the_number_format_decides(tmp_path: Path) -> None:
    instant = dt.datetime(2026, 1, 6, 9, 3)
    assert responses(
        tmp_path,
        (instant, None),
        (MIDNIGHT, "yyyy-mm-dd hh:mm"),
        (DATE, None),
        (MIDNIGHT, "m/d/yyyy"),
        ("2026-01-06", None),
        ("2026-01-06 00:00:00", None),
        # The time is there, though it is not shown.
        (instant, "yyyy-mm-dd"),
    ) == [
        (instant, None), (MIDNIGHT, None), (MIDNIGHT, DAY), (MIDNIGHT, DAY), (MIDNIGHT, DAY),
        (MIDNIGHT, None), (instant, None),
    ]  # fmt: skip


def test_where_every_cell_is_a_midnight_each_is_a_day(tmp_path: Path) -> None:
    found = responses(tmp_path, (MIDNIGHT, "yyyy-mm-dd hh:mm"), (DATE, None), (None, None))
    assert found == [(MIDNIGHT, DAY), (MIDNIGHT, DAY), (None, None)]


# Ids that a spreadsheet changed


def test_an_id_held_as_a_date_a_time_or_a_truth_value(tmp_path: Path) -> None:
    ids = [DATE, dt.time(1, 2), True, AT, "2026-01-06", "2026-01-06 09:03:00", "true", 12.5, "1-14"]
    rows = [[value, "C", FAULT, AT] for value in ids]
    rows += [["T1", dt.date(2026, 3, 1), FAULT, AT], ["T2", "C", FAULT, AT]]
    result, found = loaded(tmp_path, workbook([TICKET, *rows]))
    assert [row["ticket_id"] for row in found] == [
        "2026-01-06", "2026-01-06 09:03:00", "true", "12.5", "1-14", "T2",
    ]  # fmt: skip
    assert codes(result) == [
        *[[("ticket_id", "damaged_id")]] * 4,
        [("contract_id", "damaged_id")],
    ]
    values = [reject.problems[0].value for reject in result.rejects]
    assert values[:3] == ["2026-01-06", "01:02:00", "true"]
    for language in ("zh", "en"):
        assert "01:02:00" in result.rejects[1].problems[0].text(result.match.log, language)


def test_a_damaged_id_stays_one_in_the_file_of_rejects(tmp_path: Path) -> None:
    result, _ = loaded(tmp_path, workbook([TICKET, [DATE, "C", FAULT, AT]]))
    again = workbook([TICKET, list(result.rejects[0].cells)])
    result, found = loaded(tmp_path, again)
    assert not found
    assert codes(result) == [[("ticket_id", "damaged_id")]]


def test_an_id_of_a_builtin_chinese_date_format_is_damaged_too(tmp_path: Path) -> None:
    def change(sheet: Any) -> None:
        sheet["A2"].number_format = "0.00"

    content = workbook([TICKET, [46024, "C", FAULT, AT], [46025, "C", FAULT, AT]], change)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry).replace(b'numFmtId="2"', b'numFmtId="31"'))
    result, found = loaded(tmp_path, out.getvalue())
    assert [row["ticket_id"] for row in found] == ["46025"]
    assert codes(result) == [[("ticket_id", "damaged_id")]]


# Merged ranges


def merging(*ranges: str) -> Callable[[Any], None]:
    def change(sheet: Any) -> None:
        for one in ranges:
            sheet.merge_cells(one)

    return change


def test_each_row_of_a_merged_range_has_its_value(tmp_path: Path) -> None:
    header = (*TICKET, "报修部门", "响应时间")
    rows = [["T1", "C", FAULT, AT, "放射科", AT], *[[f"T{n}", "", "", "", "", AT] for n in (2, 3)]]
    book = workbook([header, *rows], merging("B2:B4", "C2:C4", "D2:D4", "E2:E3"))
    result, found = loaded(tmp_path, book)
    assert not result.rejects
    assert [row["ticket_id"] for row in found] == ["T1", "T2", "T3"]
    assert [(row["contract_id"], row["reported_at"]) for row in found] == [("C", AT)] * 3
    assert [row["department"] for row in found] == ["放射科", "放射科", None]
    [note] = result.match.notes
    assert (note.code, note.values["count"]) == ("note_merged", 7)


def test_a_number_merged_over_rows_is_of_none_of_them(tmp_path: Path) -> None:
    header = (*TICKET, "维修费", "配件费")
    rows = [[f"T{n}", "C", FAULT, AT, n * 100, 5] for n in range(1, 5)]
    rows[3][4] = None
    result, found = loaded(tmp_path, workbook([header, *rows], merging("E2:E3", "E4:E5")))
    assert not found
    assert codes(result) == [[("labour_charge", "merged_number")]] * 4
    assert [reject.problems[0].value for reject in result.rejects] == ["100", "100", "300", "300"]
    # The file of rejects says so again, until somebody says how much is in each.
    again = workbook([header, *[reject.cells for reject in result.rejects]])
    assert len(loaded(tmp_path, again)[0].rejects) == 4


def test_an_empty_merged_number_is_none(tmp_path: Path) -> None:
    header = (*TICKET, "维修费")
    rows = [[f"T{n}", "C", FAULT, AT, None] for n in (1, 2)]
    result, found = loaded(tmp_path, workbook([header, *rows], merging("E2:E3")))
    assert (len(found), result.rejects, result.match.notes) == (2, (), ())


def test_a_range_that_reaches_over_blank_rows_makes_no_rows(tmp_path: Path) -> None:
    header = (*TICKET, "报修部门", "维修费")
    rows = [["T1", "C", FAULT, AT, "放射科", 100], [None] * 6, [None] * 6]
    result, found = loaded(tmp_path, workbook([header, *rows], merging("E2:E4", "F2:F4")))
    assert (len(found), result.rejects) == (1, ())
    # A row of its own below shares the number.
    rows.append(["T2", "C", FAULT, AT, None, None])
    result, found = loaded(tmp_path, workbook([header, *rows], merging("E2:E5", "F2:F5")))
    assert not found
    assert codes(result) == [[("labour_charge", "merged_number")]] * 2


def test_what_lies_below_a_merged_cell_is_not_shown(tmp_path: Path) -> None:
    """Some tools leave the cells of a range as they were; a spreadsheet shows the first only."""
    header = (*TICKET, "报修部门")
    rows = [["T1", "C", FAULT, AT, "放射科"], ["T2", "C", FAULT, AT, "检验科"]]

    def merged(sheet: bytes) -> bytes:
        cells = b'</sheetData><mergeCells count="1"><mergeCell ref="E2:E3"/></mergeCells>'
        return sheet.replace(b"</sheetData>", cells)

    _, found = loaded(tmp_path, with_sheet(workbook([header, *rows]), merged))
    assert [row["department"] for row in found] == ["放射科", "放射科"]


def test_cells_merged_across_columns_stay_where_they_are(tmp_path: Path) -> None:
    header = (*TICKET, "报修部门", "故障描述")
    book = workbook([header, ["T1", "C", FAULT, AT, "放射科", ""]], merging("E2:F2"))
    _, found = loaded(tmp_path, book)
    assert (found[0]["department"], found[0]["description"]) == ("放射科", None)


def test_ranges_that_overlap_are_no_workbook(tmp_path: Path) -> None:
    ranges = b"".join(b'<mergeCell ref="A1:A%d"/>' % n for n in range(2, 12))

    def merged(sheet: bytes) -> bytes:
        return sheet.replace(
            b"</sheetData>", b"</sheetData><mergeCells>" + ranges + b"</mergeCells>"
        )

    rows = [[n] for n in range(9)]
    assert refusal(tmp_path, with_sheet(workbook(rows), merged)).code == "workbook_broken"


# Two heading rows


GROUPED = [
    ("工单编号", "合同编号", "服务类型", "报修", "", "响应", "备注"),
    ("", "", "", "时间", "部门", "时间", ""),
    ("T1", "C", FAULT, AT, "放射科", AT, "x"),
]


@pytest.mark.parametrize("ranges", [("A1:A2", "B1:B2", "C1:C2", "D1:E1", "G1:G2"), ("D1:E1",), ()])
def test_a_group_above_and_its_columns_below(tmp_path: Path, ranges: tuple[str, ...]) -> None:
    result, found = loaded(tmp_path, workbook(GROUPED, merging(*ranges)))
    assert not result.rejects
    assert result.match.headers[3:] == ("报修时间", "部门", "响应时间", "备注") or (
        result.match.headers[3:] == ("报修时间", "报修部门", "响应时间", "备注")
    )
    assert (found[0]["reported_at"], found[0]["responded_at"]) == (AT, AT)
    assert found[0]["department"] == "放射科"


def test_headings_merged_over_two_rows_all_of_them(tmp_path: Path) -> None:
    """The second row has nothing new, and is no data all the same."""
    rows = [(*TICKET, "费用", ""), ("", "", "", "", "材料", "人工"), ("T1", "C", FAULT, AT, 1, 2)]
    ranges = ("A1:A2", "B1:B2", "C1:C2", "D1:D2", "E1:F1")
    result, found = loaded(tmp_path, workbook(rows, merging(*ranges)))
    assert (len(found), result.rejects) == (1, ())


# How large it says to be


HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
FIRST = b'<row r="1"><c r="A1"><v>1</v></c></row>'


@pytest.mark.parametrize(
    "far",
    [
        b'<row r="1048576"><c  s="1"   r = "XFD1048576" ><v>1</v></c></row>',
        b"<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>",
        b'<row r="1048576"><c r="xfd1048576"><v>1</v></c></row>',
        b'<row r="2"><c r="XFD1048576"><v>1</v></c></row>',
        b'<row r="2"><c r="XFD2"><v>1</v></c></row><row r="1048576"><c><v>1</v></c></row>',
        b'<row r="2">' + b"<c><v>1</v></c>" * 9000 + b'</row><row r="9000"/>',
        b'<row\n r="1048576"><c\n r="BZZ1"><v>1</v></c></row>',
    ],
)
@pytest.mark.parametrize("filler", [0, 9_000_000])
def test_a_sheet_that_says_to_be_huge(tmp_path: Path, far: bytes, filler: int) -> None:
    """Whatever its dimension says, and however far down the cell stands."""
    dimension = b'<dimension ref="A1:B2"/>' + b" " * filler
    sheet = HEAD.replace(b"<sheetData>", dimension + b"<sheetData>") + FIRST + far
    content = with_sheet(workbook([["x"]]), lambda _: sheet + b"</sheetData></worksheet>")
    assert refusal(tmp_path, content).code == "sheet_too_large"


def test_the_size_of_a_sheet() -> None:
    size = SheetSize()
    for row in range(1, 3000):
        cells = b"".join(b'<c r="%s%d"><v>1</v></c>' % (c, row) for c in (b"A", b"Z", b"AB"))
        size.feed(b'<row r="%d">' % row + cells + b"</row>")
    assert (size.rows, size.columns) == (2999, 28)


# Workbooks of other kinds


def test_an_xls() -> None:
    """Its merged ranges are read; of its formats nothing is known, so that midnights are days."""
    result, found = opened(Path(__file__).parent / "workbooks/merged.xls")
    assert [(row["ticket_id"], row["department"], row["labour_charge"]) for row in found] == [
        ("T1", "放射科", Decimal("19999999.99")),
        ("T2", "放射科", Decimal("0.3")),
        ("T3", "放射科", Decimal("1.5")),
    ]
    assert [row["days"] for row in found] == [DAY, DAY, None]
    assert codes(result) == [
        [("ticket_id", "damaged_id")],
        [("ticket_id", "damaged_id")],
        [("labour_charge", "merged_number")],
        [("labour_charge", "merged_number")],
    ]


@pytest.mark.parametrize(
    ("record", "at", "says"),
    [
        (b"\x03\x02\x0e\x00", 6, b"\xff\xff"),  # a number in column 65,536
        (b"\x00\x02\x0e\x00", 8, b"\xff\xff\xff\x7f"),  # so many rows
        (b"\xfc\x00", 8, b"\xff\xff\xff\x7f"),  # so many texts
    ],
)
def test_an_xls_that_says_to_be_huge(tmp_path: Path, record: bytes, at: int, says: bytes) -> None:
    content = bytearray((Path(__file__).parent / "workbooks/merged.xls").read_bytes())
    start = content.index(record) + at
    content[start : start + len(says)] = says
    path = tmp_path / "a.xls"
    path.write_bytes(content)
    assert refused(path).code == "sheet_too_large"


@pytest.mark.parametrize("size", [600, 1500, 3000])
def test_an_xls_cut_short_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes((Path(__file__).parent / "workbooks/merged.xls").read_bytes()[:size])
    assert refused(path).code in ("workbook_broken", "file_not_what_name_says")


def test_an_xlsb(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsb"
    header = [*TICKET, "报修部门", "维修费"]
    rows = [
        ["T1", "C", FAULT, 46027.5, "放射科", 0.1 + 0.2],
        ["T2", "C", FAULT, 46028.5, None, 2.5],
    ]
    path.write_bytes(xlsb([header, *rows], [(1, 2, 4, 4)]))
    result, found = opened(path)
    assert not result.rejects
    assert [(row["department"], row["labour_charge"]) for row in found] == [
        ("放射科", Decimal("0.3")),
        ("放射科", Decimal("2.5")),
    ]
    for far in ([["a"], *[[]] * 100_000, [*[None] * 600, "far"]], [["a", *[None] * 20_000, "far"]]):
        path.write_bytes(xlsb(far))
        assert refused(path).code == "sheet_too_large"


SPACES = (
    "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{uri}:1.0"'
        for name, uri in (
            *((n, n) for n in ("office", "table", "text", "style")),
            ("number", "datastyle"),
        )
    )
    + ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
)


def ods(folder: Path, *rows: str, styles: str = "", before: str = "") -> Path:
    path = folder / "a.ods"
    content = (
        f"{before}<office:document-content{SPACES}>"
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>"
        f'<table:table table:name="A">{"".join(rows)}</table:table>'
        f"</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
    return path


def cell(words: str = "", kind: str = "", value: str = "", **more: str) -> str:
    name = "value" if kind in ("float", "currency", "percentage") else f"{kind}-value"
    said = f' office:value-type="{kind}"' if kind else ""
    said += f' office:{name}="{value}"' if value else ""
    said += "".join(f' table:{key.replace("_", "-")}="{text}"' for key, text in more.items())
    paragraphs = "".join(f"<text:p>{line}</text:p>" for line in words.split("\n")) if words else ""
    return f"<table:table-cell{said}>{paragraphs}</table:table-cell>"


def line(*cells: str, **more: str) -> str:
    said = "".join(f' table:{key.replace("_", "-")}="{text}"' for key, text in more.items())
    return f"<table:table-row{said}>{''.join(cells)}</table:table-row>"


def test_the_cells_of_an_ods(tmp_path: Path) -> None:
    note = "<office:annotation><text:p>a note</text:p></office:annotation>"
    values = [
        (cell("x", "float", "19999999.989999998"), "19999999.99"),
        (cell("x", "float", "1.0000000001"), "1.0000000001"),
        (cell("x", "float", "123456789012345678"), "1.23456789012346E+17"),
        (cell("x", "currency", "12.5"), "12.5"),
        (cell("3%", "percentage", "0.03"), "0.03"),
        (cell("x", "date", "2026-01-05"), "2026-01-05"),
        (cell("x", "date", "2026-01-05T00:00:00"), "2026-01-05"),
        (cell("x", "date", "2026-01-05T09:03:00"), "2026-01-05 09:03:00"),
        (cell("x", "date", "2026-01-05", style_name="ce1"), "2026-01-05 00:00:00"),
        (cell("x", "date", "2026-01-05", style_name="ce2"), "2026-01-05"),
        (cell("09:03", "time", "PT09H03M00S"), "09:03:00"),
        (cell("36:15", "time", "PT36H15M00S"), "36:15:00"),
        (cell("TRUE", "boolean", "true"), "true"),
        (cell("a\nb", "string"), "a\nb"),
        (cell(f"a<text:s text:c='2'/>b<text:span>c</text:span>{note}", "string"), "a  bc"),
        (cell("#N/A", "string").replace("string\"", 'string" calcext:value-type="error"'), "#N/A"),
        (cell(formula="of:=[.A1]+1"), "#UNCALCULATED!"),
        (cell("plain"), "plain"),
    ]  # fmt: skip
    styles = (
        '<number:date-style style:name="N1"><number:year/><number:hours/></number:date-style>'
        '<number:date-style style:name="N2"><number:year/></number:date-style>'
        '<style:style style:name="ce1" style:data-style-name="N1"/>'
        '<style:style style:name="ce2" style:data-style-name="N2"/>'
    )
    path = ods(tmp_path, *[line(cell("k"), given) for given, _ in values], styles=styles)
    with sniff(path, limits=Limits()) as source:
        [table] = source.tables()
    assert [row[1] for row in table.top] == [text for _, text in values]


def test_the_rows_of_an_ods(tmp_path: Path) -> None:
    header = [*TICKET, "报修部门", "维修费"]
    instant = cell("x", "date", "2026-01-05T09:03:00")
    covered = "<table:covered-table-cell/>"

    def ticket(number: str, *more: str) -> str:
        return line(cell(number), cell("C"), cell(FAULT), instant, *more)

    path = ods(
        tmp_path,
        line(*map(cell, header)),
        line(cell(number_columns_repeated="6"), number_rows_repeated="3"),
        ticket("T1", cell("放射科", number_rows_spanned="2"), cell("1", "float", "1.5")),
        ticket("T2", covered, cell("2", "float", "2.5", number_rows_spanned="2")),
        ticket("T3", cell("检验科"), covered),
        line(cell("x", "date", "2026-01-02"), cell("C"), cell(FAULT), instant),
        ticket("2026-01-02"),
        line(cell(number_columns_repeated="6"), number_rows_repeated="1048000"),
    )
    result, found = opened(path)
    assert [(row["source_row"], row["ticket_id"], row["department"]) for row in found] == [
        (5, "T1", "放射科"),
        (9, "2026-01-02", None),
    ]
    assert [(reject.source_row, reject.problems[0].code) for reject in result.rejects] == [
        (6, "merged_number"),
        (7, "merged_number"),
        (8, "damaged_id"),
    ]


def test_a_hidden_sheet_of_an_ods_is_passed_over(tmp_path: Path) -> None:
    hidden = '<style:table-properties table:display="false"/>'
    style = f'<style:style style:name="ta1">{hidden}</style:style>'
    path = ods(tmp_path, line(cell("a")), styles=style)
    other = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(other)) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            named = b'table:name="A" table:style-name="ta1"'
            new.writestr(name, old.read(name).replace(b'table:name="A"', named))
    with sniff(path, limits=Limits()) as source, pytest.raises(KeptError, match="file_empty"):
        source.tables()
    assert source.hidden == ("a.ods [A]",)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([line(cell("a", number_columns_repeated="1000"), number_rows_repeated="100000")],
         "sheet_too_large"),
        ([line(cell(), number_rows_repeated="999999999"), line(cell("a"))], "sheet_too_large"),
        ([line(cell(number_columns_repeated="999999999"), cell("a"))], "sheet_too_large"),
        ([line(cell("a", number_columns_repeated="-5"))], "workbook_broken"),
        ([line(cell("a", "float", "much"))], "workbook_broken"),
        (["<table:table-row>"], "workbook_broken"),
    ],
)  # fmt: skip
def test_an_ods_that_says_to_be_huge_or_makes_no_sense(
    tmp_path: Path, rows: list[str], code: str
) -> None:
    assert refused(ods(tmp_path, *rows)).code == code


def test_entities_are_not_followed(tmp_path: Path) -> None:
    declared = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    assert refused(ods(tmp_path, line(cell("&b;")), before=declared)).code == "workbook_broken"


def test_a_workbook_of_very_many_styles(tmp_path: Path) -> None:
    """What is too many to be looked for by name is found all the same."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([*TICKET, "响应时间", "维修费"])
    for n in range(400):
        row = [f"T{n}", "C", FAULT, AT, MIDNIGHT if n % 2 else AT, 8659380.130000001]
        sheet.append(row)
        sheet.cell(n + 2, 5).number_format = f'yyyy-mm-dd "{n}"' if n % 3 else f'h:mm "{n}"'
        sheet.cell(n + 2, 6).number_format = f'0.00 "{n}"'
    out = io.BytesIO()
    book.save(out)
    result, found = loaded(tmp_path, out.getvalue())
    assert not result.rejects
    assert {row["labour_charge"] for row in found} == {Decimal("8659380.13")}
    assert [row["days"] for row in found] == [DAY if n % 2 and n % 3 else None for n in range(400)]
