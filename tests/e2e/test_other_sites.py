"""What pages of other sites can do in a browser that has the dashboard open: nothing."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page

AT_ONCE = 20
# Opens websockets to `host`, as the dashboard's own pages do, and says how each ended.
OPEN_SOCKETS = """([host, count]) => Promise.all([...Array(count)].map(() => new Promise((done) => {
    const socket = new WebSocket(`ws://${host}/_stcore/stream`, ["streamlit"]);
    socket.onopen = () => { done("open"); socket.close(); };
    socket.onerror = () => done("refused");
})))"""
# Whatever a page may send to `host` without asking first, and how much of the answer it sees.
SEND = """([host, method, path, mode]) =>
    fetch(`http://${host}${path}`, {method, mode, credentials: "include"}).then(
        (answer) => `${answer.type} ${answer.status}`, () => "failed")"""
EMBED = """([host, path]) => new Promise((done) => {
    const element = new Image();
    element.onload = () => done("loaded");
    element.onerror = () => done("failed");
    element.src = `http://${host}${path}`;
})"""


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[str]:
    """Another site on this machine: any page of it is empty."""

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>elsewhere</title>")

        def log_message(self, *_about: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def hosts(served: str) -> list[str]:
    port = urlsplit(served).port
    return [f"127.0.0.1:{port}", f"localhost:{port}", f"rebound.example:{port}"]


def test_a_page_of_the_dashboard_itself_is_answered(served, page):
    page.goto(f"{served}/data")
    host = urlsplit(served).netloc
    assert page.evaluate(OPEN_SOCKETS, [host, 2]) == ["open"] * 2
    assert page.evaluate(SEND, [host, "GET", "/healthz", "cors"]) == "basic 200"
    assert page.evaluate(EMBED, [host, "/favicon.png"]) == "loaded"


def test_a_name_that_was_pointed_here_shows_nothing(served, page):
    host = f"rebound.example:{urlsplit(served).port}"
    answer = page.goto(f"http://{host}/retention")

    assert answer.status == 403
    assert "the dashboard is not served under this address" in page.inner_text("body")
    assert page.evaluate(OPEN_SOCKETS, [host, 1]) == ["refused"]
    for path in ("/healthz", "/_stcore/health", "/_stcore/upload_file/a/b", "/media/a.csv"):
        for method in ("GET", "POST", "PUT", "DELETE"):
            assert page.evaluate(SEND, [host, method, path, "same-origin"]) == "basic 403"


def test_a_page_of_another_port_reads_and_writes_nothing(served, page, elsewhere):
    page.goto(elsewhere)
    for host in hosts(served):
        assert page.evaluate(OPEN_SOCKETS, [host, 1]) == ["refused"]
        # Unread as ever; `no-cors` hides even that it is a refusal.
        assert page.evaluate(SEND, [host, "GET", "/healthz", "cors"]) == "failed"
        assert page.evaluate(SEND, [host, "PUT", "/_stcore/upload_file/a/b", "cors"]) == "failed"
        assert page.evaluate(SEND, [host, "POST", "/_stcore/stream", "no-cors"]) == "opaque 0"
        assert page.evaluate(EMBED, [host, "/favicon.png"]) == "failed"


def test_a_page_that_opens_the_dashboard_cannot_send_it_messages(served, page, elsewhere):
    page.goto(elsewhere)
    with page.context.expect_page() as opened:
        page.evaluate("(address) => { window.other = window.open(address); }", f"{served}/")
    opened.value.get_by_role("heading").first.wait_for()

    # The browser has parted the two: the one holds no handle of the other any more.
    assert page.evaluate("window.other.closed") is True


def test_others_are_served_while_a_page_tries(served, page, elsewhere):
    page.goto(elsewhere)
    waits: list[float] = []
    tried = threading.Event()

    def ask() -> None:
        while not tried.is_set():
            began = time.monotonic()
            urlopen(f"{served}/healthz", timeout=60).close()
            waits.append(time.monotonic() - began)
            time.sleep(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        found = page.evaluate(OPEN_SOCKETS, [hosts(served)[1], AT_ONCE])
    finally:
        tried.set()
        asking.join()

    assert found == ["refused"] * AT_ONCE
    assert max(waits) < 5, waits  # a question to another host would take longer
