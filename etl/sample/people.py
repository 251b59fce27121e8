"""The vendor's engineers: who is on duty when, and with which papers."""

from dataclasses import dataclass
from random import Random

from etl.sample.files import Sheet
from etl.sample.story import LAST_DAY, Contract, day

_TICKETS_PER_ENGINEER = 420
_ALWAYS = 9_999


@dataclass(frozen=True)
class Engineer:
    """One engineer; on duty from `first` to `last`, both inside."""

    engineer_id: str
    name: str
    first: int
    last: int = _ALWAYS
    permit_no: str | None = None
    permit_from: int | None = None
    permit_until: int | None = None
    nda_signed: int | None = None
    registered: bool = True


class Team:
    """The engineers of one contract."""

    def __init__(self, contract: Contract, tickets: int) -> None:
        count = max(len(contract.engineers), tickets // _TICKETS_PER_ENGINEER)
        self.engineers = [_engineer(contract, number) for number in range(1, count + 1)]

    def draw(self, rng: Random, on: int) -> Engineer:
        """An engineer on duty."""
        while True:
            engineer = self.engineers[int(len(self.engineers) * rng.random())]
            if engineer.first <= on <= engineer.last:
                return engineer


def _engineer(contract: Contract, number: int) -> Engineer:
    """Engineer `number` of the team; four of them have the papers of the story."""
    engineer_id = f"{contract.code}-E{number:02d}"
    name = contract.engineers[(number - 1) % len(contract.engineers)]
    permit = f"SGZ-{engineer_id}"
    start = contract.accepted - 14
    if engineer_id == "YY-E03":  # goes on for three weeks after the permit has run out
        return Engineer(
            engineer_id, name, start, day("2026-04-21"), permit, start, day("2026-03-31"), start - 3
        )
    if engineer_id == "YY-E06":  # came in August; the register does not know of it yet
        return Engineer(engineer_id, name, day("2026-08-17"), registered=False)
    if engineer_id == "JY-E03":  # waits for the number of the permit
        return Engineer(engineer_id, name, day("2026-03-02"), permit_from=day("2026-02-27"),
                        nda_signed=day("2026-02-26"))  # fmt: skip
    if engineer_id == "JY-E04":  # signed the agreement only after three weeks of work
        first = day("2025-11-03")
        return Engineer(engineer_id, name, first, _ALWAYS, permit, first - 2, None, first + 21)
    return Engineer(engineer_id, name, start, _ALWAYS, permit, start, LAST_DAY + 365, start - 3)


def write_people(sheet: Sheet, team: Team) -> None:
    """Write the register of one contract's engineers."""
    for engineer in team.engineers:
        if engineer.registered:
            sheet.add(
                engineer_id=engineer.engineer_id,
                name=engineer.name,
                approved_on=engineer.first - 7,
                assessed_on=engineer.first - 4,
                permit_no=engineer.permit_no,
                permit_from=engineer.permit_from,
                permit_until=engineer.permit_until,
                nda_signed_on=engineer.nda_signed,
            )
