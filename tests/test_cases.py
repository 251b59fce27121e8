"""Every clause against its cases: given rows, expected rows of the ledger."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from etl.ledger import models
from etl.report import iso
from tests.ledger_case import CASES, ledger, rows

LIST = sorted(CASES.glob("*.toml"))


def _cases() -> Iterator[Any]:
    for file in LIST:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        for case in content["case"]:
            given = {**content.get("given", {}), **case.get("given", {})}
            yield pytest.param(file.stem, given, case, id=f"{file.stem}: {case['name']}")


@pytest.mark.parametrize(("clause", "given", "case"), list(_cases()))
def test_ledger_has_exactly_the_expected_rows(
    clause: str, given: dict[str, str], case: dict[str, Any]
) -> None:
    header, expected = rows(case["expect"])
    with ledger(given, case.get("as_of")) as con:
        found = con.execute(
            f"select {', '.join(header)} from obligation where clause = ? order by subject",
            [clause],
        ).fetchall()
    shown = [["" if value is None else str(iso(value)) for value in row] for row in found]
    assert shown == sorted(expected)


def test_every_computed_clause_has_cases_and_every_case_a_clause() -> None:
    computed = {name for name, model in models().items() if model.kind == "clauses"}
    assert {file.stem for file in LIST} == computed
