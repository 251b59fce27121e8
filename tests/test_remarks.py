"""What a load says of its content: columns it lacks, words nobody translated, a lone late event."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from etl import ledger, marts
from etl.catalogue import LANGUAGES, catalogue
from etl.cli import app
from etl.config import Settings
from etl.errors import KeptError
from etl.intake.lacking import lacking
from etl.intake.load import LoadReport, load
from etl.store import Warehouse

CONTRACTS = "合同编号,合同总价\nC-1,100\n"
HEADER = "工单编号,合同编号,服务类型,报修时间,响应时间,到场时间,离场时间,解决时间,备机提供时间"
Put = Callable[[str, str], Path]


@pytest.fixture(scope="module", autouse=True)
def one_model() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        wanted = ("fact_ticket_lapsed",)
        patch.setattr(marts, "build_marts", partial(ledger.build_marts, wanted=wanted))
        yield


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def write(name: str, text: str) -> Path:
        file = tmp_path / "in" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def settings(tmp_path: Path, put: Put) -> Settings:
    settings = Settings(tmp_path / "warehouse", person="Li")
    load(settings, [put("c.csv", CONTRACTS)])
    return settings


def tickets(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


def sentences(report: LoadReport, language: str) -> list[str]:
    notes = [*report.remarks, *(note for file in report.files for note in file.remarks)]
    return [catalogue().message(note.code, language, **note.values) for note in notes]


# --- a lone event --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "named"),
    [
        ("2026-03-16 09:00:00", False),
        ("2026-03-16 09:00:01", True),
        ("2026-03-16", False),
        ("2026-03-17", True),
        ("", False),
    ],
)
def test_an_event_more_than_14_days_after_the_one_before_it_is_named(
    settings: Settings, put: Put, end: str, named: bool
) -> None:
    text = tickets(
        "T1,C-1,硬件故障,2026-03-01 08:00,,,,,", f"T2,C-1,硬件故障,2026-03-02 09:00,,,,{end},"
    )
    report = load(settings, [put("t.csv", text)], dry_run=True)
    assert (report.lone_event is not None) == named
    report = load(settings, [put("t.csv", text)])
    found = report.lone_event
    assert (found is not None) == named
    if found is not None:
        assert (found.log, found.source_row, found.key, found.column) == (
            "tickets", 3, "T2", "resolved_at",
        )  # fmt: skip
        assert f"{found.as_of_without:%Y-%m-%d %H:%M:%S}" == "2026-03-02 09:00:00"
        for language in LANGUAGES:
            sentence = sentences(report, language)[0]
            for word in ("t.csv", "T2", end[:16], "2026-03-02 09:00"):
                assert word in sentence, sentence


def test_only_the_load_that_brings_it_names_it(settings: Settings, put: Put) -> None:
    one = tickets("T1,C-1,硬件故障,2026-03-01 08:00,,,,,")
    other = tickets("T2,C-1,硬件故障,2026-05-01 08:00,,,,,")
    assert load(settings, [put("a.csv", one)]).lone_event is None
    assert load(settings, [put("b.csv", other)]).lone_event is not None
    later = tickets("T3,C-1,硬件故障,2026-02-01 08:00,,,,,")
    assert load(settings, [put("c.csv", later)]).lone_event is None


def test_a_waiting_row_sets_no_horizon(settings: Settings, put: Put) -> None:
    text = tickets("T1,C-1,硬件故障,2026-03-01 08:00,,,,,", "T2,C-9,硬件故障,2026-05-01 08:00,,,,,")
    assert load(settings, [put("t.csv", text)]).lone_event is None


def test_without_the_other_logs_it_goes_by_the_visits(settings: Settings, put: Put) -> None:
    header = "巡检编号,合同编号,使用部门,巡检类型,巡检日期"
    rows = "X1,C-1,内科,月度,2026-03-01\nX2,C-1,内科,月度,{}\n"
    near = load(settings, [put("a.csv", f"{header}\n{rows.format('2026-03-15')}")], dry_run=True)
    assert near.lone_event is None
    far = load(settings, [put("a.csv", f"{header}\n{rows.format('2026-03-16')}")], dry_run=True)
    assert far.lone_event is not None
    assert "2026-03-16" in sentences(far, "en")[0]
    with_tickets = [
        put("a.csv", f"{header}\n{rows.format('2026-03-16')}"),
        put("t.csv", tickets("T1,C-1,硬件故障,2026-03-01 08:00,,,,,")),
    ]
    assert load(settings, with_tickets, dry_run=True).lone_event is None


# --- after --through -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("through", "refused"),
    [
        ("2026-03-02", 0),
        ("2026-03-01", 4),
        ("2026-03-02 08:00:00", 0),
        ("2026-03-02 07:59:59", 4),
    ],
)
def test_rows_that_begin_after_through_are_refused(
    settings: Settings, put: Put, through: str, refused: int
) -> None:
    late = [f"T{n},C-1,硬件故障,2026-03-02 08:00,,,,," for n in (2, 3, 4, 5)]
    file = put("t.csv", tickets("T1,C-1,硬件故障,2026-03-01 08:00,,,,2026-04-01,", *late))
    if not refused:
        load(settings, [file], through=through)
        return
    before = Warehouse(settings).manifest().number
    with pytest.raises(KeptError) as error:
        load(settings, [file], through=through)
    assert Warehouse(settings).manifest().number == before
    assert (error.value.code, error.value.values["count"]) == ("begins_after_through", refused)
    for language in LANGUAGES:
        sentence = catalogue().sentence(error.value, language)
        assert all(name in sentence for name in ("t.csv", "T2", "T3", "T4"))
        assert "T5" not in sentence


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("投诉编号,合同编号,受理时间", "K,C-1,2026-03-02 08:00"),
        ("流水号,合同编号,备件编号,出入库时间,类型,数量", "M,C-1,P,2026-03-02 08:00,入库,1"),
        ("巡检编号,合同编号,使用部门,巡检类型,巡检日期", "X,C-1,内科,月度,2026-03-02"),
    ],
)
def test_so_are_those_of_the_other_logs(
    settings: Settings, put: Put, header: str, row: str
) -> None:
    with pytest.raises(KeptError, match="begins_after_through"):
        load(settings, [put("a.csv", f"{header}\n{row}\n")], through="2026-03-01")
    load(settings, [put("a.csv", f"{header}\n{row}\n")], through="2026-03-02")


def test_training_may_be_planned(settings: Settings, put: Put) -> None:
    row = "培训编号,合同编号,培训日期,培训内容\nS,C-1,2026-03-02,运行操作\n"
    load(settings, [put("a.csv", row)], through="2026-03-01")


# --- columns and words ---------------------------------------------------------------------------


def test_clauses_without_a_column_are_those_that_none_of_their_columns_shows() -> None:
    found = lacking("tickets", ["ticket_id", "closed_at", "onsite_at", "left_site_at"])
    assert [(one.columns, one.clauses) for one in found] == [
        (("responded_at",), ("sla.phone_support", "sla.response", "aftercare.served")),
        (("loaner_provided_at",), ("sla.hardware_swap", "sla.loaner")),
    ]
    assert lacking("tickets", catalogue().logs["tickets"].columns) == ()
    assert lacking("contracts", []) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_load_names_them_before_and_after(settings: Settings, put: Put, language: str) -> None:
    text = "工单编号,合同编号,服务类型,报修时间,解决时间,到场时间,离场时间,备机提供时间\n"
    file = put("t.csv", f"{text}T1,C-1,硬件故障,2026-03-01 08:00,,,,\n")
    said = {
        "zh": "3 项承诺无法判定，因为导出文件没有「响应时间」：电话实时响应、报修响应",
        "en": "3 clauses cannot be judged: the export has no Responded at",
    }[language]
    for dry_run in (True, False):
        assert said in sentences(load(settings, [file], dry_run=dry_run), language)[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_nobody_translated_are_named_and_their_rows_taken(
    settings: Settings, put: Put, language: str
) -> None:
    text = f"{HEADER},状态\n" + "".join(
        f"T{n},C-1,硬件故障,2026-03-01 08:00,,,,,,{word}\n"
        for n, word in enumerate(("已驳回", "已驳回", "审批中", "已关闭", ""))
    )
    report = load(settings, [put("t.csv", text)], dry_run=True)
    assert (report.files[0].new, report.files[0].rejected) == (5, 0)
    assert report.files[0].unread == {"status": {"已驳回": 2, "审批中": 1}}
    assert "已驳回 (2)、审批中 (1)" in sentences(report, language)[0]


def test_tickets_that_are_cancelled_or_duplicate_are_counted(settings: Settings, put: Put) -> None:
    text = f"{HEADER},状态,关闭时间\n" + (
        "T1,C-1,软件故障,2026-03-01 08:00,,,,,,已取消,2026-03-01 08:30\n"
        "T2,C-1,软件故障,2026-03-01 08:00,,,,,,已取消,2026-03-01 08:30:01\n"
        "T3,C-1,软件故障,2026-03-01 08:00,,,,,,重复,2026-03-01 08:10\n"
        "T4,C-1,软件故障,2026-03-01 08:00,,,,,,已关闭,2026-03-01 08:10\n"
    )
    report = load(settings, [put("t.csv", text)])
    assert report.lapsed == {"cancelled": 2, "duplicate": 1, "late": 1}
    assert sentences(report, "en")[0] == "2 tickets cancelled, 1 duplicates, 1 of them late"
    again = text.splitlines()[0] + "\nT5,C-1,软件故障,2026-03-01 08:00,,,,,,已关闭,\n"
    assert load(settings, [put("u.csv", again)]).lapsed == {}


def test_the_command_prints_and_gives_all_of_it(settings: Settings, put: Put) -> None:
    text = "工单编号,合同编号,服务类型,报修时间,状态\n" + (
        "T1,C-1,硬件故障,2026-03-01 08:00,作废\nT2,C-1,硬件故障,2026-05-01 08:00,奇怪\n"
    )
    args = ["load", str(put("t.csv", text)), "--warehouse", str(settings.warehouse), "--dry-run"]
    shown = CliRunner().invoke(app, args).stdout
    for word in ("奇怪 (1)", "2026-05-01 08:00", "2026-03-01 08:00"):
        assert word in shown
    found = json.loads(CliRunner().invoke(app, [*args, "--json"]).stdout)
    assert found["lapsed"] == {"cancelled": 1, "duplicate": 0, "late": 1}
    assert found["lone_event"]["as_of_without"] == "2026-03-01 08:00:00"
    assert found["files"][0]["unread"] == {"status": {"奇怪": 1}}
    assert found["files"][0]["lacking"][0]["columns"] == ["responded_at"]
