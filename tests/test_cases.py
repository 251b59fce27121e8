"""Every clause and published table against its cases: given rows, expected rows."""

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from etl.catalogue import catalogue
from etl.intake.check import exact
from etl.ledger import models
from etl.report import TABLES, iso
from tests.ledger_case import CASES, ledger, rows

LIST = sorted(CASES.glob("*.toml"))


def _cases() -> Iterator[Any]:
    for file in LIST:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        for case in content["case"]:
            given = {**content.get("given", {}), **case.get("given", {})}
            yield pytest.param(file.stem, given, case, id=f"{file.stem}: {case['name']}")


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return exact(value) if isinstance(value, Decimal) else str(iso(value))


@pytest.mark.parametrize(("name", "given", "case"), list(_cases()))
def test_a_model_gives_exactly_the_expected_rows(
    name: str, given: dict[str, str], case: dict[str, Any]
) -> None:
    header, expected = rows(case["expect"])
    kind = models()[name].kind if name in models() else "table"
    is_clause = kind == "clauses"
    wanted = {"clauses": {name, "obligation"}, "signals": {name}, "facts": {name}}.get(kind)
    with ledger(given, case.get("as_of"), wanted, case.get("absent")) as con:
        found = con.execute(
            f"select {', '.join(header)} from "
            + (f"obligation where clause = '{name}'" if is_clause else name)
            + (f" where {case['where']}" if "where" in case else "")
        ).fetchall()
    shown = [[_as_text(value) for value in row] for row in found]
    assert sorted(shown) == sorted(expected)


def test_every_clause_and_published_table_has_cases_and_every_case_its_model() -> None:
    ruled = {name for name, model in models().items() if model.kind in ("clauses", "signals")}
    tables = set(TABLES) - {"obligation", "compliance"}  # the first is every clause's own case
    cases = {file.stem for file in LIST}
    assert ruled | tables <= cases
    assert cases <= {*models(), "sensitivity", "retention_alternative"}


def test_every_clause_of_the_catalogue_and_every_signal_is_computed() -> None:
    kinds = {name: model.kind for name, model in models().items()}
    assert {name for name, kind in kinds.items() if kind == "clauses"} == set(catalogue().clauses)
    assert {name for name, kind in kinds.items() if kind == "signals"} == set(catalogue().signals)
    assert {name for name, kind in kinds.items() if kind == "readings"} == {
        f"{clause.id}.alternative" for clause in catalogue().clauses.values() if clause.alternative
    }
