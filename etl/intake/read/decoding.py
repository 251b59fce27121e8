"""Bytes to text, strictly: no byte that does not fit is passed over or replaced."""

import codecs
import re
import struct

_DOUBLE = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")
# A high byte between plain ones, as é is in most words.
_ALONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")


def utf16(head: bytes) -> str | None:
    """UTF-16 by its mark, or without one where every other byte is often NUL and no other is."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd and not even and odd * 10 >= len(head) // 2:
        return "utf-16-le"
    if even and not odd and even * 10 >= len(head) // 2:
        return "utf-16-be"
    return None


def other_encoding(sample: bytes) -> str | None:
    """What text that is no UTF-8 is in, where that is not GB18030 though it can be read so.

    Common Chinese characters lie close together in either encoding: read in the wrong one, most
    of a text falls elsewhere. Western letters stand alone among plain ones.
    """
    pairs = _pairs(sample)
    if not pairs:
        return None
    common = sum((0xB0 <= a <= 0xD7 and b >= 0xA1) or a in (0xA1, 0xA3) for a, b in pairs)
    if common * 5 >= len(pairs) * 4:
        return None
    enough = len(pairs) >= 4
    big5 = sum(0xA1 <= a <= 0xC6 for a, _ in pairs)
    if enough and big5 * 20 >= len(pairs) * 19 and _reads_as(sample, "big5"):
        return "Big5"
    kana = sum(0x81 <= a <= 0x83 for a, _ in pairs)
    if enough and kana * 5 >= len(pairs) * 2 and _reads_as(sample, "shift_jis"):
        return "Shift_JIS"
    alone = len(_ALONE.findall(sample))
    high = sum(byte >= 0x80 for byte in sample)
    if alone * 2 > high and _reads_as(sample, "cp1252"):
        return "Windows-1252"
    return None


def _pairs(sample: bytes) -> list[tuple[int, int]]:
    """The double bytes of a text as GB18030 and Big5 both cut it."""
    found = _DOUBLE.findall(sample)
    return [(pair[0], pair[1]) for pair in found]


def _reads_as(sample: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        decoder.decode(sample)
    except UnicodeDecodeError:
        return False
    return True


class Utf8:
    """Checks UTF-8 as strictly as Python does, by Arrow at many times the speed."""

    def __init__(self) -> None:
        self._rest = b""

    def check(self, chunk: bytes, position: int, final: bool = False) -> None:
        """Raises UnicodeDecodeError with the offset in the file; `chunk` begins at `position`."""
        import pyarrow as pa

        block = self._rest + chunk
        # A character cut at the end waits for the next chunk.
        keep = 0
        if not final:
            for back in range(1, min(4, len(block)) + 1):
                byte = block[-back]
                if byte >= 0xC0:
                    keep = back if back < (2 + (byte >= 0xE0) + (byte >= 0xF0)) else 0
                if byte & 0xC0 != 0x80:
                    break
        whole = block[: len(block) - keep]
        offsets = pa.py_buffer(struct.pack("=ii", 0, len(whole)))
        array = pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(whole)])
        try:
            array.cast(pa.string())
        except pa.ArrowInvalid:
            try:
                whole.decode("utf-8")
            except UnicodeDecodeError as error:
                error.start += position - len(self._rest)
                raise
        self._rest = block[len(block) - keep :]


class Decoder:
    """A strict incremental decoder whose errors give the offset in the file."""

    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def decode(self, chunk: bytes, position: int, final: bool = False) -> str:
        held = len(self._decoder.getstate()[0])
        try:
            return self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            error.start += position - held
            raise
