"""The dashboard in a real browser, served on the sample by the command people use."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    # A name that somebody pointed at this machine.
    "--host-resolver-rules=MAP rebound.example 127.0.0.1",
    "--no-first-run",
)
# The script has run to its end and nothing is about to change.
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
# Skeletons pulse until what draws their part has come; colours change over some frames.
AT_REST = "() => document.getAnimations().length === 0"
# Below a page's own path Streamlit first asks for its server there, then at the root.
STREAMLIT_LOOKING = re.compile(r"//[^/]+/[^/]+/_stcore/(health|host-config)$")
STARTING_SECONDS = 180
HOST = "127.0.0.1"
# What each journey ended with, to be looked at.
SCREENS = Path(__file__).parents[2] / "build" / "screens"

OpenPage = Callable[..., Page]

expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `kept serve --demo`, started for these tests and stopped after them."""
    folder = tmp_path_factory.mktemp("served")
    port = _free_port()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KEPT_") and name not in ("DISPLAY", "WAYLAND_DISPLAY")
    }
    output = folder / "output.txt"
    with output.open("wb") as said:
        server = subprocess.Popen(
            [str(Path(sys.executable).with_name("kept")), "serve", "--demo", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://{HOST}:{port}"
            _wait_until_it_answers(f"{address}/_stcore/health", server, output)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium of this machine; without one, CI fails and others skip."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        missing = "no Chromium: run make browser"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    flags = list(FLAGS)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=executable, headless=True, args=flags)
        yield found
        found.close()


@pytest.fixture
def open_page(served: str, browser: Browser, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """Opens a page of the dashboard and waits until it stands still.

    When the test is over, nothing that it opened may have logged an error or asked another host.
    """
    problems: list[str] = []
    contexts = []

    def open_one(
        path: str = "",
        *,
        locale: str = "zh-CN",
        colour_scheme: Literal["light", "dark"] = "light",
        width: int = 1440,
        height: int = 1000,
    ) -> Page:
        context = browser.new_context(
            locale=locale,
            color_scheme=colour_scheme,
            viewport={"width": width, "height": height},
            timezone_id="Asia/Shanghai",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: _note_error(said, problems))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: _note_foreign(request.url, problems))
        page.on("websocket", lambda socket: _note_foreign(socket.url, problems))
        page.goto(f"{served}/{path}")
        settle(page)
        return page

    yield open_one
    SCREENS.mkdir(parents=True, exist_ok=True)
    for number, context in enumerate(contexts):
        name = re.sub(r"\W+", "-", request.node.name).strip("-")
        context.pages[0].screenshot(path=SCREENS / f"{name}-{number}.png")
        context.close()
    assert problems == []


@pytest.fixture
def settled() -> Callable[[Page], None]:
    """Waits until the page has answered what was done to it."""
    return settle


def settle(page: Page) -> None:
    page.locator(SETTLED).wait_for(timeout=60_000)
    page.wait_for_function(AT_REST, timeout=60_000)


def _note_error(said: ConsoleMessage, problems: list[str]) -> None:
    if said.type == "error" and not STREAMLIT_LOOKING.search(said.location["url"]):
        problems.append(f"{said.text} ({said.location['url']})")


def _note_foreign(url: str, problems: list[str]) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("data", "blob") and parts.hostname != HOST:
        problems.append(f"asked another host: {url}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(url: str, server: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"kept serve --demo did not answer:\n{output.read_text(errors='replace')}")
