"""The mappings that a warehouse remembers: one TOML file per header set and log.

mappings/<hash of the folded header set and the log>.toml

Its first line is the hash of the rest, its last says who signed it; both are comments.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from etl.errors import DamagedError, KeptError
from etl.intake.mapping import ColumnMapping
from etl.state import State, text_and_signature
from etl.store import Warehouse

FOLDER = "mappings"
_HASHED = re.compile(r"# [0-9a-f]{64}")


def remember(warehouse: Warehouse, mapping: ColumnMapping) -> None:
    """Keeps `mapping` for its header set; one kept for the same set before is replaced.

    The constants of a mapping are kept with it, and a load that uses one says so.
    """
    target = warehouse.path(FOLDER, f"{mapping.identity}.toml")
    text = mapping.to_toml()
    text = f"# {_sha256(text)}\n{text}"
    text = State(warehouse.settings).signed_mapping(mapping.identity, text)
    for last in (False, False, True):
        try:
            with warehouse.writing(target) as temporary:
                temporary.write_bytes(text.encode())
            return
        except FileNotFoundError:  # swept away by a writer that began just now
            if last:
                raise


def remembered(warehouse: Warehouse) -> tuple[ColumnMapping, ...]:
    """What is remembered, by file name. Raises DamagedError where a file of it is damaged."""
    found = []
    for file in sorted(warehouse.path(FOLDER).glob("[!.]*.toml")):
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:  # forgotten meanwhile
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise DamagedError("mapping_damaged", file=f"{FOLDER}/{file.name}") from error
        found.append(_parsed(text, file))
    return tuple(found)


def _parsed(text: str, file: Path) -> ColumnMapping:
    """The mapping in a file: as it was written, and of the headers that its name says."""
    first, _, rest = text_and_signature(text)[0].partition("\n")
    try:
        mapping = ColumnMapping.from_toml(text, file.name)
    except KeptError as error:
        raise DamagedError("mapping_damaged", file=f"{FOLDER}/{file.name}") from error
    # An earlier version wrote no hash.
    changed = _HASHED.fullmatch(first) and first != f"# {_sha256(rest)}"
    if changed or mapping.identity != file.stem:
        raise DamagedError("mapping_damaged", file=f"{FOLDER}/{file.name}")
    return mapping


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def forget(warehouse: Warehouse, identity: str) -> bool:
    """Forgets the mapping of that identity (`ColumnMapping.identity`); whether there was one."""
    known = {mapping.identity for mapping in remembered(warehouse)}
    file = warehouse.path(FOLDER, f"{identity}.toml")
    if identity not in known or not file.exists():
        return False
    file.unlink()
    return True


def mapping_of(mappings: Sequence[ColumnMapping], identity: str) -> ColumnMapping | None:
    """The one of that identity among `mappings`."""
    return next((mapping for mapping in mappings if mapping.identity == identity), None)
