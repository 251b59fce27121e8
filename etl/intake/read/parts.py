"""The small parts of an XLSX that say what the large ones are."""

import html
import re
import zipfile
from collections.abc import Iterator, Mapping

from etl.intake.read.source import CHUNK

_LARGEST = 10_000_000
_SHEET = re.compile(r"<(?:\w+:)?sheet\b[^<>]*>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\b[^<>]*>")
_ATTRIBUTE = re.compile(r"([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def parts_of_sheets(archive: zipfile.ZipFile) -> Mapping[str, str]:
    """The name of the part that holds each sheet, by the sheet's name."""
    targets = targets_of(archive, "xl/_rels/workbook.xml.rels")
    parts = {}
    for found in elements(archive, "xl/workbook.xml", _SHEET):
        identity = next((value for name, value in found.items() if name.endswith(":id")), "")
        parts[found.get("name", "")] = targets.get(identity, "")
    return parts


def targets_of(archive: zipfile.ZipFile, name: str) -> Mapping[str, str]:
    """The part that each relation of a workbook leads to."""
    targets = {
        found.get("Id", ""): found.get("Target", "") for found in elements(archive, name, _RELATION)
    }
    return {
        identity: target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        for identity, target in targets.items()
    }


def elements(
    archive: zipfile.ZipFile, name: str, pattern: re.Pattern[str], within: str | None = None
) -> list[dict[str, str]]:
    """The attributes of each element in a part that `pattern` finds, in their order.

    None where there is no such part, or it is too large to be an index.
    """
    try:
        if archive.getinfo(name).file_size > _LARGEST:
            return []
        text = archive.read(name).decode("utf-8", "replace")
    except KeyError:
        return []
    if within is not None:
        inside = re.search(rf"<((?:\w+:)?){within}\b[^<>]*>(.*?)</\1{within}\s*>", text, re.DOTALL)
        text = inside[2] if inside else ""
    return [
        {key: html.unescape(one or other) for key, one, other in _ATTRIBUTE.findall(element)}
        for element in pattern.findall(text)
    ]


def pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """A part, piece by piece."""
    with archive.open(name) as part:
        while piece := part.read(CHUNK):
            yield piece
