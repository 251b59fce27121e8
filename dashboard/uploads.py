"""Uploads: written to disk piece by piece as they come, hashed on the way, never whole in memory.

Streamlit keeps an upload in memory as long as its session lives. `StreamedUploads` stands before
it: the file itself goes to the shelf, and what Streamlit gets, checks and keeps is the same upload
with nothing in it. A page asks the shelf for the file behind what the uploader gives it.
"""

import hashlib
import re
import secrets
import time
import weakref
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from threading import Lock
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.uploaded_file_manager import UploadedFile

from etl.scratch import scratch

FORGOTTEN_SECONDS = 6 * 3600
"""After so long an upload that nobody asked for any more is taken away."""
PIECE_BYTES = 1 << 20
_LONGEST_NAME_BYTES = 200
_PATH = re.compile(r"/_stcore/upload_file/[^/]+/(?P<id>[^/]+)$")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')


@dataclass(eq=False)
class Upload:
    """A file as it was uploaded; it is on the disk as long as somebody holds this."""

    name: str
    path: Path
    size: int
    sha256: str
    _end: "weakref.finalize[[], Upload]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._end = weakref.finalize(self, partial(_remove, self.path))

    def rename(self, name: str) -> None:
        """Gives it another name, where two files of one name were uploaded."""
        self._end.detach()
        self.path = self.path.rename(self.path.with_name(_safe(name)))
        self.name = name
        self._end = weakref.finalize(self, partial(_remove, self.path))


@dataclass
class Arriving:
    """A file that is being written; `finish` makes it an upload, `abandon` leaves nothing."""

    path: Path
    _file: IO[bytes] = field(init=False)
    _size: int = 0
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        self._file = self.path.open("wb")

    def write(self, piece: bytes | memoryview) -> None:
        """Adds a piece. Raises OSError where the disk is full."""
        self._file.write(piece)
        self._digest.update(piece)
        self._size += len(piece)

    def finish(self, name: str) -> Upload:
        """Gives it its name."""
        self._file.close()
        target = self.path.with_name(_safe(name))
        self.path.rename(target)
        return Upload(name, target, self._size, self._digest.hexdigest())

    def abandon(self) -> None:
        """Takes away what was written."""
        self._file.close()
        _remove(self.path)


@dataclass(eq=False)
class Shelf:
    """The uploads of this process by the id that Streamlit gave them, each with when it was used.

    The folder they lie in is made with the first and goes with the process.
    """

    _held: dict[str, tuple[Upload, float]] = field(default_factory=dict)
    _guard: Lock = field(default_factory=Lock)
    _stack: ExitStack = field(default_factory=ExitStack)
    _folder: Path | None = None

    def arriving(self) -> Arriving:
        """A place to write an upload to; uploads long forgotten are taken away."""
        with self._guard:
            if self._folder is None:
                self._folder = self._stack.enter_context(scratch("uploads"))
                weakref.finalize(self, self._stack.close)
            limit = time.monotonic() - FORGOTTEN_SECONDS
            for name, (_, used) in list(self._held.items()):
                if used < limit:
                    del self._held[name]
            own = self._folder / secrets.token_hex(8)
        own.mkdir()
        return Arriving(own / ".arriving")

    def put(self, identity: str, upload: Upload) -> None:
        """Keeps an upload for whoever asks for it."""
        with self._guard:
            self._held[identity] = (upload, time.monotonic())

    def forget(self, identity: str) -> None:
        """Keeps it no longer: it goes as soon as nobody else holds it."""
        with self._guard:
            self._held.pop(identity, None)

    def discard(self, uploads: Iterable[Upload]) -> None:
        """Keeps these uploads no longer."""
        gone = set(uploads)
        with self._guard:
            for name in [name for name, (one, _) in self._held.items() if one in gone]:
                del self._held[name]

    def of(self, file: UploadedFile) -> Upload | None:
        """The upload behind what Streamlit's uploader gave; None where it was forgotten.

        Without the middleware (`streamlit run`) Streamlit has it in memory: it is written now.
        """
        with self._guard:
            if found := self._held.get(file.file_id):
                self._held[file.file_id] = (found[0], time.monotonic())
                return found[0]
        if not file.size:
            return None
        arriving = self.arriving()
        arriving.write(file.getbuffer())
        upload = arriving.finish(file.name)
        self.put(file.file_id, upload)
        return upload


@cache
def shelf() -> Shelf:
    """The one of this process."""
    return Shelf()


