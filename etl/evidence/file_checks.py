"""The other files of a warehouse, checked: are all there, as they were written, and listed?"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from etl.evidence.chain import record_files
from etl.evidence.findings import Finding
from etl.evidence.manifest_checks import ManifestsChecked, manifest_numbers
from etl.marts import Progress
from etl.signing import signer
from etl.state import mapping_statement, text_and_signature
from etl.store import Batch, sha256_of

_TEMPORARY = re.compile(r"\..+\.\d+\.tmp(\..+)?")
_INSTEAD = r"(\.[0-9a-f]{8})?"  # built in the place of a damaged one that readers have open
_GENERATION = re.compile(
    rf"(past-)?\d+-[0-9a-f]{{12}}{_INSTEAD}(-asof-\d{{8}}T\d{{12}}{_INSTEAD})?\.(duckdb|json)"
)
_DAMAGE = (OSError, ValueError, duckdb.Error)


def check_files(
    root: Path,
    manifests: ManifestsChecked,
    keys: frozenset[str],
    findings: list[Finding],
    notes: list[Finding],
    progress: Progress,
) -> int:
    """Checks the files of every batch, mapping and generation, and looks for others; counts them.

    `keys` may have signed the mappings.
    """
    files, batches = 0, manifests.batches
    for done, batch in enumerate(batches):
        progress(batch.id, done, len(batches))
        files += _check_batch(root, batch, findings, notes)
    unlisted = [*strays(root, "decisions", {one.name for one in record_files(root)})]
    unlisted += _unlisted(root, manifests.listed)
    if unlisted and _is_being_written(root):
        notes.append(Finding("being_written", {}))
    else:
        for one in unlisted:
            (notes if one.code == "file_left_over" else findings).append(one)
    findings += _mappings(root, keys)
    findings += _generations(root, progress)
    return files


def strays(root: Path, folder: str, known: Iterable[str]) -> Iterator[Finding]:
    """The files in a folder of the warehouse that are none of those it is known to have."""
    names = set(known)
    for file in sorted((root / folder).rglob("*")):
        name = file.relative_to(root / folder).as_posix()
        if name in names or (file.is_dir() and not file.is_symlink()):
            continue
        values = {"file": f"{folder}/{name}"}
        if _TEMPORARY.fullmatch(file.name):
            yield Finding("file_left_over", values)
        else:
            yield Finding("record_stray" if folder == "decisions" else "file_unlisted", values)


def _unlisted(root: Path, batches: Sequence[Batch]) -> Iterator[Finding]:
    yield from strays(root, "manifests", {f"{number}.json" for number in manifest_numbers(root)})
    raw = {f"{one.sha256}{one.extension}" for one in batches if one.sha256 is not None}
    yield from strays(root, "raw", raw)
    yield from strays(root, "batches", {f"{one.log}/{one.id}.parquet" for one in batches})
    yield from strays(root, "rejects", {f"{one.id}.parquet" for one in batches if one.rejected})
    generations = {file.name for file in (root / "generations").glob("*")}
    yield from strays(root, "generations", filter(_GENERATION.fullmatch, generations))
    mappings = {file.name for file in (root / "mappings").glob("[!.]*.toml")}
    yield from strays(root, "mappings", mappings)


def _is_being_written(root: Path) -> bool:
    """Whether a writer is at work: its files are not listed until it has finished."""
    if not (root / "lock").exists():
        return False
    try:
        with FileLock(root / "lock", timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a warehouse that cannot be written
        return False


def _check_batch(root: Path, batch: Batch, findings: list[Finding], notes: list[Finding]) -> int:
    """Checks the files of a batch; how many there were."""
    named = [(f"batches/{batch.log}/{batch.id}.parquet", batch.rows_sha256)]
    if batch.rejected:
        named.append((f"rejects/{batch.id}.parquet", batch.rejects_sha256))
    if batch.sha256 is not None:
        named.append((f"raw/{batch.sha256}{batch.extension}", batch.sha256))
    for name, digest in named:
        values = {"batch": batch.id, "file": name, "source": batch.file}
        file = root / name
        try:
            if not file.exists():
                findings.append(Finding("batch_file_missing", values))
            elif digest is None:
                notes.append(Finding("batch_without_hash", values))
            elif sha256_of(file) != digest:
                findings.append(Finding("batch_file_changed", values))
        except OSError:
            findings.append(Finding("batch_file_changed", values))
    return len(named)


def _mappings(root: Path, keys: frozenset[str]) -> Iterator[Finding]:
    """The remembered mappings that Kept did not write as they are; none is signed without a key."""
    files = sorted((root / "mappings").glob("[!.]*.toml")) if keys else []
    for file in files:
        try:
            text, line = text_and_signature(file.read_bytes().decode())
        except (OSError, ValueError):
            yield Finding("mapping_changed", {"file": file.name})
            continue
        if line is None:
            yield Finding("mapping_unsigned", {"file": file.name})
        elif signer(line, mapping_statement(file.stem, text)) not in keys:
            yield Finding("mapping_changed", {"file": file.name})


def _generations(root: Path, progress: Progress) -> Iterator[Finding]:
    """The databases that cannot be read whole: DuckDB holds a checksum of every block."""
    there = root.glob("generations/*.duckdb")
    files = [file for file in there if _GENERATION.fullmatch(file.name)]
    for done, file in enumerate(sorted(files)):
        progress(file.name, done, len(files))
        try:
            with duckdb.connect(file, read_only=True) as con:
                tables = con.execute(
                    "select schema_name, table_name from duckdb_tables() where not internal"
                ).fetchall()
                for schema, table in tables:
                    con.execute(f'select bit_xor(hash(one)) from "{schema}"."{table}" as one')
                    con.fetchall()
        except FileNotFoundError:
            continue
        except _DAMAGE:
            yield Finding("generation_damaged", {"file": file.name})
