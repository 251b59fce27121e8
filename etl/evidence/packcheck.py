#!/usr/bin/env python3
"""Checks an evidence pack of Kept with nothing but Python: no network, no package, no Kept.

    python3 -I verify.py                               the unzipped pack that this file lies in
    python3 -I verify.py PACK.zip                      a pack that is still zipped
    python3 -I verify.py --checkpoint "3 9f86d0…"      against the checkpoint printed on the PDF

Checked are: every file against manifest.sha256, and that there is no other; the record in
decision.json against its own hash; the rows, logs, terms and rules against the hashes that the
record holds; the counts of every clause, counted anew from its rows; the checkpoint.
Exit status: 0 nothing found, 2 something found or no pack.

Whoever writes the pack can write this file: to be sure, take it from a Kept of your own, or write
the same forty lines yourself. `kept evidence --reproduce PACK` computes the rows themselves anew.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

LISTING = "manifest.sha256"
RECORD = "decision.json"
STATES = ("met", "breached", "unknown", "pending", "excluded")
MESSAGES: dict[str, dict[str, str]] = {}
"""code -> language -> sentence; Kept writes its own into the pack's copy of this file."""
CHECKPOINT = re.compile(r"\D*(\d+)\W+([0-9a-fA-F]{64})\b.*", re.DOTALL)

