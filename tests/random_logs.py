"""Random logs, small and dense, so that limits, ties and gaps meet often.

A contract's rows are drawn from a few units, departments and engineers and from instants on a
coarse grid of six weeks about the turn of a year, each stage of a ticket a typical limit (or a
second more) after the one before. Its ids begin with the contract's own, so that many contracts,
or many versions of one, fit into one build of the models and can be told apart afterwards.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from random import Random

import duckdb
import pyarrow as pa

from etl.catalogue import Column, catalogue
from etl.ledger import build_marts
from etl.references import find_waiting
from etl.tables import create_logs, merge_rows

Row = dict[str, str]
Logs = dict[str, list[Row]]

KNOWN_AT = datetime(2030, 1, 1)
EVENT_LOGS = ("tickets", "inspections", "parts", "complaints", "training")
DEPARTMENTS = ("内科", "外科")
DAYS = tuple(
    date.fromisoformat(day)
    for day in (
        "2025-11-30", "2025-12-01", "2025-12-02", "2025-12-10", "2025-12-11", "2025-12-12",
        "2025-12-20", "2025-12-21", "2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02",
        "2026-01-10", "2026-01-11", "2026-01-15",
    )
)  # fmt: skip
LONG_AGO = tuple(date.fromisoformat(day) for day in ("2024-12-31", "2025-01-10", "2025-06-30"))
TIMES = ("00:00:00", "08:00:00", "08:30:00", "12:00:00", "23:59:59")
WAITS = tuple(
    timedelta(minutes=minutes, seconds=seconds)
    for minutes, seconds in (
        (0, 0), (5, 0), (5, 1), (30, 0), (30, 1), (120, 0), (120, 1), (24 * 60, 0),
        (48 * 60, 0), (48 * 60, 1), (3 * 24 * 60, 0), (10 * 24 * 60, 0),
    )
)  # fmt: skip
TERMS = {
    "phone_minutes": ("0", "7.5"), "response_minutes": ("0", "7.51", "120"),
    "onsite_minutes": ("30",), "resolution_hours": ("2", "0.5"), "repair_days": ("0", "1"),
    "swap_hours": ("0", "2"), "development_days": ("0", "2"), "warranty_months": ("0", "1", "13"),
    "extension_days": ("0", "1", "9"), "failed_repairs": ("1", "3"),
    "replacement_days": ("0", "5"), "window_first_day": ("1", "10"), "window_last_day": ("28",),
    "report_days": ("0", "1"), "spares_ratio": ("0", "0.5", "1"), "complaint_hours": ("0.5", "48"),
    "training_days": ("0", "10"), "guarantee_days": ("0", "9"), "retention_months": ("0", "1"),
    "retention_rate": ("0.015",),
}  # fmt: skip
TARGETS = ("0", "0.5", "0.666667", "1")


def instant(value: datetime) -> str:
    """An instant as a cell."""
    return value.isoformat(" ", "seconds")


def end_of(day: date) -> datetime:
    """The last second of a day."""
    return datetime.combine(day, datetime.min.time()) + timedelta(seconds=86399)


def any_as_of(random: Random) -> datetime:
    """An instant of the grid, the end of a day, or long after everything."""
    if random.random() < 0.2:
        return datetime(2026, 3, 1)
    day = random.choice(DAYS[3:])
    return random.choice([end_of(day), _instant(random, day)])


def contracts(random: Random, count: int, *, orderly: bool = True, waived: bool = True) -> Logs:
    """The logs of contracts HT01, HT02, …; see `contract` for the rest."""
    return together(
        contract(f"HT{number:02}", random, orderly=orderly, waived=waived)
        for number in range(1, count + 1)
    )


def contract(key: str, random: Random, *, orderly: bool = True, waived: bool = True) -> Logs:
    """The logs of one contract, every row valid and nothing waiting.

    Where `orderly`, a ticket's stages follow each other (response, arrival, resolution, closing),
    and those of a complaint; else they only keep what the check demands of a row.
    """
    units = _units(key, random)
    tickets = [_ticket(key, n, random, units, orderly) for n in range(random.randint(2, 7))]
    complaints = [
        row for n in range(random.randint(0, 2)) for row in _rounds(key, n, random, orderly)
    ]
    logs: Logs = {
        "contracts": [_contract(key, random)],
        "equipment": units,
        "tickets": tickets,
        "inspections": [_visit(key, n, random) for n in range(random.randint(0, 4))],
        "parts": _movements(key, random, tickets),
        "complaints": complaints,
        "personnel": [_engineer(key, n, random) for n in range(random.randint(0, 2))],
        "training": [_session(key, n, random) for n in range(random.randint(0, 2))],
        "sample_tests": [_test(key, n, random) for n in range(random.randint(0, 1))],
        "special_periods": [_period(key, n, random) for n in range(random.randint(0, 1))],
        "terms": _terms(key, random),
        "coverage": [
            {
                "log": log,
                "contract_id": key,
                "through_at": instant(random.choice([_instant(random), datetime(2026, 12, 31)])),
            }
            for log in EVENT_LOGS
            if random.random() < 0.6
        ],
        "waivers": [],
    }
    for name in ("equipment", "tickets", "inspections", "parts", "complaints"):
        for row in logs[name]:
            row["updated_at"] = _maybe(random, instant(_instant(random)), empty=0.3)
    if waived:
        logs["waivers"] = _waivers(key, random, logs)
    return logs


def together(every: Iterable[Mapping[str, list[Row]]]) -> Logs:
    """Several logs as one."""
    result: Logs = {}
    for logs in every:
        for name, rows in logs.items():
            result.setdefault(name, []).extend(rows)
    return result


def of_contract(logs: Logs, key: str) -> Logs:
    """The rows of one contract, its engineers among them."""
    return {
        name: [
            row
            for row in rows
            if (row["engineer_id"] if name == "personnel" else row["contract_id"]).startswith(key)
            or row.get("equipment_id", "").startswith(key)
        ]
        for name, rows in logs.items()
    }


def renamed(logs: Logs, old: str, new: str) -> Logs:
    """The same rows under another contract, with ids of their own."""
    return {
        name: [{column: value.replace(old, new) for column, value in row.items()} for row in rows]
        for name, rows in logs.items()
    }


def as_stood(logs: Logs, as_of: datetime) -> Logs:
    """The logs as a person would have seen them at `as_of`, by the words of the rule.

    Rows that begin later are not there, a later event is empty, and with it what the end of the
    row decides where the row had not ended.
    """
    result: Logs = {}
    for name, rows in logs.items():
        log = catalogue().logs[name]
        result[name] = []
        for row in rows:
            later = {c.name for c in log.events if not happened(c, row.get(c.name, ""), as_of)}
            if log.begins in later:
                continue
            open_yet = later and not any(row.get(end) and end not in later for end in log.ends)
            hidden = later | (set(log.decided_by_end) if open_yet else set())
            result[name].append({c: "" if c in hidden else value for c, value in row.items()})
    return result


def happened(column: Column, value: str, as_of: datetime) -> bool:
    """Whether the event of a cell lies no later than `as_of`; an empty cell has none."""
    if not value:
        return True
    if column.type == "date":
        return date.fromisoformat(value) <= as_of.date()
    return datetime.fromisoformat(value) <= as_of


# --- rows ----------------------------------------------------------------------------------------


def _instant(random: Random, day: date | None = None) -> datetime:
    return datetime.fromisoformat(f"{day or random.choice(DAYS)} {random.choice(TIMES)}")


def _maybe(random: Random, *values: object, empty: float = 0.4) -> str:
    return "" if random.random() < empty else str(random.choice(values))


def _flag(random: Random, empty: float = 0.4) -> str:
    return _maybe(random, "true", "false", empty=empty)


def _contract(key: str, random: Random) -> Row:
    bid = random.choice([*LONG_AGO, *DAYS])
    return {
        "contract_id": key,
        "amount": random.choice(["0", "0.1", "1234567.89"]),
        "currency": "CNY",
        "bid_on": _maybe(random, bid),
        "awarded_on": _maybe(random, bid, bid + timedelta(60), bid + timedelta(61)),
        "accepted_on": _maybe(random, *LONG_AGO, *DAYS[:8]),
        "service_manager": _maybe(random, "甲"),
        "service_office": _maybe(random, "乙"),
    }


def _units(key: str, random: Random) -> list[Row]:
    units: list[Row] = []
    for number in range(random.randint(1, 4)):
        accepted = random.choice([*LONG_AGO, *DAYS[:8]]) if random.random() < 0.85 else None
        near = accepted or random.choice(DAYS)
        units.append(
            {
                "equipment_id": f"{key}-U{number}",
                "contract_id": key,
                "department": random.choice(DEPARTMENTS),
                "category": _maybe(random, "打印机", "电脑"),
                "brand": _maybe(random, "A", "B"),
                "model": _maybe(random, "1", "2"),
                "delivered_on": _maybe(random, near, near - timedelta(1), near + timedelta(9)),
                "commissioned_on": _maybe(random, near, near + timedelta(1)),
                "accepted_on": str(accepted or ""),
                "retired_on": _maybe(
                    random, near, near + timedelta(1), max(near, DAYS[7]), empty=0.8
                ),
                "replaces_equipment_id": _maybe(
                    random, *(unit["equipment_id"] for unit in units), empty=0.7
                )
                if units
                else "",
                "manufacturer_warranty_months": _maybe(random, 0, 1, 12, 24),
                "warranty_until": _maybe(
                    random, *DAYS[4:], near + timedelta(365), near + timedelta(60)
                ),
                "brand_new": _flag(random),
                "quality_certificate_no": _maybe(random, "Q"),
                "supply_certificate_no": _maybe(random, "S"),
                "accessories_complete": _flag(random),
                "packaging_sealed": _flag(random),
                "pre_shipment_check_on": _maybe(random, near, near - timedelta(1)),
                "acceptance_result": _maybe(random, "pass", "fail"),
                "delivery_charge": _maybe(random, "0", "5"),
            }
        )
    return units


def _ticket(key: str, number: int, random: Random, units: list[Row], orderly: bool) -> Row:
    reported = _instant(random)
    stages = ("responded_at", "onsite_at", "resolved_at", "closed_at")
    at: dict[str, datetime] = {}
    reached = reported
    for stage in stages:
        reached += random.choice(WAITS)
        if random.random() < 0.6:
            at[stage] = reached
    if not orderly:
        for stage in at:
            if random.random() < 0.3:
                at[stage] = reported + random.choice(WAITS)
        if {"resolved_at", "closed_at"} <= at.keys():
            at["closed_at"] = max(at["resolved_at"], at["closed_at"])
    near = [reported, *at.values()]
    arrived = at.get("onsite_at", reported)
    if random.random() < 0.5:
        at["left_site_at"] = max(arrived, random.choice(near), arrived + random.choice(WAITS[:7]))
    if random.random() < 0.35:
        ends = [at[end] for end in ("resolved_at", "closed_at") if end in at and orderly]
        at["loaner_provided_at"] = min([reported + random.choice(WAITS), *ends])
        if random.random() < 0.5:
            at["loaner_returned_at"] = at["loaner_provided_at"] + random.choice(WAITS)
    if random.random() < 0.5:
        at["customer_signoff_at"] = random.choice([*near, *at.values()]) + random.choice(WAITS[:2])
    unit = random.choice(units)["equipment_id"] if random.random() < 0.85 else ""
    return {
        "ticket_id": f"{key}-T{number}",
        "contract_id": "" if unit and random.random() < 0.2 else key,
        "equipment_id": unit,
        "department": _maybe(random, *DEPARTMENTS, empty=0.6),
        "channel": _maybe(random, "phone", "phone", "email", "onsite", empty=0.2),
        "service_type": random.choice(
            ["hardware_fault"] * 5
            + ["software_fault"] * 4
            + ["consultation", "upgrade", "development_support"]
        ),
        "reported_at": instant(reported),
        **{
            column: instant(at[column]) if column in at else ""
            for column in (
                *stages,
                "left_site_at",
                "loaner_provided_at",
                "loaner_returned_at",
                "customer_signoff_at",
            )
        },
        "remote_resolved": _maybe(random, "false", "true", empty=0.6),
        "outcome": _maybe(random, "fixed", "not_fixed", "not_fixed", "replaced"),
        "problem_code": _maybe(random, "P1", "P2", empty=0.2),
        "cause": _maybe(random, "equipment", "user"),
        "work_stopped": _flag(random),
        "unrecoverable": _flag(random),
        "engineer_id": _maybe(random, f"{key}-E0", f"{key}-E1", f"{key}-E9"),
        "knowledge_ref": _maybe(random, "K"),
        "labour_charge": _maybe(random, "0", "0", "7.5"),
        "parts_charge": _maybe(random, "0", "0", "7.5"),
        "loaner_charge": _maybe(random, "0", "7.5"),
    }


def _visit(key: str, number: int, random: Random) -> Row:
    day = random.choice(DAYS)
    return {
        "inspection_id": f"{key}-I{number}",
        "contract_id": key,
        "department": random.choice([*DEPARTMENTS, "库房"]),
        "kind": random.choice(["monthly", "quarterly", "half_yearly"]),
        "planned_on": _maybe(random, day),
        "plan_approved_on": _maybe(random, day, day - timedelta(1), day + timedelta(1)),
        "performed_on": _maybe(random, day, empty=0.1),
        "inspector_id": _maybe(random, f"{key}-E0", f"{key}-E1"),
        "interviewed": _flag(random, 0.1),
        "problems_checked": _maybe(random, "true", empty=0.1),
        "maintained": _maybe(random, "true", empty=0.1),
        "client_maintained": _maybe(random, "true", empty=0.1),
        "feedback_heard": _maybe(random, "true", empty=0.1),
        "report_delivered_on": _maybe(random, day, day + timedelta(7), day + timedelta(8)),
    }


def _movements(key: str, random: Random, tickets: list[Row]) -> list[Row]:
    movements: list[Row] = []
    for number in range(random.randint(0, 8)):
        kind = random.choice(["receipt", "issue", "return", "adjustment", "count"])
        moved = instant(_instant(random))
        if movements and random.random() < 0.4:
            moved = random.choice(movements)["moved_at"]
        quantities = ["0", "1", "1.5", "3", *(["-1"] if kind == "adjustment" else [])]
        # A movement names no ticket that was not yet reported.
        known = [ticket["ticket_id"] for ticket in tickets if ticket["reported_at"] <= moved]
        movements.append(
            {
                "movement_id": f"{key}-M{number}",
                "contract_id": key,
                "part_no": random.choice("AAB"),
                "location": _maybe(random, "local", "local", "remote", empty=0.25),
                "moved_at": moved,
                "kind": kind,
                "quantity": random.choice(quantities),
                "ticket_id": _maybe(random, *known) if known else "",
                "unit_cost": _maybe(random, "5", "5.5"),
                "unit_price": _maybe(random, "5", "5.5"),
            }
        )
    return movements


def _rounds(key: str, number: int, random: Random, orderly: bool) -> list[Row]:
    rounds: list[Row] = []
    received = _instant(random)
    for count in range(1, random.choice([1, 1, 2, 3]) + 1):
        at = received
        cells: Row = {}
        for stage in ("acknowledged_at", "handled_at", "feedback_sought_at", "closed_at"):
            at = (at if orderly else received) + random.choice(WAITS[:9])
            cells[stage] = _maybe(random, instant(at))
        rounds.append(
            {
                "complaint_id": f"{key}-K{number}",
                "round": str(count),
                "contract_id": key,
                "department": _maybe(random, *DEPARTMENTS),
                "channel": _maybe(random, "phone", "web"),
                "category": _maybe(random, "conduct", "conduct", "quality"),
                "upheld": _flag(random),
                "received_at": instant(received),
                **cells,
                "assigned_to": _maybe(random, "售后", empty=0.6),
                "satisfied": _flag(random),
            }
        )
        received += random.choice(WAITS)
    return rounds


def _engineer(key: str, number: int, random: Random) -> Row:
    start = random.choice([*LONG_AGO, *DAYS])
    return {
        "engineer_id": f"{key}-E{number}",
        "approved_on": _maybe(random, *LONG_AGO, *DAYS, empty=0.2),
        "assessed_on": _maybe(random, *LONG_AGO, empty=0.2),
        "permit_no": _maybe(random, "N", empty=0.2),
        "permit_from": _maybe(random, start, empty=0.2),
        "permit_until": _maybe(random, start, start + timedelta(365), empty=0.5),
        "nda_signed_on": _maybe(random, *LONG_AGO, *DAYS),
    }


def _session(key: str, number: int, random: Random) -> Row:
    return {
        "session_id": f"{key}-S{number}",
        "contract_id": key,
        "held_on": str(random.choice(DAYS)),
        "topics": _maybe(random, "operation", "operation;maintenance", "troubleshooting"),
    }


def _test(key: str, number: int, random: Random) -> Row:
    return {
        "test_id": f"{key}-X{number}",
        "contract_id": key,
        "tested_on": _maybe(random, *DAYS, empty=0.2),
        "conforms": _flag(random),
        "cost_borne_by": _maybe(random, "vendor", "buyer"),
    }


def _period(key: str, number: int, random: Random) -> Row:
    starts = _instant(random)
    return {
        "period_id": f"{key}-P{number}",
        "contract_id": key,
        "starts_at": instant(starts),
        "ends_at": _maybe(random, instant(starts + timedelta(2))),
        "plan_filed_on": _maybe(random, starts.date(), starts.date() + timedelta(1)),
    }


def _terms(key: str, random: Random) -> list[Row]:
    chosen = {name: random.choice(TERMS[name]) for name in random.sample(sorted(TERMS), 4)}
    clauses = sorted(catalogue().clauses)
    chosen |= {f"{name}.target": random.choice(TARGETS) for name in random.sample(clauses, 12)}
    return [{"contract_id": key, "term": name, "value": value} for name, value in chosen.items()]


def _waivers(key: str, random: Random, logs: Logs) -> list[Row]:
    """Waivers of all kinds, most of them of what is likely to be an obligation."""
    subjects = {
        "sla.": [row["ticket_id"] for row in logs["tickets"]],
        "complaint.acknowledged": [f"{key}-K0"],
        "delivery.": [row["equipment_id"] for row in logs["equipment"]],
        "inspection.monthly": [f"{name}|2025-12" for name in DEPARTMENTS],
        "spares.ratio": [str(day) for day in DAYS],
    }
    found: dict[tuple[str, str], Row] = {}
    for _ in range(random.randint(0, 5)):
        group = random.choice(list(subjects))
        clause = random.choice([name for name in catalogue().clauses if name.startswith(group)])
        subject = random.choice(subjects[group])
        found[clause, subject] = {
            "contract_id": key,
            "clause": clause,
            "subject": subject,
            "reason": "停电",
            "requested_by": _maybe(random, "A", "B", empty=0.1),
            "approved_by": _maybe(random, "B", empty=0.1),
            "approved_on": _maybe(random, *DAYS, empty=0.1),
        }
    return list(found.values())


# --- databases -----------------------------------------------------------------------------------


@contextmanager
def merged(batches: Iterable[tuple[str, list[Row]]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the logs that these batches give, merged in this order."""
    with duckdb.connect() as con:
        con.execute("set threads = 1")  # so little data gains nothing from two
        create_logs(con, "logs")
        for sequence, (name, rows) in enumerate(batches, start=1):
            merge(con, name, rows, sequence)
        find_waiting(con, "logs")
        yield con


