#!/usr/bin/env python3
"""Checks an evidence pack of Kept with nothing but Python: no network, no package, no Kept.

    python3 -I verify.py                               the unzipped pack that this file lies in
    python3 -I verify.py PACK.zip                      a pack that is still zipped
    python3 -I verify.py --checkpoint "3 9f86d0…"      against the checkpoint printed on the PDF
    python3 -I verify.py --key 8a01…                   against the public key printed on the PDF

Checked are: every file against manifest.sha256, and that there is no other; the signature of
manifest.sha256; the record in decision.json against its own hash and signature; the rows, logs,
terms, rules and the manifest against the hashes that the record holds; the counts of every clause,
counted anew from its rows; the zip itself; checkpoint and key. Signatures are Ed25519 (RFC 8032).
Exit status: 0 nothing found, 2 something found or no pack.

Whoever writes the pack can write this file: to be sure, take it from a Kept of your own, or write
it yourself. `kept evidence --reproduce PACK` makes every file anew and compares it.
A time stamp, where there is one, is checked by
openssl ts -verify -digest HASH -in decision.tsr -CAfile AUTHORITY.pem
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import json
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

LISTING = "manifest.sha256"
SIGNATURE = "manifest.sha256.sig"
RECORD = "decision.json"
STAMP = "decision.tsr"
SIGNED_SINCE = 2
"""The format of records from which on they, and the packs of them, are signed."""
STATES = ("met", "breached", "unknown", "pending", "excluded")
MESSAGES: dict[str, dict[str, str]] = {}
"""code -> language -> sentence; Kept writes its own into the pack's copy of this file."""
CHECKPOINT = re.compile(r"\D*(\d+)\W+([0-9a-fA-F]{64})\b.*", re.DOTALL)

_SHA256_OF_NOTHING = hashlib.sha256(b"").hexdigest()

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


def body_of(content: dict[str, Any]) -> bytes:
    """What the hash of a record is over: prev_hash and the record without what came after it."""
    later = ("hash", "signature", "timestamp") if "key" in content else ("hash",)
    body = {name: value for name, value in content.items() if name not in later}
    return str(content["prev_hash"]).encode() + canonical(body)


def hash_of(content: dict[str, Any]) -> str:
    """SHA-256 over prev_hash and the canonical record without its hash, signature and stamp."""
    return hashlib.sha256(body_of(content)).hexdigest()


def stamp_of(content: dict[str, Any]) -> str:
    """The hash of a record's time stamp; empty where it has none."""
    stamp = content.get("timestamp")
    return hashlib.sha256(canonical(stamp)).hexdigest() if stamp else ""


def checkpoint_of(content: dict[str, Any]) -> str:
    """The checkpoint of a record without its signature: what the signature is over."""
    manifest, stamp = content["manifest"], stamp_of(content)
    said = [content["seq"], content["hash"], content.get("created_at")]
    said += ["manifest", manifest["number"], manifest["sha256"]]
    return " ".join(map(str, [*said, "stamp", stamp] if stamp else said))


# Ed25519, as in RFC 8032, section 5.1. Points are (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z.
Point = tuple[int, int, int, int]
_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)


def _point(raw: bytes) -> Point | None:
    """The point that 32 bytes encode (5.1.3), None where they encode none."""
    y = int.from_bytes(raw, "little")
    odd, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if y >= _P or (x * x - square) % _P or (x == 0 and odd):
        return None
    x = _P - x if x & 1 != odd else x
    return x, y, 1, x * y % _P


def _sum(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(factor: int, point: Point) -> Point:
    made: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            made = _sum(made, point)
        point, factor = _sum(point, point), factor >> 1
    return made


_BASE = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))


def is_signed(key: str, statement: str, signature: str) -> bool:
    """Whether the holder of a public key (hex) signed a statement (5.1.7); base64url."""
    try:
        raw = base64.urlsafe_b64decode(signature + "==")
        of_key, of_nonce, s = bytes.fromhex(key), raw[:32], int.from_bytes(raw[32:], "little")
    except (ValueError, TypeError):
        return False
    point = _point(of_key) if len(of_key) == 32 else None
    canonical_form = base64.urlsafe_b64encode(raw).decode().rstrip("=") == signature
    if point is None or _BASE is None or len(raw) != 64 or s >= _ORDER or not canonical_form:
        return False
    digest = hashlib.sha512(of_nonce + of_key + statement.encode()).digest()
    negative = (_P - point[0], point[1], point[2], _P - point[3])
    x, y, z, _ = _sum(_times(s, _BASE), _times(int.from_bytes(digest, "little") % _ORDER, negative))
    inverse = pow(z, -1, _P)
    odd = x * inverse % _P & 1
    return (y * inverse % _P | odd << 255).to_bytes(32, "little") == of_nonce


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
        self._path = path
        self._zip = zipfile.ZipFile(path)
        self.names = sorted(info.filename for info in self._zip.infolist() if not info.is_dir())

    def open(self, name: str) -> BinaryIO:
        """One of its files."""
        return self._zip.open(name)  # type: ignore[return-value]

    def is_as_written(self) -> bool:
        """Whether the zip has nothing in it but its files, one after the other."""
        central, place = b"", 0
        with self._path.open("rb") as file:
            for there in self._zip.infolist():
                info = entry(there.filename)
                info.CRC, info.file_size = there.CRC, there.file_size
                info.compress_size, info.header_offset = there.compress_size, place
                head = info.FileHeader(zip64=True)
                file.seek(place)
                if file.read(len(head)) != head:
                    return False
                central += _central(info)
                place += len(head) + there.compress_size
            count = len(self._zip.infolist())
            ending = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(central), place, 0)
            file.seek(place)
            return file.read() == central + ending


