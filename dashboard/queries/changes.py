"""What is another now than it was as of an earlier day: two books compared."""

from pathlib import Path

import pandas as pd

from dashboard import queries
from dashboard.queries import Book, Selection
from dashboard.queries.answers import per_view
from etl import changes


@per_view(32)
def newly_broken(now: Book, then: Book, selection: Selection) -> pd.DataFrame:
    """Obligations of the contract and department in view breached now and not then: see
    `etl.changes.newly_broken`.
    """
    return pd.DataFrame(
        changes.newly_broken(
            Path(now.path), Path(then.path), selection.contract, selection.department
        ),
        columns=list(changes.OBLIGATION_COLUMNS),
    )


@per_view(32)
def verdicts(now: Book, then: Book, selection: Selection) -> pd.DataFrame:
    """The clauses whose verdict over `selection` changed, the worst first.

    Columns: contract_id, clause, was, verdict, met, due.
    """
    keys = ["contract_id", "clause"]
    before = queries.verdicts(then, selection).rename(columns={"verdict": "was"})
    both = queries.verdicts(now, selection).merge(before[[*keys, "was"]], how="left", on=keys)
    both["was"] = both["was"].fillna("no_activity")
    changed = both[both["verdict"] != both["was"]]
    order = changed["verdict"].map(queries.SEVERITY.index)
    return changed.assign(order=order).sort_values(["order", *keys])[
        [*keys, "was", "verdict", "met", "due"]
    ]
