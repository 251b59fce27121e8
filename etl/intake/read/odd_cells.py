"""Cells of an XLSX whose value no reader of values can tell; found in the sheet's own XML.

A formula that was never computed has no value, yet is not empty. A number of more than 15 digits
has lost its last ones: as an id it is another than the one that was meant. A number shown by the
format 00000 or "GD-"0000 is an id whose zeros and letters are in the format alone.
"""

import html
import re
import zipfile
from collections.abc import Mapping

UNCALCULATED = "#UNCALCULATED!"

_FORMULA = re.compile(
    rb"<(?:\w+:)?c\b([^<>]*)>"
    rb"<(?:\w+:)?f\b(?:[^<>]*/>|[^<>]*>[^<]*</(?:\w+:)?f>)"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
)
_NUMBER = re.compile(
    rb"<(?:\w+:)?c\b([^<>]*)>(?:<f\b[^<>]*>[^<]*</f>|<f\b[^<>]*/>)?"
    rb"<v>([0-9]{16,}|[0-9.]+[eE]\+?(?:1[5-9]|[2-9][0-9]))</v>"
)
_LONG = re.compile(rb"<v>(?:[0-9]{16}|[0-9.]+[eE])")
_PLACE = re.compile(rb"\br=[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")
_TYPE = re.compile(rb"\bt=[\"'](\w+)[\"']")
_SHEET = re.compile(r"<(?:\w+:)?sheet\b[^<>]*>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\b[^<>]*>")
_FORMAT = re.compile(r"<(?:\w+:)?numFmt\b[^<>]*>")
_STYLE = re.compile(r"<(?:\w+:)?xf\b[^<>]*>")
_ID_FORMAT = re.compile(r"(?:\"([^\"]*[^\"\W][^\"]*)\")?(0{2,15})")
_ATTRIBUTE = re.compile(r"([\w:]+)=(?:\"([^\"]*)\"|'([^']*)')")
_LARGEST_INDEX = 10_000_000


class OddCells:
    """The odd cells of one sheet; `texts` has what to read in their stead, by row and column."""

    def __init__(self, shown: Mapping[bytes, tuple[str, int]]) -> None:
        self.texts: dict[tuple[int, int], str] = {}
        self._rest = b""
        self._shown = shown
        styles = b"|".join(shown)
        self._padded = re.compile(
            rb"<c\b([^<>]*\bs=\"(" + styles + rb")\"[^<>]*)><v>([0-9]{1,15})</v>"
        )

    def feed(self, piece: bytes) -> None:
        """Takes the next piece of the sheet's XML."""
        block = self._rest + piece
        if b"<f" in block:
            for found in _FORMULA.finditer(block):
                kind = _TYPE.search(found[1])
                # A formula whose value is the empty text says that its value is a text.
                if kind is None or kind[1] != b"str":
                    self._note(found[1], UNCALCULATED)
        if (b"+" in block or _has_long_digits(block)) and _LONG.search(block):
            for found in _NUMBER.finditer(block):
                kind = _TYPE.search(found[1])
                if kind is None or kind[1] == b"n":
                    self._note(found[1], f"{float(found[2]):.14E}")
        for found in self._padded.finditer(block) if self._shown else ():
            kind = _TYPE.search(found[1])
            if kind is None or kind[1] == b"n":
                letters, width = self._shown[found[2]]
                self._note(found[1], letters + found[3].decode().zfill(width))
        start = block.rfind(b"<c ")
        self._rest = block[start:] if 0 <= len(block) - start <= 40_000 else block[-200:]

    def _note(self, attributes: bytes, text: str) -> None:
        if place := _PLACE.search(attributes):
            column = 0
            for letter in place[1]:
                column = column * 26 + letter - 64
            self.texts[int(place[2]) - 1, column - 1] = text


def _has_long_digits(block: bytes) -> bool:
    """Whether 16 digits stand in a row; ten times as fast as a search for them."""
    import numpy as np

    characters = np.frombuffer(block, np.uint8)
    runs = (characters >= ord("0")) & (characters <= ord("9"))
    for step in (1, 2, 4, 8):
        runs = runs[:-step] & runs[step:]
    return bool(runs.any())


def formats_of_ids(archive: zipfile.ZipFile) -> Mapping[bytes, tuple[str, int]]:
    """The cell styles, by number, that show a number as an id: its letters, and how many digits."""
    name = "xl/styles.xml"
    formats = {
        found.get("numFmtId", ""): (code[1] or "", len(code[2]))
        for found in _elements(archive, name, _FORMAT)
        if (code := _ID_FORMAT.fullmatch(found.get("formatCode", "")))
    }
    if not formats:
        return {}
    styles = _elements(archive, name, _STYLE, within="cellXfs")
    return {
        str(number).encode(): formats[style["numFmtId"]]
        for number, style in enumerate(styles)
        if style.get("numFmtId") in formats
    }


def parts_of_sheets(archive: zipfile.ZipFile) -> Mapping[str, str]:
    """The name of the part that holds each sheet, by the sheet's name."""
    targets = {
        found.get("Id", ""): found.get("Target", "")
        for found in _elements(archive, "xl/_rels/workbook.xml.rels", _RELATION)
    }
    parts = {}
    for found in _elements(archive, "xl/workbook.xml", _SHEET):
        identity = next((value for name, value in found.items() if name.endswith(":id")), "")
        target = targets.get(identity, "")
        parts[found.get("name", "")] = (
            target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        )
    return parts


def _elements(
    archive: zipfile.ZipFile, name: str, pattern: re.Pattern[str], within: str | None = None
) -> list[dict[str, str]]:
    try:
        if archive.getinfo(name).file_size > _LARGEST_INDEX:
            return []
        text = archive.read(name).decode("utf-8", "replace")
    except KeyError:
        return []
    if within is not None:
        text = text.partition(f"<{within}")[2].partition(f"</{within}")[0]
    return [
        {key: html.unescape(one or other) for key, one, other in _ATTRIBUTE.findall(element)}
        for element in pattern.findall(text)
    ]
