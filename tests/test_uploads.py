"""Uploads go to the disk piece by piece; what stands behind them gets the same without content."""

import asyncio
import errno
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from dashboard import uploads
from dashboard.uploads import Arriving, Shelf, StreamedUploads, _safe
from etl.config import Staging

BOUNDARY = b"----kept"
CONTENT = "工单编号,合同编号\r\n".encode() * 100_000
PATH = "/_stcore/upload_file/session/file-1"


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    yield shelf
    shelf._stack.close()


def body(content: bytes, name: bytes = "工单.csv".encode()) -> bytes:
    return (
        b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="file"; filename="' + name
        + b'"\r\nContent-Type: text/csv\r\n\r\n' + content + b"\r\n--" + BOUNDARY + b"--\r\n"
    )  # fmt: skip


class Behind:
    """What stands where Streamlit does: says what it got."""

    def __init__(self, allowed: bool = True) -> None:
        self.allowed = allowed
        self.asked = 0
        self.name: str | None = None
        self.content: bytes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.allowed and scope["method"] == "PUT":
            async with Request(scope, receive).form() as form:
                (upload,) = form.values()
                assert not isinstance(upload, str)
                self.name, self.content = upload.filename, await upload.read()
        await Response(status_code=204 if self.allowed else 403)(scope, receive, send)


def ask(
    shelf: Shelf,
    behind: Behind,
    pieces: list[bytes],
    method: str = "PUT",
    path: str = PATH,
    staging: Staging | None = None,
    announced: int = 0,
) -> tuple[int | None, int]:
    """The status of the answer, and how many pieces were asked for."""
    left = list(pieces)
    status: list[int] = []

    async def receive() -> Message:
        behind.asked += 1
        if not left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [
            (b"content-type", b"multipart/form-data; boundary=" + BOUNDARY),
            (b"content-length", str(announced).encode()),
        ],
    }
    middleware = StreamedUploads(behind, lambda: shelf, staging, lambda _session: True)
    # In a thread of its own: a browser opened by other tests may have a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, middleware(scope, receive, send)).result()
    return (status[0] if status else None), behind.asked


class Given:
    """What Streamlit's uploader hands to the page."""

    def __init__(self, file_id: str, name: str, content: bytes = b"") -> None:
        self.file_id, self.name, self.size = file_id, name, len(content)
        self._content = content

    def getbuffer(self) -> bytes:
        return self._content


