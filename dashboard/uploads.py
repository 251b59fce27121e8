"""Uploads: written to disk piece by piece as they come, hashed on the way, never whole in memory.

Streamlit keeps an upload in memory as long as its session lives. `StreamedUploads` stands before
it: the file itself goes to the shelf, and what Streamlit gets, checks and keeps is the same upload
with nothing in it. A page asks the shelf for the file behind what the uploader gives it.
"""

import asyncio
import hashlib
import re
import secrets
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from threading import RLock
from typing import IO, TypeVar

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.uploaded_file_manager import UploadedFile

from etl.catalogue import LANGUAGES, catalogue
from etl.config import Staging
from etl.scratch import scratch

T = TypeVar("T")
FORGOTTEN_SECONDS = 6 * 3600
"""After so long an upload that nobody asked for any more is taken away."""
PIECE_BYTES = 1 << 20
RETURN_SECONDS = 5.0
"""So long a session that lost its connection may take to return before its uploads go."""
_LONGEST_NAME_BYTES = 200
_FRAMING_BYTES = 1 << 16
"""A request with an upload is larger than the file, by less than this."""
_PATH = re.compile(r"/_stcore/upload_file/(?P<session>[^/]+)/(?P<id>[^/]+)$")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')


class NoRoomError(Exception):
    """An upload would be more than its session, or all of them, may stage."""


@dataclass(eq=False)
class Upload:
    """A file as it was uploaded; it is on the disk as long as somebody holds this."""

    name: str
    path: Path
    size: int
    sha256: str
    session: str = ""
    freed: Callable[[], None] = lambda: None
    _end: "weakref.finalize[[], Upload]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._end = weakref.finalize(self, partial(_remove, self.path, self.freed))

    def rename(self, name: str) -> None:
        """Gives it another name, where two files of one name were uploaded."""
        self._end.detach()
        self.path = self.path.rename(self.path.with_name(_safe(name)))
        self.name = name
        self.__post_init__()


@dataclass
class Arriving:
    """A file that is being written; `finish` makes it an upload, `abandon` leaves nothing."""

    path: Path
    session: str = ""
    reserve: Callable[[int], None] = lambda _size: None
    release: Callable[[int], None] = lambda _size: None
    _file: IO[bytes] = field(init=False)
    _size: int = 0
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        self._file = self.path.open("wb")

    def write(self, piece: bytes | memoryview) -> None:
        """Adds a piece. Raises OSError where the disk is full, NoRoomError where a limit is."""
        self.reserve(len(piece))
        self._size += len(piece)
        self._file.write(piece)
        self._digest.update(piece)

    def finish(self, name: str) -> Upload:
        """Gives it its name."""
        self._file.close()
        target = self.path.with_name(_safe(name))
        self.path.rename(target)
        freed = partial(self.release, self._size)
        return Upload(name, target, self._size, self._digest.hexdigest(), self.session, freed)

    def abandon(self) -> None:
        """Takes away what was written."""
        with suppress(OSError):  # of a full disk
            self._file.close()
        _remove(self.path, partial(self.release, self._size))


@dataclass(eq=False)
class Shelf:
    """The uploads of this process by the id that Streamlit gave them, each with when it was used.

    The folder they lie in is made with the first and goes with the process. What is counted against
    the limits is what is on the disk, whoever holds it.
    """

    _held: dict[str, tuple[Upload, float]] = field(default_factory=dict)
    _staged: Counter[str] = field(default_factory=Counter)
    _files: Counter[str] = field(default_factory=Counter)
    # Reentrant: an upload may be freed by the collector while this is held.
    _guard: RLock = field(default_factory=RLock)
    _stack: ExitStack = field(default_factory=ExitStack)
    _folder: Path | None = None
    _leaving: list[Callable[[str], None]] = field(default_factory=list)

    def arriving(
        self, session: str = "", staging: Staging | None = None, announced: int = 0
    ) -> Arriving:
        """A place to write an upload of a session to; uploads long forgotten are taken away.

        `announced` is the size of the request. Raises NoRoomError where a limit is reached.
        """
        staging = staging or Staging()

        def room() -> int:
            of_session = staging.session_bytes - self._staged[session]
            return min(of_session, staging.all_bytes - self._staged.total())

        def reserve(size: int) -> None:
            with self._guard:
                if size > room():
                    raise NoRoomError
                self._staged[session] += size

        def release(size: int) -> None:
            with self._guard:
                self._staged[session] -= size
                self._files[session] -= 1

        with self._guard:
            if self._folder is None:
                self._folder = self._stack.enter_context(scratch("uploads"))
                weakref.finalize(self, self._stack.close)
            limit = time.monotonic() - FORGOTTEN_SECONDS
            for name in [name for name, (_, used) in self._held.items() if used < limit]:
                del self._held[name]
            full = self._files[session] >= staging.session_files
            if full or announced - _FRAMING_BYTES > room():
                raise NoRoomError
            self._files[session] += 1
            own = self._folder / secrets.token_hex(8)
        own.mkdir()
        return Arriving(own / ".arriving", session, reserve, release)

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

    def when_left(self, call: Callable[[str], None]) -> None:
        """Has `call` told the id of every session with uploads that is left."""
        self._leaving.append(call)

    def leave(self, is_active: Callable[[str], bool]) -> None:
        """Keeps nothing of the sessions that are not active any more."""
        with self._guard:
            left = {session for session in +self._files if session and not is_active(session)}
            for name in [name for name, (one, _) in self._held.items() if one.session in left]:
                del self._held[name]
        for session in left:
            for call in self._leaving:
                call(session)

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


