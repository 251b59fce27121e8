"""Each page opens whole, in both languages, both themes, wide and narrow."""

import pytest
from playwright.sync_api import expect

from dashboard.navigation import PAGES


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
