"""One unit: what it is, its warranty event by event, when it stood still, its tickets."""

import pandas as pd

from dashboard.queries import Book, frame
from dashboard.queries.answers import per_view

MOST_TICKETS = 500


@per_view()
def unit(book: Book, equipment_id: str) -> pd.DataFrame:
    """One unit as it stands at as_of, with its warranty: one row, or none.

    Adds the contract's name, status and replacement_due (see marts/warranty.sql), days_left,
    short_days (by how much the register's date falls short of the computed one; empty where it does
    not), and replaced_by.
    """
    return frame(
        book,
        """
        select
            unit.*, contract.name as contract_name,
            known.status, known.replacement_due,
            case when known.status = 'in_warranty'
                then date_diff('day', ?::date, unit.expires_on) end as days_left,
            case when unit.warranty_until < unit.expires_on
                then date_diff('day', unit.warranty_until, unit.expires_on) end as short_days,
            (
                select min(equipment_id) from fact_unit where replaces_equipment_id = ?
            ) as replaced_by,
        from fact_warranty as unit
        join warranty as known on unit.equipment_id = known.equipment_id
        left join fact_contract as contract on unit.contract_id = contract.contract_id
        where unit.equipment_id = ?
        """,
        [book.as_of, equipment_id, equipment_id],
    )


@per_view()
def service(book: Book, equipment_id: str) -> pd.DataFrame:
    """What a unit has served since its acceptance, as the months of marts/availability.sql add up:
    one row.

    Columns: service, down, covered, up and served (up or covered) seconds (all but service empty
    where the log leaves those of a month open), hardware faults, repairs (those whose time is
    known) and mttr_seconds over them.
    """
    return frame(
        book,
        """
        with served as (
            select
                coalesce(sum(service_seconds), 0)::bigint as service_seconds,
                case when count(*) = count(down_seconds)
                    then coalesce(sum(down_seconds), 0)::bigint end as down_seconds,
                case when count(*) = count(covered_seconds)
                    then coalesce(sum(covered_seconds), 0)::bigint end as covered_seconds,
            from availability where equipment_id = ?
        ),
        repaired as (
            select count(*) as faults, count(repair_seconds) as repairs,
                avg(repair_seconds)::bigint as mttr_seconds,
            from fact_repair where reading = 0 and equipment_id = ?
        )
        select *,
            service_seconds - down_seconds as up_seconds,
            service_seconds - down_seconds + covered_seconds as served_seconds,
        from served cross join repaired
        """,
        [equipment_id] * 2,
    )


@per_view()
def extensions(book: Book, equipment_id: str) -> pd.DataFrame:
    """The events that extend a unit's warranty, or may, or came too late; the earliest first.

    Columns: ticket_id, reported_at, certain, counts, may_count, extension_days, from_on and
    until_on: the days that it adds to the certain term (with a possible one: to the term as far as
    it may reach), empty where it adds none.
    """
    return frame(
        book,
        """
        with numbered as (
            select *, row_number() over (order by reported_at, ticket_id) as place
            from fact_extension where equipment_id = ?
        ),
        placed as (
            select
                event.*, unit.extension_days, unit.base_expires_on,
                case when event.counts then event.number when event.may_count then event.place end
                    as step,
            from numbered as event join fact_unit as unit using (equipment_id)
        )
        select ticket_id, reported_at, certain, counts, may_count, extension_days,
            base_expires_on + extension_days * (step - 1)::integer + 1 as from_on,
            base_expires_on + extension_days * step::integer as until_on,
        from placed order by reported_at, ticket_id
        """,
        [equipment_id],
    )


@per_view()
def stretches(book: Book, equipment_id: str) -> pd.DataFrame:
    """When a unit stood still, what of it was covered, and its loaners.

    Columns: kind (down, covered, loaner), from_at, to_at, ticket_id (loaners), seconds.
    """
    return frame(
        book,
        """
        with every as (
            select 'down' as kind, from_at, to_at, null as ticket_id
            from fact_downtime where reading = 0 and equipment_id = ?
            union all
            select 'covered', from_at, to_at, null
            from fact_cover where reading = 0 and reach = 'most' and equipment_id = ?
            union all
            select 'loaner', from_at, to_at, ticket_id
            from fact_loaner where reading = 0 and equipment_id = ?
        )
        select *, date_diff('second', from_at, to_at) as seconds from every
        order by from_at, kind, ticket_id
        """,
        [equipment_id] * 3,
    )


@per_view()
def tickets(book: Book, equipment_id: str) -> pd.DataFrame:
    """The tickets of a unit, the latest first."""
    return frame(
        book,
        f"""
        select ticket_id, service_type, is_fault, problem_code, reported_at, end_at, finished,
            outcome, work_stopped, unrecoverable, loaner_provided_at,
            case when reported_latest_at is null and end_latest_at is null
                then date_diff('second', reported_at, end_at) end as seconds,
        from fact_ticket where reading = 0 and equipment_id = ?
        order by reported_at desc, ticket_id limit {MOST_TICKETS:d}
        """,
        [equipment_id],
    )
