"""The verdict on a clause, and how a rate is written, each decided in one place."""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

EVIDENCE = ("shown", "no_column", "no_end", "no_log", "not_promised")
"""What a contract's logs can show of a clause at all, as the mart clause_evidence says it."""

IDLE = ("no_activity", "not_promised")
"""Verdicts of clauses that there is nothing to say of."""


def verdict(
    met: int, breached: int, unknown: int, pending: int, target: Decimal, evidence: str
) -> str:
    """One of not_promised, no_evidence, open, no_activity, kept, broken, undecided.

    `target` is the share that must be kept; compared unrounded. `evidence` is one of EVIDENCE.
    """
    due = met + breached + unknown
    if evidence == "not_promised":
        return "not_promised"
    if evidence == "no_log" or (evidence == "no_end" and not due + pending):
        return "no_evidence"
    if evidence == "no_column" and unknown and unknown == due:
        return "no_evidence"
    if due == 0:
        return "open" if pending else "no_activity"
    if met >= target * due:
        return "kept"
    if met + unknown < target * due:
        return "broken"
    return "undecided"


def percent(met: int | Decimal, due: int | Decimal, *targets: Decimal) -> str:
    """met ÷ due as a percentage that never rounds across a target, nor up to 100 or to 0."""
    if not due:
        return "—"
    exact = Decimal(met) * 100 / Decimal(due)
    thresholds = [Decimal(0), Decimal(100), *(target * 100 for target in targets)]
    for digits in (1, 2, 3):
        shown = exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        if all(_side(shown, limit) == _side(exact, limit) for limit in thresholds):
            return f"{shown}%"
    return f"{exact.quantize(Decimal('0.001'), ROUND_DOWN)}%"


def _side(value: Decimal, limit: Decimal) -> int:
    return (value > limit) - (value < limit)
