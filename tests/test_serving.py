"""`kept serve` from outside: whom it answers, what it tells, whom it asks itself (nobody)."""

import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.sessions import connected
from dashboard.navigation import PAGES
from tests import dashboard_data

T = TypeVar("T")
STARTING_SECONDS = 60
# The command, which first notes every connection that its process opens or prepares.
SERVE = """
import sys
out = open(sys.argv.pop(1), "a", buffering=1)
outgoing = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
sys.addaudithook(lambda event, about: event in outgoing and print(event, about[1:], file=out))
from etl.cli import main
main()
"""
BROKEN = """
from dashboard import navigation
def fails(page):
    raise KeyError("what only programmers understand")
object.__setattr__(navigation.PAGES[1], "view", fails)
import socket
socket.getaddrinfo("localhost", 1)  # so that something is noted
"""


@dataclass(frozen=True)
class Served:
    """A server under test: its port, and what its process noted of connections and printed."""

    port: int
    warehouse: Path
    connections: Path
    output: Path

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    def ask(
        self, path: str, host: str | None = None, method: str = "GET", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body of one answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host or self.host)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.headers, body

    async def open_socket(self, host: str, origin: str | None) -> int:
        """The status that a websocket is answered with; 101 where it is open."""
        try:
            async with websockets.connect(
                f"ws://{host}/_stcore/stream",
                host="127.0.0.1",
                port=self.port,
                origin=None if origin is None else websockets.Origin(origin),
            ):
                return 101
        except websockets.InvalidStatus as refused:
            return refused.response.status_code


@contextmanager
def serving(
    warehouse: Path, folder: Path, *arguments: str, first: str = "", **environment: str
) -> Iterator[Served]:
    """The command, up and answering."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = Served(port, warehouse, folder / "connections.txt", folder / "output.txt")
    served.connections.touch()
    program = SERVE.replace("main()", f"{first}\nmain()")
    command = [sys.executable, "-c", program, str(served.connections), "serve", *arguments]
    with served.output.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--warehouse", str(warehouse), "--port", str(port)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.getcwd(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + STARTING_SECONDS
        while True:
            try:
                served.ask("/healthz")
                break
            except OSError:
                assert server.poll() is None, served.output.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield served
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dashboard_data.make_warehouse(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def served(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Behind a proxy that accepts connections and never answers, should anybody ask it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        folder = tmp_path_factory.mktemp("serving")
        proxies = {"http_proxy": proxy, "https_proxy": proxy}
        with serving(warehouse, folder, KEPT_ALLOWED_HOSTS="kept.example", **proxies) as one:
            yield one
            assert one.connections.read_text() == ""


def in_thread(work: Callable[[], T]) -> T:
    """In a thread of its own: a browser opened by other tests may have a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def refused_sockets(served: Served) -> list[tuple[str, str | None]]:
    evil = f"evil.example:{served.port}"
    return [
        (evil, f"http://{evil}"),
        (served.host, f"http://{evil}"),
        (served.host, "http://localhost:9999"),
        (served.host, "https://foreign.example"),
        (served.host, "null"),
        (served.host, None),
    ]


def test_foreign_sockets_are_refused_at_once_and_nobody_waits(served: Served):
    async def all_at_once() -> list[int]:
        every = refused_sockets(served) * 5
        return await asyncio.gather(*(served.open_socket(*one) for one in every))

    with ThreadPoolExecutor(1) as thread:
        began = time.monotonic()
        sockets = thread.submit(asyncio.run, all_at_once())
        assert served.ask("/healthz")[0] == 200
        assert set(sockets.result()) == {403}
    # One single question to the silent proxy would take longer.
    assert time.monotonic() - began < 10
    assert served.connections.read_text() == ""


def test_own_sockets_are_open(served: Served):
    own = [
        (served.host, f"http://{served.host}"),
        (f"127.0.0.1:{served.port}", f"http://127.0.0.1:{served.port}"),
        (f"[::1]:{served.port}", f"http://[::1]:{served.port}"),
        ("kept.example", "https://kept.example"),
    ]
    for host, origin in own:
        assert in_thread(lambda at=(host, origin): asyncio.run(served.open_socket(*at))) == 101


@pytest.mark.parametrize("path", ["/", "/healthz", "/_stcore/health", "/static/x", "/media/x"])
def test_a_foreign_host_reads_nothing_and_is_told_why(served: Served, path: str):
    status, headers, body = served.ask(path, f"evil.example:{served.port}")

    assert (status, headers["content-type"]) == (403, "text/plain; charset=utf-8")
    assert "看板不以此地址提供服务" in body.decode()
    assert "KEPT_ALLOWED_HOSTS" in body.decode()