class StreamedUploads:
    """The middleware: an upload's content goes to the shelf, the rest of the request passes.

    Whether the session lives, the token is right and the size allowed is for Streamlit to say: not
    a byte is read before it asks for the first.
    """

    def __init__(self, app: ASGIApp, shelf: Callable[[], Shelf] = shelf) -> None:
        self._app = app
        self._shelf = shelf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.search(scope["path"]) if scope["type"] == "http" else None
        boundary = _boundary(scope) if found else None
        if found and scope["method"] == "DELETE":
            await self._app(scope, receive, send)
            self._shelf().forget(found["id"])
        elif found and boundary and scope["method"] == "PUT":
            body = _Body(receive, boundary, self._shelf(), found["id"])
            try:
                await self._app(scope, body.receive, send)
            finally:
                body.close()
        else:
            await self._app(scope, receive, send)


class _Body:
    """The body of one upload: read as it comes, handed on without the file's content."""

    def __init__(self, receive: Receive, boundary: bytes, shelf: Shelf, identity: str) -> None:
        self._receive = receive
        self._boundary = boundary
        self._shelf = shelf
        self._identity = identity
        self._arriving: Arriving | None = None
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._parts: list[list[tuple[bytearray, bytearray]]] = []
        self._ended = self._done = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": lambda: self._parts.append([]),
                "on_header_begin": lambda: self._parts[-1].append((bytearray(), bytearray())),
                "on_header_field": lambda data, start, end: self._parts[-1][-1][0].extend(
                    data[start:end]
                ),
                "on_header_value": lambda data, start, end: self._parts[-1][-1][1].extend(
                    data[start:end]
                ),
                "on_part_data": self._take,
                "on_end": self._end,
            },
        )

    async def receive(self) -> Message:
        """What Streamlit gets: at the first call everything, its content taken out."""
        if self._done:
            return await self._receive()
        self._arriving = self._shelf.arriving()
        more = True
        while more:
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            more = message.get("more_body", False)
            try:
                self._parser.write(message.get("body", b""))
            except FormParserError as error:
                raise HTTPException(400, "This is no upload") from error
            if self._waiting >= PIECE_BYTES or not more:
                await self._write()
        if not self._ended:
            raise HTTPException(400, "The upload was cut off")
        self._done = True
        self._shelf.put(self._identity, self._arriving.finish(self._name()))
        return {"type": "http.request", "body": self._emptied(), "more_body": False}

    def close(self) -> None:
        """Leaves nothing of an upload that did not come to its end."""
        if self._arriving is not None and not self._done:
            self._arriving.abandon()

    async def _write(self) -> None:
        pieces, self._pieces, self._waiting = b"".join(self._pieces), [], 0
        assert self._arriving is not None
        try:
            await run_in_threadpool(self._arriving.write, pieces)
        except OSError as error:
            raise HTTPException(507, "There is no room for the upload") from error

    def _take(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])
        self._waiting += end - start

    def _end(self) -> None:
        self._ended = True

    def _name(self) -> str:
        for name, value in self._parts[0]:
            if bytes(name).lower() == b"content-disposition":
                _, options = parse_options_header(bytes(value))
                return options.get(b"filename", b"").decode("utf-8", "replace")
        return ""

    def _emptied(self) -> bytes:
        """The same parts with nothing in them: a second one is Streamlit's to refuse."""
        lines = b""
        for part in self._parts:
            headers = b"".join(bytes(name) + b": " + bytes(value) + b"\r\n" for name, value in part)
            lines += b"--" + self._boundary + b"\r\n" + headers + b"\r\n\r\n"
        return lines + b"--" + self._boundary + b"--\r\n"


def _boundary(scope: Scope) -> bytes | None:
    kind, options = parse_options_header(Headers(scope=scope).get("content-type"))
    return options.get(b"boundary") if kind == b"multipart/form-data" else None


def _safe(name: str) -> str:
    """The last part of `name` as the disk can hold it."""
    last = PurePosixPath(PureWindowsPath(name).name).name
    last = _UNSAFE.sub("_", last).strip(". ") or "upload"
    stem, dot, suffix = last.rpartition(".")
    room = _LONGEST_NAME_BYTES - len((dot + suffix).encode())
    if dot and room > 0:
        return stem.encode()[:room].decode("utf-8", "ignore") + dot + suffix
    return last.encode()[:_LONGEST_NAME_BYTES].decode("utf-8", "ignore")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    with suppress(OSError):  # gone with the whole folder
        path.parent.rmdir()
