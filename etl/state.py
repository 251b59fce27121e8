"""The state folder, beside the warehouse: the signing key, and what the warehouse held last.

    signing.key   the private key (Ed25519, PEM, 0600), made when it is first needed
    keys          the public keys whose signatures count, one a line
    checkpoint    the last checkpoint, signed

Who can write the warehouse but not this folder can forge no record, manifest or mapping, and cannot
set the warehouse back to an earlier day unseen.
"""

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from etl.checkpoint import NO_RECORD, Checkpoint, parse_checkpoint
from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.signing import SigningKey, is_key

_SIGNED = "# signed "


class State:
    """The state folder of one deployment."""

    def __init__(self, settings: Settings) -> None:
        self.root = settings.state_folder
        self._warehouse = settings.warehouse

    def signing_key(self) -> SigningKey:
        """The key to sign with, made where there is none.

        The keys that signed the warehouse before are then taken as known. Raises NothingDoneError
        where the folder cannot be used, KeptError where the key cannot be read.
        """
        file = self.root / "signing.key"
        try:
            if not file.exists():
                self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
                with FileLock(self.root / "lock"):
                    if not file.exists():
                        self._make_key()
        except OSError as error:
            raise NothingDoneError("state_unusable", folder=self.root) from error
        return SigningKey.read(file)

    def sign(self, statement: str) -> str | None:
        """Key and signature of a statement; None where the state folder cannot be used.

        For what must be written even so, such as a load: `kept verify` then says that it is
        unsigned.
        """
        with suppress(KeptError):
            return self.signing_key().signed(statement)
        return None

    def signed_mapping(self, identity: str, text: str) -> str:
        """The text of a remembered mapping with the line that signs it, where that can be done."""
        line = self.sign(mapping_statement(identity, text))
        return f"{text}{_SIGNED}{line}\n" if line else text

    def signed_checkpoint(self, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint, signed where there is a key; none is made for it."""
        with suppress(KeptError):
            return checkpoint.signed(SigningKey.read(self.root / "signing.key"))
        return checkpoint

    def known_keys(self) -> frozenset[str]:
        """The public keys whose signatures count; none where the folder is not here."""
        try:
            lines = (self.root / "keys").read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return frozenset()
        return frozenset(line.strip() for line in lines if is_key(line.strip()))

    @property
    def key_is_exposed(self) -> bool:
        """Whether others than its owner may read the private key."""
        with suppress(OSError):
            mode = (self.root / "signing.key").stat().st_mode
            return os.name == "posix" and bool(mode & (stat.S_IRWXG | stat.S_IRWXO))
        return False

    def checkpoint(self) -> Checkpoint | None:
        """The last checkpoint; None where there is none.

        Raises KeptError where it is not as it was written.
        """
        file = self.root / "checkpoint"
        try:
            text = file.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None
        except (OSError, ValueError) as error:
            raise KeptError("state_checkpoint_changed", file=file) from error
        try:
            found = parse_checkpoint(text)
        except KeptError as error:
            raise KeptError("state_checkpoint_changed", file=file) from error
        signed = any(found.is_signed_by(key) for key in self.known_keys())
        if not signed or f"{found.text}\n" != text:
            raise KeptError("state_checkpoint_changed", file=file)
        return found

    def keep(self, checkpoint: Checkpoint) -> None:
        """Makes a signed checkpoint the last one; the caller holds the warehouse's lock."""
        _replace(self.root / "checkpoint", f"{checkpoint.text}\n".encode())

    def keep_manifest(self, number: int, sha256: str, at: str) -> None:
        """Keeps a checkpoint of the manifest that has just come into force; needs the lock.

        Nothing is kept where the folder cannot be used, nor where what the last checkpoint saw is
        gone from the warehouse: the last one still tells so.
        """
        with suppress(KeptError, OSError):
            before = self.checkpoint()
            if before is None:
                before = Checkpoint(*_last_record(self._warehouse))
            elif before.manifest == number or not self.still_holds(before, number):
                return
            seen = Checkpoint(before.seq, before.hash, at, number, sha256)
            self.keep(seen.signed(self.signing_key()))

    def still_holds(self, seen: Checkpoint, number: int) -> bool:
        """Whether the manifest that a checkpoint saw is there, and not after number `number`."""
        if seen.manifest is None or seen.manifest > number:
            return False
        file = self._warehouse / "manifests" / f"{seen.manifest}.json"
        with suppress(OSError):
            return hashlib.sha256(file.read_bytes()).hexdigest() == seen.manifest_sha256
        return False

    def _make_key(self) -> None:
        """Writes the public half first: a key that is there is a known one."""
        key = SigningKey.new()
        earlier = self.known_keys() or frozenset(_keys_in(self._warehouse))
        known = "".join(f"{one}\n" for one in (*sorted(earlier), key.public))
        _replace(self.root / "keys", known.encode())
        _replace(self.root / "signing.key", key.pem())
        for file in sorted(self._warehouse.glob("mappings/[!.]*.toml")):
            with suppress(OSError, ValueError):
                text, line = text_and_signature(file.read_bytes().decode())
                if line is None:
                    line = key.signed(mapping_statement(file.stem, text))
                    mode = stat.S_IMODE(file.stat().st_mode)
                    _replace(file, f"{text}{_SIGNED}{line}\n".encode(), mode)


def _replace(target: Path, content: bytes, mode: int = 0o600) -> None:
    """Writes a file whole or not at all, readable by its owner alone unless said otherwise."""
    temporary = target.with_name(f".{target.name}.{secrets.randbits(48)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def manifest_json(manifest: Mapping[str, Any]) -> str:
    """A manifest as it is in its file."""
    return json.dumps(manifest, ensure_ascii=False, indent=1)


def manifest_statement(manifest: Mapping[str, Any]) -> str:
    """What is signed of a manifest, in its `signature`: all the rest of it."""
    unsigned = manifest_json({**manifest, "signature": None})
    return f"kept manifest {hashlib.sha256(unsigned.encode()).hexdigest()}"


def mapping_statement(identity: str, text: str) -> str:
    """What is signed of a remembered mapping, in the last line of its file."""
    return f"kept mapping {identity} {hashlib.sha256(text.encode()).hexdigest()}"


def text_and_signature(content: str) -> tuple[str, str | None]:
    """The text of a remembered mapping, and key and signature; None where it is not signed."""
    text, mark, line = content.rpartition(_SIGNED)
    if not mark or not line.endswith("\n") or not text.endswith("\n"):
        return content, None
    return text, line[:-1]


def _last_record(warehouse: Path) -> tuple[int, str]:
    """Number and hash of the last record, as they are stated."""
    files = [file for file in warehouse.glob("decisions/*.json") if file.stem.isdecimal()]
    if files:
        with suppress(OSError, ValueError, TypeError, KeyError):
            content = json.loads(max(files, key=lambda file: int(file.stem)).read_bytes())
            return int(content["seq"]), str(content["hash"])
    return 0, NO_RECORD


def _keys_in(warehouse: Path) -> Iterator[str]:
    """The keys that signatures in the warehouse name."""
    for folder, name in (("decisions", "key"), ("manifests", "signature")):
        for file in sorted(warehouse.glob(f"{folder}/*.json")):
            with suppress(OSError, ValueError, TypeError, AttributeError):
                key = str(json.loads(file.read_bytes()).get(name)).partition(" ")[0]
                if is_key(key):
                    yield key
