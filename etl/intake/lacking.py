"""The clauses that cannot be judged because an export lacks the column that shows the deed."""

from collections.abc import Collection
from dataclasses import dataclass

import duckdb

from etl.catalogue import Text, catalogue
from etl.intake.columns import Note
from etl.tables import standing_sql


@dataclass(frozen=True)
class Lacking:
    """Clauses of which none of these columns of the log, any one of which would do, is there."""

    log: str
    columns: tuple[str, ...]
    clauses: tuple[str, ...]

    @property
    def note(self) -> Note:
        """It, to be said to a person."""
        columns = catalogue().logs[self.log].columns
        code = "clauses_unjudged" if len(self.clauses) > 1 else "clause_unjudged"
        return Note(
            code,
            {
                "count": len(self.clauses),
                "clauses": _listed([catalogue().clauses[name].title for name in self.clauses]),
                "columns": _listed([columns[name].label for name in self.columns]),
            },
        )


def lacking(log: str, columns: Collection[str]) -> tuple[Lacking, ...]:
    """What a file of `log` that has only these columns leaves without evidence."""
    found: dict[tuple[str, ...], list[str]] = {}
    for clause in catalogue().clauses.values():
        wanted = tuple(name for whose, name in clause.shown_by if whose == log)
        if wanted and not set(wanted) & set(columns):
            found.setdefault(wanted, []).append(clause.id)
    return tuple(Lacking(log, wanted, tuple(clauses)) for wanted, clauses in found.items())


def lacking_rows(con: duckdb.DuckDBPyConnection, logs: str) -> tuple[tuple[Lacking, int, int], ...]:
    """What the merged logs in the schema `logs` leave without evidence: of how many rows of all."""
    found: dict[Lacking, int] = {}
    totals: dict[str, int] = {}
    for log in catalogue().logs.values():
        counted = con.execute(
            f"select all_recorded, count(*) from ({standing_sql(logs, log)}) group by all_recorded"
        ).fetchall()
        totals[log.name] = sum(count for _, count in counted)
        for recorded, count in counted:
            for one in lacking(log.name, (recorded or "").split(";")):
                found[one] = found.get(one, 0) + count
    return tuple((one, count, totals[one.log]) for one, count in found.items())


def _listed(labels: list[Text]) -> Text:
    return Text("、".join(one.zh for one in labels), ", ".join(one.en for one in labels))
