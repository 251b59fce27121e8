"""Procurement, before money is released: the contract, its gaps, the decision and its pack."""

import json
import re
import zipfile

import openpyxl
from playwright.sync_api import expect

WAIT_MS = 60_000


def test_from_the_list_to_a_recorded_decision_and_its_pack(open_page, settled):
    page = open_page("retention", locale="en-GB")
    table = page.locator(".st-key-card_retention").get_by_test_id("stDataFrame")
    grid = table.locator("canvas").first
    grid.wait_for(timeout=WAIT_MS)
    box = grid.bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + 52)
    settled(page)

    expect(page.locator(".kept-verdict")).to_be_visible(timeout=WAIT_MS)
    expect(page).to_have_url(re.compile("contract=HT-"))

    with page.expect_download() as download:
        page.get_by_role("button", name="Request to the vendor").click()
    with download.value.path().open("rb") as file:
        assert openpyxl.load_workbook(file, read_only=True).sheetnames[0].startswith("说明")
    settled(page)

    decision = page.locator(".st-key-card_decision")
    decision.get_by_role("radio", name="defer").click()
    settled(page)
    decision.get_by_label("Reasons").fill("Evidence is still missing")
    decision.get_by_label("Prepared by").fill("Lin")
    decision.get_by_label("Approved by").fill("Lin")
    decision.get_by_role("button", name="Review what will be recorded").click()
    expect(decision.get_by_text("Prepared and approved by one person")).to_be_visible()
    decision.get_by_label("Approved by").fill("Wang")
    decision.get_by_role("button", name="Review what will be recorded").click()
    settled(page)
    expect(decision.get_by_text("Evidence is still missing")).to_be_visible(timeout=WAIT_MS)
    decision.get_by_role("button", name="Record the decision").click()
    expect(decision.get_by_text(re.compile(r"Recorded as decision \d+"))).to_be_visible(
        timeout=WAIT_MS
    )

    with page.expect_download(timeout=WAIT_MS) as download:
        decision.get_by_role("button", name="Evidence pack").click()
    with zipfile.ZipFile(download.value.path()) as pack:
        name = next(name for name in pack.namelist() if name.endswith("decision.json"))
        assert json.loads(pack.read(name))["decision"]["action"] == "defer"

    page.get_by_role("button", name="Verify the chain").click()
    expect(page.get_by_text("Records checked")).to_be_visible(timeout=WAIT_MS)
