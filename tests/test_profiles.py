"""Each known tool: a small export in its form, and the rows it gives with what is said by hand."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl.catalogue import catalogue
from etl.intake.check import Checked, check
from etl.intake.mapping import ColumnMapping
from etl.intake.match import applied, propose, recognise, reconsidered, stage
from etl.intake.profiles import profiles
from etl.intake.read import Limits, TextTable, sniff

FOLDER = Path(__file__).parent / "profiles"
NAMES = sorted(file.stem for file in FOLDER.glob("*.toml"))
ZONE = "Asia/Shanghai"


def told(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def loaded(file: Path, by_hand: Mapping[str, Any]) -> tuple[Checked, list[dict[str, str]]]:
    """The rows of an export as text, without what is empty."""
    with duckdb.connect() as con, sniff(file, limits=Limits()) as source:
        found = propose(source.tables())
        assert found is not None
        mapping = ColumnMapping.from_raw({"log": found.log.name, **by_hand})
        match = applied(found, mapping)
        stage(source, con, match, "staged")
        checked = check(con, "staged", match, ZONE, "typed", datetime(2030, 1, 1))
        cursor = con.execute("select * exclude (source_row, days) from typed order by source_row")
        names = [column[0] for column in cursor.description]
        rows = [
            {n: _text(value) for n, value in zip(names, row, strict=True) if value is not None}
            for row in cursor.fetchall()
        ]
        return checked, rows


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_every_profile_has_a_file_in_its_form() -> None:
    assert sorted(profiles()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_export_is_recognised_and_gives_these_rows(name: str) -> None:
    expected = told(name)
    checked, rows = loaded(FOLDER / f"{name}.csv", expected["by_hand"])
    assert checked.match.profile is not None
    assert checked.match.profile.name == name
    assert [(r.source_row, [p.code for p in r.problems]) for r in checked.rejects] == []
    defaults = {
        column.name: column.default
        for column in checked.match.log.columns.values()
        if column.default is not None
    }
    assert rows == [{**defaults, **row} for row in expected["row"]]


@pytest.mark.parametrize("name", NAMES)
def test_what_stays_to_be_said_by_hand_is_said(name: str) -> None:
    profile = profiles()[name]
    log = catalogue().logs[profile.mapping.log]
    with sniff(FOLDER / f"{name}.csv", limits=Limits()) as source:
        found = propose(source.tables())
    assert found is not None
    missing = {one.column.name for one in found.columns if one.missing}
    # Fields that a form adds may have a heading that is known.
    assert missing <= set(profile.by_hand)
    assert all(log.columns[column].required for column in profile.by_hand)
    assert [problem.code for problem in found.problems] == (["column_missing"] if missing else [])
    for language in ("zh", "en"):
        assert profile.label.get(language)
        for problem in found.problems:
            assert catalogue().sentence(problem, language)


@pytest.mark.parametrize("log", catalogue().logs)
@pytest.mark.parametrize("heading", ["zh", "en", "name"])
def test_a_template_of_ours_is_no_tool_s(log: str, heading: str) -> None:
    columns = catalogue().logs[log].columns.values()
    headers = [c.name if heading == "name" else c.label.get(heading) for c in columns]
    match = recognise([TextTable("f.csv", None, [headers], [1])], log)
    assert match is not None
    assert match.profile is None
    assert set(match.columns) == set(catalogue().logs[log].columns)


def test_with_what_is_said_by_hand_nothing_is_missing() -> None:
    with sniff(FOLDER / "jira.csv", limits=Limits()) as source:
        found = propose(source.tables())
    assert found is not None
    by_hand = ColumnMapping.from_raw({"log": "tickets", **told("jira")["by_hand"]})
    again = reconsidered(found, by_hand)
    assert again.problems == ()
    assert again.mapping.constants == {"contract_id": "HT-001"}
    [service] = [one for one in again.columns if one.column.name == "service_type"]
    assert (service.how, service.headers, service.samples) == (
        "given",
        ("Issue Type",),
        ("Software", "Hardware"),
    )


def test_marks_and_width_make_no_other_tool() -> None:
    headers = ["*检修作业时间", "对象号", "工单名称", "*物资名称", "物资编码＊", "领用数量 "]
    found = propose([TextTable("f.csv", None, [["领料单"], headers], [1, 2])])
    assert found is not None
    assert found.profile is not None
    assert (found.profile.name, found.header_index) == ("eam_part_use", 1)
    assert found.mapping.columns["movement_id"] == ("*检修作业时间", "对象号", "物资编码＊")


def test_what_a_profile_does_not_take_is_not_taken_by_an_alias() -> None:
    headers = ["Ticket Number", "Date Created", "Help Topic", "Closed Date", "Department"]
    found = propose([TextTable("f.csv", None, [headers], [1])])
    assert found is not None
    assert found.mapping.columns["department"] == ()
    assert "Department" in found.unused