def merge(con: duckdb.DuckDBPyConnection, name: str, rows: list[Row], sequence: int) -> None:
    """Puts rows into the log of that name, without the checks: they are valid as they come."""
    log = catalogue().logs[name]
    named = {column for row in rows for column in row}
    con.execute(
        f"create or replace temp table typed as select * exclude (batch) from logs.{name} limit 0"
    )
    if rows:
        lines = range(2, len(rows) + 2)
        cells = {column: [row.get(column) or None for row in rows] for column in log.columns}
        given = {column: pa.array(values, pa.string()) for column, values in cells.items()}
        con.register("given", pa.table({**given, "source_row": lines}))
        con.execute("insert into typed by name from given")
    merge_rows(con, "logs", log, "typed", sequence, [c for c in log.columns if c in named])


@contextmanager
def built(
    con: duckdb.DuckDBPyConnection, as_of: datetime, *wanted: str, loaded: Collection[str] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor on the marts (all, or those wanted) of the merged logs, in a schema of their own."""
    with con.cursor() as cursor:
        found = cursor.execute("select count(*) from duckdb_schemas()").fetchone()
        schema = f"marts_{found[0] if found else 0}"
        cursor.execute(f"create schema {schema}")
        cursor.execute(f"set schema = '{schema}'")
        known = frozenset(loaded or catalogue().logs)
        for _ in build_marts(cursor, "logs", known, KNOWN_AT, as_of, wanted or None):
            pass
        yield cursor


@contextmanager
def ledger_of(
    logs: Logs, as_of: datetime, *wanted: str, loaded: Collection[str] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor on the marts (all, or those wanted) of these logs."""
    with merged(logs.items()) as con, built(con, as_of, *wanted, loaded=loaded) as cursor:
        yield cursor
