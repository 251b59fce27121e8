"""The promises: their terms in force, and which of them a reader looks for."""

from collections.abc import Sequence
from decimal import Decimal

import pandas as pd

from dashboard.queries import (
    STATES,
    Book,
    Selection,
    evidence_of,
    frame,
    verdict_at,
    verdicts,
    worst,
)
from dashboard.queries.answers import per_view
from etl.catalogue import Clause, catalogue


@per_view()
def listing(book: Book, selection: Selection) -> pd.DataFrame:
    """Every clause over all contracts in view: clause, the five states, due, verdict.

    The verdict is that of `verdict_in_view`: on the sum where the contracts share a target.
    """
    every = verdicts(book, selection)
    sums = every.groupby("clause", sort=False)[[*STATES, "due"]].sum().reset_index()
    goals = _targets(book, selection.contract)
    sums["verdict"] = [
        worst(list(every[every["clause"] == row["clause"]]["verdict"]))
        if len(goals.get(row["clause"], ())) > 1
        else verdict_at(
            row,
            next(iter(goals.get(row["clause"], ())), Decimal(1)),
            evidence=evidence_of(book, row["clause"], selection.contract),
        )
        for row in sums.to_dict("records")
    ]
    return sums


def _targets(book: Book, contract: str | None) -> dict[str, set[Decimal]]:
    """The targets of each clause over the contracts in view."""
    found = frame(
        book,
        f"""
        select distinct replace(term, '.target', '') as clause, value::varchar as value
        from contract_term
        where term like '%.target' and {"true" if contract is None else "contract_id = ?"}
        """,
        [] if contract is None else [contract],
    )
    goals: dict[str, set[Decimal]] = {}
    for clause, value in zip(found["clause"], found["value"], strict=True):
        goals.setdefault(clause, set()).add(Decimal(value))
    return goals


def matching(wanted: str, group: str | None, *, assumed_only: bool) -> list[Clause]:
    """The clauses that say `wanted` anywhere, in the order of the catalogue.

    The letter breaks its lines anywhere, so white space does not count.
    """
    return [
        clause
        for clause in catalogue().clauses.values()
        if (group is None or clause.group == group)
        and (clause.assumed_terms or not assumed_only)
        and says(wanted, _said(clause))
    ]


def says(wanted: str, texts: Sequence[str]) -> bool:
    """Whether one of `texts` holds `wanted`, white space and case aside."""
    sought = _solid(wanted)
    return any(sought in _solid(text) for text in texts)


def _solid(text: str) -> str:
    return "".join(text.split()).casefold()


def _said(clause: Clause) -> tuple[str, ...]:
    group = catalogue().groups[clause.group]
    readings = [said for text in clause.readings for said in (text.zh, text.en)]
    return (
        clause.id, clause.quote, *clause.also, clause.title.zh, clause.title.en,
        clause.text.zh, clause.text.en, group.zh, group.en, *readings,
    )  # fmt: skip


@per_view(256)
def terms_in_force(book: Book, selection: Selection, names: tuple[str, ...]) -> pd.DataFrame:
    """The values of some terms over the contracts in view, each value once.

    Columns: term, value (Decimal; None where there is none), agreed (the contract sets it),
    assumed (neither the letter nor the contract names it), contracts (which have it). The value
    that most contracts have comes first. Without a contract the catalogue's default stands alone.
    """
    known = frame(
        book,
        f"""
        select term, value::varchar as value, agreed, assumed,
            list(contract_id order by contract_id) as contracts
        from contract_term
        where term in ({", ".join("?" * len(names)) or "null"})
            and ({"contract_id = ?" if selection.contract else "true"})
        group by all
        order by agreed, len(contracts) desc, value
        """,
        [*names, *([selection.contract] if selection.contract else [])],
    )
    rows: list[tuple[str, Decimal | None, bool, bool, list[str]]] = []
    for name in names:
        of_term = known[known["term"] == name].to_dict("records")
        if not of_term:
            term = catalogue().terms[name]
            rows.append((name, term.default, False, term.assumed, []))
        rows += [
            (
                name,
                None if pd.isna(row["value"]) else Decimal(row["value"]),
                bool(row["agreed"]),
                bool(row["assumed"]),
                list(row["contracts"]),
            )
            for row in of_term
        ]
    return pd.DataFrame(rows, columns=["term", "value", "agreed", "assumed", "contracts"]).astype(
        {"value": object, "contracts": object}
    )
