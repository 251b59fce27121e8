"""What decisions say and what pages show, computed again from the batches alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from etl.catalogue import LANGUAGES, Text, catalogue
from etl.errors import KeptError
from etl.evidence.chain import PAYING, Record, given_back, released
from etl.evidence.decisions import Decision, drafted
from etl.evidence.dossier import Dossier, dossier_of
from etl.evidence.files import Proof, proof
from etl.evidence.findings import Finding
from etl.evidence.manifest_checks import Signed
from etl.evidence.reproduce import derived_otherwise
from etl.evidence.statement import statement
from etl.ledger import fingerprint
from etl.marts import Progress, build_apart, sound_generation
from etl.scratch import scratch
from etl.sql import literal
from etl.store import Manifest, Warehouse

MOST_NAMED = 12


def compute_anew(
    warehouse: Warehouse,
    records: Sequence[Record],
    manifests: Mapping[int, Signed],
    current: int,
    progress: Progress,
) -> tuple[list[Finding], list[Finding]]:
    """Whether every decision says what the batches give, and the generation in force holds it.

    Gives what was found, and what was not computed because the rules are others now.
    """
    findings: list[Finding] = []
    notes: list[Finding] = []
    with scratch("anew") as folder:
        computed: dict[tuple[int, str, str], tuple[Dossier, Proof]] = {}
        for record in records:
            key = (record.manifest, record.as_of, record.contract_id)
            try:
                if key not in computed:
                    computed[key] = _known(warehouse, manifests, record, folder, progress)
            except KeptError:
                findings.append(Finding("record_not_of_batches", _named(record, "contract_id")))
                continue
            found, hashes = computed[key]
            if hashes.models != record.content["hashes"]["models"]:
                values = {"seq": record.seq, "kept": record.content["kept"]}
                notes.append(Finding("record_of_other_rules", values))
                continue
            sha256 = manifests[record.manifest].sha256
            findings += _compare(record, records, found, hashes, sha256)
        manifest = manifests[current].manifest
        generation = sound_generation(warehouse, manifest) or warehouse.generation(
            manifest, fingerprint()
        )
        if generation.exists() and manifest.batches:
            findings += _compare_generation(warehouse, manifest, generation, folder, progress)
    return findings, notes


def _known(
    warehouse: Warehouse,
    manifests: Mapping[int, Signed],
    record: Record,
    folder: Path,
    progress: Progress,
) -> tuple[Dossier, Proof]:
    manifest = manifests[record.manifest].manifest
    as_of = datetime.fromisoformat(record.as_of)
    marts = build_apart(warehouse, manifest, as_of, folder, progress)
    found = dossier_of(marts, manifest, record.contract_id, ())
    return found, proof(found)


def _compare(
    record: Record, records: Sequence[Record], found: Dossier, hashes: Proof, manifest_sha256: str
) -> Iterator[Finding]:
    """Whether every field that follows from the data does, and the decision could be taken."""
    before = [
        one for one in records if one.contract_id == record.contract_id and one.seq < record.seq
    ]
    found = replace(found, records=tuple(before), released=released(before, record.contract_id))
    try:
        freed = given_back(before, record.contract_id, record.supersedes)
        if record.content["rules"] == fingerprint():
            drafted(found, _decision(record))
    except KeptError as error:
        yield Finding("record_not_allowed", {"seq": record.seq, "why": _sentence(error)})
        freed = Decimal("0.00")
    stated = statement(replace(found, released=found.released - freed), hashes, manifest_sha256)
    places = [place for place, _, _ in derived_otherwise(record.content, stated)]
    if places:
        yield Finding("record_not_of_batches", _named(record, *places))


def _decision(record: Record) -> Decision:
    return Decision(
        action=record.action,
        prepared_by=record.prepared_by,
        approved_by=record.approved_by,
        amount=record.amount if record.action in PAYING else None,
        reasons=record.reasons,
        conditions=record.conditions,
        supersedes=record.supersedes,
    )


def _compare_generation(
    warehouse: Warehouse, manifest: Manifest, published: Path, folder: Path, progress: Progress
) -> Iterator[Finding]:
    """Whether the database that pages read holds what the batches give."""
    built = build_apart(warehouse, manifest, None, folder, progress).path
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        for name, file in (("published", published), ("built", built)):
            con.execute(f"attach {literal(file)} as {name} (read_only)")
        columns = con.execute(
            "select database_name, schema_name, table_name, column_name, data_type "
            "from duckdb_columns() where database_name in ('published', 'built') and not internal "
            "and table_name in (select table_name from duckdb_tables()) order by all"
        ).fetchall()
        tables: dict[str, dict[tuple[str, str], dict[str, str]]] = {"published": {}, "built": {}}
        for database, schema, table, column, kind in columns:
            tables[database].setdefault((schema, table), {})[column] = kind
        otherwise = [
            f"{schema}.{table}"
            for schema, table in sorted(tables["published"].keys() | tables["built"].keys())
            if tables["published"].get((schema, table)) != tables["built"].get((schema, table))
            or _differs(con, f'{schema}."{table}"', tables["built"][schema, table])
        ]
    if otherwise:
        values = {"file": published.name, "what": _listed(otherwise)}
        yield Finding("generation_not_of_batches", values)


def _differs(con: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> bool:
    """Whether a table holds other rows in one database than in the other, in whatever order.

    The number of a row (`row_id`) depends on how the rows came in, and a sum of fractions on the
    order of adding in its last digits.
    """
    shown = ", ".join(
        f'round("{name}", 6)' if kind == "DOUBLE" else f'"{name}"'
        for name, kind in columns.items()
        if name != "row_id"
    )
    sides = [f"select {shown} from {one}.{table}" for one in ("published", "built")]
    found = con.execute(
        f"select exists (({sides[0]} except all {sides[1]}) union all "
        f"({sides[1]} except all {sides[0]}))"
    ).fetchone()
    return found is not None and bool(found[0])


def _named(record: Record, *places: str) -> dict[str, object]:
    return {"seq": record.seq, "what": _listed(places)}


def _listed(names: Sequence[str]) -> str:
    more = f" … ({len(names)})" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _sentence(error: KeptError) -> Text:
    return Text(*(catalogue().sentence(error, language) for language in LANGUAGES))
