"""What readers come for, done in a real browser on the sample."""

import csv
import io
import re

from playwright.sync_api import Page, expect

WAIT_MS = 60_000


def drawer(page: Page):
    return page.get_by_role("dialog")


def rows_said(page: Page) -> int:
    """How many rows the drawer says it holds."""
    line = drawer(page).get_by_text(re.compile(r"^(共 [\d,]+ 行|[\d,]+ rows)$"))
    expect(line).to_be_visible(timeout=WAIT_MS)
    return int(re.sub(r"\D", "", line.inner_text()))


def test_a_red_number_is_one_click_from_its_tickets(open_page, settled):
    page = open_page("")
    button = page.locator(".st-key-kpi_sla_response .stButton button:visible")
    expect(button).to_be_visible(timeout=WAIT_MS)
    met, due = (int(re.sub(r"\D", "", part)) for part in button.inner_text().split("/"))
    button.click()
    settled(page)

    assert rows_said(page) == due >= met
    with page.expect_download() as download:
        drawer(page).get_by_role("button", name="下载 CSV").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(text)))) == due
    settled(page)
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)


def test_a_row_of_the_drawer_opens_its_ticket_and_leads_back(open_page, settled):
    page = open_page("", locale="en-GB")
    page.locator(".st-key-kpi_sla_response .stButton button:visible").click()
    held = rows_said(page)
    table = drawer(page).get_by_test_id("stDataFrame").locator("canvas").first
    box = table.bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + 52)
    settled(page)

    expect(drawer(page).get_by_text("Time per stage against its limit")).to_be_visible()
    drawer(page).get_by_role("button", name="Back").click()
    assert rows_said(page) == held


def test_a_month_of_the_trend_opens_its_rows(open_page, settled):
    page = open_page("", locale="en-GB")
    point = page.locator(".st-key-card_trend .scatterlayer .points path").first
    point.wait_for(timeout=WAIT_MS)
    point.click(force=True)
    settled(page)

    assert rows_said(page) > 0


def test_a_cell_of_the_heat_map_says_what_it_is_and_opens_its_rows(open_page, settled):
    page = open_page("sla", locale="en-GB")
    cell = page.locator(".st-key-card_heat").get_by_role("gridcell").filter(has_text=".").first
    cell.hover()
    expect(page.get_by_role("tooltip")).to_contain_text("breached")
    cell.click()
    settled(page)

    assert rows_said(page) > 0


def test_a_heat_map_is_walked_through_with_the_arrow_keys(open_page, settled):
    page = open_page("sla", locale="en-GB")
    cells = page.locator(".st-key-card_heat [role=gridcell][tabindex]")
    cells.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    moved = page.locator(".st-key-card_heat [role=gridcell]:focus")
    expect(page.get_by_role("tooltip")).to_contain_text(moved.get_attribute("aria-label")[:6])
    assert moved.get_attribute("aria-label") != cells.first.get_attribute("aria-label")
    page.keyboard.press("Enter")
    settled(page)

    assert rows_said(page) > 0


def test_a_link_reproduces_the_view(open_page):
    first = open_page("?period=12m&contract=HT-2025-018&lang=en")
    value = first.locator(".st-key-kpi_sla_response [data-testid=stMetricValue]")
    expect(value).to_be_visible(timeout=WAIT_MS)
    said = value.inner_text()
    second = open_page(first.url.split("/", 3)[3], locale="zh-CN")

    expect(second.get_by_role("heading", name="Overview")).to_be_visible(timeout=WAIT_MS)
    expect(second.locator(".st-key-kpi_sla_response [data-testid=stMetricValue]")).to_have_text(
        said
    )


def test_a_filter_stands_in_the_url_and_stays_on_the_next_page(open_page, settled):
    page = open_page("", locale="en-GB")
    page.get_by_role("radio", name="12M").click()
    settled(page)
    expect(page).to_have_url(re.compile("period=12m"))
    page.get_by_test_id("stTopNavSection").filter(has_text="Service").click()
    page.locator("a[href$='/sla']").click()
    settled(page)

    expect(page.get_by_role("heading", name="SLA", exact=True)).to_be_visible(timeout=WAIT_MS)
    expect(page).to_have_url(re.compile("/sla.*period=12m"))


def test_the_language_follows_the_browser_and_the_switch(open_page, settled):
    page = open_page("", locale="zh-CN")
    expect(page.get_by_role("heading", name="总览")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("radio", name="EN").click()
    settled(page)

    expect(page.get_by_role("heading", name="Overview")).to_be_visible(timeout=WAIT_MS)


def test_the_charts_follow_a_switch_of_the_theme(open_page):
    page = open_page("")
    line = page.locator(".st-key-card_trend .scatterlayer .points path").first
    line.wait_for(timeout=WAIT_MS)
    before = line.evaluate("mark => getComputedStyle(mark).fill")
    page.emulate_media(color_scheme="dark")

    expect(page.locator(".stApp")).to_have_css("color-scheme", "dark")
    expect(line).not_to_have_css("fill", before, timeout=WAIT_MS)


def test_a_ticket_is_found_by_its_identifier(open_page, settled):
    page = open_page("sla", locale="en-GB")
    page.get_by_placeholder("Type a ticket or unit ID and press Enter").fill("GDYY00014")
    page.keyboard.press("Enter")
    settled(page)

    expect(page.get_by_text(re.compile(r"^\d+ tickets"))).to_be_visible(timeout=WAIT_MS)
    expect(page).to_have_url(re.compile("find=GDYY00014"))


def test_a_link_to_what_does_not_exist_says_so(open_page):
    page = open_page("?contract=%3Cb%3Enone%3C%2Fb%3E&lang=en")

    expect(page.get_by_text("it was ignored, the rest applies")).to_be_visible(timeout=WAIT_MS)


def test_the_worst_unit_opens_its_life(open_page, settled):
    page = open_page("availability", locale="en-GB")
    table = page.locator(".st-key-card_worst").get_by_test_id("stDataFrame").locator("canvas").first
    table.wait_for(timeout=WAIT_MS)
    table.scroll_into_view_if_needed()
    settled(page)
    box = table.bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + 52)
    settled(page)

    expect(drawer(page)).to_be_visible(timeout=WAIT_MS)
    expect(page).to_have_url(re.compile(r"unit=SB"))


def test_another_day_is_computed_and_then_shown(open_page):
    page = open_page("?as_of=2026-06-30", locale="en-GB")

    expect(page.get_by_text("Data as of 2026-06-30 23:59")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("heading", name="Promise board")).to_be_visible()


def test_a_page_is_taken_along_as_a_pdf(open_page):
    page = open_page("sla?contract=HT-2025-018", locale="en-GB")
    with page.expect_download() as download:
        page.get_by_role("button", name="Page as PDF").click()

    assert download.value.path().read_bytes().startswith(b"%PDF-")
    assert download.value.suggested_filename.endswith(".pdf")


def test_a_trend_stands_beside_another_contract_and_the_link_says_so(open_page, settled):
    page = open_page("sla?contract=HT-2025-018", locale="en-GB")
    page.get_by_role("combobox", name="Compare with …").click()
    page.get_by_role("option", name="HT-2025-041").click()
    settled(page)

    expect(page.locator(".js-plotly-plot").first).to_contain_text("HT-2025-041")
    expect(page).to_have_url(
        re.compile(r"beside=contract%3AHT-2025-041|beside=contract:HT-2025-041")
    )