def entry(name: str) -> zipfile.ZipInfo:
    """The head of a file in a zip: no trace of when, where or by whom it was made."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    info.create_system = 3
    return info


def _central(info: zipfile.ZipInfo) -> bytes:
    """The entry of a file in the directory at the end of a zip."""
    name = info.filename.encode()
    flags = 0 if info.filename.isascii() else 0x800
    day = 1 << 5 | 1
    return (
        struct.pack(
            "<4s4B4HL2L5H2L", b"PK\1\2", info.create_version, info.create_system,
            info.extract_version, 0, flags, info.compress_type, 0, day, info.CRC,
            info.compress_size, info.file_size, len(name), 0, 0, 0, 0, info.external_attr,
            info.header_offset,
        )
        + name
    )  # fmt: skip


def open_pack(path: Path) -> Pack:
    """The pack at `path`, a folder or a zip. Raises ValueError where there is none."""
    try:
        pack: Pack = Folder(path) if path.is_dir() else Zip(path)
    except DAMAGE as error:
        raise ValueError(str(path)) from error
    if LISTING not in pack.names and RECORD not in pack.names:
        raise ValueError(str(path))
    return pack


@dataclass(frozen=True)
class Checked:
    """What a pack shows of itself.

    `record` is empty where it cannot be read. `found` is everything that is not right, `notes` is
    what could not be checked, each a message code and its values. `keys` have signed. `listing` is
    the SHA-256 of the list of files, empty where there is none.
    """

    record: dict[str, Any]
    found: list[Found]
    notes: list[Found]
    keys: list[str]
    listing: str


def check(pack: Pack, checkpoint: str | None = None, keys: Collection[str] = ()) -> Checked:
    """Checks a pack; `keys` are the public keys that may have signed, any where there are none."""
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
    if not _is_whole(pack):
        found.append(("pack_zip_changed", {}))
    signers, notes = _check_signatures(pack, digests, record, keys, found)
    if checkpoint is not None:
        found += _check_checkpoint(record, checkpoint)
    return Checked(record, found, notes, signers, digests.get(LISTING, ""))


def _is_whole(pack: Pack) -> bool:
    try:
        return not isinstance(pack, Zip) or pack.is_as_written()
    except DAMAGE:
        return False


def _check_signatures(
    pack: Pack,
    digests: dict[str, str],
    record: dict[str, Any],
    keys: Collection[str],
    found: list[Found],
) -> tuple[list[str], list[Found]]:
    """The keys that signed the listing and the record, and what of them is not signed."""
    notes: list[Found] = []
    signers: dict[str, None] = {}
    edition = record.get("format")
    if SIGNATURE in digests:
        try:
            with pack.open(SIGNATURE) as file:
                key, _, signature = file.read().decode().partition(" ")
        except DAMAGE:
            key, signature = "", ""
        statement = f"kept pack {digests.get(LISTING)}"
        if signature.endswith("\n") and is_signed(key, statement, signature[:-1]):
            signers[key] = None
        else:
            found.append(("pack_signature_wrong", {"file": LISTING}))
    elif keys or not (isinstance(edition, int) and edition < SIGNED_SINCE):
        found.append(("pack_unsigned", {}))
    else:
        notes.append(("pack_of_earlier_rules", {"kept": record.get("kept")}))
    if "key" in record and "hash" in record:
        try:
            statement = f"kept checkpoint {checkpoint_of(record)}"
        except DAMAGE:
            statement = ""
        if is_signed(str(record["key"]), statement, str(record.get("signature"))):
            signers[str(record["key"])] = None
        else:
            found.append(("pack_signature_wrong", {"file": RECORD}))
    for key in signers:
        if keys and key not in keys:
            found.append(("pack_other_key", {"key": key}))
    named = {str(record["key"])} if "key" in record else set()
    if not keys and len(named | set(signers)) > 1:
        found.append(("pack_keys_differ", {}))
    return list(signers), notes


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
        if name not in listed and name not in (LISTING, SIGNATURE):
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
    if digests.get("manifest.json") != record["manifest"]["sha256"]:
        yield "pack_not_of_record", {"file": "manifest.json"}
    stamp = base64.b64decode(record["timestamp"]["token"]) if record.get("timestamp") else b""
    if digests.get(STAMP, _SHA256_OF_NOTHING) != hashlib.sha256(stamp).hexdigest():
        yield "pack_not_of_record", {"file": STAMP}
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
    parser.add_argument("--checkpoint", help="number and hash, as on the PDF")
    parser.add_argument("--key", action="append", default=[], help="public key, as on the PDF")
    asked = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        pack = open_pack(asked.pack)
    except ValueError:
        _say("pack_unreadable", {"file": asked.pack})
        return 2
    done = check(pack, asked.checkpoint, [key.strip().lower() for key in asked.key])
    for code, values in [*done.notes, *done.found]:
        _say(code, values)
    if done.found:
        _say("pack_unsound", {"count": len(done.found)})
        return 2
    _say("pack_sound", {"count": len(set(pack.names) - {LISTING, SIGNATURE})})
    if "hash" in done.record:
        _say("pack_checkpoint", {"checkpoint": checkpoint_of(done.record)})
    for key in done.keys:
        _say("pack_key", {"key": key})
    return 0


if __name__ == "__main__":
    sys.exit(main())
