"""Checks rows as a load does, without a file."""

from collections.abc import Sequence
from datetime import datetime

import duckdb

from etl.intake.check import Checked, check
from etl.intake.mapping import ColumnMapping
from etl.intake.match import recognise
from etl.intake.read import TextTable

NOW = datetime(2030, 1, 1)
Rows = list[dict[str, object]]
TICKET = ("工单编号", "合同编号", "服务类型", "报修时间")


def checked(
    log: str,
    header: Sequence[str],
    *rows: Sequence[str | None],
    timezone: str = "Asia/Shanghai",
    con: duckdb.DuckDBPyConnection | None = None,
    mappings: Sequence[ColumnMapping] = (),
    now: datetime = NOW,
) -> tuple[Checked, Rows]:
    """Checks rows (the first on line 2) and gives the typed rows as dictionaries."""
    con = con or duckdb.connect()
    match = recognise([TextTable("file.csv", None, [list(header)], [1])], log, mappings=mappings)
    assert match is not None
    cells = ", ".join(f"c{i} varchar" for i in range(len(header)))
    con.execute(
        "create table staged "
        f"(source_row bigint, {cells}, cells_extra varchar, cells_missing integer)"
    )
    for line, row in enumerate(rows, start=2):
        marks = ", ".join("?" * len(header))
        con.execute(f"insert into staged values ({line}, {marks}, null, 0)", list(row))
    result = check(con, "staged", match, timezone, "typed", now)
    cursor = con.execute("select * from typed order by source_row")
    names = [column[0] for column in cursor.description]
    return result, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def mapped(
    text: str, header: Sequence[str], *rows: Sequence[str | None], timezone: str = "Asia/Shanghai"
) -> tuple[Checked, Rows]:
    """Checks tickets with a mapping laid over what is found."""
    mapping = ColumnMapping.from_toml(f'log = "tickets"\n{text}')
    return checked("tickets", header, *rows, mappings=[mapping], timezone=timezone)


def codes(result: Checked) -> list[list[tuple[str | None, str]]]:
    """The reasons for each rejected row: column and message code."""
    return [[(p.column, p.code) for p in reject.problems] for reject in result.rejects]
