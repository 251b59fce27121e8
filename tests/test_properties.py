"""What holds of the figures whatever the logs say, tried on random ones.

Many contracts, or many versions of one, go into one build: models cost seconds to plan and next to
nothing per row. That they do not touch each other there is itself one of the properties.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from etl.catalogue import STATES, catalogue
from etl.config import Settings
from etl.intake.load import load, undo
from etl.marts import Marts, open_marts
from etl.verdict import verdict
from tests.random_logs import (
    DAYS,
    EVENT_LOGS,
    KNOWN_AT,
    LONG_AGO,
    WAITS,
    Logs,
    Row,
    any_as_of,
    as_stood,
    built,
    contract,
    contracts,
    instant,
    ledger_of,
    merge,
    merged,
    of_contract,
    renamed,
    together,
)

FAR = instant(datetime(2026, 12, 31))
COMPLETE: Logs = {
    "coverage": [{"log": log, "contract_id": "", "through_at": FAR} for log in EVENT_LOGS]
}
CORE = ("obligation", "clause_verdict", "retention", "availability", "warranty", "spares")
DUE = ("met", "breached", "unknown")

seeds = st.integers(0, 2**32)


def examples(count: int) -> settings:
    # A smaller seed is no simpler example: `tell` shows the rows of one contract instead.
    return settings(max_examples=count, phases=[Phase.explicit, Phase.generate])


@dataclass(frozen=True)
class Figures:
    """The rows of some tables, by contract; ids are without the contract's own number."""

    rows: Mapping[str, Mapping[str, list[dict[str, Any]]]]

    def of(self, contract_id: str) -> dict[str, list[str]]:
        """Every row of one contract as text, in order."""
        return {
            name: sorted(map(repr, every.get(contract_id, []))) for name, every in self.rows.items()
        }

    def obligations(self, contract_id: str) -> dict[tuple[str, str], dict[str, Any]]:
        """The ledger of one contract by clause and subject."""
        every = self.rows["obligation"].get(contract_id, [])
        return {(row["clause"], row["subject"]): row for row in every}


