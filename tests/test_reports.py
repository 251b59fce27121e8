"""The management report and the digest: figures one can check by hand, in each form."""

import json
from datetime import datetime, timedelta
from io import BytesIO

import openpyxl
import pytest

from etl.changes import dates_ahead
from etl.cli import app
from etl.config import Settings
from etl.errors import KeptError
from etl.intake.load import load
from etl.marts import open_marts
from etl.reports import write_report
from etl.reports.digest import ANNOUNCED, FORMATS, MOST_LINES, digest, since_when
from etl.reports.sections import Column, Report, Section, management_report
from etl.reports.workbook import workbook
from etl.store import Warehouse
from tests.test_changes import CONTRACTS, EQUIPMENT, TICKETS

EVIL = """\
"=1+1",U-1,phone,software_fault,2026-06-02 09:00,2026-06-02 09:45,2026-06-02 10:00,2026-06-02 11:00
"@all <b>*x*",U-1,phone,software_fault,2026-06-02 09:00,2026-06-02 09:45,2026-06-02 10:00,2026-06-02 11:00
"""  # noqa: E501


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    (folder / "in").mkdir()
    for name, text in (
        ("contracts", CONTRACTS), ("equipment", EQUIPMENT), ("tickets", TICKETS + EVIL),
    ):  # fmt: skip
        (folder / "in" / f"{name}.csv").write_text(text, encoding="utf-8")
    settings = Settings(warehouse=folder / "warehouse", timezone="Asia/Shanghai")
    load(settings, [folder / "in"])
    return settings


def report_of(settings, language="en", contract=None):
    return management_report(
        open_marts(settings), Warehouse(settings).manifest(), language, contract
    )


def section(report, key) -> Section:
    return next(one for one in report.sections if one.key == key)


def test_the_report_counts_what_the_ledger_holds(settings):
    report = report_of(settings)
    trend, contracts = section(report, "trend"), section(report, "contracts")

    # May: EARLY in time, OTHER late. June: OPEN in time; LATE and two more late.
    assert [(row[0], row[1]) for row in trend.rows] == [("2026-05", 1 / 2), ("2026-06", 1 / 4)]
    assert trend.chart.target == 1
    assert [(row[0], row[3]) for row in contracts.rows] == [("C-1", "50.00"), ("C-2", "50.00")]
    breached = [
        row[2] for row in section(report, "breaches").rows if row[1] == "Response to a report"
    ]
    assert sorted(breached) == ["=1+1", "@all <b>*x*", "LATE"]


def test_a_report_of_one_contract_names_no_other(settings):
    report = report_of(settings, contract="C-2")

    every = [str(cell) for one in report.sections for row in one.rows for cell in row]
    assert "C-1" not in every and "C-2" in every
    assert dict(report.facts)["Contracts"] == "C-2"
    with pytest.raises(KeptError) as error:
        report_of(settings, contract="C-9")
    assert error.value.code == "contract_unknown"


def test_the_workbook_has_native_charts_and_no_formula(settings):
    report = report_of(settings, "zh")
    book = openpyxl.load_workbook(BytesIO(workbook(report)))
    trend = book[section(report, "trend").title]

    assert [cell.data_type for sheet in book for row in sheet for cell in row].count("f") == 0
    assert trend["A4"].value == "月份"
    assert [cell.value for cell in trend[5]][:2] == ["2026-05", 0.5]
    assert trend["B5"].number_format == "0.0%"
    [chart] = trend._charts
    # Four stages and the promised share, each over the two months.
    assert len(chart.series) == 5
    assert chart.series[0].val.numRef.f == f"'{trend.title}'!$B$5:$B$6"
    assert any(cell.value == "=1+1" for row in book["近 31 天的违约"] for cell in row)


