"""What passes by of a text while it is decoded: its lines, their ends and length, its quotes."""

import re

from etl.errors import KeptError
from etl.intake.read.source import Limits

# DuckDB's own bound of a line, in bytes, is 2,097,152.
_FAST_LINE_BYTES = 2_000_000
# DuckDB drops spaces between a quote and a delimiter; such a file takes the slow path.
_SPACED_QUOTE = re.compile(rb'(?:^|[,;\t|\r\n]) +"|" +(?:[,;\t|\r\n]|$)')


class Lines:
    """What passes by of a text in UTF-8: lines, their ends and length, quotes."""

    def __init__(self, file: str, limits: Limits) -> None:
        self._file = file
        self._limit = limits.max_line_chars
        self._last = b""
        self._open_chars = 0
        self._open_bytes = 0
        self.lf = self.crlf = self.cr = 0
        self.longest = 0
        self.quotes = self.spaced_quotes = self.content = False

    def feed(self, chunk: bytes) -> None:
        if not chunk:
            return
        if b"\0" in chunk:
            line = self.line + count_ends(chunk[: chunk.index(b"\0")])
            raise KeptError("nul_in_text", file=self._file, line=line)
        self._measure(chunk)
        edge = self._last + chunk[:1]
        lf = _count(chunk, b"\n")
        cr = _count(chunk, b"\r") if b"\r" in chunk else 0
        crlf = (chunk.count(b"\r\n") if cr else 0) + (edge == b"\r\n")
        self.lf += lf - crlf
        self.cr += cr - crlf
        self.crlf += crlf
        self._last = chunk[-1:]
        if b'"' in chunk:
            self.quotes = True
        if not self.spaced_quotes:
            self.spaced_quotes = edge in (b' "', b'" ') or (
                b'"' in chunk and _has_spaced_quote(chunk)
            )
        if not self.content:
            self.content = bool(chunk.strip(b' \t\r\n,;|"'))

    def _measure(self, chunk: bytes) -> None:
        """Only lines over the edge of a chunk are measured: no other is longer than a chunk."""
        first = min((at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0), default=-1)
        head = chunk if first < 0 else chunk[:first]
        self._open_bytes += len(head)
        self._open_chars += len(head.decode("utf-8", "ignore"))
        self.longest = max(self.longest, self._open_bytes)
        if self._open_chars > self._limit:
            raise KeptError(
                "line_too_long", file=self._file, line=self.line, limit=f"{self._limit:,}"
            )
        if first >= 0:
            tail = chunk[max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1 :]
            self._open_bytes, self._open_chars = len(tail), len(tail.decode("utf-8", "ignore"))

    @property
    def line(self) -> int:
        """The line that the next byte is on."""
        return self.lf + self.crlf + self.cr + 1

    @property
    def count(self) -> int:
        """Lines so far, an unfinished one included."""
        return self.line - (self._last in (b"\n", b"\r", b""))

    @property
    def regular(self) -> bool:
        """One kind of line end, one that DuckDB takes, and nothing that it reads differently."""
        return (
            (self.lf == 0 or self.crlf == 0)
            and self.cr == 0
            and not self.spaced_quotes
            and self.longest < _FAST_LINE_BYTES
        )


def _count(chunk: bytes, byte: bytes) -> int:
    # Several times as fast as bytes.count, which looks at each byte by itself.
    return len(chunk) - len(chunk.replace(byte, b""))


def _has_spaced_quote(chunk: bytes) -> bool:
    """Whether a quote and spaces stand between two delimiters; the edges of `chunk` count as such.

    numpy finds the rare candidates at a fifth of the cost of a search in bytes.
    """
    import numpy as np

    characters = np.frombuffer(chunk, np.uint8)
    quotes, spaces = characters == ord('"'), characters == ord(" ")
    if not ((quotes[1:] & spaces[:-1]).any() or (quotes[:-1] & spaces[1:]).any()):
        return False
    return _SPACED_QUOTE.search(chunk) is not None


def count_ends(text: bytes) -> int:
    """How many lines end in `text`, whatever ends them."""
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")