def _is_active(session: str) -> bool:
    """Whether a browser is connected to that session of Streamlit's."""
    return runtime.exists() and runtime.get_instance().is_active_session(session)


class StreamedUploads:
    """The middleware: an upload's content goes to the shelf, the rest of the request passes.

    Whether the session lives, the token is right and the size allowed is for Streamlit to say: not
    a byte is read before it asks for the first. What a session staged goes when it is left.
    """

    def __init__(
        self,
        app: ASGIApp,
        shelf: Callable[[], Shelf] = shelf,
        staging: Staging | None = None,
        is_active: Callable[[str], bool] = _is_active,
    ) -> None:
        self._app = app
        self._shelf = shelf
        self._staging = staging or Staging()
        self._is_active = is_active
        self._leaving: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.search(scope["path"]) if scope["type"] == "http" else None
        boundary = _boundary(scope) if found else None
        if found and scope["method"] == "DELETE":
            await self._app(scope, receive, send)
            self._shelf().forget(found["id"])
        elif found and boundary and scope["method"] == "PUT":
            announced = int(Headers(scope=scope).get("content-length", "0"))
            place = partial(self._shelf().arriving, found["session"], self._staging, announced)
            body = _Body(receive, boundary, place, partial(self._keep, found["id"]))
            try:
                await self._app(scope, body.receive, send)
            finally:
                body.close()
        elif scope["type"] == "websocket":
            try:
                await self._app(scope, receive, send)
            finally:
                self._leave_soon()
        else:
            await self._app(scope, receive, send)

    def _keep(self, identity: str, upload: Upload) -> None:
        self._shelf().put(identity, upload)
        if not self._is_active(upload.session):
            self._leave_soon()

    def _leave_soon(self) -> None:
        task = asyncio.create_task(self._leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _leave(self) -> None:
        await asyncio.sleep(RETURN_SECONDS)
        await run_in_threadpool(self._shelf().leave, self._is_active)


class _Body:
    """The body of one upload: read as it comes, handed on without the file's content.

    `place` gives where it is written to; `keep` is handed what has come whole.
    """

    def __init__(
        self,
        receive: Receive,
        boundary: bytes,
        place: Callable[[], Arriving],
        keep: Callable[[Upload], None],
    ) -> None:
        self._receive = receive
        self._boundary = boundary
        self._place = place
        self._keep = keep
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
        self._arriving = _within_limits(self._place)
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
        self._keep(self._arriving.finish(self._name()))
        return {"type": "http.request", "body": self._emptied(), "more_body": False}

    def close(self) -> None:
        """Leaves nothing of an upload that did not come to its end."""
        if self._arriving is not None and not self._done:
            self._arriving.abandon()

    async def _write(self) -> None:
        pieces, self._pieces, self._waiting = b"".join(self._pieces), [], 0
        assert self._arriving is not None
        await run_in_threadpool(_within_limits, partial(self._arriving.write, pieces))

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


def _within_limits(stage: Callable[[], T]) -> T:
    """Does it; where a limit or the disk is full the upload is refused."""
    try:
        return stage()
    except NoRoomError as error:
        raise HTTPException(413, _refusal("staging_full")) from error
    except OSError as error:
        raise HTTPException(507, _refusal("staging_disk_full")) from error


def _refusal(code: str) -> str:
    return "\n".join(catalogue().message(code, language) for language in LANGUAGES)


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


def _remove(path: Path, freed: Callable[[], None]) -> None:
    path.unlink(missing_ok=True)
    with suppress(OSError):  # gone with the whole folder
        path.parent.rmdir()
    freed()
