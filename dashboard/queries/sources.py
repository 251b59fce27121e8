"""Where the rows behind a number came from: the batches that hold what they are about."""

from pathlib import Path

import pandas as pd

from dashboard.queries import Book, Selection, of_rows
from dashboard.queries.answers import per_view
from etl.catalogue import Clause, catalogue
from etl.config import Settings
from etl.marts import beside_logs
from etl.store import Warehouse

COLUMNS = ("batch", "file", "sheet", "at", "by", "rows")
# What of the subject names the row, where it is not all of it.
_ROUND = r"regexp_replace(subject, '/[0-9]+$', '')"
_NAMED = {
    "complaint.opinion_sought": _ROUND,
    "complaint.restarted": _ROUND,
    "warranty.replacement": r"regexp_replace(subject, '\|[^|]*$', '')",
}
# Their subject is a month, a window, a day, a topic or a person's day on duty.
_WITHOUT_A_ROW = frozenset(
    {
        "inspection.monthly", "inspection.quarterly", "inspection.half_yearly", "spares.ratio",
        "people.permit", "people.confidentiality", "people.training", "people.conduct",
    }
)  # fmt: skip


def traceable(clause: Clause) -> bool:
    """Whether each obligation of the clause is about one row of a log (a month is not)."""
    return clause.id not in _WITHOUT_A_ROW


@per_view()
def batches(book: Book, selection: Selection, clause: str) -> pd.DataFrame:
    """The batches that hold the rows of the clause's log which `selection` is about.

    Columns: COLUMNS, where `rows` counts obligations; those with the most first.
    """
    log = catalogue().logs[catalogue().clauses[clause].log]
    where, parameters = of_rows(selection.but(clauses=(clause,)))
    key = log.key[0]
    path = Path(book.path)
    with beside_logs(path) as (con, logs):
        found = con.execute(
            f"""
            with held as (
                select "{key}" as named, min(batch) as batch from {logs}.{log.name} group by 1
            )
            select batch, count(*) as rows
            from (select {_NAMED.get(clause, "subject")} as named from obligation where {where})
            join held using (named)
            group by batch order by rows desc, batch
            """,
            parameters,
        ).fetchall()
    manifest = Warehouse(Settings(path.parents[1])).manifest_numbered(path.name.split("-")[0])
    known = {batch.sequence: batch for batch in manifest.batches}
    rows = [
        (known[n].id, known[n].file, known[n].sheet, known[n].at, known[n].by, count)
        for n, count in found
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
