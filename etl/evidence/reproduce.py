"""A pack made anew from its snapshot alone, and compared: every row, every figure, every byte."""

import csv
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from etl import __version__
from etl.catalogue import LANGUAGES, Text, catalogue
from etl.errors import KeptError, NothingDoneError
from etl.evidence.dossier import Dossier, WaitingRow, dossier_of
from etl.evidence.files import (
    LAST_EVENTS,
    MODELS_WANTED,
    RECORDED,
    REJECTS,
    Proof,
    hash_of_rows,
    snapshot_columns,
    write_files,
)
from etl.evidence.pack import write_derived
from etl.evidence.packcheck import DAMAGE, LISTING, RECORD, SIGNATURE
from etl.evidence.statement import differing, statement
from etl.ledger import build_marts, fingerprint
from etl.marts import known_at, opened
from etl.references import find_waiting
from etl.scratch import scratch
from etl.sql import literal
from etl.store import Manifest, parse_manifest, sha256_of
from etl.tables import create_logs

MOST_NAMED = 20
DECIDED = frozenset(
    {
        "seq", "prev_hash", "hash", "key", "signature", "timestamp", "timestamp_authority", "kind",
        "created_at", "authenticated", "decision", "supersedes",
    }
)  # fmt: skip
"""The fields of a record that do not follow from the data."""


@dataclass(frozen=True)
class Difference:
    """A row that comes out otherwise: as the pack says and as computed; None: no such row."""

    file: str
    said: str | None
    computed: str | None


@dataclass(frozen=True)
class Reproduction:
    """What came of it: how many rows were compared, what differs, under whose rules.

    `files` of the pack are not, byte by byte, those that are made anew; those whose rows are in
    `differences` among them. `same_rules` is false where this Kept's rules are not those in the
    pack, and `kept` names the version that wrote it; then rows and files may differ for that
    reason. `not_made` files could not be made here.
    """

    contract_id: str
    kept: str
    rows: int
    differences: tuple[Difference, ...]
    more: int
    files: tuple[str, ...]
    not_made: tuple[str, ...]
    same_rules: bool

    @property
    def same(self) -> bool:
        """Whether everything came out as the pack says."""
        return not self.differences and not self.files

    @property
    def same_version(self) -> bool:
        """Whether this Kept is the one that wrote the pack."""
        return self.kept == __version__


def reproduce(pack: Path) -> Reproduction:
    """Makes every file of a pack anew from its snapshot and compares all of it.

    Needs no warehouse. Raises KeptError where the file is no pack or its snapshot cannot be read.
    """
    with _unpacked(pack) as folder, scratch("reproduce") as place:
        try:
            content = json.loads((folder / RECORD).read_bytes())
            found, files, not_made = _compare(folder, place, content)
            rows = sum(_count(file) for file in sorted((folder / "rows").glob("*.csv")))
            same_rules = sha256_of(place / "made" / "models.csv") == sha256_of(
                folder / "models.csv"
            )
        except (*DAMAGE, LookupError, AttributeError, ArithmeticError, duckdb.Error) as error:
            raise KeptError("pack_unreadable", file=pack) from error
    return Reproduction(
        contract_id=str(content["contract_id"]),
        kept=str(content["kept"]),
        rows=rows,
        differences=tuple(found[:MOST_NAMED]),
        more=max(0, len(found) - MOST_NAMED),
        files=tuple(files),
        not_made=tuple(not_made),
        same_rules=same_rules,
    )


@contextmanager
def _unpacked(pack: Path) -> Iterator[Path]:
    """The folder of the pack; a zip is unpacked."""
    if pack.is_dir():
        yield pack
        return
    with scratch("unpacked") as folder:
        inside = folder / "pack"
        try:
            with zipfile.ZipFile(pack) as archive:
                archive.extractall(inside)
        except DAMAGE as error:
            raise KeptError("pack_unreadable", file=pack) from error
        yield inside


def _compare(
    folder: Path, place: Path, content: dict[str, Any]
) -> tuple[list[Difference], list[str], list[str]]:
    """What differs, which files do, and which could not be made."""
    manifest = parse_manifest((folder / "manifest.json").read_bytes())
    as_of = datetime.fromisoformat(content["as_of"])
    found = dossier_alone(folder, manifest, str(content["contract_id"]), as_of, place / "ledger")
    # What was released before is in the chain, and not in the pack.
    found = replace(
        found,
        released=Decimal(content["amounts"]["released_before"]),
        waiting=tuple(_as_packed(found.waiting, folder)),
    )
    made = place / "made"
    made.mkdir()
    hashes = write_files(found, made)
    not_made = []
    try:
        write_derived(made, content, found, folder / "manifest.json")
    except NothingDoneError:  # no font for Chinese
        not_made = ["decision.pdf"]
    differences = [
        *_compare_logs(folder, place, found),
        *_compare_rows(folder, made, content),
        *_compare_figures(content, found, hashes, sha256_of(folder / "manifest.json")),
    ]
    return differences, list(_other_files(folder, made, not_made)), not_made


def dossier_alone(
    folder: Path, manifest: Manifest, contract: str, as_of: datetime, ledger: Path
) -> Dossier:
    """The dossier of a contract from its snapshot in `folder`, without any record.

    Its ledger is computed into the new folder `ledger`, which the dossier goes on reading from.
    """
    ledger.mkdir()
    file = ledger / f"{manifest.number}.duckdb"
    with duckdb.connect(file) as con:
        con.execute("set enable_progress_bar = false")
        loaded = read_snapshot(con, folder / "snapshot", folder / "logs.csv")
        find_waiting(con, "logs")
        for _ in build_marts(
            con, "logs", loaded, known_at(manifest), as_of,
            wanted=MODELS_WANTED, last_events="last_events", timezone=manifest.timezone,
        ):  # fmt: skip
            pass
        con.execute("checkpoint")
    return dossier_of(opened(file, manifest), manifest, contract, ())


