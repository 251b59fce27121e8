"""Delivery and people: what came with each unit, and who was on duty with what papers."""

import pandas as pd

from dashboard.queries import STATES, Book, Selection, frame, shared, within
from dashboard.queries.answers import per_generation, per_view

UNIT_CLAUSES = (
    "delivery.new_certified",
    "delivery.supply_proof",
    "delivery.conforms",
    "delivery.intact",
    "delivery.checked_before_shipping",
    "delivery.commissioned",
    "delivery.free",
)
PERMIT, CONFIDENTIALITY = "people.permit", "people.confidentiality"
EXPIRING_DAYS = 90
UNITS_A_PAGE = 16


def of_contract(selection: Selection) -> Selection:
    """The selection without what only units and tickets have: promises to a whole contract."""
    return selection.but(department=None)


def _place(selection: Selection) -> tuple[str, list[object]]:
    conditions, parameters = shared(
        Selection(contract=selection.contract, department=selection.department)
    )
    return " and ".join(conditions) or "true", parameters


@per_view()
def lacking_units(book: Book, selection: Selection) -> int:
    """How many units have one of the seven promises breached or unknown."""
    where, parameters = _place(selection)
    found = frame(
        book, f"select count(*) as n from delivery_unit where lacking > 0 and {where}", parameters
    )
    return int(found["n"][0])


@per_view()
def units(book: Book, selection: Selection, skip: int = 0) -> pd.DataFrame:
    """Units with something not met, those that lack most first: one page of delivery_unit."""
    where, parameters = _place(selection)
    return frame(
        book,
        f"""
        select * from delivery_unit where lacking > 0 and {where}
        order by lacking desc, accepted_on desc nulls first, equipment_id
        limit {UNITS_A_PAGE:d} offset {skip:d}
        """,
        parameters,
    )


def sample_tests(book: Book, selection: Selection) -> pd.DataFrame:
    """Tested parameters, those not as promised first: rows of fact_sample_test with their state."""
    return within(_sample_tests(book), selection.contract)


@per_generation
def _sample_tests(book: Book) -> pd.DataFrame:
    return frame(
        book,
        """
        select * from sample_test
        order by state not in ('breached', 'unknown'), tested_on desc, test_id
        """,
    )


def contracts(book: Book, selection: Selection) -> pd.DataFrame:
    """What was agreed once per contract.

    Columns: contract_id, name, bid_on, valid_until, awarded_on, guarantee (its state),
    service_manager, service_office.
    """
    return within(_contracts(book), selection.contract)


@per_generation
def _contracts(book: Book) -> pd.DataFrame:
    return frame(
        book,
        """
        select contract.contract_id, contract.name, contract.bid_on,
            obligation.due_on as valid_until, contract.awarded_on,
            obligation.state as guarantee, contract.service_manager, contract.service_office
        from fact_contract as contract
        left join obligation
            on obligation.clause = 'delivery.guarantee_valid'
            and obligation.contract_id = contract.contract_id
        order by contract.contract_id
        """,
    )


def _on_duty(selection: Selection) -> tuple[str, list[object]]:
    conditions, parameters = shared(Selection(contract=selection.contract))
    for sql, value in (("month >= ?", selection.first), ("month <= ?", selection.last)):
        if value is not None:
            conditions.append(sql)
            parameters.append(value)
    return " and ".join(conditions) or "true", parameters


@per_view()
def engineers(book: Book, selection: Selection, clause: str, limit: int) -> pd.DataFrame:
    """Engineers who were on duty, those with the most days not shown to be in order first.

    Columns: engineer_id, name, and of_all: how many there are beyond `limit`.
    """
    where, parameters = _on_duty(selection)
    return frame(
        book,
        f"""
        select engineer_id, any_value(name) as name, count(*) over () as of_all
        from duty where clause = ? and {where}
        group by engineer_id
        order by sum(breached) desc, sum(unknown) desc, engineer_id
        limit {limit:d}
        """,
        [clause, *parameters],
    )


@per_view()
def duty(book: Book, selection: Selection, clause: str, limit: int) -> pd.DataFrame:
    """Days on duty by engineer and month, of the first `limit` of engineers.

    Columns: engineer_id, month, the five states, days (their sum).
    """
    named = list(engineers(book, selection, clause, limit)["engineer_id"])
    where, parameters = _on_duty(selection)
    sums = ", ".join(f"sum({state})::integer as {state}" for state in STATES)
    found = frame(
        book,
        f"""
        select engineer_id, month, {sums} from duty
        where clause = ? and {where} and engineer_id in ({", ".join("?" * len(named)) or "null"})
        group by 1, 2 order by 1, 2
        """,
        [clause, *parameters, *named],
    )
    return found.assign(days=found[list(STATES)].sum(axis=1))


@per_view()
def unlisted(book: Book, selection: Selection) -> pd.DataFrame:
    """Engineers on duty who are not in the personnel register, by contract.

    Columns: engineer_id, contract_id, days, first_on, last_on.
    """
    where, parameters = _on_duty(selection)
    return frame(
        book,
        f"""
        select engineer_id, contract_id,
            sum(met + breached + unknown + pending + excluded)::integer as days,
            min(first_on) as first_on, max(last_on) as last_on
        from duty where clause = '{PERMIT}' and not listed and {where}
        group by 1, 2 order by days desc, 1, 2
        """,
        parameters,
    )


@per_view()
def expiring(book: Book, selection: Selection) -> pd.DataFrame:
    """Permits that end within EXPIRING_DAYS after as_of, of engineers who were on duty.

    Columns: engineer_id, name, permit_no, permit_until, days_left, last_on (last day on duty).
    """
    where, parameters = _on_duty(Selection(contract=selection.contract))
    return frame(
        book,
        f"""
        select engineer.engineer_id, engineer.name, engineer.permit_no, engineer.permit_until,
            date_diff('day', ?::date, engineer.permit_until)::integer as days_left,
            seen.last_on
        from fact_engineer as engineer
        join (
            select engineer_id, max(last_on) as last_on
            from duty where clause = '{PERMIT}' and {where} group by 1
        ) as seen using (engineer_id)
        where days_left between 0 and {EXPIRING_DAYS:d}
        order by engineer.permit_until, engineer.engineer_id
        """,
        [book.as_of, *parameters],
    )


def training(book: Book, selection: Selection) -> pd.DataFrame:
    """Topics per contract: contract_id, topic, accepted_on, due_on, done_on, state, taken and
    allowed (days from acceptance; taken runs to as_of where the topic was not taught).
    """
    return within(_training(book), selection.contract)


@per_generation
def _training(book: Book) -> pd.DataFrame:
    return frame(
        book,
        """
        select contract_id, subject as topic, arose_on as accepted_on, due_on, done_on, state,
            date_diff('day', arose_on, coalesce(done_on, ?::date))::integer as taken,
            date_diff('day', arose_on, due_on)::integer as allowed
        from obligation where clause = 'people.training'
        order by contract_id,
            case subject when 'operation' then 1 when 'maintenance' then 2 else 3 end
        """,
        [book.as_of],
    )


def special_periods(book: Book, selection: Selection) -> pd.DataFrame:
    """Special periods, those ahead first: rows of fact_special_period, their state, and ahead."""
    return within(_special_periods(book), selection.contract)


@per_generation
def _special_periods(book: Book) -> pd.DataFrame:
    return frame(
        book,
        """
        select *, starts_at > ? as ahead from special_period
        order by ahead desc, case when ahead then starts_at end, starts_at desc, period_id
        """,
        [book.as_of],
    )
