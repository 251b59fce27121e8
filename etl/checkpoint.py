"""A checkpoint: what a warehouse held at one moment, short enough for paper.

    3 9f86…(64) 2026-01-05T09:00:00+08:00 manifest 12 ab34…(64) stamp 77c1…(64) signed Xy…(86)

Number and hash of the last record, the moment, number and hash of the manifest in force, the hash
of the record's time stamp where it has one, and the signature of all that. Number and hash alone
are a checkpoint too.
"""

import re
from dataclasses import dataclass, replace

from etl.errors import KeptError
from etl.signing import SigningKey, is_signed

NO_RECORD = "0" * 64
"""The hash where there is no record yet; the first record follows it."""
_CHECKPOINT = re.compile(r"\D*(\d+)\D*?\b([0-9a-fA-F]{64})\b(?:\W+(.*))?", re.DOTALL)
_MANIFEST = re.compile(r"\bmanifest\s+(\d+)\s+([0-9a-fA-F]{64})\b")
_STAMP = re.compile(r"\bstamp\s+([0-9a-fA-F]{64})\b")
_SIGNED = re.compile(r"\bsigned\s+([A-Za-z0-9_\s-]+)")
_LABEL = re.compile(r"\b(manifest|stamp|signed)\s")


@dataclass(frozen=True)
class Checkpoint:
    """What proves later that the warehouse held this: `text` is what goes on paper.

    `seq` is 0 before the first record. `manifest` is None, and the other texts are empty, where a
    checkpoint does not say.
    """

    seq: int
    hash: str
    at: str = ""
    manifest: int | None = None
    manifest_sha256: str = ""
    stamp: str = ""
    signature: str = ""

    @property
    def text(self) -> str:
        """One line, as `kept verify --checkpoint` takes it."""
        return " ".join(filter(None, (self._said, self.signature and f"signed {self.signature}")))

    @property
    def statement(self) -> str:
        """What is signed."""
        return f"kept checkpoint {self._said}"

    @property
    def _said(self) -> str:
        said = [str(self.seq), self.hash, self.at]
        if self.manifest is not None:
            said += ["manifest", str(self.manifest), self.manifest_sha256]
        if self.stamp:
            said += ["stamp", self.stamp]
        return " ".join(filter(None, said))

    def signed(self, key: SigningKey) -> "Checkpoint":
        """The same, signed."""
        return replace(self, signature=key.sign(self.statement))

    def is_signed_by(self, key: str) -> bool:
        """Whether the holder of a public key signed it."""
        return is_signed(key, self.statement, self.signature)


def parse_checkpoint(text: str) -> Checkpoint:
    """A checkpoint as it was printed: number and hash, and of the rest what is there.

    Raises KeptError where the text is none.
    """
    found = _CHECKPOINT.fullmatch(text.strip())
    if found is None:
        raise KeptError("checkpoint_unreadable", value=text)
    seq, digest, rest = found.groups()
    rest = rest or ""
    label = _LABEL.search(rest)
    at = rest[: label.start()] if label else rest
    manifest, stamp, signed = (one.search(rest) for one in (_MANIFEST, _STAMP, _SIGNED))
    return Checkpoint(
        seq=int(seq),
        hash=digest.lower(),
        at=at.strip(),
        manifest=int(manifest[1]) if manifest else None,
        manifest_sha256=manifest[2].lower() if manifest else "",
        stamp=stamp[1].lower() if stamp else "",
        signature="".join(signed[1].split()) if signed else "",  # lines break at its hyphens
    )
