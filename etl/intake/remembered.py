"""The mappings that a warehouse remembers: one TOML file per header set and log.

mappings/<hash of the folded header set and the log>.toml    its last line says who signed it
"""

from collections.abc import Sequence

from etl.errors import KeptError
from etl.intake.mapping import ColumnMapping
from etl.state import State
from etl.store import Warehouse

FOLDER = "mappings"


def remember(warehouse: Warehouse, mapping: ColumnMapping) -> None:
    """Keeps `mapping` for its header set; one kept for the same set before is replaced.

    The constants of a mapping are kept with it, and a load that uses one says so.
    """
    target = warehouse.path(FOLDER, f"{mapping.identity}.toml")
    text = State(warehouse.settings).signed_mapping(mapping.identity, mapping.to_toml())
    for last in (False, False, True):
        try:
            with warehouse.writing(target) as temporary:
                temporary.write_bytes(text.encode())
            return
        except FileNotFoundError:  # swept away by a writer that began just now
            if last:
                raise


def remembered(warehouse: Warehouse) -> tuple[ColumnMapping, ...]:
    """What is remembered, by file name. Raises KeptError where a file of it is damaged."""
    found = []
    for file in sorted(warehouse.path(FOLDER).glob("[!.]*.toml")):
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:  # forgotten meanwhile
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise KeptError("mapping_not_toml", file=file.name, detail=error) from error
        found.append(ColumnMapping.from_toml(text, file.name))
    return tuple(found)


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