def cut(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


@pytest.mark.parametrize("size", [65_536, 999, 10**9])
def test_the_content_goes_to_the_disk_and_nothing_of_it_further(shelf: Shelf, size: int):
    behind = Behind()
    content = CONTENT if size > 1000 else CONTENT[:20_000]

    assert ask(shelf, behind, cut(body(content), size))[0] == 204

    assert (behind.name, behind.content) == ("工单.csv", b"")
    upload = shelf.of(Given("file-1", "工单.csv"))  # type: ignore[arg-type]
    assert upload is not None
    assert (upload.name, upload.path.name, upload.size) == ("工单.csv", "工单.csv", len(content))
    assert upload.path.read_bytes() == content
    assert upload.sha256 == hashlib.sha256(content).hexdigest()


def test_not_a_byte_is_read_of_what_is_refused(shelf: Shelf):
    assert ask(shelf, Behind(allowed=False), [body(b"a,b\n")]) == (403, 0)
    assert shelf.of(Given("file-1", "a.csv")) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("pieces", [[body(CONTENT)[:-9]], [b"no upload at all"], [b""]])
def test_an_upload_that_is_cut_off_leaves_nothing(shelf: Shelf, pieces: list[bytes]):
    with pytest.raises(HTTPException, match="400"):
        ask(shelf, Behind(), pieces)

    assert shelf._folder is not None
    assert [path for path in shelf._folder.rglob("*") if "lock" not in path.name] == []


def test_an_upload_goes_when_it_was_removed_and_nobody_holds_it(shelf: Shelf):
    ask(shelf, Behind(), [body(b"a,b\n1,2\n")])
    upload = shelf.of(Given("file-1", "a.csv"))  # type: ignore[arg-type]
    assert upload is not None
    path = upload.path

    assert ask(shelf, Behind(), [], "DELETE")[0] == 204
    assert path.read_bytes() == b"a,b\n1,2\n"
    del upload
    assert not path.exists()


def test_an_upload_goes_when_the_desk_is_cleared(shelf: Shelf):
    ask(shelf, Behind(), [body(b"a,b\n1,2\n")])
    upload = shelf.of(Given("file-1", "a.csv"))  # type: ignore[arg-type]
    assert upload is not None
    path = upload.path

    shelf.discard([upload])
    del upload

    assert not path.exists()


def on_disk(shelf: Shelf) -> list[Path]:
    assert shelf._folder is not None
    return [path for path in shelf._folder.rglob("*") if "lock" not in path.name]


@pytest.mark.parametrize(
    ("staging", "session"),
    [
        (Staging(session_bytes=1500), "session"),
        (Staging(all_bytes=1500), "another"),
        (Staging(session_files=1), "session"),
    ],
    ids=["bytes of a session", "bytes of all", "files of a session"],
)
def test_what_is_over_a_limit_is_refused_and_leaves_nothing(shelf, staging, session):
    first, second = body(b"a" * 1000), body(b"b" * 1000)
    assert ask(shelf, Behind(), [first], staging=staging)[0] == 204
    before = on_disk(shelf)
    path = f"/_stcore/upload_file/{session}/file-2"

    with pytest.raises(HTTPException, match="413"):
        ask(shelf, Behind(), cut(second, 100), path=path, staging=staging)
    assert on_disk(shelf) == before

    # What is taken away makes room.
    ask(shelf, Behind(), [], "DELETE", staging=staging)
    assert ask(shelf, Behind(), [second], path=path, staging=staging)[0] == 204


def test_not_a_byte_is_read_of_what_is_announced_too_large(shelf: Shelf):
    behind, whole = Behind(), body(CONTENT)

    with pytest.raises(HTTPException, match="413"):
        ask(shelf, behind, [whole], staging=Staging(session_bytes=10_000), announced=len(whole))

    assert behind.asked == 0
    assert on_disk(shelf) == []


def test_a_disk_that_is_full_is_said_and_leaves_nothing(shelf, monkeypatch):
    def full(_arriving: object, _piece: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Arriving, "write", full)
    with pytest.raises(HTTPException, match="507"):
        ask(shelf, Behind(), [body(b"a,b\n")])
    assert on_disk(shelf) == []


def test_what_a_session_staged_goes_when_it_is_left(shelf: Shelf):
    ask(shelf, Behind(), [body(b"a,b\n1,2\n")])
    ask(shelf, Behind(), [body(b"c,d\n3,4\n")], path="/_stcore/upload_file/other/file-2")
    left: list[str] = []
    shelf.when_left(left.append)

    shelf.leave(lambda session: session == "other")

    assert left == ["session"]
    assert shelf.of(Given("file-1", "a.csv")) is None  # type: ignore[arg-type]
    kept = shelf.of(Given("file-2", "a.csv"))  # type: ignore[arg-type]
    assert kept is not None
    assert [path for path in on_disk(shelf) if path.is_file()] == [kept.path]


def test_a_lost_connection_leaves_its_session_after_a_while(shelf: Shelf, monkeypatch):
    monkeypatch.setattr(uploads, "RETURN_SECONDS", 0.0)
    ask(shelf, Behind(), [body(b"a,b\n1,2\n")])

    async def behind(_scope: Scope, _receive: Receive, _send: Send) -> None:
        """A websocket that is closed."""

    async def connect_and_go() -> None:
        middleware = StreamedUploads(behind, lambda: shelf, None, lambda _session: False)
        await middleware({"type": "websocket", "path": "/_stcore/stream"}, None, None)  # type: ignore[arg-type]
        while on_disk(shelf):
            await asyncio.sleep(0.01)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, asyncio.wait_for(connect_and_go(), 30)).result()


def test_without_the_middleware_the_upload_is_written_from_memory(shelf: Shelf):
    given = Given("file-2", "a.csv", b"a,b\n")
    upload = shelf.of(given)  # type: ignore[arg-type]

    assert upload is not None
    assert upload.path.read_bytes() == b"a,b\n"
    assert shelf.of(given) is upload  # type: ignore[arg-type]


def test_other_requests_pass_as_they_are(shelf: Shelf):
    assert ask(shelf, Behind(), [], "GET", "/_stcore/health") == (204, 0)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("工单.csv", "工单.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\exports\\a.csv", "a.csv"),
        (".csv", "csv"),
        ("", "upload"),
        ("a\x00b?.csv", "a_b_.csv"),
    ],
)
def test_a_name_becomes_one_that_the_disk_can_hold(name: str, kept: str):
    assert _safe(name) == kept


def test_a_long_name_keeps_its_ending():
    kept = _safe("工" * 100 + ".csv")

    assert kept.endswith(".csv")
    assert len(kept.encode()) <= 200
