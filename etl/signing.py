"""Ed25519 signatures (RFC 8032), as text: keys in hex, signatures in base64url without padding.

Whoever checks a signature without Kept finds the same in `etl/evidence/packcheck.py`, in plain
Python.
"""

import base64
import binascii
import re
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from etl.errors import KeptError

_KEY = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{86}")


class SigningKey:
    """A private key; `public` is its public half."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw().hex()

    @classmethod
    def new(cls) -> "SigningKey":
        """A key that nobody has had before."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, file: Path) -> "SigningKey":
        """The key in a PEM file. Raises KeptError where there is none that can be read."""
        try:
            private = serialization.load_pem_private_key(file.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeptError("signing_key_unreadable", file=file) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise KeptError("signing_key_unreadable", file=file)
        return cls(private)

    def pem(self) -> bytes:
        """The key as a PEM file (PKCS 8)."""
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def sign(self, statement: str) -> str:
        """The signature of a statement: the same each time."""
        return base64.urlsafe_b64encode(self._private.sign(statement.encode())).decode()[:86]

    def signed(self, statement: str) -> str:
        """Key and signature on one line, as `signer` reads them."""
        return f"{self.public} {self.sign(statement)}"


def is_key(text: str) -> bool:
    """Whether a text is a public key."""
    return _KEY.fullmatch(text) is not None


def is_signed(key: str, statement: str, signature: str) -> bool:
    """Whether the holder of a public key signed a statement."""
    if not is_key(key) or not _SIGNATURE.fullmatch(signature):
        return False
    try:
        raw = base64.urlsafe_b64decode(f"{signature}==")
        if base64.urlsafe_b64encode(raw).decode()[:86] != signature:
            return False
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(raw, statement.encode())
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def signer(line: str, statement: str) -> str | None:
    """The key that signed a statement, of a line with key and signature; None where none did."""
    key, _, signature = line.partition(" ")
    return key if is_signed(key, statement, signature) else None
