"""The merged ranges of binary workbooks, XLS and XLSB, by the name of the sheet.

Nothing else is read of them here. What is damaged, or of another build than Excel's, has none.
"""

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

from etl.intake.read.odd_cells import Range
from etl.intake.read.parts import targets_of

Ranges = dict[str, set[Range]]

_FREE = 0xFFFFFFFA  # from here on, a sector number says that there is none
_BOUND_SHEET, _MERGED_CELLS, _BEGIN, _END = 0x85, 0xE5, 0x809, 0x0A
# In an XLSB: the list of sheets, a row, the last of the kinds of cells, a merged range.
_BUNDLE_SHEET, _ROW, _LAST_CELL_KIND, _MERGED = 156, 0, 11, 176


def xls_ranges(path: Path) -> Ranges:
    """The merged ranges of an XLS."""
    try:
        stream = _workbook_stream(path.read_bytes())
        return {name: set(_xls_sheet(stream, start)) for name, start in _xls_sheets(stream)}
    except (struct.error, IndexError, UnicodeDecodeError):
        return {}


def _workbook_stream(content: bytes) -> bytes:
    """The stream of a compound file that holds the workbook."""
    size = 1 << int.from_bytes(content[30:32], "little")
    sectors = [n for n in struct.unpack("<109I", content[76:512]) if n < _FREE]
    following, left = struct.unpack("<II", content[68:76])
    while following < _FREE and left:
        *more, following = struct.unpack(f"<{size // 4}I", _sector(content, size, following))
        sectors += [n for n in more if n < _FREE]
        left -= 1
    table = b"".join(_sector(content, size, n) for n in sectors)
    following_of = struct.unpack(f"<{len(table) // 4}I", table)

    def chain(first: int) -> bytes:
        found: list[bytes] = []
        at = first
        while at < _FREE and len(found) <= len(following_of):
            found.append(_sector(content, size, at))
            at = following_of[at]
        return b"".join(found)

    directory = chain(int.from_bytes(content[48:52], "little"))
    for start in range(0, len(directory), 128):
        entry = directory[start : start + 128]
        name = entry[: max(int.from_bytes(entry[64:66], "little") - 2, 0)].decode("utf-16-le")
        first, length = struct.unpack("<II", entry[116:124])
        if name in ("Workbook", "Book") and length >= 4096:
            return chain(first)[:length]
    return b""


def _sector(content: bytes, size: int, number: int) -> bytes:
    return content[(number + 1) * size : (number + 2) * size]


def _records(stream: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """The records of one part of a workbook stream: kind and content."""
    depth = 0
    while start + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, start)
        yield kind, stream[start + 4 : start + 4 + size]
        depth += (kind == _BEGIN) - (kind == _END)
        start += 4 + size
        if depth <= 0:
            return


def _xls_sheets(stream: bytes) -> Iterator[tuple[str, int]]:
    for kind, content in _records(stream, 0):
        if kind == _BOUND_SHEET:
            start, size, wide = int.from_bytes(content[:4], "little"), content[6], content[7] & 1
            name = content[8 : 8 + size * (2 if wide else 1)]
            yield name.decode("utf-16-le" if wide else "latin-1"), start


def _xls_sheet(stream: bytes, start: int) -> Iterator[Range]:
    for kind, content in _records(stream, start):
        if kind == _MERGED_CELLS:
            for at in range(2, 2 + 8 * int.from_bytes(content[:2], "little"), 8):
                yield struct.unpack_from("<4H", content, at)


def xlsb_ranges(archive: zipfile.ZipFile, most_cells: int) -> Ranges:
    """The merged ranges of an XLSB. Raises OverflowError where a sheet has more cells than that."""
    try:
        parts = targets_of(archive, "xl/_rels/workbook.bin.rels")
        found = {}
        for kind, content in _long_records(archive.read("xl/workbook.bin")):
            if kind == _BUNDLE_SHEET:
                identity, end = _wide_text(content, 8)
                sheet = archive.read(parts[identity])
                found[_wide_text(content, end)[0]] = set(_xlsb_sheet(sheet, most_cells))
        return found
    except (struct.error, IndexError, KeyError, UnicodeDecodeError):
        return {}


def _long_records(stream: bytes) -> Iterator[tuple[int, memoryview]]:
    """The records of a part of an XLSB: kind and content."""
    view = memoryview(stream)
    at, end = 0, len(stream)
    while at < end:
        kind = stream[at]
        at += 1
        if kind & 0x80:
            kind = kind & 0x7F | (stream[at] & 0x7F) << 7
            at += 1
        size = shift = 0
        while True:
            byte = stream[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift == 28:
                break
        yield kind, view[at : at + size]
        at += size


def _wide_text(content: memoryview, at: int) -> tuple[str, int]:
    end = at + 4 + 2 * int.from_bytes(content[at : at + 4], "little")
    return bytes(content[at + 4 : end]).decode("utf-16-le"), end


def _xlsb_sheet(sheet: bytes, most_cells: int) -> Iterator[Range]:
    rows = columns = 0
    for kind, content in _long_records(sheet):
        if kind <= _LAST_CELL_KIND:
            place = int.from_bytes(content[:4], "little") + 1
            if kind == _ROW:
                rows = max(rows, place)
            elif place > columns:
                columns = place
            if rows * columns > most_cells:
                raise OverflowError
        elif kind == _MERGED:
            yield struct.unpack_from("<4I", content)
