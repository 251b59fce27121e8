"""Whatever the bytes: a load's way through a file ends in rows, or in one sentence."""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path

import duckdb
import openpyxl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from etl.catalogue import catalogue
from etl.errors import KeptError
from etl.intake.check import check
from etl.intake.match import recognise, stage
from etl.intake.read import Limits, drop_staged, sniff
from etl.intake.survey import questions

NOW = datetime(2030, 1, 1)
FEW = examples(max_examples=15, suppress_health_check=list(HealthCheck))
HEADERS = ("工单编号", "合同编号", "服务类型", "报修时间", "响应时间", "远程解决", "维修费")
CELLS = st.sampled_from(
    [
        *("", "-", "无", "T-1", "0012", "１２", "硬件故障", "咨询", "是", "null", "Total", "合计"),
        *("2026-01-05", "13/01/2026", "05/01/2026 9:03", "2026年1月5日 9时", "46027.5", "24:00"),
        *("12/Mar/24", "00:30:00", "1小时", "30", "逾期3天", "2026-01-05T09:03:07Z"),
        *("1,200.5", "¥5", "5万", "3%", "#N/A", "1E+19", "9" * 40, "=1+1", "'=1"),
        *('a"b', "a\nb", "a,b", "a;b", "é", "䶮", "\u00a0x", "\u200b"),
    ]
)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=9), max_size=6)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def goes_through(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Reads a file as a load does; every row is typed, rejected with reasons, or a totals row."""
    try:
        with sniff(path, limits=Limits(), scratch=path.parent) as source:
            for _, group in groupby(source.tables(), key=lambda table: table.sheet):
                match = recognise(list(group), None, path.stem)
                if match is None:
                    continue
                staged = stage(source, con, match, "staged")
                try:
                    questions(con, "staged", match, "Asia/Shanghai")
                    done = check(con, "staged", match, "Asia/Shanghai", "typed", NOW)
                finally:
                    drop_staged(con, "staged")
                assert done.rows + len(done.rejects) + done.totals == staged.records
                for reject in done.rejects:
                    assert reject.problems
                    for problem in reject.problems:
                        assert problem.text(match.log, "zh")
                        assert problem.text(match.log, "en")
    except KeptError as error:
        for language in ("zh", "en"):
            assert catalogue().sentence(error, language)


def written(rows: list[list[str]], delimiter: str, end: str, quoting: int) -> str:
    if quoting == csv.QUOTE_NONE:  # not even what would need them
        return "".join(delimiter.join(row) + end for row in [list(HEADERS), *rows])
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([list(HEADERS), *rows])
    return out.getvalue()


@FEW
@given(
    ROWS,
    st.sampled_from([",", ";", "\t", "|", ":"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE]),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "big5", "cp1252"]),
    st.sampled_from(["", "月报\n\n", "sep=;\n", "合计,5\n"]),
    st.none() | st.integers(1, 400),
)
def test_any_dialect_and_any_cut(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    rows: list[list[str]],
    delimiter: str,
    end: str,
    quoting: int,
    encoding: str,
    above: str,
    cut: int | None,
) -> None:
    path = folder / "工单.csv"
    content = (above + written(rows, delimiter, end, quoting)).encode(encoding, "replace")
    path.write_bytes(content[:cut])
    goes_through(con, path)


@FEW
@given(st.binary(max_size=300), st.integers(0, 200), st.sampled_from([".csv", ".xlsx", ".zip", ""]))
def test_any_bytes_anywhere_in_a_file(
    con: duckdb.DuckDBPyConnection, folder: Path, noise: bytes, at: int, suffix: str
) -> None:
    whole = written([["T-1", "C", "咨询", "2026-01-05", "", "是", "5"]], ",", "\n", 0).encode()
    path = folder / f"工单{suffix}"
    path.write_bytes(whole[:at] + noise + whole[at:])
    goes_through(con, path)


@FEW
@given(ROWS, st.none() | st.integers(10, 8_000), st.booleans())
def test_any_workbook_whole_cut_or_zipped(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    rows: list[list[str]],
    cut: int | None,
    zipped: bool,
) -> None:
    book = openpyxl.Workbook()
    for row in [list(HEADERS), *rows]:
        book.active.append(
            [int(cell) if cell.isascii() and cell.isdigit() else cell for cell in row]
        )
    out = io.BytesIO()
    book.save(out)
    content = out.getvalue()[:cut]
    if zipped:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("工单.xlsx", content)
        content = out.getvalue()
    path = folder / ("工单.zip" if zipped else "工单.xlsx")
    path.write_bytes(content)
    goes_through(con, path)
