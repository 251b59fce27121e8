"""The units under a contract: what was delivered, what fails, what replaces what."""

import calendar
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from etl.sample.draws import Weighted
from etl.sample.files import Sheet
from etl.sample.story import EPOCH, LAST_DAY, PROBLEM_BY_CODE, Contract, Model, Script

WARRANTY_MONTHS = 12
EXTENSION_DAYS = 60
_UNITS_PER_DEPARTMENT = 25
_MOST_DEPARTMENTS = 20
_NOT_YET_ACCEPTED = 3
_TRIES = 20


def months_later(day: int, months: int) -> int:
    """The corresponding day `months` later, or that month's last day."""
    start = EPOCH + timedelta(days=day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return (date(year, month + 1, min(start.day, last)) - EPOCH).days


@dataclass(slots=True)
class Unit:
    """One device; days count from the story's epoch."""

    equipment_id: str
    department: str
    model: Model
    accepted: int
    base_expires: int
    extensions: int = 0
    retired: int | None = None
    replaces: "Unit | None" = None
    successor: "Unit | None" = None
    failed: str | None = None
    down: bool = False
    other_model: bool = False

    @property
    def expires(self) -> int:
        """The last day of the warranty."""
        return self.base_expires + EXTENSION_DAYS * self.extensions

    def in_warranty(self, day: int) -> bool:
        """Whether the unit is in warranty on `day`."""
        return self.accepted <= day <= self.expires

    def extend(self, day: int) -> None:
        """Count a fault that could not be remedied, where it was reported in warranty."""
        if self.in_warranty(day):
            self.extensions += 1


class Fleet:
    """All units of one contract, in order of acceptance."""

    def __init__(self, contract: Contract, count: int, rng: Random) -> None:
        self.contract = contract
        self.departments = _departments(contract, count)
        self.units: list[Unit] = []
        self.replacements: list[Unit] = []
        self._accepted: list[int] = []
        models = Weighted((model, model.share) for model in contract.models)
        for number in range(1, count + 1):
            model = models.draw(rng)
            accepted = _batch(contract, number, count)
            department = self.departments[int(len(self.departments) * rng.random() ** 1.25)]
            months = max(WARRANTY_MONTHS, model.warranty_months or 0)
            self._accepted.append(accepted)
            self.units.append(
                Unit(
                    f"SB{contract.code}-{number:05d}",
                    department,
                    model,
                    accepted,
                    months_later(accepted, months),
                )
            )

    def in_service(self, number: int, day: int) -> Unit:
        """The unit `number`, or what stands in its place on `day`."""
        unit = self.units[number]
        while unit.successor and unit.retired is not None and unit.retired <= day:
            unit = unit.successor
        return unit

    def scripted(self, script: Script, day: int) -> Unit:
        """The unit of the script, or the next that can have its problem."""
        problem = PROBLEM_BY_CODE[script.problem]
        for number in range(script.unit, script.unit + len(self.units)):
            unit = self.units[number % len(self.units)]
            if problem.fits(unit.model.category) and unit.accepted <= day:
                return self.in_service(number % len(self.units), day)
        return self.in_service(0, day)

    def draw(self, rng: Random, day: int) -> Unit:
        """A working unit that fails on `day`; one in twenty-five does so far more often."""
        accepted = bisect_right(self._accepted, day)
        for _ in range(_TRIES):
            number = int(accepted * rng.random())
            if rng.random() < 0.07:
                number -= number % 25
            unit = self.in_service(number, day)
            if not unit.down:
                break
        return unit

    def replace(self, unit: Unit, accepted: int, other_model: bool) -> None:
        """Put a new device in the place of `unit`."""
        months = max(WARRANTY_MONTHS, unit.model.warranty_months or 0)
        unit.successor = Unit(
            f"{unit.equipment_id}-R",
            unit.department,
            unit.model,
            accepted,
            months_later(accepted, months),
            replaces=unit,
            other_model=other_model,
        )
        unit.retired = accepted
        self.replacements.append(unit.successor)

    def covered_until(self) -> dict[str, int]:
        """Per department the last day on which one of its units is in warranty."""
        last: dict[str, int] = {}
        for unit in (*self.units, *self.replacements):
            last[unit.department] = max(last.get(unit.department, 0), unit.expires)
        return last


def write_units(sheet: Sheet, fleet: Fleet, rng: Random) -> None:
    """Write the register of one contract's units."""
    contract = fleet.contract
    gap = contract.habits.no_document
    units = (*fleet.units, *fleet.replacements)
    for unit in units:
        delivered = unit.accepted - 4 - int(12 * rng.random())
        commissioned = unit.accepted - int(3 * rng.random())
        if unit.replaces:
            delivered = commissioned = unit.accepted
        checked = delivered - 1 - int(4 * rng.random())
        if rng.random() < gap * 0.2:
            checked = delivered + 1
        sheet.add(
            **_identity(contract, unit),
            site=_site(rng),
            delivered_on=delivered,
            commissioned_on=commissioned,
            accepted_on=unit.accepted,
            retired_on=unit.retired,
            replaces_equipment_id=unit.replaces and unit.replaces.equipment_id,
            manufacturer_warranty_months=unit.model.warranty_months,
            warranty_until=_registered_expiry(unit, gap, rng),
            brand_new=True,
            quality_certificate_no=_document("ZBS", unit, gap, rng),
            supply_certificate_no=_document("GHZ", unit, gap, rng),
            accessories_complete=rng.random() >= gap * 0.2,
            packaging_sealed=None if rng.random() < gap * 0.5 else True,
            pre_shipment_check_on=checked,
            acceptance_result="fail" if rng.random() < gap * 0.1 else "pass",
            delivery_charge=15_000 if rng.random() < gap * 0.1 else 0,
        )
    for row in _waiting_for_acceptance(contract):
        sheet.add(**row)


def _departments(contract: Contract, units: int) -> tuple[str, ...]:
    areas = -(-units // (_UNITS_PER_DEPARTMENT * len(contract.departments)))
    return tuple(
        name if area == 1 else f"{name}{area}区"
        for area in range(1, min(areas, _MOST_DEPARTMENTS) + 1)
        for name in contract.departments
    )


def _batch(contract: Contract, number: int, count: int) -> int:
    share = 0.0
    for batch in contract.batches:
        share += batch.share
        if number <= round(share * count):
            return batch.accepted
    return contract.batches[-1].accepted


def _identity(contract: Contract, unit: Unit) -> dict[str, object]:
    model = unit.model
    return {
        "equipment_id": unit.equipment_id,
        "contract_id": contract.contract_id,
        "brand": model.brand,
        "model": f"{model.model}S" if unit.other_model else model.model,
        "serial_no": _serial(unit),
        "category": model.category,
        "department": unit.department,
    }


def _serial(unit: Unit) -> str:
    return f"{unit.model.model}{unit.equipment_id.removeprefix('SB')}".replace("-", "")


def _site(rng: Random) -> str:
    return f"{1 + int(3 * rng.random())}号楼{1 + int(5 * rng.random())}层"


def _document(prefix: str, unit: Unit, gap: float, rng: Random) -> str | None:
    if rng.random() < gap:
        return None
    return f"{prefix}{unit.equipment_id.removeprefix('SB')}"


def _registered_expiry(unit: Unit, gap: float, rng: Random) -> int | None:
    """What the register says; where papers are missing, maker's terms are forgotten too."""
    chance = rng.random()
    if chance < gap:
        return None
    if chance < 3 * gap:
        return months_later(unit.accepted, WARRANTY_MONTHS)
    if unit.extensions and unit.base_expires < LAST_DAY and gap == 0 and chance < 0.25:
        return unit.base_expires
    return unit.expires


def _waiting_for_acceptance(contract: Contract) -> Iterator[dict[str, object]]:
    """A last delivery that the buyer has not accepted yet."""
    if contract.code != "ZW":
        return
    model = contract.models[0]
    for number in range(1, _NOT_YET_ACCEPTED + 1):
        unit = Unit(f"SBZW-N{number:04d}", contract.departments[0], model, 0, 0)
        yield {
            **_identity(contract, unit),
            "delivered_on": LAST_DAY - 6,
            "pre_shipment_check_on": LAST_DAY - 9,
            "brand_new": True,
            "quality_certificate_no": f"ZBSZW-N{number:04d}",
            "supply_certificate_no": f"GHZZW-N{number:04d}",
            "accessories_complete": True,
            "packaging_sealed": True,
            "delivery_charge": 0,
        }
