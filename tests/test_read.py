"""Reading: a file on disk to tables of text."""

import codecs
import datetime as dt
import io
import struct
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from etl.errors import KeptError
from etl.intake.read import Limits, TextTable, sniff
from etl.intake.read.csv_file import CsvFile
from etl.intake.read.decoding import Utf8
from etl.intake.read.opening import MAGIC

LIMITS = Limits()
Staged = tuple[int, list[str], str | None, int]
Write = Callable[[str, bytes | str], Path]
MESSAGES = Path(__file__).parent.parent / "etl/catalogue/messages/read.toml"


QUICK = settings(
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


def staged_rows(con: duckdb.DuckDBPyConnection, into: str, width: int) -> list[Staged]:
    cells = ", ".join(f"c{i}" for i in range(width))
    rows = con.execute(
        f"select source_row, [{cells}], cells_extra, cells_missing from {into} order by source_row"
    ).fetchall()
    return [tuple(row) for row in rows]


def read(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    header_index: int = 0,
    width: int | None = None,
    pick: int = 0,
    limits: Limits = LIMITS,
) -> list[Staged]:
    with sniff(path, limits=limits) as source:
        table = source.tables()[pick]
        width = width or len(table.top[header_index])
        counts = source.stage(con, table, header_index, width, "staged")
        rows = staged_rows(con, "staged", width)
        assert counts.records == len(rows)
        return rows


def cells(rows: list[Staged]) -> list[list[str]]:
    return [row[1] for row in rows]


def refused(path: Path, limits: Limits = LIMITS) -> KeptError:
    """The refusal of a file, however far reading it has to go."""
    with (
        pytest.raises(KeptError) as caught,
        sniff(path, limits=limits) as source,
        duckdb.connect() as con,
    ):
        table = source.tables()[0]
        source.stage(con, table, 0, len(table.top[0]), "staged")
    assert_has_sentence(caught.value)
    return caught.value


def assert_has_sentence(error: KeptError) -> None:
    sentences = tomllib.loads(MESSAGES.read_text("utf-8"))[error.code]
    for language in ("zh", "en"):
        assert sentences[language].format(**error.values)


# CSV: encodings


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("gb18030", b""),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
    ],
)
def test_every_encoding_gives_the_same_text(
    con: duckdb.DuckDBPyConnection, write: Write, encoding: str, mark: bytes
) -> None:
    # 䶮 is in no GBK; € and ㎡ differ between code pages.
    text = "id,部门\n1,内科 䶮\n2,外科㎡\n"
    path = write("a.csv", mark + text.encode(encoding))
    with sniff(path, limits=LIMITS) as source:
        [table] = source.tables()
        assert table.top[0] == ["id", "部门"]
    assert read(con, path) == [(2, ["1", "内科 䶮"], None, 0), (3, ["2", "外科㎡"], None, 0)]


def test_utf8_with_one_broken_byte_is_not_read_as_gb18030(write: Write) -> None:
    body = "编号,描述\n" + "1,设备无法启动\n" * 300
    broken = body.encode() + b"2,\xe8\xae\n" + "3,好\n".encode() * 300
    error = refused(write("a.csv", broken))
    assert error.code == "file_encoding_broken"
    assert (error.values["encoding"], error.values["line"]) == ("UTF-8", 302)


def test_a_broken_byte_after_a_mark_is_refused(write: Write) -> None:
    error = refused(write("a.csv", codecs.BOM_UTF8 + b"id,x\n1,\xff\n"))
    assert (error.code, error.values["line"]) == ("file_encoding_broken", 2)
    assert error.values["byte"] == 3 + 5 + 3


def test_text_that_no_encoding_reads_is_refused_with_its_line(write: Write) -> None:
    error = refused(write("a.csv", "编号,描述\n1,好\n".encode("gb18030") + b"2,\xff\xff\n"))
    assert (error.code, error.values["line"]) == ("file_encoding_broken", 3)


