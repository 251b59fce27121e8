"""The tickets of a contract, one after the other in the order they are reported."""

import heapq
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, fields
from functools import cache
from itertools import accumulate, count
from operator import attrgetter
from random import Random
from typing import TypeVar

from etl.sample.draws import Weighted, beyond, factor, spread, within
from etl.sample.people import Team
from etl.sample.stock import Stockroom, Use
from etl.sample.story import (
    CAUSES,
    DAY,
    EPOCH,
    FAULT_CHANNELS,
    HARDWARE,
    HORIZON,
    LAST_DAY,
    PARTS,
    PROBLEM_BY_CODE,
    REQUEST_CHANNELS,
    REQUESTS,
    SERVICE_MIX,
    SOFTWARE,
    Contract,
    Problem,
    Script,
)
from etl.sample.units import WARRANTY_MONTHS, Fleet, Unit, months_later

_MINUTE = 60
_HOUR = 3600
_PART_AT = {part.number: index for index, part in enumerate(PARTS)}
_FIRST_WEEKDAY = EPOCH.weekday()
T = TypeVar("T")


@dataclass(slots=True)
class Ticket:
    """One ticket, its fields in the order of the log's columns; seconds since the epoch, fen."""

    ticket_id: str
    contract_id: str
    equipment_id: str | None
    department: str | None
    channel: str
    service_type: str
    reported_at: int
    responded_at: int | None = None
    remote_resolved: bool | None = None
    onsite_at: int | None = None
    left_site_at: int | None = None
    resolved_at: int | None = None
    closed_at: int | None = None
    outcome: str | None = None
    problem_code: str | None = None
    fault_class: str | None = None
    cause: str | None = None
    work_stopped: bool | None = None
    unrecoverable: bool | None = None
    loaner_provided_at: int | None = None
    loaner_returned_at: int | None = None
    engineer_id: str | None = None
    knowledge_ref: str | None = None
    customer_signoff_at: int | None = None
    labour_charge: int | None = None
    parts_charge: int | None = None
    loaner_charge: int | None = None
    description: str | None = None

    @property
    def end(self) -> int | None:
        """When the ticket was done with."""
        return self.closed_at if self.resolved_at is None else self.resolved_at

    @property
    def is_fault(self) -> bool:
        """Whether something was broken, rather than asked for."""
        return self.service_type in ("hardware_fault", "software_fault")


values = attrgetter(*(field.name for field in fields(Ticket)))
_EVENTS = tuple(
    field.name for field in fields(Ticket) if field.name.endswith("_at")
)  # all but reported_at may lie ahead of an export
_DECIDED_BY_END = (
    "outcome", "remote_resolved", "fault_class", "cause", "knowledge_ref",
    "labour_charge", "parts_charge", "loaner_charge",
)  # fmt: skip


def as_exported(ticket: Ticket, cutoff: int) -> Ticket:
    """The ticket as an export made at `cutoff` shows it."""
    ahead = [name for name in _EVENTS if (at := getattr(ticket, name)) is not None and at > cutoff]
    if not ahead:
        return ticket
    seen = copy(ticket)
    for name in ahead:
        setattr(seen, name, None)
    if seen.end is None:
        for name in _DECIDED_BY_END:
            setattr(seen, name, None)
    return seen


