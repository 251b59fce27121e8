"""Zipped exports: every table inside, as if its file had been given by itself."""

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from etl.errors import KeptError
from etl.intake.read.source import CHUNK, Limits, Source, StagedCounts, TextTable, size_text
from etl.names import natural

if TYPE_CHECKING:
    import duckdb

_LOADABLE = {".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"}
_ENCRYPTED = 1
_MOST_FILES = 200


class ArchiveFile(Source):
    """A zip of CSV files and workbooks; `opened` opens one of them once it is unpacked."""

    def __init__(
        self,
        path: Path,
        file: str,
        limits: Limits,
        scratch: Path | None,
        opened: Callable[..., Source],
    ) -> None:
        super().__init__(path, file, limits)
        self._scratch = Path(tempfile.mkdtemp(prefix="kept-read-", dir=scratch))
        self._members: dict[str, Source] = {}
        self._tables: list[tuple[TextTable, Source]] | None = None
        try:
            for name, unpacked in self._unpacked():
                self._members[name] = opened(
                    unpacked, limits=limits, file=f"{file} › {name}", scratch=self._scratch
                )
            if not self._members:
                self._refuse("file_is_archive")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for member in self._members.values():
            member.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _unpacked(self) -> list[tuple[str, Path]]:
        """The tables in the archive, each written out under a name of our own."""
        found = []
        try:
            with zipfile.ZipFile(self.path) as archive:
                for number, entry in enumerate(self._tables_in(archive)):
                    target = self._scratch / f"{number}{PurePosixPath(entry.filename).suffix}"
                    # zipfile gives no more than the size declared, and checks what it gives.
                    with archive.open(entry) as packed, target.open("wb") as out:
                        shutil.copyfileobj(packed, out, CHUNK)
                    found.append((entry.filename, target))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise KeptError("archive_broken", file=self.file, detail=error) from error
        except (RuntimeError, NotImplementedError) as error:
            raise KeptError("archive_broken", file=self.file, detail=error) from error
        return found

    def _tables_in(self, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
        """Its entries that look like tables, within the limits; the others are passed over."""
        taken: list[zipfile.ZipInfo] = []
        other: list[zipfile.ZipInfo] = []
        for entry in archive.infolist():
            name = PurePosixPath(entry.filename)
            # macOS lays a shadow of each file beside it.
            if entry.is_dir() or "__MACOSX" in name.parts or name.name.startswith((".", "~$")):
                continue
            (taken if name.suffix.lower() in _LOADABLE else other).append(entry)
        self.hidden = tuple(f"{self.file} › {entry.filename}" for entry in other)
        if any(entry.flag_bits & _ENCRYPTED for entry in taken):
            self._refuse("archive_protected")
        unpacked = sum(entry.file_size for entry in taken)
        packed = sum(entry.compress_size for entry in taken)
        limits = self.limits
        bomb = (
            unpacked > limits.unpacked_bytes_always_fine
            and unpacked > limits.max_compression_ratio * packed
        )
        if unpacked > limits.max_file_bytes or bomb or len(taken) > _MOST_FILES:
            self._refuse("archive_too_large", limit=size_text(limits.max_file_bytes))
        return sorted(taken, key=lambda entry: natural(entry.filename))

    def tables(self) -> list[TextTable]:
        if self._tables is None:
            self._tables = []
            alone = len(self._members) == 1
            for name, member in self._members.items():
                for table in member.tables():
                    inside = name if table.sheet is None else f"{name} › {table.sheet}"
                    shown = replace(
                        table,
                        file=self.file,
                        sheet=table.sheet if alone else inside,
                        index=len(self._tables),
                    )
                    self._tables.append((shown, member))
                self.hidden = (*self.hidden, *member.hidden)
        return [table for table, _ in self._tables]

    def stage(
        self,
        con: "duckdb.DuckDBPyConnection",
        table: TextTable,
        header_index: int,
        width: int,
        into: str,
        ids: Collection[int] = (),
        numbers: Collection[int] = (),
    ) -> StagedCounts:
        self.tables()
        assert self._tables is not None
        _, member = self._tables[table.index]
        own = [one for one, whose in self._tables if whose is member]
        position = own.index(table)
        table = member.tables()[position]
        return member.stage(con, table, header_index, width, into, ids, numbers)
