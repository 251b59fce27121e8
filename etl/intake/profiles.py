"""Ready-made mappings of known tools, as data in `catalogue/profiles`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from etl.catalogue import Text, catalogue
from etl.errors import CatalogueError
from etl.intake.mapping import ColumnMapping


@dataclass(frozen=True)
class Profile:
    """A kind of export that is known.

    It is recognised where every header of `signature` is there; `mapping.headers` are all that it
    may have, and of these no alias is believed: a header means what the profile says, or nothing.
    """

    name: str
    label: Text
    note: Text
    signature: tuple[str, ...]
    mapping: ColumnMapping

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The required columns that such an export does not have: a constant, or another header."""
        log = catalogue().logs[self.mapping.log]
        return tuple(
            column.name
            for column in log.columns.values()
            if column.required
            and column.name not in self.mapping.named
            and column.required_unless not in self.mapping.named
        )


@cache
def profiles() -> Mapping[str, Profile]:
    """Every profile by name. Raises CatalogueError where one contradicts itself."""
    folder = files("etl.catalogue") / "profiles"
    found = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".toml"):
            continue
        name = file.name.removesuffix(".toml")
        found[name] = _profile(name, file.read_text(encoding="utf-8"))
    return found


def _profile(name: str, text: str) -> Profile:
    raw = tomllib.loads(text)
    about = raw.pop("profile")
    mapping = ColumnMapping.from_raw(raw, name)
    known = set(mapping.headers)
    signature = tuple(about["signature"])
    strange = [
        header
        for header in (*signature, *mapping.used_headers)
        if header.partition("@")[0] not in known
    ]
    if strange or len(signature) < 3:
        raise CatalogueError(f"profile {name}: {strange or 'too short a signature'}")
    return Profile(
        name=name,
        label=Text(about["zh"], about["en"]),
        note=Text(about.get("zh_note", ""), about.get("en_note", "")),
        signature=signature,
        mapping=mapping,
    )
