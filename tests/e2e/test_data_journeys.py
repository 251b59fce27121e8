"""The analyst's way: a file dropped, looked at, written, taken back; a question answered."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

WAIT_MS = 60_000
HEADER = "工单编号,合同编号,服务类型,渠道,报修时间,响应时间\n"


@pytest.fixture
def export(tmp_path: Path) -> Callable[[str, str], Path]:
    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="gb18030")
        return path

    return written


def drop(page: Page, path: Path) -> None:
    page.locator("input[type=file]").set_input_files(path)


def test_a_file_is_looked_at_written_and_taken_back(open_page, settled, export):
    path = export(
        "迟到的工单.csv",
        f"{HEADER}E2E-1,HT-2025-067,软件故障,电话,2026-03-02 09:00,2026-03-02 09:10\n"
        "E2E-2,HT-2025-067,软件故障,电话,昨天,2026-03-02 09:10\n",
    )
    page = open_page("data")
    drop(page, path)

    expect(page.get_by_text("识别为「工单」,6 列中用到 6 列")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("迟到的工单.csv:1 行被拒")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("radio", name="新增 1")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="下载被拒的行与原因").click()
    rejects = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert rejects[1].startswith("E2E-2,HT-2025-067,软件故障,电话,昨天,")
    settled(page)

    page.get_by_role("button", name="写入 1 个文件").click()
    expect(page.get_by_text("各页的数字已随之更新")).to_be_visible(timeout=WAIT_MS)
    batch = page.locator(".kept-pill.good").first.inner_text()
    assert re.fullmatch(r"\d{5}-tickets", batch)

    page.get_by_role("button", name="撤销", exact=True).click()
    expect(page.get_by_text(f"撤销批次 {batch}")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("radio", name="将消失 1")).to_be_visible()
    page.get_by_role("button", name="确认撤销").click()
    expect(page.get_by_text(f"已撤销 {batch}")).to_be_visible(timeout=WAIT_MS)


def test_what_a_column_leaves_open_is_asked_on_a_small_screen(open_page, settled, export):
    rows = "".join(f"E2E-{n},HT-2025-067,软件故障,电话,0{n}/0{n + 1}/2026 08:00,\n" for n in (1, 2))
    page = open_page("data", locale="en-GB", colour_scheme="dark", width=390, height=844)
    drop(page, export("dates.csv", HEADER + rows))

    expect(page.get_by_text("One question first")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("button", name="Day first").click()
    expect(page.get_by_text("What the promises would say")).to_be_visible(timeout=WAIT_MS)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_text("nothing is written before you confirm")).to_be_visible(timeout=WAIT_MS)


def test_the_filters_of_other_pages_are_kept_meanwhile(open_page, settled):
    page = open_page("?contract=HT-2025-067&period=3m", locale="en-GB")
    page.get_by_role("link", name="Data").click()
    expect(page.get_by_role("heading", name="Upload exports")).to_be_visible(timeout=WAIT_MS)
    settled(page)
    page.get_by_role("link", name="Overview").click()
    expect(page.locator(".st-key-kpi_sla_response").first).to_be_visible(timeout=WAIT_MS)
    settled(page)

    assert "contract=HT-2025-067" in page.url
    assert "period=3m" in page.url
