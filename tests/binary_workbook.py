"""A small XLSB, record by record: nothing writes one."""

import io
import struct
import zipfile
from collections.abc import Sequence

RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="worksheets/sheet1.bin" Type="http://schemas.openxmlformats.org'
    '/officeDocument/2006/relationships/worksheet"/></Relationships>'
)
Cell = str | float | None


def xlsb(rows: Sequence[Sequence[Cell]], merged: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    """A workbook of one sheet; `merged` are first row, last row, first column, last column."""
    book = [_record(131), _record(153, bytes(12)), _record(143)]
    book.append(_record(156, struct.pack("<II", 0, 1) + _text("rId1") + _text("工单")))
    book += [_record(144), _record(132)]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/_rels/workbook.bin.rels", RELATIONS)
        archive.writestr("xl/workbook.bin", b"".join(book))
        archive.writestr("xl/worksheets/sheet1.bin", b"".join(_sheet(rows, merged)))
    return out.getvalue()


def _sheet(
    rows: Sequence[Sequence[Cell]], merged: Sequence[tuple[int, int, int, int]]
) -> list[bytes]:
    found = [_record(129), _record(148, struct.pack("<4I", 0, len(rows), 0, 9)), _record(145)]
    for number, row in enumerate(rows):
        found.append(_record(0, struct.pack("<I", number) + bytes(13)))
        for column, value in enumerate(row):
            place = struct.pack("<II", column, 0)
            if isinstance(value, str):
                found.append(_record(6, place + _text(value)))
            elif value is not None:
                found.append(_record(5, place + struct.pack("<d", value)))
    found.append(_record(146))
    if merged:
        found.append(_record(177, struct.pack("<I", len(merged))))
        found += [_record(176, struct.pack("<4I", *one)) for one in merged]
        found.append(_record(178))
    return [*found, _record(130)]


def _record(kind: int, content: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, length = b"", len(content)
    while True:
        size += bytes([length & 0x7F | (0x80 if length > 0x7F else 0)])
        length >>= 7
        if not length:
            return head + size + content


def _text(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")