def test_gb18030_words_that_look_like_utf8(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    content = ("id,name\n" + "1,通\n" * 500 + "2,中国移动\n").encode("gb18030")
    assert read(con, write("a.csv", content))[-1][1] == ["2", "中国移动"]


def test_cut_utf16_is_refused(write: Write) -> None:
    content = codecs.BOM_UTF16_LE + "id,部门\n1,内科\n".encode("utf-16-le")[:-1]
    assert refused(write("a.csv", content)).code == "file_encoding_broken"


def test_encoding_errors_are_found_over_chunk_edges(
    con: duckdb.DuckDBPyConnection, write: Write
) -> None:
    text = "id,部门\n" + "".join(f"{i},内科䶮{i}\n" for i in range(300))
    limits = replace(LIMITS, max_line_chars=64)  # chunks of 64 bytes cut most characters
    for encoding in ("utf-8", "gb18030", "utf-16"):
        path = write("a.csv", text.encode(encoding))
        assert cells(read(con, path, limits=limits)) == [[f"{i}", f"内科䶮{i}"] for i in range(300)]


@settings(QUICK, max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            [
                *(bytes([b]) for b in b"a\x80\xbf\xc3\xe5\xed\xf0\xf4\xff"),
                "é".encode(),
                "内".encode(),
                "𠮷".encode(),
                "\U0010ffff".encode(),
            ]
        ),
        max_size=8,
    ),
    st.integers(1, 4),
)
def test_utf8_is_checked_as_strictly_as_python_does(pieces: list[bytes], size: int) -> None:
    content = b"".join(pieces)
    found = expected = None
    try:
        content.decode()
    except UnicodeDecodeError as error:
        expected = error.start
    check = Utf8()
    try:
        for position in range(0, len(content), size):
            check.check(content[position : position + size], position)
        check.check(b"", len(content), final=True)
    except UnicodeDecodeError as error:
        found = error.start
    assert found == expected


# CSV: dialects


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(con: duckdb.DuckDBPyConnection, write: Write, delimiter: str) -> None:
    path = write("a.csv", f"a{delimiter}b\n1{delimiter}2\n")
    with sniff(path, limits=LIMITS) as source:
        assert [table.delimiter for table in source.tables()] == [delimiter]
    assert read(con, path) == [(2, ["1", "2"], None, 0)]


def test_each_plausible_delimiter_is_a_table(write: Write) -> None:
    with sniff(write("a.csv", "a;b\n1,5;2\n"), limits=LIMITS) as source:
        assert {t.delimiter: t.top for t in source.tables()} == {
            ",": [["a;b"], ["1", "5;2"]],
            ";": [["a", "b"], ["1,5", "2"]],
        }