def _as_packed(waiting: tuple[WaitingRow, ...], folder: Path) -> Iterator[WaitingRow]:
    """The waiting rows with the reason that the pack gives, where it is one that may be.

    What belongs to another contract is not in the snapshot: a row that names it waits for what is
    not known there, while the warehouse knew it as another contract's.
    """
    said = [(row["reason_zh"], row["reason_en"]) for row in _rows(folder / "waiting.csv")]
    for number, one in enumerate(waiting):
        label = catalogue().logs[one.log].columns[one.column].label
        other = Text(
            *(
                catalogue().message("waits_contract", language, column=label, value=one.value or "")
                for language in LANGUAGES
            )
        )
        named = said[number] if number < len(said) else None
        yield replace(one, reason=other) if named == (other.zh, other.en) else one


def read_snapshot(con: duckdb.DuckDBPyConnection, snapshot: Path, listing: Path) -> frozenset[str]:
    """Puts the snapshot in the place of the merged logs; the logs that were ever loaded."""
    create_logs(con, "logs")
    for name in (*catalogue().logs, REJECTS, RECORDED):
        columns, _ = snapshot_columns(name)
        con.execute(
            f"insert into logs.{name} ({', '.join(columns)}) select {', '.join(columns)} "
            f"from read_parquet({literal(snapshot / f'{name}.parquet')})"
        )
    con.execute(
        "create table last_events as select log, contract_id, last_at "
        f"from read_parquet({literal(snapshot / f'{LAST_EVENTS}.parquet')})"
    )
    return frozenset(
        row["log"]
        for row in _rows(listing)
        if row["loaded"] == "true" and row["log"] in catalogue().logs
    )


def _compare_logs(folder: Path, place: Path, found: Dossier) -> Iterator[Difference]:
    """Whether the snapshot is the one that logs.csv lists, which the record is bound to."""
    with duckdb.connect(found.marts.path, read_only=True) as con:
        for row in _rows(folder / "logs.csv"):
            columns, order = snapshot_columns(row["log"])
            table = LAST_EVENTS if row["log"] == LAST_EVENTS else f"logs.{row['log']}"
            sql = f"select {', '.join(columns)} from {table} order by {', '.join(order)}"
            count, digest = hash_of_rows(con, sql, columns, place)
            if (row["rows"], row["sha256"]) != (str(count), digest):
                yield Difference(
                    f"snapshot/{row['log']}.parquet", f"{row['rows']} {row['sha256']}",
                    f"{count} {digest}",
                )  # fmt: skip


def _compare_rows(folder: Path, made: Path, content: Mapping[str, Any]) -> Iterator[Difference]:
    """The obligations that are not the same, by their subject, and clauses that one side lacks."""
    names = {f"{clause}.csv" for clause in content["rows"]}
    mine = {file.name for file in (made / "rows").iterdir()}
    for name in sorted(names ^ mine):
        one, other = ("there", None) if name in names else (None, "there")
        yield Difference(f"rows/{name}", one, other)
    for name in sorted(names & mine):
        said, computed = folder / "rows" / name, made / "rows" / name
        if sha256_of(said) == sha256_of(computed):
            continue
        both = [{row["subject"]: row for row in _rows(file)} for file in (said, computed)]
        for subject in sorted({*both[0], *both[1]}):
            row, anew = (rows.get(subject) for rows in both)
            if row != anew:
                yield Difference(f"rows/{name}", _line(row), _line(anew))


def _compare_figures(
    content: dict[str, Any], found: Dossier, hashes: Proof, manifest_sha256: str
) -> Iterator[Difference]:
    """What of the record follows from the snapshot, and is said otherwise."""
    for place, said, computed in derived_otherwise(
        content, statement(found, hashes, manifest_sha256)
    ):
        yield Difference(RECORD, f"{place} {said}", f"{place} {computed}")


def derived_otherwise(
    content: Mapping[str, Any], computed: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """Every field of a record that follows from the data and is not what is computed.

    Gives the place, what is said and what is computed. Where another version of Kept made the
    record, neither the catalogue's words nor fields that only one of the two knows are compared.
    """
    said = content.keys() - DECIDED - {"format", "kept", "rules"}
    known = computed.keys() - {"format", "kept", "rules"}
    names = said | known
    if content["rules"] != fingerprint():
        names = (said & known) - {"letter"}
    yield from differing(
        {name: content[name] for name in sorted(said & names)},
        {name: computed[name] for name in sorted(known & names)},
    )


def _other_files(folder: Path, made: Path, not_made: list[str]) -> Iterator[str]:
    """The files that are not, byte by byte, those that were made anew."""
    both = [
        {file.relative_to(one).as_posix() for file in one.rglob("*") if file.is_file()}
        for one in (folder, made)
    ]
    for name in sorted({*both[0], *both[1]} - {SIGNATURE, *not_made}):
        if name == LISTING and not_made:
            continue
        there = name in both[0] and name in both[1]
        if not there or sha256_of(folder / name) != sha256_of(made / name):
            yield name


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)


def _line(row: dict[str, str] | None) -> str | None:
    return None if row is None else ",".join(value or "" for value in row.values())


def _count(file: Path) -> int:
    return sum(1 for _ in _rows(file))
