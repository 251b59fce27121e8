"""The generated parts of docs/intake.md: the profiles, and who reads the ugly files rightly."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from etl.catalogue import catalogue
from etl.intake.profiles import profiles

RESULTS = Path(__file__).parent.parent / "benchmarks" / "corruption.json"
_WORDS = {
    "right": "right",
    "asks": "asks",
    "refuses": "refuses",
    "rejects": "rejects the rows",
    "wrong": "**silently wrong**",
    "none": "-",
}


def known_tools() -> str:
    """The profiles: what each is, its log, and what stays to be said by hand."""
    logs = catalogue().logs
    return _table(
        ("export", "导出", "log", "to be said by hand", "mind"),
        (
            (
                profile.label.en,
                profile.label.zh,
                f"[{profile.mapping.log}](logs.md#{profile.mapping.log})",
                ", ".join(f"`{name}`" for name in profile.by_hand) or "-",
                profile.note.en or "-",
            )
            for profile in sorted(
                profiles().values(),
                key=lambda one: (list(logs).index(one.mapping.log), one.label.en.lower()),
            )
        ),
    )


def readers() -> str:
    """Every file of the suite, and what became of it in each reader."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    names = list(results["versions"])
    heads = [f"{name.replace('_', '-')} {results['versions'][name]}" for name in names]
    cases = results["cases"]
    counts = {name: Counter(case[name] for case in cases) for name in names}
    totals = [
        (f"*{word}*", "", *(str(counts[name][code]) for name in names))
        for code, word in (("wrong", "silently wrong, of all"), ("right", "right, of all"))
    ]
    rows = ((case["en"], case["zh"], *(_WORDS[case[name]] for name in names)) for case in cases)
    return _table(("the file", "文件", *heads), (*totals, *rows))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
