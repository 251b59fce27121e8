"""The commitments as data: complete, consistent, and in the letter's own words."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LETTER = ROOT.parent / "shared" / "seed" / "commitment-letter.txt"
PROMISES: dict[str, Any] = tomllib.loads(
    (ROOT / "etl" / "catalogue" / "commitments.toml").read_text(encoding="utf-8")
)
CLAUSES: dict[str, dict[str, Any]] = PROMISES["clauses"]
FIGURES: dict[str, dict[str, Any]] = PROMISES["figures"]
SENTENCES: list[dict[str, Any]] = PROMISES["sentences"]
TERMS: dict[str, dict[str, Any]] = PROMISES["terms"]

GROUPS = [
    "delivery", "sla", "warranty", "aftercare", "inspection", "spares", "complaint", "people",
]  # fmt: skip
LOGS = {
    "contracts", "equipment", "tickets", "inspections", "parts", "complaints", "personnel",
    "training", "sample_tests", "special_periods", "terms", "coverage", "waivers", "pauses",
}  # fmt: skip
UNITS = {"minutes", "hours", "days", "months", "ratio", "count", "day_of_month", "money", "yes_no"}
PAGES = {
    "overview", "sla", "availability", "warranty", "inspections", "spares", "complaints",
    "delivery", "retention", "data", "promises",
}  # fmt: skip

# clause: the log its verdict rests on, and its terms
EXPECTED: dict[str, tuple[str, list[str]]] = {
    "delivery.new_certified": ("equipment", []),
    "delivery.supply_proof": ("equipment", []),
    "delivery.conforms": ("equipment", []),
    "delivery.intact": ("equipment", []),
    "delivery.checked_before_shipping": ("equipment", []),
    "delivery.commissioned": ("equipment", []),
    "delivery.free": ("equipment", []),
    "delivery.sample_test": ("sample_tests", []),
    "delivery.guarantee_valid": ("contracts", ["guarantee_days"]),
    "sla.phone_support": ("tickets", ["phone_minutes"]),
    "sla.response": ("tickets", ["response_minutes"]),
    "sla.onsite": ("tickets", ["onsite_minutes"]),
    "sla.software_resolution": ("tickets", ["resolution_hours"]),
    "sla.hardware_repair": ("tickets", ["repair_days"]),
    "sla.hardware_swap": ("tickets", ["swap_hours"]),
    "sla.loaner": ("tickets", ["repair_days"]),
    "sla.stay_until_resolved": ("tickets", []),
    "sla.recorded": ("tickets", []),
    "sla.signed_off": ("tickets", []),
    "sla.special_period": ("special_periods", []),
    "sla.development_support": ("tickets", ["development_days"]),
    "warranty.term": ("equipment", ["warranty_months", "extension_days"]),
    "warranty.replacement": ("equipment", ["failed_repairs", "replacement_days"]),
    "warranty.free_repair": ("tickets", []),
    "warranty.user_damage_labour_free": ("tickets", []),
    "warranty.loaner_free": ("tickets", []),
    "warranty.upgrades_free": ("tickets", []),
    "aftercare.labour_free": ("tickets", []),
    "aftercare.parts_at_cost": ("parts", []),
    "aftercare.served": ("tickets", ["response_minutes"]),
    "inspection.monthly": ("inspections", []),
    "inspection.quarterly": ("inspections", ["window_first_day", "window_last_day"]),
    "inspection.half_yearly": ("inspections", ["window_first_day", "window_last_day"]),
    "inspection.plan_approved": ("inspections", []),
    "inspection.complete": ("inspections", []),
    "inspection.report": ("inspections", ["report_days"]),
    "spares.ratio": ("parts", ["spares_ratio"]),
    "complaint.acknowledged": ("complaints", ["complaint_hours"]),
    "complaint.routed": ("complaints", []),
    "complaint.opinion_sought": ("complaints", []),
    "complaint.restarted": ("complaints", []),
    "complaint.closed_satisfied": ("complaints", []),
    "people.permit": ("personnel", []),
    "people.confidentiality": ("personnel", []),
    "people.training": ("training", ["training_days"]),
    "people.service_manager": ("contracts", []),
    "people.local_office": ("contracts", []),
    "people.conduct": ("complaints", []),
}
DEFAULTS = {
    "guarantee_days": "60", "phone_minutes": "5", "response_minutes": "30",
    "onsite_minutes": "120", "resolution_hours": "48", "repair_days": "2", "swap_hours": "24",
    "development_days": "10", "warranty_months": "12", "extension_days": "60",
    "failed_repairs": "2", "replacement_days": "30", "window_first_day": "11",
    "window_last_day": "20", "report_days": "7", "spares_ratio": "0.03",
    "complaint_hours": "24", "training_days": "30", "availability_target": "0.99",
    "retention_rate": "0.05", "retention_months": "12", "pauses_count": "0", "penalty_cap": None,
}  # fmt: skip
ASSUMED = {
    "sla.phone_support": ["phone_minutes"],
    "sla.hardware_swap": ["swap_hours"],
    "sla.development_support": ["development_days"],
    "warranty.replacement": ["replacement_days"],
    "inspection.report": ["report_days"],
    "complaint.acknowledged": ["complaint_hours"],
    "people.training": ["training_days"],
}
# clause or figure: how many readings it has, and whether the first has a plain alternative
READINGS = {
    "delivery.new_certified": (1, False),
    "delivery.supply_proof": (1, False),
    "sla.response": (2, True),
    "sla.onsite": (2, True),
    "sla.hardware_repair": (1, True),
    "sla.loaner": (1, False),
    "sla.stay_until_resolved": (1, True),
    "aftercare.parts_at_cost": (1, False),
    "inspection.monthly": (2, True),
    "inspection.quarterly": (1, False),
    "inspection.half_yearly": (2, False),
    "spares.ratio": (2, True),
    "complaint.acknowledged": (1, False),
    "availability": (2, False),
    "retention": (2, True),
}
MOST_UNPLACED = 60
"""Characters of the letter in a row that may stand between two quotes: headings and the like."""


def solid(text: str) -> str:
    """`text` without white space: the letter breaks its lines anywhere."""
    return re.sub(r"\s+", "", text)


def quotes() -> list[str]:
    """Every quote of the catalogue."""
    found = [raw["quote"] for raw in (*CLAUSES.values(), *FIGURES.values(), *SENTENCES)]
    return found + [quote for clause in CLAUSES.values() for quote in clause.get("also", ())]


@pytest.fixture(scope="module")
def letter() -> str:
    """The letter without white space."""
    if not LETTER.exists():
        pytest.skip("the letter does not lie beside the project")
    return solid(LETTER.read_text(encoding="utf-8"))


def test_groups_in_order() -> None:
    assert list(PROMISES["groups"]) == GROUPS
    assert all(words["zh"] and words["en"] for words in PROMISES["groups"].values())


def test_every_clause_is_there_in_order() -> None:
    assert list(CLAUSES) == list(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_clause(name: str) -> None:
    clause = CLAUSES[name]
    log, terms = EXPECTED[name]
    assert clause["group"] == name.partition(".")[0]
    assert (clause["log"], clause["terms"]) == (log, terms)
    assert clause["rests_on"][0] == log
    assert set(clause["rests_on"]) <= LOGS
    assert set(terms) <= set(TERMS)
    assert clause["quote"]
    assert clause["zh_text"].endswith("。")
    assert clause["en_text"].endswith(".")
    assert 0 < len(clause["zh"]) <= 12
    assert 0 < len(clause["en"]) <= 28
    assert clause["assumed"] is (name in ASSUMED)
    assert clause.get("assumed_terms", []) == ASSUMED.get(name, [])


def test_readings() -> None:
    named = {**CLAUSES, **FIGURES}
    assert {
        name: (len(raw["readings"]), "alternative" in raw)
        for name, raw in named.items()
        if "readings" in raw or "alternative" in raw
    } == READINGS
    for raw in named.values():
        for reading in raw.get("readings", ()):
            assert reading["zh"].endswith("。")
            assert not set(",;:") & set(reading["zh"])
            assert reading["en"].endswith(".")


def test_titles_differ() -> None:
    for language in ("zh", "en"):
        assert len({clause[language] for clause in CLAUSES.values()}) == len(CLAUSES)


def test_terms() -> None:
    assert {
        name: None if "default" not in term else str(term["default"])
        for name, term in TERMS.items()
    } == DEFAULTS
    for name, term in TERMS.items():
        assert term["unit"] in UNITS, name
        assert term["zh"], name
        assert term["en"], name
        assert term["whole"] is (
            term["unit"] in {"days", "months", "count", "day_of_month", "yes_no"}
        ), name
        assert not isinstance(term.get("default"), float), name
        if "default" in term and term["whole"]:
            assert Decimal(term["default"]) % 1 == 0, name


def test_assumed_terms() -> None:
    named = {term for terms in ASSUMED.values() for term in terms} | {"availability_target"}
    assert {name for name, term in TERMS.items() if term["assumed"]} == named


def test_no_term_is_unused() -> None:
    used = {term for raw in (*CLAUSES.values(), *FIGURES.values()) for term in raw["terms"]}
    assert used | {"pauses_count"} == set(TERMS)


@pytest.mark.parametrize("quote", sorted(set(quotes())))
def test_quote_is_in_the_letter(letter: str, quote: str) -> None:
    assert solid(quote) in letter


def test_every_sentence_of_the_letter_has_its_place(letter: str) -> None:
    taken = [False] * len(letter)
    for quote in map(solid, quotes()):
        for match in re.finditer(re.escape(quote), letter):
            taken[match.start() : match.end()] = [True] * len(quote)
    left_out = [
        sentence.group()
        for sentence in re.finditer("[^。;]+", letter)
        if not any(taken[sentence.start() : sentence.end()])
    ]
    assert left_out == []
    between = "".join(
        "\n" if placed else character for character, placed in zip(letter, taken, strict=True)
    )
    assert [run for run in between.split() if len(run) > MOST_UNPLACED] == []


def test_sentences() -> None:
    listed = [sentence["quote"] for sentence in SENTENCES]
    assert len(set(listed)) == len(listed)
    for sentence in SENTENCES:
        assert sentence["zh"].endswith("。"), sentence["quote"]
        assert sentence["en"].endswith("."), sentence["quote"]
        assert sentence["measurable"] is ("seen_in" in sentence), sentence["quote"]
        assert sentence.get("seen_in", "promises") in PAGES, sentence["quote"]


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("states", ["met", "breached", "unknown", "pending", "excluded"]),
        (
            "verdicts",
            ["kept", "broken", "undecided", "no_evidence", "open", "no_activity", "not_promised"],
        ),
        ("contract_verdicts", ["breaches", "evidence_missing", "open_items", "clean"]),
    ],
)
def test_states_and_verdicts(table: str, names: list[str]) -> None:
    assert list(PROMISES[table]) == names
    for words in PROMISES[table].values():
        assert words["zh"]
        assert words["en"]
        assert words["zh_text"].endswith("。")
        assert words["en_text"].endswith(".")
