"""Each page opens whole and usable, in both languages, both themes, wide and narrow."""

import asyncio
import gzip
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.request import Request, urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from benchmarks.sessions import connected, run
from dashboard.navigation import PAGES

WITHOUT = {"exclude": [["[data-testid=stSidebarNavItems]"]]}
"""Streamlit's own: the list of its menu."""
WATCH_SHIFTS = r"""
    window.shifts = []; window.moved = performance.now();
    new PerformanceObserver(list => {
        const told = node => node && (node.closest ? node : node.parentElement)
            ?.closest('[class*="st-key-"]')?.className.match(/st-key-\S+/)?.[0];
        window.shifts.push(...list.getEntries().map(
            one => [one.value, ...new Set(one.sources.map(source => told(source.node)))]
        ));
        window.moved = performance.now();
    }).observe({type: "layout-shift"});
"""
STILL = "() => performance.now() - window.moved > 2000"
GRAVE = ("serious", "critical")


@pytest.mark.parametrize("path", ["", *(entry.path for entry in PAGES[1:])])
@pytest.mark.parametrize(
    ("locale", "colour_scheme", "width"), [("zh-CN", "light", 1440), ("en-GB", "dark", 390)]
)
def test_a_page_opens_whole(open_page, path, locale, colour_scheme, width):
    page = open_page(path, locale=locale, colour_scheme=colour_scheme, width=width)

    expect(page.get_by_role("heading").first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0
    found = Axe().run(page, context=WITHOUT).response["violations"]
    assert [
        (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in GRAVE
    ] == []


def test_answers_are_packed_and_forbid_what_is_not_from_here(served):
    page = urlopen(f"{served}/")
    script = re.search(r"static/js/index[^\"]+", page.read().decode())
    asked = Request(f"{served}/{script[0]}", headers={"Accept-Encoding": "gzip"})
    packed = urlopen(asked)

    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert packed.headers["content-encoding"] == "gzip"
    assert "immutable" in packed.headers["cache-control"]


@pytest.mark.parametrize("path", ["", "sla", "retention"])
def test_a_page_comes_with_its_style_and_with_what_draws_it(served, path):
    asked = Request(f"{served}/{path}", headers={"Accept-Encoding": "gzip"})
    page = gzip.decompress(urlopen(asked).read()).decode()

    head, body = page.split("</head>")
    assert re.search(r'rel="modulepreload"[^>]+PlotlyChart', head)
    assert ".st-key-filters" in body


@pytest.mark.parametrize("path", ["", "sla", "spares", "availability"])
def test_nothing_moves_when_a_filter_changes(open_page, settled, path):
    page = open_page(path)
    # On a busy machine what draws them comes seconds after the page.
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    page.evaluate(WATCH_SHIFTS)
    page.wait_for_function(STILL)
    page.evaluate("window.shifts = []")

    for period in ("12M", "3M"):
        page.get_by_role("radio", name=period, exact=True).click()
        page.wait_for_url(f"**period={period.lower()}*")
        settled(page)
        page.wait_for_timeout(1000)

    shifts = page.evaluate("window.shifts")
    assert sum(moved for moved, *_ in shifts) < 0.01, shifts


@pytest.mark.parametrize("path", ["", *(entry.path for entry in PAGES[1:])])
def test_no_page_sends_more_than_300_kb_even_over_the_whole_time(served, path):
    async def ask() -> int:
        async with connected(served.removeprefix("http://")) as session:
            _, _, received = await run(session, "lang=zh&period=all", path)
        return received

    # In a thread of its own: the browser has a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        received = thread.submit(lambda: asyncio.run(ask())).result()
    assert 10_000 < received < 300_000