def figures(con: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> Figures:
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for table in tables:
        cursor = con.execute(f"select * from {table}")
        names = [column[0] for column in cursor.description or ()]
        place = names.index("contract_id")
        grouped = found[table] = defaultdict(list)
        for row in cursor.fetchall():
            number = row[place]
            grouped[number].append(
                {
                    name: value.replace(number, "HT") if isinstance(value, str) else value
                    for name, value in zip(names, row, strict=True)
                }
            )
    return Figures(found)


def tell(logs: Logs, contract_id: str) -> None:
    """Shows the rows of one contract beside what failed, cells without a value left out."""
    for name, rows in of_contract(logs, contract_id).items():
        for row in rows:
            note(f"{name}: " + ", ".join(f"{k}={v}" for k, v in row.items() if v))


def assert_same(
    one: Figures, other: Figures, logs: Logs, names: Mapping[str, str] | None = None
) -> None:
    """That each contract has in `one` what it, or the contract named beside it, has in `other`."""
    every = [row["contract_id"] for row in logs["contracts"]]
    for here, there in (names or dict(zip(every, every, strict=True))).items():
        mine, theirs = one.of(here), other.of(there)
        if mine != theirs:
            tell(logs, here)
            for table, rows in mine.items():
                gone, new = set(rows) - set(theirs[table]), set(theirs[table]) - set(rows)
                for sign, several in (("-", gone), ("+", new)):
                    for row in sorted(several)[:5]:
                        note(f"{sign} {table} {row}")
        assert mine == theirs


# --- the ledger and its counts -------------------------------------------------------------------


@given(seed=seeds)
@examples(2)
def test_the_states_sum_to_the_obligations(seed: int) -> None:
    """The key is one, the state one of five, and every table counts the same obligations."""
    random = Random(seed)
    logs = contracts(random, 40, orderly=False)
    loaded = {name for name in catalogue().logs if name in logs and random.random() < 0.8}
    logs = {name: rows if name in loaded else [] for name, rows in logs.items()}
    loaded |= {"contracts", "equipment", "tickets"}
    tables = ("compliance", "compliance_slice", "clause_verdict", "clause_evidence", "retention")
    with ledger_of(logs, any_as_of(random), *tables, loaded=loaded) as con:
        rows = dicts(con, "obligation")
        found = {table: dicts(con, table) for table in tables}
        targets = {
            (contract_id, term): value
            for contract_id, term, value in con.execute(
                "select contract_id, term, value from contract_term"
            ).fetchall()
        }

    assert len({(row["contract_id"], row["clause"], row["subject"]) for row in rows}) == len(rows)
    assert {row["state"] for row in rows} <= set(STATES)

    counted = Counter((row["contract_id"], row["clause"], row["state"]) for row in rows)
    for table in ("compliance", "compliance_slice"):
        summed: Counter[tuple[str, str, str]] = Counter()
        for row in found[table]:
            for state in STATES:
                summed[row["contract_id"], row["clause"], state] += row[state]
        assert +summed == counted

    for row in found["compliance"]:
        due = sum(row[state] for state in DUE)
        assert row["rate"] == (row["met"] / due if due else None)
        assert row["rate_upper"] == ((row["met"] + row["unknown"]) / due if due else None)

    due_on = {row["contract_id"]: row["due_on"] for row in found["retention"]}
    in_time = Counter(
        (row["contract_id"], row["clause"], row["state"])
        for row in rows
        if (last := due_on[row["contract_id"]]) and row["arose_on"] and row["arose_on"] <= last
    )
    shown = {
        (row["contract_id"], row["clause"]): row["evidence"] for row in found["clause_evidence"]
    }
    for row in found["clause_verdict"]:
        counts = {state: in_time[row["contract_id"], row["clause"], state] for state in STATES}
        assert {state: row[state] for state in STATES} == counts
        evidence = shown[row["contract_id"], row["clause"]]
        assert (evidence == "no_log") is (catalogue().clauses[row["clause"]].log not in loaded)
        target = targets[row["contract_id"], f"{row['clause']}.target"]
        assert row["target"] == target
        assert row["verdict"] == verdict(
            counts["met"],
            counts["breached"],
            counts["unknown"],
            counts["pending"],
            target,
            evidence,
        )

    for row in found["retention"]:
        mine = [one for one in found["clause_verdict"] if one["contract_id"] == row["contract_id"]]
        assert len(mine) == len(catalogue().clauses) - 1
        for state in STATES:
            assert row[state] == sum(one[state] for one in mine)


def dicts(con: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    cursor = con.execute(f"select * from {table}")
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@given(seed=seeds)
@examples(1)
def test_a_contract_does_not_touch_another(seed: int) -> None:
    """Where it is said how far the logs reach, a contract has the same figures alone."""
    random = Random(seed)
    as_of = any_as_of(random)
    logs = together([contracts(random, 12, orderly=False), COMPLETE])
    alone = random.choice(logs["contracts"])["contract_id"]
    only = together([of_contract(logs, alone), COMPLETE])
    with ledger_of(logs, as_of, *CORE) as con:
        among_others = figures(con, CORE)
    with ledger_of(only, as_of, *CORE) as con:
        assert_same(figures(con, CORE), among_others, logs, {alone: alone})


# --- as of ---------------------------------------------------------------------------------------


@given(seed=seeds)
@examples(2)
def test_an_earlier_as_of_is_the_logs_as_they_stood_then(seed: int) -> None:
    """What came after as_of has no bearing on any figure, where the reach of the logs is stated.

    (Without coverage a later row still says how far its log reaches.)
    """
    random = Random(seed)
    as_of = any_as_of(random)
    logs = contracts(random, 30, orderly=False)
    then = renamed(as_stood(logs, as_of), "HT", "HU")
    with ledger_of(together([logs, then, COMPLETE]), as_of, *CORE) as con:
        found = figures(con, CORE)
    names = {
        row["contract_id"]: row["contract_id"].replace("HT", "HU") for row in logs["contracts"]
    }
    assert_same(found, found, logs, names)


# What may no longer be owed at a later as_of, though it was met: it turns out that the fault was
# solved remotely; a unit is retired within the month; or the acceptance of the contract, taken from
# its units, moves as they are retired, and with it the warranty of what names no unit.
MAY_GO = {
    "sla.onsite",
    "inspection.monthly", "inspection.quarterly", "inspection.half_yearly",
    "people.conduct", "people.service_manager", "people.local_office",
    "warranty.free_repair", "warranty.user_damage_labour_free", "warranty.upgrades_free",
    "aftercare.served", "aftercare.labour_free", "aftercare.parts_at_cost",
}  # fmt: skip
# What may be judged anew: a next round was begun; a fault extended the warranty; the acceptance
# that a training is due after moved; a device that was accepted is said to have come later.
MAY_CHANGE = {
    "complaint.closed_satisfied": {"pending", "breached", "unknown", "excluded"},
    "warranty.term": {"breached", "unknown", "excluded"},
    "warranty.replacement": {"breached", "excluded"},
    "people.training": {"breached", "excluded"},
}


@given(seed=seeds)
@examples(2)
def test_what_is_met_never_becomes_pending(seed: int) -> None:
    """At a later as_of it is pending again only where a complaint went into another round.

    More than that, where the stages of tickets and complaints are in order (a response after the
    arrival overrules what the arrival had shown): what is met stays met or is no longer owed, save
    the clauses of MAY_CHANGE and the last day of spares.ratio, which is not over.
    """
    random = Random(seed)
    disorderly = contracts(random, 20, orderly=False)
    logs = together([contracts(random, 30), renamed(disorderly, "HT", "HU")])
    moments = sorted({any_as_of(random) for _ in range(3)})
    ledgers = []
    with merged(logs.items()) as con:
        for as_of in moments:
            with built(con, as_of, "obligation") as cursor:
                ledgers.append(figures(cursor, ["obligation"]))
    for (as_of, earlier), (_, later) in combinations(zip(moments, ledgers, strict=True), 2):
        for number in earlier.rows["obligation"]:
            after = later.obligations(number)
            for (clause, subject), row in earlier.obligations(number).items():
                if row["state"] != "met":
                    continue
                allowed = {"met"} | MAY_CHANGE.get(clause, set())
                if number.startswith("HU"):
                    allowed |= {"breached", "unknown", "excluded", "gone"}
                if clause in MAY_GO:
                    allowed.add("gone")
                if clause == "spares.ratio" and subject == str(as_of.date()):
                    allowed |= {"breached", "unknown", "excluded"}
                now = after.get((clause, subject), {"state": "gone"})["state"]
                if now not in allowed:
                    tell(logs, number)
                assert now in allowed, (moments, number, clause, subject)


# --- evidence that turns up ----------------------------------------------------------------------


@dataclass(frozen=True)
class Filling:
    """A cell that may turn up later, and what it may change.

    The instant lies between those in `after` and those in `before`. Of the clauses named here a
    state may change as evidence does: `decides`, what was unknown is decided or stays unknown;
    `refutes`, a breach may turn out to be none as well; `owes`, an obligation may arise or go;
    `moves`, the cell sets a due or an order of events, so anything may change. All others stay.
    """

    after: tuple[str, ...]
    before: tuple[str, ...] = ()
    decides: tuple[str, ...] = ()
    refutes: tuple[str, ...] = ()
    owes: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()


RESPONSE = ("sla.phone_support", "sla.response", "aftercare.served")
SOLVED = ("sla.software_resolution", "sla.hardware_repair", "sla.development_support")
FILLINGS = {
    ("tickets", "responded_at"): Filling(
        after=("reported_at",),
        before=("onsite_at", "resolved_at", "closed_at"),
        decides=RESPONSE,
    ),
    ("tickets", "onsite_at"): Filling(
        after=("reported_at", "responded_at"),
        before=("left_site_at", "resolved_at", "closed_at"),
        decides=("sla.onsite", *RESPONSE),
        owes=(
            "sla.stay_until_resolved",
            "sla.signed_off",
            "people.permit",
            "people.confidentiality",
        ),
        moves=("sla.hardware_swap",),
    ),
    ("tickets", "left_site_at"): Filling(
        after=("reported_at", "responded_at", "onsite_at"),
        decides=("sla.stay_until_resolved", "sla.signed_off"),
        owes=("sla.hardware_swap",),
    ),
    ("tickets", "resolved_at"): Filling(
        after=("reported_at", "responded_at", "onsite_at"),
        before=("closed_at",),
        decides=(*SOLVED, "sla.onsite", *RESPONSE),
        # A loaner that came too late is a breach while nothing says that the repair came first.
        refutes=("sla.stay_until_resolved", "sla.hardware_swap"),
        owes=("sla.loaner", "sla.hardware_swap"),
        moves=("warranty.replacement",),
    ),
    ("tickets", "closed_at"): Filling(
        after=("reported_at", "responded_at", "onsite_at", "resolved_at"),
    ),
    ("tickets", "customer_signoff_at"): Filling(
        after=("reported_at",),
        decides=("sla.signed_off",),
    ),
    ("tickets", "loaner_provided_at"): Filling(
        after=("reported_at",),
        before=("loaner_returned_at", "resolved_at", "closed_at"),
        decides=("sla.loaner",),
        refutes=("sla.stay_until_resolved", "sla.hardware_swap"),
        owes=("warranty.loaner_free",),
    ),
    ("tickets", "loaner_returned_at"): Filling(after=("loaner_provided_at",)),
    ("complaints", "acknowledged_at"): Filling(
        after=("received_at",),
        before=("handled_at", "feedback_sought_at", "closed_at"),
        decides=("complaint.acknowledged",),
    ),
    ("complaints", "handled_at"): Filling(
        after=("received_at", "acknowledged_at"),
        before=("feedback_sought_at", "closed_at"),
        decides=("complaint.acknowledged",),
        owes=("complaint.opinion_sought",),
    ),
    ("complaints", "feedback_sought_at"): Filling(
        after=("received_at", "acknowledged_at", "handled_at"),
        before=("closed_at",),
        decides=("complaint.opinion_sought",),
    ),
    ("equipment", "commissioned_on"): Filling(after=(), decides=("delivery.commissioned",)),
    ("equipment", "pre_shipment_check_on"): Filling(
        after=(), decides=("delivery.checked_before_shipping",)
    ),
    ("inspections", "plan_approved_on"): Filling(after=(), decides=("inspection.plan_approved",)),
    ("personnel", "approved_on"): Filling(after=(), decides=("people.permit",)),
    ("personnel", "assessed_on"): Filling(after=(), decides=("people.permit",)),
    ("personnel", "permit_from"): Filling(
        after=(), before=("permit_until",), decides=("people.permit",)
    ),
    ("personnel", "nda_signed_on"): Filling(after=(), decides=("people.confidentiality",)),
}


Gap = tuple[str, str, int]
Ledger = Mapping[tuple[str, str], Mapping[str, Any]]


def gaps(logs: Logs) -> dict[str, list[Gap]]:
    """By column, the empty cells that may turn up: log, column, place of the row.

    A ticket is one that has ended, a complaint one whose rounds are all closed.
    """
    open_ones = {row["complaint_id"] for row in logs["complaints"] if not row["closed_at"]}
    found = defaultdict(list)
    for log, cell in FILLINGS:
        for place, row in enumerate(logs[log]):
            unfinished = (log == "tickets" and not end_of_ticket(row)) or (
                log == "complaints" and row["complaint_id"] in open_ones
            )
            if not row[cell] and not unfinished:
                found[f"{log}.{cell}"].append((log, cell, place))
    return found


def fill(random: Random, logs: Logs, gap: Gap, as_of: datetime) -> Logs | None:
    """With a value in the gap that fits the row and lies no later than as_of; None without one."""
    log, cell, place = gap
    row, filling = logs[log][place], FILLINGS[log, cell]
    least = max((row[name] for name in filling.after), default="")
    most = min([instant(as_of), *(row[name] for name in filling.before if row[name])])
    if catalogue().logs[log].columns[cell].type == "date":
        values = [str(day) for day in (*LONG_AGO, *DAYS)]
    elif least:
        values = [least, most, *(instant(datetime.fromisoformat(least) + wait) for wait in WAITS)]
    else:
        return None
    values = [value for value in values if least <= value <= most]
    if not values:
        return None
    rows = [*logs[log]]
    rows[place] = {**row, cell: random.choice(values)}
    return {**logs, log: rows}


@given(seed=seeds)
@examples(3)
def test_evidence_that_turns_up_only_decides_what_was_unknown(seed: int) -> None:
    """Filling in a missing instant never lowers `rate` nor raises `rate_upper`.

    Asserted for one empty cell (see FILLINGS) of a finished ticket, a complaint whose rounds are
    all closed, a unit, a visit or an engineer; for a value no later than as_of that keeps the
    stages in their order, and logs that reach equally far. Then of each obligation that is there
    before and after, what was met or breached stays so, what was unknown is decided or stays
    unknown, and what was pending stays pending; a clause that does not rest on the cell keeps its
    rows to the letter; and each clause with the same obligations due stays between its rates.

    Not asserted, since the rules say otherwise: where the cell itself sets a due or an order
    (arrival for hardware_swap, the end of repairs for replacement; the end of the letter in
    permit_until), where no entry is itself the breach (a subject that is not finished, a visit's
    report, a loaner for those who left), and where the cell makes a new obligation.
    """
    random = Random(seed)
    as_of = any_as_of(random)
    filled: dict[str, tuple[str, Gap]] = {}
    versions: list[Logs] = []
    for number in range(14):
        key = f"HT{number:02}"
        logs = as_stood(contract(key, random, waived=False), as_of)
        versions.append(logs)
        every = gaps(logs)
        for version, column in enumerate(every):
            gap = random.choice(every[column])
            if more := fill(random, logs, gap, as_of):
                versions.append(renamed(more, key, f"V{version:02}{number:02}"))
                filled[f"V{version:02}{number:02}"] = (key, gap)
    clauses = [clause for clause in catalogue().clauses if clause != "spares.ratio"]
    with ledger_of(together(versions), as_of, "obligation", *clauses) as con:
        found = figures(con, ["obligation"])
    for key, (original, gap) in filled.items():
        before, after = found.obligations(original), found.obligations(key)
        filling = FILLINGS[gap[:2]]
        wrong = [*said_otherwise(filling, before, after), *rates_left(filling, before, after)]
        if wrong:
            note(f"as of {as_of}, {key} has one cell more than {original}: {gap}")
            tell(together(versions), key)
        assert not wrong


def said_otherwise(filling: Filling, before: Ledger, after: Ledger) -> Iterator[str]:
    """The obligations whose rows a filling changes as evidence does not."""
    for key in sorted(before.keys() | after.keys()):
        clause = key[0]
        if clause in filling.moves:
            continue
        if key not in before or key not in after:
            if clause not in filling.owes:
                yield f"{key} is owed on one side only"
            continue
        old, new = before[key]["state"], after[key]["state"]
        if clause not in (*filling.decides, *filling.refutes):
            if before[key] != after[key]:
                yield f"{key} does not rest on this: {old} {new}"
        elif old == "breached" and clause in filling.refutes:
            if new not in ("met", "breached"):
                yield f"{key} {old} {new}"
        elif new != old and not (old == "unknown" and new in DUE):
            yield f"{key} {old} {new}"


def rates_left(filling: Filling, before: Ledger, after: Ledger) -> Iterator[str]:
    """The clauses that with the same obligations due leave the span between their two rates."""
    for clause in {clause for clause, _ in before} - {*filling.moves}:
        (due, low, high), (due_after, low_after, high_after) = (
            rates(ledger, clause) for ledger in (before, after)
        )
        if due and due == due_after:
            if low_after < low:
                yield f"{clause}: rate {low} became {low_after}"
            if high_after > high and clause not in filling.refutes:
                yield f"{clause}: rate_upper {high} became {high_after}"


def rates(ledger: Ledger, clause: str) -> tuple[set[str], Fraction, Fraction]:
    """The subjects due of a clause, its rate and its rate_upper (1 where nothing is due)."""
    states = {
        subject: row["state"]
        for (name, subject), row in ledger.items()
        if name == clause and row["state"] in DUE
    }
    counts = Counter(states.values())
    due = len(states) or 1
    return (
        set(states),
        Fraction(counts["met"], due),
        Fraction(counts["met"] + counts["unknown"], due),
    )


# --- waivers -------------------------------------------------------------------------------------


@given(seed=seeds)
@examples(2)
def test_waiving_excludes_exactly_the_obligation_that_is_waived(seed: int) -> None:
    """It turns a breach or an unknown to excluded and nothing else; of another state, nothing.

    So the number due never rises. A waiver without both names, by the one who asked for it, or
    approved after as_of does nothing at all.
    """
    random = Random(seed)
    as_of = any_as_of(random)
    logs = contracts(random, 30)
    tables = ("obligation", "availability", "warranty")
    with merged(logs.items()) as con:
        with built(con, as_of, *tables) as cursor:
            before = figures(cursor, tables)
        waived = {
            row["contract_id"]: some_waiver(random, row["contract_id"], before, logs, as_of)
            for row in logs["contracts"]
        }
        merge(con, "waivers", [waiver for waiver, _ in waived.values()], 99)
        with built(con, as_of, *tables) as cursor:
            after = figures(cursor, tables)
    for number, (waiver, valid) in waived.items():
        key = waiver["clause"], waiver["subject"].replace(number, "HT")
        expected = before.obligations(number)
        if valid and expected[key]["state"] in ("breached", "unknown"):
            expected[key] = {**expected[key], "state": "excluded"}
        assert after.obligations(number) == expected
        for table in tables[1:]:
            assert after.of(number)[table] == before.of(number)[table]


def some_waiver(
    random: Random, number: str, ledger: Figures, logs: Logs, as_of: datetime
) -> tuple[Row, bool]:
    """A waiver of an obligation of the contract that had none, and whether it is a valid one."""
    taken = {(row["clause"], row["subject"]) for row in logs["waivers"]}
    subjects = defaultdict(list)
    for clause, subject in ledger.obligations(number):
        if (clause, subject.replace("HT", number)) not in taken:
            subjects[clause].append(subject.replace("HT", number))
    # Each clause as likely as any other, however many obligations it has.
    clause = random.choice(sorted(subjects))
    waiver = {
        "contract_id": number,
        "clause": clause,
        "subject": random.choice(subjects[clause]),
        "reason": "停电",
        "requested_by": "A",
        "approved_by": "B",
        "approved_on": str(as_of.date()),
    }
    if random.random() < 0.75:
        return waiver, True
    flaws = (
        {"requested_by": ""},
        {"approved_by": ""},
        {"approved_by": "A"},
        {"approved_on": ""},
        {"approved_on": str(as_of.date() + timedelta(1))},
    )
    return {**waiver, **random.choice(flaws)}, False


# --- availability --------------------------------------------------------------------------------


@given(seed=seeds)
@examples(2)
def test_downtime_is_a_union_within_service_and_cover_within_downtime(seed: int) -> None:
    """Each month 0 ≤ covered ≤ down ≤ service; over all months they are the whole of each.

    The whole is reckoned here a second time, by the words of the rule: how long the unit served,
    how long the union of its faults lasted, and how much of that the union of its loaners covered.
    """
    random = Random(seed)
    as_of = any_as_of(random)
    logs = contracts(random, 60, orderly=False, waived=False)
    with ledger_of(logs, as_of, "availability") as con:
        rows = dicts(con, "availability")
    summed: dict[str, Counter[str]] = defaultdict(Counter)
    assert len({(row["equipment_id"], row["month"]) for row in rows}) == len(rows)
    for row in rows:
        service, down, covered = (row[f"{name}_seconds"] for name in ("service", "down", "covered"))
        assert 0 <= covered <= down <= service
        assert 0 < service <= 31 * 86400
        assert 0 <= row["availability"] <= row["availability_with_loaner"] <= 1
        assert row["availability"] == (service - down) / service
        summed[row["equipment_id"]] += Counter(service=service, down=down, covered=covered)
    stood = as_stood(logs, as_of)
    for unit in stood["equipment"]:
        whole = reckoned(unit, stood["tickets"], as_of)
        if summed[unit["equipment_id"]] != +whole:
            tell(stood, unit["contract_id"])
        assert summed[unit["equipment_id"]] == +whole, (unit["equipment_id"], as_of)


Span = tuple[datetime, datetime]


def reckoned(unit: Row, tickets: Sequence[Row], as_of: datetime) -> Counter[str]:
    """The seconds that a unit served, was down and was covered, from rows as they stood."""
    if not unit["accepted_on"]:
        return Counter()
    since = datetime.fromisoformat(unit["accepted_on"])
    until = datetime.fromisoformat(unit["retired_on"]) if unit["retired_on"] else as_of
    mine = [row for row in tickets if row["equipment_id"] == unit["equipment_id"]]
    faults = [row for row in mine if row["service_type"].endswith("_fault")]
    repaired = [
        end for row in faults if (end := end_of_ticket(row)) and row["outcome"] != "not_fixed"
    ]
    down, covered = [], []
    for row in faults:
        stopped = row["work_stopped"] or str(row["service_type"] == "hardware_fault").lower()
        if stopped == "true":
            end = end_of_ticket(row)
            if end and row["outcome"] == "not_fixed":
                end = min((other for other in repaired if other >= end), default=None)
            down.append((datetime.fromisoformat(row["reported_at"]), end or as_of))
    for row in mine:
        if row["loaner_provided_at"]:
            returned = row["loaner_returned_at"]
            back = datetime.fromisoformat(returned) if returned else end_of_ticket(row)
            covered.append((datetime.fromisoformat(row["loaner_provided_at"]), back or as_of))
    down = [(max(first, since), min(last, until)) for first, last in down]
    covered = [(max(first, since), min(last, until)) for first, last in covered]
    return Counter(
        service=length([(since, until)]),
        down=length(down),
        covered=length(down) + length(covered) - length(down + covered),
    )


def end_of_ticket(row: Row) -> datetime | None:
    end = row["resolved_at"] or row["closed_at"]
    return datetime.fromisoformat(end) if end else None


def length(spans: Sequence[Span]) -> int:
    """The seconds of a union of spans; one that ends before it begins has none."""
    total, reached = 0, datetime.min
    for first, last in sorted(spans):
        if last > max(first, reached):
            total += int((last - max(first, reached)).total_seconds())
            reached = last
    return total


# --- loading -------------------------------------------------------------------------------------


def split(random: Random, logs: Logs) -> list[tuple[str, list[Row]]]:
    """The rows of each log in up to three pieces, those and their rows in any order."""
    pieces = []
    for name, rows in logs.items():
        mixed = random.sample(rows, len(rows))
        cuts = sorted(random.randint(0, len(rows)) for _ in range(random.randint(0, 2)))
        for first, last in pairwise([0, *cuts, len(rows)]):
            pieces.append((name, mixed[first:last]))
    random.shuffle(pieces)
    return pieces


@given(seed=seeds)
@examples(1)
def test_neither_order_nor_splitting_matters_where_keys_are_disjoint(seed: int) -> None:
    random = Random(seed)
    as_of = any_as_of(random)
    logs = contracts(random, 40, orderly=False)
    tables = (*CORE, "complaint", "falls_due", "repair_chain", "spares_part")
    with ledger_of(logs, as_of, *tables) as con:
        expected = figures(con, tables)
    with merged(split(random, logs)) as con, built(con, as_of, *tables) as cursor:
        assert_same(expected, figures(cursor, tables), logs)


COLUMNS = {
    name: {column for row in rows for column in row}
    for name, rows in contracts(Random(0), 20).items()
}


def written(folder: Path, pieces: Sequence[tuple[str, list[Row]]]) -> list[Path]:
    """One CSV a piece, their names in this order."""
    folder.mkdir()
    files = []
    for number, (name, rows) in enumerate(pieces):
        file = folder / f"{number:02}-{name}.csv"
        columns = [column for column in catalogue().logs[name].columns if column in COLUMNS[name]]
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, columns)
            writer.writeheader()
            writer.writerows(rows)
        files.append(file)
    return files


def loaded_figures(settings: Settings) -> tuple[Marts, Figures]:
    marts = open_marts(settings)
    assert marts.rejected_rows == 0
    with duckdb.connect(marts.path, read_only=True) as con:
        return marts, figures(con, CORE)


def plain_figures(marts: Marts, pieces: Sequence[tuple[str, list[Row]]]) -> Figures:
    """The same, of these rows merged at once, without any warehouse."""
    loaded = {name for name, _ in pieces}
    with merged(pieces) as con, built(con, marts.as_of, *CORE, loaded=loaded) as cursor:
        return figures(cursor, CORE)


@given(seed=seeds)
@examples(1)
def test_loading_in_any_order_gives_the_same(seed: int) -> None:
    """Files of disjoint keys, through the real reading and checking; what waits comes to count.

    Up to when each log is complete is stated: else the files of its rows say it.
    """
    random = Random(seed)
    logs = contracts(random, 6, orderly=False)
    logs["coverage"] = [
        {"log": log, "contract_id": row["contract_id"], "through_at": instant(KNOWN_AT)}
        for row in logs["contracts"]
        for log in EVENT_LOGS
    ]
    pieces = split(random, logs)
    cut = random.randint(1, len(pieces) - 1)
    with TemporaryDirectory() as name:
        settings = Settings(Path(name) / "warehouse")
        for number, some in enumerate((pieces[:cut], pieces[cut:])):
            load(settings, written(Path(name) / str(number), some))
        marts, found = loaded_figures(settings)
    assert marts.waiting_rows == {}
    assert_same(plain_figures(marts, list(logs.items())), found, logs)


@given(seed=seeds)
@examples(1)
def test_a_load_undone_was_never_loaded(seed: int) -> None:
    """First from under a later load of the same keys, then that one too."""
    random = Random(seed)
    base = contracts(random, 5)
    log = random.choice(["equipment", "tickets", "complaints", "parts", "waivers", "contracts"])
    changes = []
    for _ in range(2):
        # Some rows of the same contracts anew, and some of a contract that was not there.
        keys = [*(row["contract_id"] for row in base["contracts"]), "HT99"]
        again = together(contract(key, random) for key in keys)
        changes.append((log, [row for row in again[log] if random.random() < 0.7]))
    with TemporaryDirectory() as name:
        settings = Settings(Path(name) / "warehouse")
        load(settings, written(Path(name) / "base", list(base.items())))
        _, before = loaded_figures(settings)
        done = load(settings, written(Path(name) / "changes", changes), corrections=True)
        first, second = (str(file.batch) for file in done.files)
        undo(settings, first)
        marts, found = loaded_figures(settings)
        assert_same(plain_figures(marts, [*base.items(), changes[1]]), found, base)
        undo(settings, second)
        assert_same(before, loaded_figures(settings)[1], base)