def test_one_column(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    assert read(con, write("a.csv", "engineer_id\nE1\n\nE2\n")) == [
        (2, ["E1"], None, 0),
        (4, ["E2"], None, 0),
    ]


@pytest.mark.parametrize("sep", ["sep=;", "SEP=;", '"sep=;"', "sep=^"])
def test_a_sep_line_decides_and_counts_as_line_one(
    con: duckdb.DuckDBPyConnection, write: Write, sep: str
) -> None:
    d = sep.strip('"')[-1]
    path = write("a.csv", f"{sep}\r\na{d}b,c\r\n1{d}2,3\r\n")
    with sniff(path, limits=LIMITS) as source:
        [table] = source.tables()
    assert (table.delimiter, table.top, table.top_rows) == (d, [["a", "b,c"], ["1", "2,3"]], [2, 3])
    assert read(con, path) == [(3, ["1", "2,3"], None, 0)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(con: duckdb.DuckDBPyConnection, write: Write, end: str) -> None:
    path = write("a.csv", end.join(["a,b", "1,2", "3,4"]))
    assert read(con, path) == [(2, ["1", "2"], None, 0), (3, ["3", "4"], None, 0)]


def test_mixed_line_ends(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    assert read(con, write("a.csv", "a,b\n1,2\r\n3,4\r5,6\n")) == [
        (2, ["1", "2"], None, 0),
        (3, ["3", "4"], None, 0),
        (4, ["5", "6"], None, 0),
    ]


def test_line_breaks_in_cells_keep_the_source_row(
    con: duckdb.DuckDBPyConnection, write: Write
) -> None:
    path = write("a.csv", 'title\n\n"a","b\nnote"\n1,"x\r\ny"\n2,z\n')
    with sniff(path, limits=LIMITS) as source:
        [table] = source.tables()
    assert table.top[:3] == [["title"], [], ["a", "b\nnote"]]
    assert table.top_rows == [1, 2, 3, 5, 7]
    assert read(con, path, header_index=2) == [
        (5, ["1", "x\r\ny"], None, 0),
        (7, ["2", "z"], None, 0),
    ]


def test_a_quote_within_a_cell_is_a_character(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    assert cells(read(con, write("a.csv", 'a,b\n5" pipe,2\n"abc"def,3\nx,y "z"\n'))) == [
        ['5" pipe', "2"],
        ["abcdef", "3"],
        ["x", 'y "z"'],
    ]


def test_spaces_beside_quotes_are_kept(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    path = write("a.csv", 'a,b\n1, "x"\n "2",y\n')
    assert cells(read(con, path)) == [["1", ' "x"'], [' "2"', "y"]]


def test_raw_text_is_not_touched(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    path = write("a.csv", "a,b,c\nNULL, x ,\n#1,'\\N',\u3000é\n")
    assert cells(read(con, path)) == [["NULL", " x ", ""], ["#1", "'\\N'", "\u3000é"]]


def test_blank_records_are_left_out_and_counted(
    con: duckdb.DuckDBPyConnection, write: Write
) -> None:
    path = write("a.csv", "a,b\n1,2\n\n,\n \u3000,\xa0\n3,4\n\n")
    with sniff(path, limits=LIMITS) as source:
        counts = source.stage(con, source.tables()[0], 0, 2, "staged")
    assert (counts.records, counts.blank) == (2, 4)
    assert [row[0] for row in staged_rows(con, "staged", 2)] == [2, 6]


def test_blank_records_in_a_regular_file(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    path = write("a.csv", "a,b\n1,2\n, \n3,4\n")
    with sniff(path, limits=LIMITS) as source:
        counts = source.stage(con, source.tables()[0], 0, 2, "staged")
    assert (counts.records, counts.blank, counts.fast) == (2, 1, True)
    assert staged_rows(con, "staged", 2) == [(2, ["1", "2"], None, 0), (4, ["3", "4"], None, 0)]


def test_wide_and_short_records_say_so(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    path = write("a.csv", "a,b\n1,2,3,,x,\n1\n1,2,\n1,2\n")
    assert read(con, path) == [
        (2, ["1", "2"], "3,,x", 0),
        (3, ["1", ""], None, 1),
        (4, ["1", "2"], None, 0),
        (5, ["1", "2"], None, 0),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2,3\n1,2,\n", [(2, ["1", "2"], "3", 0), (3, ["1", "2"], None, 0)]),
        ("a,b,c\n1,2\n3,4\n", [(2, ["1", "2", ""], None, 1), (3, ["3", "4", ""], None, 1)]),
    ],
)
def test_records_all_wider_or_shorter_than_the_header(
    con: duckdb.DuckDBPyConnection, write: Write, text: str, expected: list[Staged]
) -> None:
    assert read(con, write("a.csv", text)) == expected


def test_a_header_without_rows(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    assert read(con, write("a.csv", "a,b\n")) == []
    assert read(con, write("b.csv", "a,b")) == []


def test_top_holds_the_first_sixty_records(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    path = write("a.csv", "a,b\n" + "".join(f"{i},x\n" for i in range(500)))
    with sniff(path, limits=LIMITS) as source:
        [table] = source.tables()
        assert (len(table.top), table.top[-1], table.top_rows[-1]) == (60, ["58", "x"], 60)
    rows = read(con, path)
    assert [row[0] for row in rows] == list(range(2, 502))


def test_a_name_that_duckdb_would_take_for_a_pattern(
    con: duckdb.DuckDBPyConnection, write: Write
) -> None:
    path = write("导出 [1]*.csv", "a,b\n1,2\n")
    with sniff(path, limits=LIMITS) as source:
        assert source.stage(con, source.tables()[0], 0, 2, "staged").fast
    assert staged_rows(con, "staged", 2) == [(2, ["1", "2"], None, 0)]


def test_temporary_files_are_removed(write: Write, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    path = write("a.csv", "编号,b\n1,2\n".encode("gb18030"))
    with sniff(path, limits=LIMITS, scratch=scratch) as source:
        assert source.tables()
        assert list(scratch.iterdir())
    assert not list(scratch.iterdir())
    with pytest.raises(KeptError):
        sniff(write("b.csv", b"\n\n"), limits=LIMITS, scratch=scratch)
    assert not list(scratch.iterdir())


def test_the_end_mark_of_old_dos_files_is_blank(
    con: duckdb.DuckDBPyConnection, write: Write
) -> None:
    assert cells(read(con, write("a.csv", "a,b\r\n1,2\r\n\x1a"))) == [["1", "2"]]


def test_a_file_changed_while_it_is_read_is_refused(
    con: duckdb.DuckDBPyConnection, write: Write
) -> None:
    path = write("a.csv", "a,b\n1,2\n")
    with sniff(path, limits=LIMITS) as source:
        table = source.tables()[0]
        path.write_text("a,b\n1,2\n3,4\n")
        with pytest.raises(KeptError) as caught:
            source.stage(con, table, 0, 2, "staged")
    assert caught.value.code == "file_changed"


# CSV: refusals


@pytest.mark.parametrize(
    "content",
    [
        'a,b\n1,"open\n2,x\n3,y\n',  # never closed
        'a,b\n1,"open\n2,"x"\n3,y\n',  # closed by the next quote, amid its cell
        '"a,b\n1,2\n',
        'a,b\n1,"',
    ],
)
def test_a_quote_left_open_is_refused_at_its_line(write: Write, content: str) -> None:
    error = refused(write("a.csv", content))
    assert error.code == "quote_unterminated"
    assert error.values["line"] == (1 if content.startswith('"') else 2)


def test_a_quote_left_open_far_down(write: Write) -> None:
    content = "a,b\n" + "1,2\n" * 5000 + '3,"x\n' + "4,5\n" * 5000
    error = refused(write("a.csv", content), replace(LIMITS, max_line_chars=1000))
    assert (error.code, error.values["line"]) == ("quote_unterminated", 5002)


def test_a_nul_is_refused_at_its_line(write: Write) -> None:
    content = b"a,b\n" + b"1,2\n" * 20_000 + b"1,\x00\n"
    error = refused(write("a.csv", content))
    assert (error.code, error.values["line"]) == ("nul_in_text", 20_002)


@pytest.mark.parametrize("content", [b"", b"\n\n", codecs.BOM_UTF8, b" \r\n\t", b",,,\n,,,\n"])
def test_a_file_of_nothing_is_empty(write: Write, content: bytes) -> None:
    assert refused(write("a.csv", content)).code == "file_empty"


def test_a_sep_line_alone_is_empty(write: Write) -> None:
    assert refused(write("a.csv", "sep=;\n")).code == "file_empty"


def test_a_missing_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.csv").code == "file_missing"
    assert refused(tmp_path).code == "file_unreadable"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_one_endless_line_is_refused_fast(write: Write, encoding: str) -> None:
    path = write("a.csv", "a,b\n1,2\n".encode(encoding) + b"x1" * 25_000_000)
    began = time.perf_counter()
    error = refused(path)
    assert (error.code, error.values["line"]) == ("line_too_long", 3)
    assert time.perf_counter() - began < 2


def test_too_large_and_too_wide(write: Write) -> None:
    path = write("a.csv", "a,b,c\n1,2,3\n")
    assert refused(path, replace(LIMITS, max_file_bytes=10)).code == "file_too_large"
    assert refused(path, replace(LIMITS, max_columns=2)).code == "too_many_columns"


def zip_of(**names: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return out.getvalue()


def workbook(rows: list[list[Any]] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows if rows is not None else [["a", "b"], ["1", "2"]]:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "code", "found"),
    [
        ("a.csv", zip_of(x=b"1"), "file_not_what_name_says", "ZIP"),
        ("a.csv", workbook(), "file_not_what_name_says", "XLSX"),
        ("a.zip", zip_of(x=b"1"), "file_is_archive", None),
        ("a.xlsx", zip_of(x=b"1"), "file_not_what_name_says", "ZIP"),
        ("a.xlsx", b"a,b\n1,2\n", "file_not_what_name_says", "CSV"),
        ("a.xls", b"<html><table><tr><td>1", "file_not_what_name_says", "HTML"),
        ("a.html", b" <!DOCTYPE html><p>", "file_not_table", "HTML"),
        ("a.json", b'[{"a": 1}]', "file_not_table", "JSON"),
        ("a.xml", b"<?xml version='1.0'?><a/>", "file_not_table", "XML"),
        ("a.csv", b"a,b\n\x01\x02\x03\x04", "file_not_what_name_says", "binary"),
        ("a.bin", bytes(range(256)) * 4, "file_not_table", "binary"),
        ("a.xlsx", b"PK\x03\x04 cut short", "workbook_broken", None),
        ("a.csv", b"PK\x03\x04 cut short", "file_not_what_name_says", "ZIP"),
        *[("a.csv", magic + b"123", "file_not_what_name_says", kind) for magic, kind in MAGIC],
    ],
)
def test_what_is_no_table_is_refused(
    write: Write, name: str, content: bytes, code: str, found: str | None
) -> None:
    error = refused(write(name, content))
    assert (error.code, error.values.get("found")) == (code, found)


def ole(stream: str) -> bytes:
    """An OLE header and one directory entry."""
    entry = stream.encode("utf-16-le").ljust(128, b"\0")
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0") + entry


def test_ole_files(write: Write) -> None:
    assert refused(write("a.xlsx", ole("EncryptedPackage"))).code == "workbook_protected"
    assert refused(write("a.xls", ole("Workbook"))).code == "workbook_broken"
    assert refused(write("a.xls", ole("WordDocument"))).values["found"] == "OLE"


# Workbooks


def test_cells_as_text(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    path = write(
        "a.xlsx",
        workbook(
            [
                ["id", "value"],
                ["float", 45123.5],
                ["sum", 0.1 + 0.2],
                ["int", 7],
                ["flag", True],
                ["instant", dt.datetime(2026, 1, 5, 9, 3, 7)],
                ["date", dt.date(2026, 1, 5)],
                ["time", dt.time(9, 3)],
                ["missing", "#N/A"],
                ["reference", "#REF!"],
                ["division", "#DIV/0!"],
                ["text", "  007 "],
                ["lines", "a\nb"],
                ["large", 20260105001],
                ["none", None],
            ]
        ),
    )
    assert {row[0]: row[1] for row in cells(read(con, path))} == {
        "float": "45123.5",
        "sum": "0.3",
        "int": "7",
        "flag": "true",
        "instant": "2026-01-05 09:03:07",
        "date": "2026-01-05",
        "time": "09:03:00",
        "missing": "#N/A",
        "reference": "#REF!",
        "division": "#DIV/0!",
        "text": "  007 ",
        "lines": "a\nb",
        "large": "20260105001",
        "none": "",
    }


def test_sheets_rows_and_gaps(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.active
    first.title = "工单"
    first["B3"], first["C3"], first["B5"], first["C5"], first["D6"] = "id", "x", "1", "2", "late"
    book.create_sheet("empty")
    book.create_sheet("spaces")["A1"] = "  "
    hidden = book.create_sheet("hidden")
    hidden["A1"], hidden.sheet_state = "secret", "hidden"
    book.create_chartsheet("chart")
    book.create_sheet("设备")["A1"] = "id"
    path = tmp_path / "a.xlsx"
    book.save(path)
    with sniff(path, limits=LIMITS) as source:
        tables = source.tables()
        assert [table.place for table in tables] == ["a.xlsx › 工单", "a.xlsx › 设备"]
        assert tables[0].top[:3] == [[], [], ["id", "x", ""]]
        assert tables[0].top_rows == [1, 2, 3, 4, 5, 6]
        assert source.stage(con, tables[0], 2, 2, "staged").records == 2
        assert staged_rows(con, "staged", 2) == [
            (5, ["1", "2"], None, 0),
            (6, ["", ""], "late", 0),
        ]
        source.stage(con, tables[0], 2, 4, "staged")
        assert staged_rows(con, "staged", 4)[0] == (5, ["1", "2", "", ""], None, 0)
        assert source.stage(con, tables[1], 0, 1, "staged").records == 0


def test_a_workbook_may_be_named_otherwise(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    for name in ("a.xls", "a.xlsm", "upload"):
        assert read(con, write(name, workbook())) == [(2, ["1", "2"], None, 0)]


def opendocument(*rows: str) -> bytes:
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    body = "".join(f"<table:table-row{row}</table:table-row>" for row in rows)
    return zip_of(
        **{
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": b"<manifest/>",
            "content.xml": (
                f"<office:document-content{spaces}><office:body><office:spreadsheet>"
                f'<table:table table:name="A">{body}</table:table></office:spreadsheet>'
                "</office:body></office:document-content>"
            ).encode(),
        }
    )


def test_an_opendocument_sheet(con: duckdb.DuckDBPyConnection, write: Write) -> None:
    def row(*texts: str) -> str:
        cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
        return ">" + "".join(cell.format(text) for text in texts)

    gap = ' table:number-rows-repeated="3"><table:table-cell/>'
    path = write("a.ods", opendocument(row("编号", "b"), gap, row("1", "2")))
    assert read(con, path) == [(5, ["1", "2"], None, 0)]


def test_a_workbook_of_nothing_is_empty(write: Write) -> None:
    assert refused(write("a.xlsx", workbook([]))).code == "file_empty"


def test_too_many_columns_in_a_sheet(write: Write) -> None:
    assert refused(write("a.xlsx", workbook([["x"] * 129]))).code == "too_many_columns"


def with_entry(content: bytes, name: str, entry: bytes) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            new.writestr(info.filename, entry if info.filename == name else old.read(info))
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_a_zip_bomb_is_refused_by_its_directory(write: Write) -> None:
    limits = replace(LIMITS, unpacked_bytes_always_fine=1_000_000)
    path = write("a.xlsx", with_entry(workbook(), SHEET, b" " * 5_000_000))
    assert refused(path, limits).code == "workbook_too_large"
    assert refused(path, replace(LIMITS, max_workbook_bytes=1_000_000)).code == "workbook_too_large"


def test_a_zip_that_lies_about_its_size_is_refused(write: Write) -> None:
    bomb = with_entry(workbook(), SHEET, b" " * 5_000_001)
    lie = bomb.replace(struct.pack("<I", 5_000_001), struct.pack("<I", 1000))
    error = refused(write("a.xlsx", lie))
    assert (error.code, str(error.values["detail"])) == (
        "workbook_broken",
        f"{SHEET}: larger than declared",
    )


def test_a_stray_cell_far_out_is_refused_before_it_fills_the_memory(write: Write) -> None:
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1"><v>1</v></c></row>'
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    path = write("a.xlsx", with_entry(workbook(), SHEET, sheet))
    assert refused(path).code == "sheet_too_large"


def test_a_broken_sheet_is_refused(write: Write) -> None:
    path = write("a.xlsx", with_entry(workbook(), SHEET, b"<worksheet><sheetData><row"))
    assert refused(path).code in ("workbook_broken", "file_empty")


# Anything at all


def stage_both(con: duckdb.DuckDBPyConnection, content: bytes) -> None:
    """Stages every table of a file by both paths and holds them equal."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(content)
        try:
            with sniff(path, limits=LIMITS) as source:
                assert isinstance(source, CsvFile)
                for table in source.tables():
                    for width in {1, max(map(len, table.top))}:
                        hold_equal(con, source, table, width)
        except KeptError as error:
            assert_has_sentence(error)


def hold_equal(
    con: duckdb.DuckDBPyConnection, source: CsvFile, table: TextTable, width: int
) -> None:
    slow = source._stage_slow(con, table, 0, width, "slow")
    fast = source._stage_fast(con, table, 0, width, "fast")
    if fast is None:
        return
    assert (fast.records, fast.blank) == (slow.records, slow.blank)
    assert staged_rows(con, "fast", width) == staged_rows(con, "slow", width)
    assert con.execute("describe fast").fetchall() == con.execute("describe slow").fetchall()


@QUICK
@given(st.binary(max_size=200))
@example(b'a,b\n"x" ,1\n')
@example(b"sep=,\na,b\n1,2\n")
@example("a,b\n\ufeff1,2\n".encode())
def test_any_bytes_are_a_table_or_refused(con: duckdb.DuckDBPyConnection, content: bytes) -> None:
    stage_both(con, content)


@QUICK
@given(
    st.lists(st.sampled_from([*"a1 \",;\t|\n\r'\\#", "\r\n", '""', "内", "\u3000"]), max_size=60)
)
@example(list('a,b\n"a""b",\'\n'))
@example(list("a,b\n1,2,\n"))
@example(list('a,b\n1,2,""\n'))
def test_any_text_reads_the_same_by_both_paths(
    con: duckdb.DuckDBPyConnection, pieces: list[str]
) -> None:
    stage_both(con, "".join(pieces).encode())


@QUICK
@given(
    st.lists(st.lists(st.text(max_size=6), min_size=3, max_size=3), min_size=2, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_regular_files_read_the_same_by_both_paths(
    con: duckdb.DuckDBPyConnection, rows: list[list[str]], delimiter: str, end: str, quoted: bool
) -> None:
    def cell(text: str) -> str:
        text = "".join(c for c in text if c not in '\r\n\0"' and c not in ",;\t|")
        return f'"{text}""{delimiter}"' if quoted else text

    content = "".join(delimiter.join(["k", *map(cell, row)]) + end for row in rows)
    stage_both(con, content.encode("utf-8", "ignore"))


@settings(QUICK, max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 255), st.booleans())
def test_a_damaged_workbook_is_read_or_refused(
    con: duckdb.DuckDBPyConnection, at: int, byte: int, cut: bool
) -> None:
    content = bytearray(workbook([["id", "x"], *[[str(i), i] for i in range(30)]]))
    at %= len(content)
    content = content[:at] if cut else content[:at] + bytes([byte]) + content[at + 1 :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xlsx"
        path.write_bytes(bytes(content))
        try:
            with sniff(path, limits=LIMITS) as source:
                table = source.tables()[0]
                source.stage(con, table, 0, 2, "staged")
        except KeptError as error:
            assert_has_sentence(error)


def test_a_large_regular_file_keeps_its_source_rows(
    con: duckdb.DuckDBPyConnection, write: Write
) -> None:
    lines = 300_000  # enough for DuckDB to read it with several threads
    path = write("a.csv", "k,v\n" + "".join(f'{i},"x,{i:040}"\n' for i in range(2, lines + 2)))
    with sniff(path, limits=LIMITS) as source:
        counts = source.stage(con, source.tables()[0], 0, 2, "staged")
    assert (counts.records, counts.fast) == (lines, True)
    wrong = con.execute("select count(*) from staged where c0 <> source_row::varchar").fetchone()
    assert wrong == (0,)


# Archives


def test_a_zipped_csv_is_read_as_the_file_in_it(
    con: duckdb.DuckDBPyConnection, write: Write
) -> None:
    content = zip_of(**{"export-1.csv": "id;部门\n1;内科\n".encode(), "__MACOSX/._x.csv": b"\0"})
    path = write("export-1.csv.zip", content)
    with sniff(path, limits=LIMITS) as source:
        table = next(table for table in source.tables() if table.delimiter == ";")
        assert (table.file, table.sheet, source.hidden) == ("export-1.csv.zip", None, ())
        source.stage(con, table, 0, 2, "staged")
        assert staged_rows(con, "staged", 2) == [(2, ["1", "内科"], None, 0)]


def test_every_table_of_an_archive_is_one_of_its_own(
    con: duckdb.DuckDBPyConnection, write: Write, tmp_path: Path
) -> None:
    content = zip_of(**{"a.csv": b"a,b\n1,2\n", "b.xlsx": workbook(), "readme.pdf": b"%PDF"})
    path = write("all.zip", content)
    before = set(tmp_path.iterdir())
    with sniff(path, limits=LIMITS, scratch=tmp_path) as source:
        tables = source.tables()
        assert [table.sheet for table in tables] == ["a.csv", "b.xlsx › Sheet"]
        assert source.hidden == ("all.zip › readme.pdf",)
        for table in tables:
            source.stage(con, table, 0, 2, "staged")
            assert cells(staged_rows(con, "staged", 2)) == [["1", "2"]]
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (zip_of(**{"a.pdf": b"1"}), "file_is_archive"),
        (zip_of(**{"a.csv": b""}), "file_empty"),
        (zip_of(**{"a.csv": zip_of(x=b"1")}), "file_not_what_name_says"),
        (zip_of(**{"a.csv": b"a,b\n1,2\n"})[:-30], "archive_broken"),
        (b"PK\x03\x04 cut short", "archive_broken"),
    ],
)
def test_what_is_wrong_with_an_archive(write: Write, content: bytes, code: str) -> None:
    assert refused(write("a.zip", content)).code == code


def test_a_bomb_of_an_archive_is_refused_before_it_is_unpacked(write: Write) -> None:
    path = write("a.zip", zip_of(**{"a.csv": b"1,2\n" * 1_000_000}))
    limits = replace(LIMITS, unpacked_bytes_always_fine=1_000_000)
    assert refused(path, limits).code == "archive_too_large"
    assert refused(path, replace(LIMITS, max_file_bytes=100_000)).code == "archive_too_large"
    many = zip_of(**{f"{n}.csv": b"a,b\n" for n in range(201)})
    assert refused(write("b.zip", many)).code == "archive_too_large"


# Encodings that only look like GB18030


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("id,name\n1,印表機無法開機\n2,螢幕沒有畫面\n", "big5", "Big5"),
        ("id,name\n1,Müller läuft\n", "cp1252", "Windows-1252"),
        ("id,name\n1,プリンタが動かない\n", "shift_jis", "Shift_JIS"),
    ],
)
def test_another_encoding_is_named(write: Write, text: str, encoding: str, found: str) -> None:
    error = refused(write("a.csv", text.encode(encoding)))
    assert (error.code, error.values["encoding"]) == ("file_encoding_other", found)


@pytest.mark.parametrize(
    "text",
    ["部", "id,朱镕基\n", "繁體：臺灣醫院設備維護,㐂䶮\n", "喆,瓛,燚\n", "“引号”,——,①②③\n"],
)
def test_rare_words_in_gb18030_stay_what_they_are(
    con: duckdb.DuckDBPyConnection, write: Write, text: str
) -> None:
    path = write("a.csv", f"id,name\n1,{text}".encode("gb18030"))
    with sniff(path, limits=LIMITS) as source:
        assert source.tables()[0].top[1][1] == text.strip().split(",")[0]


# Cells of workbooks that hold more, or less, than they say


def test_hidden_sheets_are_passed_over_and_named(write: Write) -> None:
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    hidden = book.create_sheet("旧")
    hidden.append(["c", "d"])
    hidden.sheet_state = "hidden"
    book.create_sheet("空").sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    with sniff(write("a.xlsx", out.getvalue()), limits=LIMITS) as source:
        assert [table.sheet for table in source.tables()] == ["Sheet"]
        assert source.hidden == ("a.xlsx [旧]",)


def test_cells_whose_value_is_not_what_was_meant(
    con: duckdb.DuckDBPyConnection, write: Write
) -> None:
    book = openpyxl.Workbook()
    first = book.active
    first.append(["only", "texts"])
    first.append(["410105199003076612", "0012"])
    sheet = book.create_sheet("A & <B>")
    sheet.append(["id", "", "value"])
    for value in (410105199003076612, "410105199003076612", 123456789012345, "=B1&1", 12, 1e21):
        sheet.append([value, "", 1.5])
    sheet["A6"].number_format = "000000"
    sheet["C6"].number_format = '"GD-"0000'
    sheet["C7"].number_format = '"¥"0.00'
    sheet["C6"].value = 7
    out = io.BytesIO()
    book.save(out)
    path = write("a.xlsx", out.getvalue())
    assert cells(read(con, path)) == [["410105199003076612", "0012"]]
    assert [row[0] for row in cells(read(con, path, pick=1, width=3))] == [
        "4.10105199003077E+17",
        "410105199003076612",
        "123456789012345",
        "#UNCALCULATED!",
        "000012",
        "1.00000000000000E+21",
    ]
    assert [row[2] for row in cells(read(con, path, pick=1, width=3))][4:] == ["GD-0007", "1.5"]


def test_a_sheet_that_begins_further_down_keeps_its_odd_cells_in_place(
    con: duckdb.DuckDBPyConnection, write: Write
) -> None:
    book = openpyxl.Workbook()
    book.active["C4"], book.active["D4"] = "id", "value"
    book.active["C5"], book.active["D5"] = "a", "=1+1"
    book.active["C6"], book.active["D6"] = "b", 5
    out = io.BytesIO()
    book.save(out)
    path = write("a.xlsx", out.getvalue())
    with sniff(path, limits=LIMITS) as source:
        [table] = source.tables()
        header = next(index for index, row in enumerate(table.top) if "id" in row)
        column = table.top[header].index("value")
        source.stage(con, table, header, column + 1, "staged")
        assert [row[1][column] for row in staged_rows(con, "staged", column + 1)] == [
            "#UNCALCULATED!",
            "5",
        ]