DAMAGE = (
    OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, OverflowError,
    csv.Error, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What reading a file may end in that somebody broke."""

Found = tuple[str, dict[str, Any]]


def canonical(value: Any) -> bytes:
    """JSON with one spelling only: keys in order, no spaces, UTF-8, no fractions."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def hash_of(content: dict[str, Any]) -> str:
    """SHA-256 over prev_hash and the canonical record without its hash."""
    body = {name: value for name, value in content.items() if name != "hash"}
    return hashlib.sha256(str(content["prev_hash"]).encode() + canonical(body)).hexdigest()


class Pack:
    """The files of a pack by their names."""

    names: list[str]

    def open(self, name: str) -> BinaryIO:
        """One of its files."""
        raise NotImplementedError


class Folder(Pack):
    """An unzipped pack."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.names = sorted(
            file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()
        )

    def open(self, name: str) -> BinaryIO:
        """One of its files."""
        return (self._path / name).open("rb")


class Zip(Pack):
    """A pack as it is handed over."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)
        self.names = sorted(info.filename for info in self._zip.infolist() if not info.is_dir())

    def open(self, name: str) -> BinaryIO:
        """One of its files."""
        return self._zip.open(name)  # type: ignore[return-value]


def open_pack(path: Path) -> Pack:
    """The pack at `path`, a folder or a zip. Raises ValueError where there is none."""
    try:
        pack: Pack = Folder(path) if path.is_dir() else Zip(path)
    except DAMAGE as error:
        raise ValueError(str(path)) from error
    if LISTING not in pack.names and RECORD not in pack.names:
        raise ValueError(str(path))
    return pack


def check(pack: Pack, checkpoint: str | None = None) -> tuple[dict[str, Any], list[Found]]:
    """The record of the pack, empty where it cannot be read, and everything that is not right."""
    found: list[Found] = []
    digests: dict[str, str] = {}
    for name in dict.fromkeys(pack.names):
        try:
            digests[name] = _digest(pack, name)
        except DAMAGE:
            digests[name] = "unreadable"
        if pack.names.count(name) > 1:
            found.append(("pack_file_twice", {"file": name}))
    try:
        found += _check_listing(pack, digests)
    except DAMAGE:
        found.append(("pack_file_changed", {"file": LISTING}))
    record: dict[str, Any] = {}
    try:
        with pack.open(RECORD) as file:
            raw = file.read()
        read = json.loads(raw.decode())
        if not isinstance(read, dict) or canonical(read) != raw:
            raise ValueError(RECORD)
        found += _check_record(pack, digests, read)
        record = read
    except DAMAGE:
        found.append(("pack_record_unreadable", {}))
    if checkpoint is not None:
        found += _check_checkpoint(record, checkpoint)
    return record, found


def _digest(pack: Pack, name: str) -> str:
    digest = hashlib.sha256()
    with pack.open(name) as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def _text(pack: Pack, name: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(pack.open(name), encoding="utf-8-sig", newline="")


def _check_listing(pack: Pack, digests: dict[str, str]) -> Iterator[Found]:
    """Every file is listed and as it was; nothing listed is gone, nothing else is there."""
    if LISTING not in digests:
        yield "pack_file_missing", {"file": LISTING}
        return
    listed: dict[str, str] = {}
    with _text(pack, LISTING) as lines:
        for line in lines.read().splitlines():
            digest, _, name = line.partition("  ")
            listed[name] = digest
    for name, digest in listed.items():
        if name not in digests:
            yield "pack_file_missing", {"file": name}
        elif digests[name] != digest:
            yield "pack_file_changed", {"file": name}
    for name in digests:
        if name not in listed and name != LISTING:
            yield "pack_file_added", {"file": name}


def _check_record(pack: Pack, digests: dict[str, str], record: dict[str, Any]) -> Iterator[Found]:
    """What the record says of itself, of the files beside it, and of their counts."""
    if "hash" in record and hash_of(record) != record["hash"]:
        yield "pack_record_changed", {"seq": record["seq"]}
    for what in ("logs", "terms", "models"):
        name = f"{what}.csv"
        if digests.get(name) != record["hashes"][what]:
            yield "pack_not_of_record", {"file": name}
    for clause, digest in record["rows"].items():
        name = f"rows/{clause}.csv"
        if digests.get(name) != digest:
            yield "pack_not_of_record", {"file": name}
    with _text(pack, "models.csv") as lines:
        rules = {row["file"]: row["sha256"] for row in csv.DictReader(lines)}
    for name, digest in rules.items():
        if digests.get(name) != digest:
            yield "pack_not_of_record", {"file": name}
    for one in record["clauses"]:
        counted = dict.fromkeys(STATES, 0)
        name = f"rows/{one['clause']}.csv"
        if name not in digests:
            continue
        with _text(pack, name) as lines:
            for row in csv.DictReader(lines):
                if row["counted"] == "true":
                    counted[row["state"]] += 1
        for state in STATES:
            if counted[state] != one[state]:
                yield (
                    "pack_count_differs",
                    {"clause": one["clause"], "state": state,
                     "said": one[state], "counted": counted[state]},
                )  # fmt: skip


def _check_checkpoint(record: dict[str, Any], text: str) -> Iterator[Found]:
    printed = CHECKPOINT.fullmatch(text)
    if printed is None:
        yield "checkpoint_unreadable", {"value": text}
    elif (record.get("seq"), record.get("hash")) != (int(printed[1]), printed[2].lower()):
        yield "pack_not_of_checkpoint", {"seq": printed[1], "hash": printed[2]}


def _say(code: str, values: dict[str, Any]) -> None:
    words = MESSAGES.get(code) or {"": f"{code} {values}"}
    for sentence in words.values():
        print(sentence.format(**values) if "" not in words else sentence)


def main() -> int:
    """Checks the pack that is named, else the one that this file lies in."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pack", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--checkpoint", help="sequence and hash, as on the PDF")
    asked = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        pack = open_pack(asked.pack)
    except ValueError:
        _say("pack_unreadable", {"file": asked.pack})
        return 2
    record, found = check(pack, asked.checkpoint)
    for code, values in found:
        _say(code, values)
    if found:
        _say("pack_unsound", {"count": len(found)})
        return 2
    _say("pack_sound", {"count": len(pack.names) - 1})
    if "hash" in record:
        _say(
            "pack_checkpoint",
            {"seq": record["seq"], "hash": record["hash"], "at": record.get("created_at")},
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