class Desk:
    """The service desk of one contract: takes reports, sends people, closes tickets."""

    def __init__(
        self,
        contract: Contract,
        total: int,
        fleet: Fleet,
        team: Team,
        stock: Stockroom,
        rng: Random,
    ) -> None:
        self._contract = contract
        self._habits = contract.habits
        self._total = total
        self._fleet = fleet
        self._team = team
        self._stock = stock
        self._rng = rng
        self._order = count()
        self._due: list[tuple[int, int, Script]] = [
            (script.at, next(self._order), script) for script in contract.scripts
        ]
        heapq.heapify(self._due)
        self._services = Weighted(SERVICE_MIX)
        self._fault_channels = Weighted(FAULT_CHANNELS)
        self._request_channels = Weighted(REQUEST_CHANNELS)
        self._causes = Weighted(CAUSES)
        self._warranty_ends = months_later(contract.accepted, WARRANTY_MONTHS)

    def tickets(self) -> Iterator[Ticket]:
        """All tickets, complete, whatever happens after the horizon included."""
        for number, at in enumerate(self._reports(), start=1):
            self._stock.advance(at)
            yield self._ticket(f"GD{self._contract.code}{number:07d}", at)
        self._stock.advance(HORIZON)

    def _reports(self) -> Iterator[int]:
        """When tickets are reported: by season, weekday and hour, in order."""
        contract, rng = self._contract, self._rng
        workday = list(accumulate(contract.workday))
        weekend = list(accumulate(contract.weekend))
        days = range(contract.accepted + 1, LAST_DAY + 1)
        weights = [
            contract.weekdays[_weekday(day)] * factor(contract.seasons, day) * rng.uniform(0.8, 1.2)
            for day in days
        ]
        so_far, done = 0.0, 0
        whole = sum(weights)
        for day, weight in zip(days, weights, strict=True):
            so_far += weight
            upto = round(self._total * so_far / whole)
            hours = weekend if _weekday(day) >= 5 else workday
            yield from sorted(
                day * DAY
                + bisect_right(hours, rng.random() * hours[-1]) * _HOUR
                + int(rng.random() * _HOUR)
                for _ in range(upto - done)
            )
            done = upto

    def _ticket(self, ticket_id: str, at: int) -> Ticket:
        rng, contract = self._rng, self._contract
        script = None
        if self._due and self._due[0][0] <= at:
            script = heapq.heappop(self._due)[2]
        service = "hardware_fault" if script else self._services.draw(rng)
        fault = service in ("hardware_fault", "software_fault")
        unit: Unit | None = None
        if script:
            unit = self._fleet.scripted(script, at // DAY)
        elif rng.random() < (0.975 if fault else 0.6):
            unit = self._fleet.draw(rng, at // DAY)
        departments = self._fleet.departments
        ticket = Ticket(
            ticket_id,
            contract.contract_id,
            unit.equipment_id if unit else None,
            unit.department if unit else departments[int(len(departments) * rng.random())],
            (self._fault_channels if fault else self._request_channels).draw(rng),
            service,
            at,
        )
        if rng.random() < 0.975:
            ticket.engineer_id = self._team.draw(rng, at // DAY).engineer_id
        self._respond(ticket)
        if fault:
            self._repair(ticket, unit, script)
        else:
            self._serve(ticket)
        self._leave_gaps(ticket, script)
        return ticket

    def _respond(self, ticket: Ticket) -> None:
        rng, contract, at = self._rng, self._contract, ticket.reported_at
        day = at // DAY
        by_phone = ticket.service_type == "consultation" and ticket.channel == "phone"
        limit = _MINUTE * (contract.phone_minutes if by_phone else contract.response_minutes)
        hour = at % DAY // _HOUR
        miss = self._habits.miss_response * factor(contract.bad, day)
        miss *= 1.8 if hour >= 22 or hour < 6 else 1.0
        miss *= 1.25 if _weekday(day) >= 5 else 1.0
        miss *= 1.7 if ticket.department == contract.slow_department else 1.0
        late = rng.random() < min(miss, 0.6)
        ticket.responded_at = at + (beyond(rng, limit) if late else within(rng, limit, 0.36))
        if day in contract.bulk_days and 8 <= hour < 18:
            ticket.responded_at = day * DAY + 18 * _HOUR + 5 * _MINUTE

    def _serve(self, ticket: Ticket) -> None:
        """Answer a question, install an upgrade, support a development."""
        rng = self._rng
        started = ticket.responded_at or ticket.reported_at
        ticket.outcome = "fixed"
        ticket.description = _pick(rng, REQUESTS[ticket.service_type])
        if ticket.service_type == "consultation":
            ticket.remote_resolved = True
            ticket.resolved_at = started + spread(rng, 9, 0.6)
            ticket.closed_at = ticket.resolved_at + spread(rng, 3, 0.8)
            ticket.knowledge_ref = self._knowledge(ticket, "ZX")
            return
        days = 1.6 if ticket.service_type == "upgrade" else 5.0
        ticket.resolved_at = started + spread(rng, days * 24 * _MINUTE, 0.45)
        ticket.closed_at = ticket.resolved_at + spread(rng, 240, 0.8)
        ticket.knowledge_ref = self._knowledge(ticket, "SJ")
        ticket.labour_charge = ticket.parts_charge = 0
        if rng.random() < self._habits.charged:
            ticket.labour_charge = 30_000

    def _repair(self, ticket: Ticket, unit: Unit | None, script: Script | None) -> None:
        rng = self._rng
        hardware = ticket.service_type == "hardware_fault"
        if script:
            problem = PROBLEM_BY_CODE[script.problem]
        else:
            problem = _pick(rng, _problems(hardware, unit.model.category if unit else None))
        words = problem.words
        ticket.problem_code = problem.code
        ticket.fault_class = problem.fault_class
        ticket.description = f"{unit.model.category}{words}" if unit else words
        ticket.cause = "equipment" if script else self._causes.draw(rng)
        ticket.work_stopped = bool(script) or rng.random() < (0.4 if hardware else 0.12)
        ticket.unrecoverable = bool(script and script.unrecoverable) or (
            ticket.work_stopped and hardware and rng.random() < 0.0015
        )
        ticket.outcome = script.outcome if script else "fixed"
        if ticket.unrecoverable:
            ticket.outcome = "replaced"
        elif unit and not script and hardware and rng.random() < 0.009:
            ticket.outcome = "not_fixed"
        if not script and rng.random() < (0.14 if hardware else 0.66):
            self._mend_remotely(ticket, unit)
        else:
            self._mend_on_site(ticket, hardware, unit, problem)
        if ticket.outcome == "not_fixed" and rng.random() < 0.15 and not script:
            ticket.unrecoverable = None
        ticket.knowledge_ref = self._knowledge(ticket, problem.code)
        if unit and ticket.work_stopped and ticket.unrecoverable:
            unit.extend(ticket.reported_at // DAY)
        if unit:
            self._afterwards(ticket, unit, script)

    def _mend_remotely(self, ticket: Ticket, unit: Unit | None) -> None:
        rng = self._rng
        ticket.remote_resolved = True
        if ticket.outcome == "not_fixed":
            ticket.outcome = "fixed"
        started = ticket.responded_at or ticket.reported_at
        ticket.resolved_at = started + spread(rng, 45, 0.8)
        ticket.closed_at = ticket.resolved_at + min(spread(rng, 180, 1.0), 4 * DAY)
        self._charge(ticket, unit, 0)

    def _mend_on_site(
        self, ticket: Ticket, hardware: bool, unit: Unit | None, problem: Problem
    ) -> None:
        rng, at = self._rng, ticket.reported_at
        ticket.remote_resolved = False
        late = (
            rng.random() < self._habits.miss_onsite * factor(self._contract.bad, at // DAY) ** 0.6
        )
        travel = beyond(rng, 2 * _HOUR) if late else within(rng, 2 * _HOUR, 0.5)
        onsite = at + travel
        responded = ticket.responded_at or at
        if onsite < responded and at // DAY not in self._contract.bulk_days:
            onsite = responded + spread(rng, 25, 0.4)
        ticket.onsite_at = onsite
        second_visit = ticket.outcome != "not_fixed" and rng.random() < (0.11 if hardware else 0.05)
        if second_visit:
            self._come_again(ticket, onsite, hardware)
        else:
            work = min(spread(rng, 105 if hardware else 60, 0.75), 20 * _HOUR)
            ticket.resolved_at = onsite + work
            ticket.left_site_at = ticket.resolved_at + 8 * _MINUTE + spread(rng, 10, 0.6)
        left = ticket.left_site_at or onsite
        ticket.customer_signoff_at = left - int(5 * _MINUTE * rng.random())
        if rng.random() < self._habits.miss_onsite * 0.4:
            ticket.customer_signoff_at = left + spread(rng, 600, 0.7)
        ended = max(left, ticket.resolved_at or left)
        ticket.closed_at = ended + min(spread(rng, 240, 1.0), 5 * DAY)
        part = _PART_AT[problem.part] if problem.part else None
        self._charge(ticket, unit, self._take(ticket, unit, part))

    def _come_again(self, ticket: Ticket, onsite: int, hardware: bool) -> None:
        """Leave without having mended it, mostly with a loaner in its place, and come back."""
        rng = self._rng
        left = onsite + spread(rng, 80, 0.4)
        ticket.left_site_at = left
        ticket.resolved_at = left + 2 * _HOUR + spread(rng, 26 * _MINUTE if hardware else 700, 0.6)
        if not hardware:
            return
        chance = rng.random() + 1.5 * self._habits.miss_onsite
        if chance < 0.82:
            ticket.loaner_provided_at = left - 10 * _MINUTE
        elif chance < 0.93:
            ticket.loaner_provided_at = left + int(18 * _HOUR * rng.random())
        elif chance < 0.98:
            ticket.loaner_provided_at = left + 26 * _HOUR + spread(rng, 300, 0.5)
        if ticket.loaner_provided_at and ticket.loaner_provided_at > ticket.resolved_at:
            ticket.loaner_provided_at = None
        if ticket.loaner_provided_at:
            ticket.loaner_returned_at = ticket.resolved_at + spread(rng, 300, 0.9)
            ticket.loaner_charge = 20_000 if rng.random() < self._habits.charged else 0
        if rng.random() < 0.12:
            ticket.outcome = "replaced"

    def _take(self, ticket: Ticket, unit: Unit | None, part: int | None) -> int:
        """Take parts from the stock for the ticket and return what they are charged at."""
        rng = self._rng
        if part is None or ticket.onsite_at is None or ticket.outcome == "not_fixed":
            return 0
        covered = self._in_warranty(unit, ticket.reported_at // DAY)
        free = covered and ticket.cause != "user"
        charged = 0
        parts = [part]
        if rng.random() < 0.85:
            other = _pick(rng, _problems(True, unit.model.category if unit else None)).part
            parts.append(_PART_AT[other] if other else part)
        for offset, taken in enumerate(parts):
            cost = PARTS[taken].cost
            price: int | None = 0 if free else cost
            if price and rng.random() < 6 * self._habits.charged:
                price += cost // 4
            charged += price or 0
            if not free and rng.random() < self._habits.no_document:
                price = None
            moved = ticket.onsite_at + (5 + 7 * offset) * _MINUTE
            self._stock.use(moved, Use(taken, ticket.ticket_id, price))
        return charged

    def _charge(self, ticket: Ticket, unit: Unit | None, parts: int) -> None:
        rng = self._rng
        ticket.labour_charge = 0
        ticket.parts_charge = parts
        covered = self._in_warranty(unit, ticket.reported_at // DAY)
        if rng.random() < self._habits.charged * (1 if covered else 4):
            ticket.labour_charge = 100 * (80 + int(120 * rng.random()))
        elif rng.random() < self._habits.no_document * 0.3:
            ticket.labour_charge = ticket.parts_charge = None

    def _in_warranty(self, unit: Unit | None, day: int) -> bool:
        return unit.in_warranty(day) if unit else day <= self._warranty_ends

    def _afterwards(self, ticket: Ticket, unit: Unit, script: Script | None) -> None:
        """What a failed repair leads to: another report, or a case for replacement."""
        rng = self._rng
        end = ticket.end or ticket.reported_at
        unit.down = ticket.outcome == "not_fixed"
        if not unit.down:
            unit.failed = None
            return
        covered = unit.in_warranty(ticket.reported_at // DAY)
        if covered and unit.failed == ticket.problem_code:
            self._open_case(ticket, unit, script, end)
            return
        unit.failed = ticket.problem_code if covered else None
        if script is None or not script.at:
            again = "not_fixed" if rng.random() < 0.15 and covered else "fixed"
            self._report_again(ticket, unit, end + _HOUR + int(1.8 * DAY * rng.random()), again)

    def _open_case(self, ticket: Ticket, unit: Unit, script: Script | None, end: int) -> None:
        rng = self._rng
        unit.failed = None
        if script and script.at:
            days = script.replaced_after
        else:
            chance = rng.random()
            days = 8 + int(18 * rng.random()) if chance < 0.6 else 36 if chance < 0.8 else None
            if days is None:
                self._report_again(ticket, unit, end + 20 * DAY, "fixed")
        accepted = None if days is None else end // DAY + days
        if accepted is not None and accepted <= LAST_DAY:
            self._fleet.replace(unit, accepted, bool(script and script.other_model))
            ticket.loaner_provided_at = end + 20 * _MINUTE
            ticket.loaner_returned_at = accepted * DAY + 15 * _HOUR
            ticket.loaner_charge = 0
            ticket.left_site_at = ticket.customer_signoff_at = end + 30 * _MINUTE
            ticket.closed_at = max(ticket.closed_at or end, end + _HOUR)

    def _report_again(self, ticket: Ticket, unit: Unit, at: int, outcome: str) -> None:
        """The unit is reported again, for the same problem, at `at` or soon after."""
        number = int(unit.equipment_id.split("-")[1]) - 1
        again = Script(0, number, ticket.problem_code or "", outcome)
        heapq.heappush(self._due, (at, next(self._order), again))

    def _knowledge(self, ticket: Ticket, topic: str) -> str | None:
        if self._rng.random() < self._habits.no_knowledge:
            return None
        return f"KB-{topic}-{1 + ticket.reported_at % 40:02d}"

    def _leave_gaps(self, ticket: Ticket, script: Script | None) -> None:
        """Lose an instant here and there, as people do; now and then a ticket is forgotten."""
        rng = self._rng
        gap = self._habits.no_response_time
        chance = rng.random()
        if chance < gap:
            ticket.responded_at = None
        elif script:
            return
        elif chance < 1.5 * gap:
            ticket.left_site_at = ticket.customer_signoff_at = None
        elif chance < 2 * gap and ticket.outcome == "fixed":
            ticket.resolved_at = None
        elif chance < 2.2 * gap and ticket.onsite_at:
            ticket.onsite_at = None
        elif chance < 2.45 * gap and ticket.is_fault and not ticket.loaner_provided_at:
            ticket.resolved_at = ticket.closed_at = ticket.outcome = None
            ticket.remote_resolved = ticket.knowledge_ref = ticket.customer_signoff_at = None
            ticket.labour_charge = ticket.parts_charge = None


@cache
def _problems(hardware: bool, category: str | None) -> tuple[Problem, ...]:
    """What can be wrong with a device of `category`; with any, where none is named."""
    every = HARDWARE if hardware else SOFTWARE
    return tuple(problem for problem in every if category is None or problem.fits(category))


def _pick(rng: Random, choices: Sequence[T]) -> T:
    return choices[int(len(choices) * rng.random())]


def _weekday(day: int) -> int:
    """Monday 0 to Sunday 6."""
    return (day + _FIRST_WEEKDAY) % 7
