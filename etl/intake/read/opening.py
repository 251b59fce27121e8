"""Which kind of file it is, decided by its first bytes."""

import codecs
import re
import zipfile
import zlib
from pathlib import Path

from etl.errors import KeptError
from etl.intake.read.archive import ArchiveFile
from etl.intake.read.csv_file import CsvFile
from etl.intake.read.decoding import utf16
from etl.intake.read.opendocument import OpenDocumentFile
from etl.intake.read.source import CHUNK, Limits, Source, size_text
from etl.intake.read.workbook import ENDINGS, WorkbookFile

TEXT_NAMES = {".csv", ".tsv", ".tab", ".txt"}
WORKBOOK_NAMES = {ending for endings in ENDINGS.values() for ending in endings}
MAGIC = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"\x1f\x8b", "GZIP"),
    (b"7z\xbc\xaf\x27\x1c", "7Z"),
    (b"Rar!", "RAR"),
    (b"BZh", "BZIP2"),
    (b"\xfd7zXZ", "XZ"),
    (b"\x28\xb5\x2f\xfd", "ZSTD"),
    (b"PAR1", "Parquet"),
    (b"SQLite format 3", "SQLite"),
    (b"{\\rtf", "RTF"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_HTML = re.compile(r"<(!doctype|!--|html|head|body|table|meta|style|div|script)\b", re.IGNORECASE)
_JSON = re.compile(r"(\{\s*\"|\[\s*[\[{])")


def sniff(
    path: Path, *, limits: Limits, file: str | None = None, scratch: Path | None = None
) -> Source:
    """Decides by its first bytes what a file is; `file` is its name as the person knows it.

    Temporary files go to `scratch`. Raises KeptError for whatever is no table.
    """
    name = file or path.name
    suffix = Path(name).suffix.lower()
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(1 << 16)
    except FileNotFoundError as error:
        raise KeptError("file_missing", file=name) from error
    except OSError as error:
        raise KeptError("file_unreadable", file=name, detail=error.strerror or error) from error
    if size == 0:
        raise KeptError("file_empty", file=name)
    if size > limits.max_file_bytes:
        raise KeptError("file_too_large", file=name, limit=size_text(limits.max_file_bytes))

    if head.startswith(_ZIP):
        kind = _zip_kind(path, name, suffix)
    elif head.startswith(_OLE):
        kind = _ole_kind(path, name)
    else:
        kind = next((kind for magic, kind in MAGIC if head.startswith(magic)), "CSV")
    if kind == "CSV" and utf16(head) is None:
        kind = _text_kind(head)

    expected = {**dict.fromkeys(TEXT_NAMES, "CSV"), **dict.fromkeys(WORKBOOK_NAMES, "XLSX")}
    found = "XLSX" if kind in ENDINGS else kind
    if suffix in expected and expected[suffix] != found:
        raise KeptError("file_not_what_name_says", file=name, found=kind)
    if kind == "ODS":
        return OpenDocumentFile(path, name, limits)
    if found == "XLSX":
        return WorkbookFile(path, name, limits, kind)
    if kind == "ZIP":
        return ArchiveFile(path, name, limits, scratch, sniff)
    if kind != "CSV":
        raise KeptError("file_not_table", file=name, found=kind)
    return CsvFile(path, name, limits, head, scratch)


def _zip_kind(path: Path, file: str, suffix: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "xl/workbook.xml" in names:
                return "XLSX"
            if "xl/workbook.bin" in names:
                return "XLSB"
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                mime = archive.read("mimetype")
                if mime.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
                    return "ODS"
            return "ZIP"
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, EOFError) as error:
        if suffix in WORKBOOK_NAMES:
            raise KeptError("workbook_broken", file=file, detail=error) from error
        return "ZIP"


def _ole_kind(path: Path, file: str) -> str:
    """An OLE file by the names in its directory, whose entries lie at multiples of 128 bytes."""
    wanted = {"EncryptedPackage": "protected", "Workbook": "XLS", "Book": "XLS"}
    patterns = {name.encode("utf-16-le") + b"\0\0": kind for name, kind in wanted.items()}
    found, position, rest = set(), 0, b""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            block = rest + chunk
            for pattern, kind in patterns.items():
                at = block.find(pattern)
                while at >= 0:
                    if (position - len(rest) + at) % 128 == 0:
                        found.add(kind)
                    at = block.find(pattern, at + 1)
            position += len(chunk)
            rest = block[-64:]
    if "protected" in found:
        raise KeptError("workbook_protected", file=file)
    return "XLS" if "XLS" in found else "OLE"


def _text_kind(head: bytes) -> str:
    controls = len(head) - len(head.translate(None, bytes((*range(9), *range(14, 26), 28))))
    if b"\0" in head or controls * 200 > len(head):
        return "binary"
    start = head.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace").lstrip()
    if _HTML.match(start):
        return "HTML"
    if start.startswith("<?xml"):
        return "XML"
    return "JSON" if _JSON.match(start) else "CSV"