def test_a_share_is_never_shown_as_whole_when_it_is_not():
    rows = ((0.99996,), (1.0,), (0.0,), (0.00001,))
    one = Section("x", "X", "", (Column("Share", "share"),), rows)
    sheet = openpyxl.load_workbook(BytesIO(workbook(Report("t", "en", (), (one,)))))["X"]

    assert [sheet.cell(row, 1).number_format for row in (5, 6, 7, 8)] == [
        "0.000%", "0.0%", "0.0%", "0.000%",
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_document_is_a_pdf_and_the_same_each_time(settings, tmp_path, language):
    marts, manifest = open_marts(settings), Warehouse(settings).manifest()
    files = [tmp_path / name for name in ("1.pdf", "2.pdf")]
    for file in files:
        write_report(marts, manifest, language, None, file)

    first, second = (file.read_bytes() for file in files)
    assert first.startswith(b"%PDF-") and first == second


def test_another_ending_is_refused_with_what_to_do(settings, tmp_path):
    with pytest.raises(KeptError) as error:
        write_report(
            open_marts(settings), Warehouse(settings).manifest(), "zh", None, tmp_path / "r"
        )

    assert error.value.code == "management_format"


def digest_of(settings, since, language="en"):
    now, then = open_marts(settings), since_when(since, "Asia/Shanghai")
    return digest(
        now,
        open_marts(settings, then),
        language,
        since=then,
        at=now.as_of,
    )


def test_the_digest_says_what_changed_broke_and_falls_due(settings):
    found = digest_of(settings, "2026-05-31")
    text = FORMATS["text"](found)

    assert "- C-1 Response to a report: Kept → Broken" in text
    assert "- C-1 Response to a report: LATE, due 2026-06-02 08:30" in text
    assert "- C-2 Software fault resolution: OPEN, due 2026-06-04 08:00" in text
    assert all(len(part.lines) <= MOST_LINES for part in found.parts)
    assert json.loads(FORMATS["json"](found)) == json.loads(json.dumps(found.figures, default=str))


def test_what_people_typed_is_no_markup_anywhere(settings):
    found = digest_of(settings, "2026-05-31")

    assert "<b>" not in FORMATS["html"](found) and "@all &lt;b&gt;*x*" in FORMATS["html"](found)
    for form in ("wecom", "dingtalk"):
        sent = json.loads(FORMATS[form](found))["markdown"]
        assert not {"@all", "<b>", "*x*"} & set((sent.get("content") or sent["text"]).split())
        assert "@all" not in (sent.get("content") or sent["text"])
    post = json.loads(FORMATS["feishu"](found))["content"]["post"]["en_us"]
    assert {element["tag"] for line in post["content"] for element in line} == {"text"}


def test_a_robot_gets_no_more_than_it_takes(settings):
    found = digest_of(settings, "2026-05-31", "zh")
    long = type(found)(found.title, (type(found.parts[0])("x", ("很长" * 3000,), 1),), {}, "zh")

    content = json.loads(FORMATS["wecom"](long))["markdown"]["content"]
    assert len(content.encode()) <= 4096
    assert content.endswith("请在看板查看。")


def test_the_command_is_quiet_when_nothing_changed(settings, capsys, monkeypatch):
    run_at(monkeypatch, 2026, 6, 3, 8, 0, 0)
    found = [
        printed(settings, capsys, "--since", since, "--language", "en")
        for since in ("2026-06-02T12:00:00", "0d", "2027-01-01", "2026-05-31")
    ]

    assert found[:3] == ["", "", ""]
    assert found[3].startswith("Kept digest: 2026-05-31")


def printed(settings, capsys, *arguments):
    app(["digest", "--warehouse", str(settings.warehouse), *arguments], standalone_mode=False)
    return capsys.readouterr().out


def run_at(monkeypatch, *moment):
    """The command runs at that moment on the warehouse's clock."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(*moment, tzinfo=tz)

    monkeypatch.setattr("etl.reports.digest.datetime", Clock)


def test_old_data_are_said_to_be_old_at_every_run(settings, capsys, monkeypatch):
    # The data end on 2026-06-02 at 12:00.
    run_at(monkeypatch, 2026, 6, 16, 12, 0, 0)
    assert printed(settings, capsys, "--since", "1d") == ""
    assert "14 days ago" in printed(settings, capsys, "--since", "1d", "--stale-after", "13")
    for day in (17, 18):
        run_at(monkeypatch, 2026, 6, day, 12, 0, 0)
        text = printed(settings, capsys, "--since", "1d", "--language", "en")
        assert text.startswith("Kept digest: data as of 2026-06-02 12:00")
        assert f"They end on 2026-06-02 12:00, {day - 2} days ago." in text
        assert "Newly broken" not in text and "Due within 30 days" not in text
    figures = json.loads(printed(settings, capsys, "--since", "1d", "--format", "json"))
    assert (figures["stale"], figures["age_days"]) == (True, 16)
    assert (figures["since"], figures["as_of"]) == ("2026-06-17T12:00:00", "2026-06-02T12:00:00")


@pytest.mark.parametrize(("every", "runs"), [(1, 130), (7, 19)])
def test_a_date_is_announced_once_90_30_and_7_days_before(settings, every, runs):
    # Both contracts were accepted on 2026-01-01: money and warranties end on 2027-01-01.
    marts, found = open_marts(settings), []
    for run in range(runs):
        at = datetime(2026, 9, 1, 8) + timedelta(days=every * run)
        rows = dates_ahead(marts.path, at - timedelta(days=every), at, ANNOUNCED, "C-1")
        found += [(row["kind"], row["subject"], row["due_on"], row["days_left"]) for row in rows]

    kinds = [("retention", "C-1"), ("warranty", "U-1")]
    assert [row[:3] for row in found] == [(*kind, "2027-01-01") for _ in range(3) for kind in kinds]
    left = [row[3] for row in found[::2]]
    assert all(mark - every < days <= mark for mark, days in zip((90, 30, 7), left, strict=True))


def test_a_date_ahead_is_news_of_its_own(settings, capsys, monkeypatch):
    run_at(monkeypatch, 2026, 6, 3, 8, 0, 0)
    text = ("--since", "2026-10-01", "--as-of", "2026-10-03", "--stale-after", "36500")
    english = printed(settings, capsys, *text, "--language", "en")
    chinese = printed(settings, capsys, *text, "--language", "zh")

    assert "- C-1 retention money due: 2027-01-01, in 90 days" in english
    assert "- C-2 warranty ends U-2: 2027-01-01, in 90 days" in english
    assert "- C-1 质保金到期：2027-01-01，还有 90 天" in chinese


def test_since_is_a_day_an_instant_or_days_before_now():
    assert since_when("2026-05-31", "Asia/Shanghai").isoformat() == "2026-05-31T23:59:59"
    week = since_when("0d", "UTC") - since_when("7d", "UTC")
    assert abs(week.total_seconds() - 7 * 86400) <= 1
    with pytest.raises(KeptError) as error:
        since_when("last week", "UTC")
    assert error.value.code == "digest_since_unreadable"


def test_sheets_are_named_as_a_spreadsheet_takes_them():
    titles = ["Rate: by month", "rate by month", "x" * 40, "x" * 41, "[]", "Kept"]
    sections = tuple(Section(t, t, "", (Column("A"),), (("1",),)) for t in titles)
    book = openpyxl.load_workbook(BytesIO(workbook(Report("t", "en", (), sections))))

    assert book.sheetnames == [
        "Kept", "Rate by month", "rate by month 2", "x" * 31, f"{'x' * 29} 2", "-", "Kept 2",
    ]  # fmt: skip
