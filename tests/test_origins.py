"""Requests to foreign hosts, and from pages of other sites, are answered 403 before Streamlit."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message

from dashboard.origins import Hosts, OwnPagesOnly, is_loopback
from etl.config import Settings
from etl.errors import KeptError

PORT = 8501
OWN = "http://localhost:8501"


def ask(
    host: str | list[str] = "localhost:8501",
    origin: str | list[str] | None = None,
    method: str = "GET",
    served: Hosts | None = None,
    reached: str = "127.0.0.1",
    **fetch: str,
) -> int:
    """The status of the answer to a request; method WS is a websocket."""
    headers = [(b"host", one.encode()) for one in ([host] if isinstance(host, str) else host)]
    origins = [origin] if isinstance(origin, str) else origin or []
    headers += [(b"origin", one.encode()) for one in origins]
    headers += [(f"sec-fetch-{name}".encode(), value.encode()) for name, value in fetch.items()]
    kind = {"type": "websocket"} if method == "WS" else {"type": "http", "method": method}
    scope: dict[str, Any] = {**kind, "path": "/", "headers": headers, "server": (reached, PORT)}
    status: list[int] = []

    async def send(message: Message) -> None:
        if "status" in message:
            status.append(message["status"])

    middleware = OwnPagesOnly(PlainTextResponse("in"), served or Hosts("127.0.0.1"))
    # In a thread of its own: a browser opened by other tests may have a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, middleware(scope, None, send)).result()  # type: ignore[arg-type]
    return status[0]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8501", 200),
        ("LocalHost:8501", 200),
        ("127.0.0.1:8501", 200),
        ("[::1]:8501", 200),
        ("localhost", 403),
        ("localhost:80", 403),
        ("localhost.:8501", 403),
        ("evil.example:8501", 403),
        ("localhost.evil.example:8501", 403),
        ("user@localhost:8501", 403),
        ("0.0.0.0:8501", 403),
        ("127.0.0.2:8501", 403),
        ("", 403),
        ([], 403),
        (["localhost:8501", "localhost:8501"], 403),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "WS"])
def test_only_exact_hosts_are_answered(host, status, method):
    origin = f"http://{host.lower()}" if isinstance(host, str) else OWN
    assert ask(host, origin, method) == status


@pytest.mark.parametrize("method", ["WS", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (OWN, 200),
        (None, 403),
        ("null", 403),
        ("https://localhost:8501", 403),
        ("http://localhost", 403),
        ("http://localhost:9999", 403),
        ("http://127.0.0.1:8501", 403),
        ("http://evil.example:8501", 403),
        ("http://localhost:8501.evil.example", 403),
        ([OWN, OWN], 403),
        ([OWN, "http://evil.example"], 403),
    ],
)
def test_what_changes_or_streams_needs_the_exact_origin(method, origin, status):
    assert ask("localhost:8501", origin, method) == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_only_reads_needs_no_origin_but_a_foreign_one_is_refused(method):
    assert ask(method=method) == 200
    assert ask(origin=OWN, method=method) == 200
    assert ask(origin="http://localhost:9999", method=method) == 403


@pytest.mark.parametrize(
    ("site", "mode", "dest", "status"),
    [
        ("none", "navigate", "document", 200),
        ("same-origin", "cors", "empty", 200),
        ("cross-site", "navigate", "document", 200),  # a link in a mail or a wiki
        ("cross-site", "navigate", "iframe", 403),
        ("same-site", "no-cors", "image", 403),  # a page of another port
        ("cross-site", "no-cors", "script", 403),
    ],
)
def test_another_site_may_link_to_a_page_and_embed_nothing(site, mode, dest, status):
    assert ask(site=site, mode=mode, dest=dest) == status


def hosts(text: str, address: str = "127.0.0.1") -> Hosts:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEPT_ALLOWED_HOSTS", text)
        return Hosts(address, Settings.from_environment().allowed_hosts)


@pytest.mark.parametrize(
    ("allowed", "host", "origin", "status"),
    [
        ("kept.example.org", "kept.example.org", "https://kept.example.org", 200),
        ("kept.example.org", "kept.example.org:443", "https://kept.example.org", 200),
        ("kept.example.org", "kept.example.org", "http://kept.example.org", 403),
        ("kept.example.org", "kept.example.org:8501", "http://kept.example.org:8501", 200),
        ("kept.example.org", "kept.example.org:8501", "http://kept.example.org:9", 403),
        ("kept.example.org", "evil.kept.example.org", "https://evil.kept.example.org", 403),
        ("kept.example.org", "localhost:8501", "https://kept.example.org", 200),  # Host replaced
        ("kept.example.org", "localhost:8501", "http://evil.example", 403),
        ("a.org, https://b.org:8443", "b.org:8443", "https://b.org:8443", 200),
        ("https://b.org:8443", "b.org:8501", "http://b.org:8501", 403),
        ("http://kept.lan", "kept.lan", "http://kept.lan", 200),
        ("http://kept.lan", "kept.lan", "https://kept.lan", 403),
        ("[fd00::1]:8501", "[fd00::1]:8501", "http://[fd00::1]:8501", 200),
        ("", "kept.example.org", "https://kept.example.org", 403),
    ],
)
@pytest.mark.parametrize("method", ["POST", "WS"])
def test_allowed_hosts_are_those_of_a_reverse_proxy(allowed, host, origin, status, method):
    assert ask(host, origin, method, hosts(allowed)) == status


@pytest.mark.parametrize("text", ["*", "*.example.org", "a b", "ftp://a.org", "a.org/x", "a.org:x"])
def test_what_is_no_host_is_refused_with_a_sentence(text):
    with pytest.raises(KeptError, match="allowed_host_unreadable"):
        hosts(text)


def test_the_address_served_at_is_a_host_too():
    served = Hosts("192.168.1.5")
    assert ask("192.168.1.5:8501", "http://192.168.1.5:8501", "WS", served) == 200
    assert ask("192.168.1.6:8501", "http://192.168.1.6:8501", "WS", served) == 403
    assert ask("[fd00::1]:8501", "http://[fd00::1]:8501", "WS", Hosts("fd00::1")) == 200


@pytest.mark.parametrize(("every", "reached"), [("0.0.0.0", "10.0.0.7"), ("::", "::ffff:10.0.0.7")])
def test_at_every_address_the_one_that_was_asked_is_the_host(every, reached):
    served = Hosts(every)
    assert ask("10.0.0.7:8501", "http://10.0.0.7:8501", "WS", served, reached) == 200
    assert ask("10.0.0.8:8501", "http://10.0.0.8:8501", "WS", served, reached) == 403
    assert ask("kept.lan:8501", "http://kept.lan:8501", "WS", served, reached) == 403


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("192.168.1.5", False), ("kept.lan", False),
        ("", False),
    ],
)  # fmt: skip
def test_what_other_machines_reach_is_no_loopback(address, loopback):
    assert is_loopback(address) is loopback
