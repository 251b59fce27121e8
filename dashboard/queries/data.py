"""What the warehouse holds besides figures: its batches, the rows that count nowhere yet."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from dashboard.queries import Book, frame
from dashboard.queries.answers import per_generation, per_view
from etl.catalogue import catalogue
from etl.config import Settings
from etl.intake.check import Problem, problems_from_json
from etl.intake.lacking import lacking_rows
from etl.intake.mapping import ColumnMapping
from etl.intake.match import Note
from etl.intake.remembered import remembered
from etl.lone_event import lone_event
from etl.marts import beside_logs
from etl.store import Warehouse

BATCH_COLUMNS = (
    "batch", "at", "by", "file", "sheet", "log", "new", "changed", "unchanged", "rejected",
    "superseded", "older", "undone", "sequence",
)  # fmt: skip


def batches(settings: Settings) -> pd.DataFrame:
    """Every batch, the latest first: BATCH_COLUMNS; `undone` says that it was taken back."""
    manifest = Warehouse(settings).manifest()
    gone = {batch.id for batch in manifest.undone}
    every = sorted((*manifest.batches, *manifest.undone), key=lambda one: -one.sequence)
    rows = [
        {
            **{name: getattr(one, name) for name in BATCH_COLUMNS if hasattr(one, name)},
            "batch": one.id,
            "undone": one.id in gone,
        }
        for one in every
    ]
    return pd.DataFrame(rows, columns=list(BATCH_COLUMNS))


def mappings(settings: Settings) -> tuple[ColumnMapping, ...]:
    """The mappings that the warehouse remembers."""
    return remembered(Warehouse(settings))


@per_generation
def left_out(book: Book) -> dict[str, dict[str, int]]:
    """How many rows of each log are rejected (and still open), closed since, or waiting."""
    found = {}
    for kind, sql in (
        ("open", "select log, count(*) as n from logs.open_rejects group by log"),
        (
            "closed",
            "select log, count(distinct texts) as n from logs.rejects anti join "
            "logs.open_rejects using (log, texts) group by log",
        ),
        ("waiting", "select log, count(*) as n from logs.waiting group by log"),
    ):
        rows = frame(book, sql)
        found[kind] = {str(log): int(n) for log, n in zip(rows["log"], rows["n"], strict=True)}
    return found


@per_generation
def concerns(book: Book) -> tuple[Note, ...]:
    """What a person should know of the data: a lone event, clauses without a column, unread words.

    Of each clause without a column with how many rows, of how many, lack it.
    """
    found = []
    path = Path(book.path)
    with beside_logs(path) as (con, logs):
        if latest := lone_event(con, logs):
            found.append(Note("lone_event", latest.texts(_file_of(path, latest.batch))))
        for one, rows, every in lacking_rows(con, logs):
            note = one.note
            counts = {"rows": rows, "every": every, "log": catalogue().logs[one.log].label}
            found.append(Note(f"{note.code}_rows", {**note.values, **counts}))
        unread = con.execute(
            f"select count(*) from {logs}.tickets where status = 'unknown'"
        ).fetchone()
        if unread and unread[0]:
            found.append(Note("statuses_unread", {"count": unread[0]}))
    return tuple(found)


def _file_of(path: Path, sequence: int) -> str:
    """The file of a batch, as the manifest of a generation names it."""
    warehouse = Warehouse(Settings(path.parents[1]))
    manifest = warehouse.manifest_numbered(path.name.split("-")[0])
    return next((one.file for one in manifest.batches if one.sequence == sequence), "")


@per_view(32)
def lapsed(book: Book, contract: str | None = None) -> dict[str, int]:
    """How many tickets, of one contract or of all, are cancelled, duplicate, and of both closed too
    late (late); empty where there are none.
    """
    rows = frame(
        book,
        "select status, count(*) as n, count(*) filter (late) as late "
        f"from fact_ticket_lapsed where {'contract_id = ?' if contract else 'true'} "
        "group by status",
        [contract] if contract else [],
    )
    if rows.empty:
        return {}
    counts = {str(status): int(n) for status, n in zip(rows["status"], rows["n"], strict=True)}
    return {"cancelled": 0, "duplicate": 0, **counts, "late": int(rows["late"].sum())}


@per_view(32)
def unread(book: Book, contract: str | None) -> int:
    """How many tickets, of one contract or of all, have a status that nobody translated."""
    found = frame(
        book,
        "select count(*) as n from fact_ticket where reading = 0 and status = 'unknown' "
        f"and {'contract_id = ?' if contract else 'true'}",
        [contract] if contract else [],
    )
    return int(found["n"].iloc[0])


@per_view(32)
def lapsed_tickets(book: Book, *, skip: int = 0, limit: int = 200) -> pd.DataFrame:
    """Tickets that are cancelled or duplicate: ticket_id, contract_id, status, reported_at,
    late (closed too late, or nobody knows when) and counts (whether they count all the same).
    """
    return frame(
        book,
        "select ticket_id, contract_id, status, reported_at, late, not lapsed as counts "
        "from fact_ticket_lapsed order by late desc, reported_at desc, ticket_id "
        f"limit {limit:d} offset {skip:d}",
    )


@per_view(32)
def rejects(
    book: Book, log: str | None, *, closed: bool, skip: int = 0, limit: int = 200
) -> pd.DataFrame:
    """Rejected rows: batch (its sequence), log, source_row, key, problems; open or closed ones.

    One is closed once its key counts through a later batch. The same row refused twice is one.
    """
    join = "anti" if closed else "semi"
    return frame(
        book,
        f"""
        select batch, log, source_row, array_to_string(key, ' · ') as key, problems
        from (
            select distinct on (log, texts) * from logs.rejects order by batch, source_row
        ) as refused
        {join} join logs.open_rejects as unsettled
            on unsettled.log = refused.log and unsettled.texts = refused.texts
        where refused.log = coalesce(?, refused.log)
        order by batch desc, source_row limit {limit:d} offset {skip:d}
        """,
        [log],
    )


@per_view(32)
def waiting(book: Book, log: str | None, *, skip: int = 0, limit: int = 200) -> pd.DataFrame:
    """Waiting rows: log, key, column_name, value, code (what for), batch, source_row."""
    parts = [
        f"select '{one.name}' as log, "
        f"concat_ws(' · ', {', '.join(f'cast(one.{name} as varchar)' for name in one.key)}) as key,"
        " waiting.column_name, waiting.value, waiting.code, one.batch, one.source_row "
        f"from logs.{one.name} as one join logs.waiting as waiting "
        f"on waiting.log = '{one.name}' and waiting.row_id = one.rowid"
        for one in catalogue().logs.values()
        if log in (None, one.name)
    ]
    return frame(
        book,
        f"select * from ({' union all '.join(parts)}) as every "
        f"order by log, key, source_row limit {limit:d} offset {skip:d}",
    )


def reasons(problems: str) -> Sequence[Problem]:
    """The problems of a rejected row, as it keeps them."""
    return problems_from_json(problems) if json.loads(problems) else ()
