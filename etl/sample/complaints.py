"""Complaints: what a ticket leads to when it went badly, round after round."""

from random import Random

from etl.sample.draws import Weighted, beyond, factor, spread, within
from etl.sample.files import Sheet
from etl.sample.story import COMPLAINTS, DAY, HORIZON, RESPONSIBLE, Contract
from etl.sample.tickets import Ticket

_HOUR = 3600
_LAST_ROUND = 3
_SLOW_RESPONSE = 45 * 60


class ComplaintDesk:
    """Takes the complaints of one contract."""

    def __init__(self, contract: Contract, sheet: Sheet, rng: Random) -> None:
        self._contract = contract
        self._sheet = sheet
        self._rng = rng
        self._number = 0
        self._categories = Weighted(COMPLAINTS)
        self._responsible = Weighted(RESPONSIBLE)

    def consider(self, ticket: Ticket) -> None:
        """Perhaps complain about `ticket`; more likely after a slow answer or a failed repair."""
        rng = self._rng
        chance = 0.014
        if ticket.responded_at and ticket.responded_at - ticket.reported_at > _SLOW_RESPONSE:
            chance = 0.15
        if ticket.outcome == "not_fixed":
            chance = 0.4
        if rng.random() < chance:
            start = max(ticket.end or 0, ticket.reported_at + DAY)
            self._complain(ticket, start + _HOUR + int(30 * _HOUR * rng.random()))

    def _complain(self, ticket: Ticket, received: int) -> None:
        rng, contract = self._rng, self._contract
        habits = contract.habits
        self._number += 1
        category = "conduct" if rng.random() < habits.conduct else self._categories.draw(rng)
        chance = rng.random()
        upheld = None if chance < habits.no_document else chance < 0.6
        if category == "conduct":
            upheld = chance < 0.35
        about_ticket = rng.random() < 0.85
        for number in range(1, _LAST_ROUND + 1):
            if received > HORIZON:
                return
            slow = rng.random() < 0.02 * factor(contract.bad, received // DAY)
            limit = (12 if contract.response_minutes < 30 else 24) * _HOUR
            known = received + (beyond(rng, limit) if slow else within(rng, limit, 0.1))
            handled = _office_hours(known, 1 + int(3 * rng.random()), rng)
            asked = _office_hours(handled, 1 + int(2 * rng.random()), rng)
            satisfied = rng.random() >= habits.unsatisfied * (1.4 if number > 1 else 1.0)
            satisfied = satisfied or number == _LAST_ROUND
            closed = asked + spread(rng, 300, 0.7)
            asks = rng.random() >= habits.late_report
            self._sheet.add(
                complaint_id=f"TS{contract.code}{self._number:06d}",
                round=None if number == 1 and self._number % 9 == 0 else number,
                contract_id=contract.contract_id,
                department=ticket.department,
                ticket_id=ticket.ticket_id if about_ticket else None,
                channel="complaint" if rng.random() < 0.5 else "phone",
                category=category,
                upheld=upheld,
                received_at=received,
                acknowledged_at=_seen(known),
                assigned_to=self._responsible.draw(rng) if known <= HORIZON else None,
                handled_at=_seen(handled),
                feedback_sought_at=_seen(asked) if asks else None,
                satisfied=satisfied if asks and closed <= HORIZON else None,
                closed_at=_seen(closed),
            )
            if satisfied or rng.random() < 0.12:
                return
            received = closed + int(DAY * (0.3 + 3 * rng.random()))


def _office_hours(at: int, days: int, rng: Random) -> int:
    """Some minute between nine and six, `days` later."""
    return (at // DAY + days) * DAY + 9 * _HOUR + int(9 * _HOUR * rng.random())


def _seen(at: int) -> int | None:
    return at if at <= HORIZON else None
