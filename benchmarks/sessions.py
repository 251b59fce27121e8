"""Readers at once: how long a page takes to open and to follow a filter, and what is sent.

    python -m benchmarks.sessions WAREHOUSE SESSIONS

Serves the dashboard on a warehouse and speaks to it as that many browsers do, each changing a
filter every few seconds; one real browser measures until the page is drawn. Prints JSON.
"""

import asyncio
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.request import urlopen

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

CHANGES = 8
THINK_SECONDS = (3.0, 9.0)
PATIENCE_SECONDS = 600
PERIODS = ("3m", "12m", "all", "6m")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
QUIET_SECONDS = 1.5
# What the cells of a table say to a screen reader is written when they have long been drawn.
_WATCH = """() => {
    addEventListener("click", () => { window.clicked = performance.now(); }, true);
    const seen = ({target}) => !(target.closest ? target : target.parentElement).closest("td");
    new MutationObserver((changes) => {
        if (changes.some(seen))
            requestAnimationFrame(() => { window.drawn = performance.now(); });
    }).observe(document.body,
        {subtree: true, childList: true, attributes: true, characterData: true});
}"""
_STARTED = {"PYTHONUNBUFFERED": "1"}


@dataclass
class Told:
    """What one session saw: seconds until the first thing drawn, until all, and bytes, per run."""

    opened: list[tuple[float, float, int]] = field(default_factory=list)
    changed: list[tuple[float, float, int]] = field(default_factory=list)


def sessions(warehouse: str, count: str) -> dict[str, Any]:
    """Opens the overview `count` times at once and changes filters; medians and 95th parts."""
    with served(Path(warehouse)) as (port, server):
        asyncio.run(_all(port, 1, changes=1))  # the first reader of a day warms what all share
        told = asyncio.run(_all(port, int(count), changes=CHANGES))
        drawn = in_browser(port) if int(count) == 1 else None
        peak = _peak_bytes(server.pid)
    opened = [run for one in told for run in one.opened]
    changed = [run for one in told for run in one.changed]
    return {
        "sessions": int(count),
        "first_seconds": median(run[0] for run in opened),
        "opened_seconds": median(run[1] for run in opened),
        "changed_seconds": median(run[1] for run in changed),
        "changed_p95_seconds": quantiles([run[1] for run in changed], n=20)[-1],
        "most_bytes": max(run[2] for run in (*opened, *changed)),
        "server_peak_bytes": peak,
        "drawn": drawn,
    }


@contextmanager
def served(
    warehouse: Path, output: Path | None = None
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The dashboard on `warehouse` at a free port, up and answering; its log goes to `output`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "etl", "serve", "--warehouse", str(warehouse)]
    with Path(output or os.devnull).open("wb") as log:
        server = subprocess.Popen(
            [*command, "--port", str(port)],
            env={**os.environ, **_STARTED},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("the dashboard did not start") from None
                time.sleep(0.2)
        yield port, server
    finally:
        server.terminate()
        server.wait(30)


async def _all(port: int, count: int, *, changes: int) -> list[Told]:
    return list(await asyncio.gather(*(_session(port, n, changes) for n in range(count))))


async def _session(port: int, number: int, changes: int) -> Told:
    """One reader: opens the overview, then changes the period every few seconds."""
    chance = random.Random(number)
    told = Told()
    async with connected(f"127.0.0.1:{port}") as socket_:
        told.opened.append(await run(socket_, "lang=en"))
        for change in range(changes):
            await asyncio.sleep(0 if changes == 1 else chance.uniform(*THINK_SECONDS))
            period = PERIODS[(number + change) % len(PERIODS)]
            told.changed.append(await run(socket_, f"lang=en&period={period}"))
    return told


def connected(address: str) -> websockets.connect:
    """A session with the dashboard at `address`, as a browser has one."""
    return websockets.connect(
        f"ws://{address}/_stcore/stream",
        subprotocols=[websockets.Subprotocol("streamlit")],
        origin=websockets.Origin(f"http://{address}"),
        max_size=None,
    )


async def run(
    socket_: Any, query: str, path: str = "", elements: Counter[str] | None = None
) -> tuple[float, float, int]:
    """One run of a page: seconds until the first delta, until its end, and bytes received.

    `elements` counts what it showed, by kind; `exception` is Streamlit's own box.
    """
    asked = BackMsg()
    asked.rerun_script.query_string = query
    asked.rerun_script.page_name = path
    began = time.perf_counter()
    await socket_.send(asked.SerializeToString())
    first, received = None, 0
    while True:
        data = await asyncio.wait_for(socket_.recv(), PATIENCE_SECONDS)
        received += len(data)
        message = ForwardMsg()
        message.ParseFromString(data)
        kind = message.WhichOneof("type")
        if kind == "delta" and first is None:
            first = time.perf_counter() - began
        if kind == "delta" and elements is not None:
            elements[str(message.delta.new_element.WhichOneof("type"))] += 1
        if kind == "script_finished" and message.script_finished in (
            ForwardMsg.FINISHED_SUCCESSFULLY,
            ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
        ):
            return first or 0.0, time.perf_counter() - began, received


def in_browser(port: int) -> dict[str, float] | None:
    """Seconds until the overview, and a change of its period, are fully drawn in a browser."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        began = time.perf_counter()
        page.goto(f"http://127.0.0.1:{port}/?lang=en")
        page.wait_for_selector("[data-testid=stMetricValue]")
        painted = time.perf_counter() - began
        page.wait_for_selector(SETTLED)
        page.wait_for_selector(".js-plotly-plot .main-svg")
        opened = time.perf_counter() - began
        page.wait_for_timeout(QUIET_SECONDS * 1000)
        page.evaluate(_WATCH)
        taken = []
        for label in ("3M", "12M", "6M", "3M", "12M", "6M"):
            page.get_by_role("radio", name=label, exact=True).click()
            page.wait_for_selector("[data-testid=stApp]:not([data-test-script-state=notRunning])")
            page.wait_for_selector(SETTLED)
            page.wait_for_timeout(QUIET_SECONDS * 1000)
            taken.append(page.evaluate("() => (drawn - clicked) / 1000"))
        browser.close()
    return {"painted_seconds": painted, "opened_seconds": opened, "changed_seconds": median(taken)}


def _peak_bytes(pid: int) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), None)


if __name__ == "__main__":
    print(json.dumps(sessions(*sys.argv[1:])))
