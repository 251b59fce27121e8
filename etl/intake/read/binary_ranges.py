"""What binary workbooks, XLS and XLSB, say of their sheets: merged ranges, and how large they are.

Calamine makes room for as many cells and texts as a file says to have. So each sheet is looked
through before, record by record; ValueError says that it makes no sense, OverflowError that it has
more cells than a sheet may have.
"""

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

from etl.intake.read.odd_cells import Range
from etl.intake.read.parts import targets_of

Ranges = dict[str, set[Range]]
"""The merged ranges by the name of the sheet."""

_FREE = 0xFFFFFFFA  # from here on, a sector number says that there is none
_BOUND_SHEET, _MERGED_CELLS, _BEGIN, _END, _PASSWORD = 0x85, 0xE5, 0x809, 0x0A, 0x2F
_DIMENSIONS, _TEXTS = 0x200, 0xFC
_CELLS = {0x06, 0xD6, 0xFD, 0x201, 0x203, 0x204, 0x205, 0x27E, 0xBD, 0xBE}
_SEVERAL_CELLS = {0xBD, 0xBE}
_XLS_COLUMNS, _XLS_ROWS = 256, 65_536
# In an XLSB: the list of sheets, the texts, a row, the last kind of cells, a merged range.
_BUNDLE_SHEET, _XLSB_TEXTS, _ROW, _LAST_CELL_KIND, _MERGED = 156, 159, 0, 11, 176
_XLSB_COLUMNS = 16_384


def xls_ranges(path: Path) -> Ranges:
    """The merged ranges of an XLS; none where it is protected by a password."""
    try:
        stream = _workbook_stream(path.read_bytes())
        version = int.from_bytes(stream[4:6], "little")
        found: Ranges = {}
        sheets = []
        for kind, content in _records(stream, 0):
            if kind == _PASSWORD:
                return {}
            if kind == _BOUND_SHEET:
                sheets.append(content)
            if kind == _TEXTS and int.from_bytes(content[4:8], "little") > len(stream):
                raise OverflowError
        for content in sheets:
            start, size, wide = int.from_bytes(content[:4], "little"), content[6], content[7] & 1
            name = content[8 : 8 + size * (2 if wide else 1)]
            title = name.decode("utf-16-le" if wide else "latin-1") if version >= 0x600 else ""
            found[title] = set(_xls_sheet(stream, start, version))
        return found
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError(error) from error


def _workbook_stream(content: bytes) -> bytes:
    """The stream of a compound file that holds the workbook."""
    size = 1 << int.from_bytes(content[30:32], "little")
    if size not in (512, 4096):
        raise ValueError("size of sectors")
    sectors = [n for n in struct.unpack("<109I", content[76:512]) if n < _FREE]
    following, left = struct.unpack("<II", content[68:76])
    while following < _FREE and left:
        *more, following = struct.unpack(f"<{size // 4}I", _sector(content, size, following))
        sectors += [n for n in more if n < _FREE]
        left -= 1
    table = _numbers(b"".join(_sector(content, size, n) for n in sectors))

    def chain(first: int) -> bytes:
        return _chained(content, size, table, first, 1)

    directory = chain(int.from_bytes(content[48:52], "little"))
    small = b""
    for start in range(0, len(directory) - 127, 128):
        entry = directory[start : start + 128]
        name = entry[: max(int.from_bytes(entry[64:66], "little") - 2, 0)].decode("utf-16-le")
        first, length = struct.unpack("<II", entry[116:124])
        if entry[66] == 5:
            small = chain(first)
        elif name in ("Workbook", "Book") and length:
            if length >= int.from_bytes(content[56:60], "little"):
                return chain(first)[:length]
            small_table = _numbers(chain(int.from_bytes(content[60:64], "little")))
            return _chained(small, 64, small_table, first, 0)[:length]
    raise ValueError("no workbook in it")


def _numbers(content: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4])


def _sector(content: bytes, size: int, number: int) -> bytes:
    return content[(number + 1) * size : (number + 2) * size]


def _chained(content: bytes, size: int, table: tuple[int, ...], first: int, skipped: int) -> bytes:
    """The sectors from `first` on; so many at the beginning of `content` have no number."""
    found: list[bytes] = []
    while first < _FREE and len(found) <= len(table):
        found.append(content[(first + skipped) * size : (first + skipped + 1) * size])
        first = table[first]
    return b"".join(found)


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


def _xls_sheet(stream: bytes, start: int, version: int) -> Iterator[Range]:
    for kind, content in _records(stream, start):
        if kind in _CELLS:
            column = content[-2:] if kind in _SEVERAL_CELLS else content[2:4]
            if int.from_bytes(column, "little") >= _XLS_COLUMNS:
                raise OverflowError
        elif kind == _DIMENSIONS:
            layout = "<4xI2xH" if version >= 0x600 else "<2xH2xH"
            rows, columns = struct.unpack_from(layout, content)
            if rows > _XLS_ROWS or columns > _XLS_COLUMNS:
                raise OverflowError
        elif kind == _MERGED_CELLS:
            for at in range(2, 2 + 8 * int.from_bytes(content[:2], "little"), 8):
                yield struct.unpack_from("<4H", content, at)


def xlsb_ranges(archive: zipfile.ZipFile, most_cells: int) -> Ranges:
    """The merged ranges of an XLSB."""
    try:
        parts = targets_of(archive, "xl/_rels/workbook.bin.rels")
        texts = "xl/sharedStrings.bin"
        if texts in archive.namelist():
            _check_texts(archive.read(texts))
        found = {}
        for kind, content in _long_records(archive.read("xl/workbook.bin")):
            if kind == _BUNDLE_SHEET:
                identity, end = _wide_text(content, 8)
                sheet = archive.read(parts[identity])
                found[_wide_text(content, end)[0]] = set(_xlsb_sheet(sheet, most_cells))
        return found
    except (struct.error, IndexError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(error) from error


def _check_texts(part: bytes) -> None:
    for kind, content in _long_records(part):
        if kind == _XLSB_TEXTS and int.from_bytes(content[4:8], "little") > len(part):
            raise OverflowError
        break


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
            if rows * columns > most_cells or columns > _XLSB_COLUMNS:
                raise OverflowError
        elif kind == _MERGED:
            yield struct.unpack_from("<4I", content)