def test_a_foreign_page_uploads_and_deletes_nothing(served: Served):
    for method in ("PUT", "DELETE", "POST"):
        path = "/_stcore/upload_file/session/file"
        assert served.ask(path, method=method, Origin="http://localhost:9999")[0] == 403
        assert served.ask(path, method=method)[0] == 403


def test_metrics_and_the_interface_for_programs_are_not_there(served: Served):
    for path in ("metrics", "agent/openapi.json", "agent/interact", "script-health-check"):
        assert served.ask(f"/_stcore/{path}")[0] == 404
    assert served.ask("/_stcore/health")[2] == b"ok"
    config = json.loads(served.ask("/_stcore/host-config")[2])
    assert (config["allowedOrigins"], config["blockErrorDialogs"]) == ([], True)


def test_health_is_told_and_nothing_of_the_data(served: Served):
    status, headers, body = served.ask("/healthz")
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert json.loads(body) == {"alive": True, "warehouse_readable": True}

    current = served.warehouse / "CURRENT"
    was = current.read_text()
    try:
        current.write_text("no number")
        status, _, body = served.ask("/healthz")
    finally:
        current.write_text(was)
    assert status == 503
    assert json.loads(body) == {"alive": True, "warehouse_readable": False}


def test_the_policy_lets_a_page_speak_to_its_own_origin_alone(served: Served):
    policy = dict(
        part.strip().split(" ", 1)
        for part in served.ask("/")[1]["content-security-policy"].split(";")
    )

    assert policy["connect-src"] == f"'self' ws://{served.host} wss://{served.host}"
    assert policy["default-src"] == "'self'"
    unsafe = {name: value for name, value in policy.items() if "unsafe-" in value}
    assert unsafe == {"style-src": "'self' 'unsafe-inline'"}
    named = {source for value in policy.values() for source in value.split()}
    assert {
        source for source in named if source in ("*", "http:", "https:", "ws:", "wss:")
    } == set()


async def shown(served: Served, path: str) -> tuple[set[str], str]:
    """The kinds of elements that a page shows, and its texts in HTML."""
    kinds: set[str] = set()
    texts = ""
    async with connected(served.host) as session:
        asked = BackMsg()
        asked.rerun_script.query_string, asked.rerun_script.page_name = "lang=en", path
        await session.send(asked.SerializeToString())
        while True:
            message = ForwardMsg()
            message.ParseFromString(await asyncio.wait_for(session.recv(), 60))
            if message.WhichOneof("type") == "script_finished":
                return kinds, texts
            element = message.delta.new_element
            if kind := element.WhichOneof("type"):
                kinds.add(kind)
                texts += element.html.body


def test_no_page_has_the_server_ask_another_host(served: Served):
    async def every_page() -> set[str]:
        found = [await shown(served, entry.path) for entry in PAGES]
        return {kind for kinds, _ in found for kind in kinds}

    kinds = in_thread(lambda: asyncio.run(every_page()))

    assert {"metric", "plotly_chart", "dataframe"} <= kinds
    assert "exception" not in kinds
    assert served.connections.read_text() == ""


def test_an_error_nobody_expected_is_said_in_words_of_our_own(warehouse: Path, tmp_path: Path):
    with serving(warehouse, tmp_path, first=BROKEN) as broken:
        kinds, texts = in_thread(lambda: asyncio.run(shown(broken, "sla")))

    assert "exception" not in kinds
    assert "An unexpected error" in texts
    assert "programmers" not in texts
    assert "what only programmers understand" in broken.output.read_text()  # in the log
    assert broken.connections.read_text().startswith("socket.getaddrinfo")


def test_other_machines_are_served_only_where_one_says_so(warehouse: Path, tmp_path: Path):
    refused = subprocess.run(
        [sys.executable, "-m", "etl", "serve", "--host", "0.0.0.0", "--warehouse", str(warehouse)],
        check=False,
        env={**os.environ, "KEPT_LANGUAGE": "en"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode == 2
    assert "Other machines reach 0.0.0.0, and Kept has no sign-in" in refused.stderr

    with ExitStack() as stack:
        open_ = serving(
            warehouse, tmp_path, "--host", "0.0.0.0", "--open-to-everyone", KEPT_LANGUAGE="en"
        )
        everyone = stack.enter_context(open_)
        assert "open to everyone who can connect" in everyone.output.read_text()
        assert everyone.ask("/", f"127.0.0.1:{everyone.port}")[0] == 200
        assert everyone.ask("/", f"evil.example:{everyone.port}")[0] == 403
