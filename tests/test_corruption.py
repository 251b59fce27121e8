"""Files whose wrong reading would be plausible: read right, asked about, or refused."""

import json
from pathlib import Path

import pytest

from etl.catalogue import catalogue
from etl.errors import KeptError
from tests.corruption.cases import CASES, Case, text
from tests.corruption.judged import ASKED, by_heading, expected, loaded

RESULTS = Path(__file__).parent.parent / "benchmarks" / "corruption.json"
PUBLISHED = {
    one["name"]: one["kept"] for one in json.loads(RESULTS.read_text(encoding="utf-8"))["cases"]
}


def test_there_are_at_least_sixty() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_silently_wrong(case: Case, tmp_path: Path) -> None:
    if case.refused:
        with pytest.raises(KeptError) as caught:
            loaded(case, tmp_path)
        assert caught.value.code == case.refused
        assert PUBLISHED[case.name] == ("asks" if case.refused in ASKED else "refuses")
        for language in ("zh", "en"):
            assert catalogue().sentence(caught.value, language)
        return
    checked, rows = loaded(case, tmp_path)
    assert by_heading(case, checked.match, rows) == expected(case)
    codes = [[problem.code for problem in reject.problems] for reject in checked.rejects]
    wanted = [*case.rejected.values(), *case.other_rejects]
    assert len(codes) == len(wanted)
    assert all(code in said for code, said in zip(wanted, codes, strict=True))
    assert checked.totals == case.left_out
    assert PUBLISHED[case.name] == ("rejects" if checked.rejects else "right")


def test_what_is_published_is_of_these_cases() -> None:
    assert list(PUBLISHED) == [case.name for case in CASES]


def test_every_case_is_told_in_both_languages() -> None:
    for case in CASES:
        assert case.zh
        assert case.en
        for row in case.rows:
            assert all(isinstance(text(value), str) for value in row.values())
