"""The verdict on a clause, decided in one place."""

from decimal import Decimal


def verdict(
    met: int, breached: int, unknown: int, pending: int, target: Decimal, has_evidence: bool
) -> str:
    """One of no_evidence, open, no_activity, kept, broken, undecided.

    `target` is the share that must be kept; compared unrounded. `has_evidence` is false when a log
    the clause rests on was never loaded.
    """
    due = met + breached + unknown
    if not has_evidence:
        return "no_evidence"
    if due == 0:
        return "open" if pending else "no_activity"
    if met >= target * due:
        return "kept"
    if met + unknown < target * due:
        return "broken"
    return "undecided"
