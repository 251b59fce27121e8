"""Cells as people write them, and the one reading each has."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest

from etl.catalogue import catalogue
from etl.errors import KeptError
from etl.intake.check import Checked, check
from etl.intake.mapping import ColumnMapping
from etl.intake.match import recognise
from etl.intake.read import TextTable
from etl.intake.survey import Question, questions, refusal

NOW = datetime(2030, 1, 1)


def checked(
    log: str,
    header: Sequence[str],
    *rows: Sequence[str | None],
    timezone: str = "Asia/Shanghai",
    con: duckdb.DuckDBPyConnection | None = None,
    mappings: Sequence[ColumnMapping] = (),
    now: datetime = NOW,
) -> tuple[Checked, list[dict[str, object]]]:
    """Checks rows (the first on line 2) and gives the typed rows as dictionaries."""
    con = con or duckdb.connect()
    match = recognise([TextTable("file.csv", None, [list(header)], [1])], log, mappings=mappings)
    assert match is not None
    cells = ", ".join(f"c{i} varchar" for i in range(len(header)))
    con.execute(
        "create table staged "
        f"(source_row bigint, {cells}, cells_extra varchar, cells_missing integer)"
    )
    for line, row in enumerate(rows, start=2):
        marks = ", ".join("?" * len(header))
        con.execute(f"insert into staged values ({line}, {marks}, null, 0)", list(row))
    result = check(con, "staged", match, timezone, "typed", now)
    cursor = con.execute("select * from typed order by source_row")
    names = [column[0] for column in cursor.description]
    return result, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


TICKET = ("工单编号", "合同编号", "服务类型", "报修时间")


def instant(text: str, timezone: str = "Asia/Shanghai") -> object:
    result, rows = checked("tickets", TICKET, ("T", "C", "咨询", text), timezone=timezone)
    return rows[0]["reported_at"] if rows else result.rejects[0].problems[0].code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-05 09:03:07", datetime(2026, 1, 5, 9, 3, 7)),
        ("2026-01-05T09:03:07", datetime(2026, 1, 5, 9, 3, 7)),
        ("2026-01-05 09:03", datetime(2026, 1, 5, 9, 3)),
        ("2026-01-05", datetime(2026, 1, 5)),
        ("2026-1-5 9:03", datetime(2026, 1, 5, 9, 3)),
        ("2026-1-5  9:03", datetime(2026, 1, 5, 9, 3)),
        ("2026/01/05 09:03:07", datetime(2026, 1, 5, 9, 3, 7)),
        ("2026.1.5", datetime(2026, 1, 5)),
        ("2026年1月5日 9时3分", datetime(2026, 1, 5, 9, 3)),
        ("2026年1月5日9时3分7秒", datetime(2026, 1, 5, 9, 3, 7)),
        ("2026年1月5日 9时", datetime(2026, 1, 5, 9)),
        ("2026年1月5日", datetime(2026, 1, 5)),
        ("20260105 0903", datetime(2026, 1, 5, 9, 3)),
        ("20260105090307", datetime(2026, 1, 5, 9, 3, 7)),
        ("20260105", datetime(2026, 1, 5)),
        ("31/01/2026 09:03", datetime(2026, 1, 31, 9, 3)),
        ("01/31/2026 09:03", datetime(2026, 1, 31, 9, 3)),
        ("05/05/2026", datetime(2026, 5, 5)),
        ("46027.377164351855", datetime(2026, 1, 5, 9, 3, 7)),
        ("46027", datetime(2026, 1, 5)),
        ("2026-01-05 上午9:03", datetime(2026, 1, 5, 9, 3)),
        ("2026-01-05 下午 3:03", datetime(2026, 1, 5, 15, 3)),
        ("2026/1/5 12:03 AM", datetime(2026, 1, 5, 0, 3)),
        ("2026/1/5 12:03:07 pm", datetime(2026, 1, 5, 12, 3, 7)),
        ("2026-01-05 上午 13:00", "not_a_instant"),
        ("２０２６－０１－０５　０９：０３", datetime(2026, 1, 5, 9, 3)),
        ("2026-01-05 09:03\u00a0", datetime(2026, 1, 5, 9, 3)),
        ("2026-01-05T09:03:07.250", datetime(2026, 1, 5, 9, 3, 7, 250000)),
        ("2026-01-05T01:03:07Z", datetime(2026, 1, 5, 9, 3, 7)),
        ("2026-01-05T09:03:07+08:00", datetime(2026, 1, 5, 9, 3, 7)),
        ("2026-01-05 02:03:07+0100", datetime(2026, 1, 5, 9, 3, 7)),
        ("2026-01-05 24:00:00", datetime(2026, 1, 6)),
        ("2026-02-31 08:00", "not_a_instant"),
        ("0026-01-05 08:00", "implausible_date"),
        ("1899-12-31 09:03:00", "implausible_date"),
        ("2026-01-05T09:03:07+08", datetime(2026, 1, 5, 9, 3, 7)),
        ("2026年1月5日 星期一 9:03", datetime(2026, 1, 5, 9, 3)),
        ("2026-13-01", "not_a_instant"),
        ("31/31/2026", "not_a_instant"),
        ("昨天", "not_a_instant"),
        ("30", "not_a_instant"),
        ("6小时30分钟", "not_a_instant"),
        ("2026-01-05 09:03:07 或之后", "not_a_instant"),
    ],
)
def test_instants(text: str, expected: object) -> None:
    assert instant(text) == expected


def test_offsets_follow_the_clock_of_the_warehouse() -> None:
    assert instant("2026-07-05T09:00:00+08:00", "Europe/Berlin") == datetime(2026, 7, 5, 3)


def test_day_or_month_first_is_decided_by_the_whole_column() -> None:
    rows = [("A", "C", "咨询", "05/01/2026 09:03"), ("B", "C", "咨询", "13/01/2026")]
    _, found = checked("tickets", TICKET, *rows)
    assert [row["reported_at"] for row in found] == [
        datetime(2026, 1, 5, 9, 3),
        datetime(2026, 1, 13),
    ]
    rows = [("A", "C", "咨询", "05/01/2026"), ("B", "C", "咨询", "01/13/2026")]
    _, found = checked("tickets", TICKET, *rows)
    assert [row["reported_at"] for row in found] == [datetime(2026, 5, 1), datetime(2026, 1, 13)]


@pytest.mark.parametrize("texts", [("05/01/2026",), ("05/01/2026", "13/01/2026", "01/13/2026")])
def test_a_column_that_leaves_the_order_open_is_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(KeptError, match="dates_ambiguous"):
        checked("tickets", TICKET, *[(str(i), "C", "咨询", t) for i, t in enumerate(texts)])


CONTRACT = ("合同编号", "合同总价")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1234567.89", Decimal("1234567.89")),
        ("1,234,567.89", Decimal("1234567.89")),
        ("¥1,234,567.89", Decimal("1234567.89")),
        ("￥ 12", Decimal(12)),
        ("CNY 1,200.00", Decimal(1200)),
        ("1200元", Decimal(1200)),
        ("１２００．５", Decimal("1200.5")),
        ("$5", Decimal(5)),
        ("0.1", Decimal("0.1")),
        ("-5", "too_small"),
        ("1,23", "not_a_money"),
        ("1.234.567,89", "not_a_money"),
        ("12.5万", "not_a_money"),
        ("1.2E+6", "not_a_money"),
        ("nan", "not_a_money"),
        ("inf", "not_a_money"),
        ("0x1F", "not_a_money"),
        ("无", "required"),
        ("N/A", "required"),
    ],
)
def test_money(text: str, expected: object) -> None:
    result, rows = checked("contracts", CONTRACT, ("HT-1", text))
    found = rows[0]["amount"] if rows else result.rejects[0].problems[0].code
    assert found == expected


def test_money_in_units_of_ten_thousand() -> None:
    _, rows = checked("contracts", ("合同编号", "合同总价(万元)"), ("HT-1", "123.45"))
    assert rows[0]["amount"] == Decimal(1234500)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3%", Decimal("0.03")), ("97.5 %", Decimal("0.975")), ("0.03", Decimal("0.03"))],
)
def test_percent(text: str, expected: Decimal) -> None:
    _, rows = checked("terms", ("合同编号", "参数", "取值"), ("C", "spares_ratio", text))
    assert rows[0]["value"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[(word, True) for word in ("是", "有", "Y", "yes", "TRUE", "1", "√", "满意", "Ｙ")],
        *[(word, False) for word in ("否", "无", "N", "no", "False", "0", "×", "不满意")],
        *[(word, None) for word in ("", "?", "-", "—", "/", "N/A", "na", "NS", "null", "暂无")],
        ("大概", "not_a_flag"),
        ("2", "not_a_flag"),
    ],
)
def test_flags(text: str, expected: object) -> None:
    result, rows = checked("tickets", (*TICKET, "远程解决"), ("T", "C", "咨询", "2026-01-05", text))
    found = rows[0]["remote_resolved"] if rows else result.rejects[0].problems[0].code
    assert found == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("硬件故障", "hardware_fault"),
        ("Hardware_Fault", "hardware_fault"),
        ("hardware fault", "hardware_fault"),
        (" 软件技术性故障 ", "software_fault"),
        ("电话 支持", "consultation"),
        ("故障", "not_a_choice"),
    ],
)
def test_choices(text: str, expected: str) -> None:
    result, rows = checked("tickets", TICKET, ("T", "C", text, "2026-01-05"))
    found = rows[0]["service_type"] if rows else result.rejects[0].problems[0].code
    assert found == expected


def test_several_choices() -> None:
    header = ("培训编号", "合同编号", "培训日期", "培训内容")
    _, rows = checked("training", header, ("P", "C", "2026-01-05", "故障排除；运行操作、维修保养"))
    assert rows[0]["topics"] == "operation;maintenance;troubleshooting"
    result, _ = checked("training", header, ("P", "C", "2026-01-05", "运行操作;驾驶"))
    assert result.rejects[0].problems[0].code == "not_a_choices"


def test_ids_are_trimmed_and_folded_and_texts_are_not() -> None:
    _, rows = checked(
        "tickets", (*TICKET, "故障描述"), (" Ｔ－１　", "Ｃ1", "咨询", "2026-01-05", "ＡＢ　ｃ")
    )
    assert (rows[0]["ticket_id"], rows[0]["contract_id"]) == ("T-1", "C1")
    assert rows[0]["description"] == "ＡＢ　ｃ"


def test_an_id_that_a_spreadsheet_cut_short_is_refused() -> None:
    result, _ = checked("tickets", TICKET, ("1.23457E+11", "C", "咨询", "2026-01-05"))
    assert result.rejects[0].problems[0].code == "not_a_id"


def test_a_date_column_takes_the_date_of_an_instant() -> None:
    _, rows = checked("contracts", (*CONTRACT, "验收日期"), ("HT-1", "1", "2026-01-05T23:00:00Z"))
    assert rows[0]["accepted_on"] == date(2026, 1, 6)


def test_coverage_by_date_is_through_the_end_of_that_day() -> None:
    _, rows = checked(
        "coverage", ("台账", "截止时间"), ("工单", "2026-01-05"), ("parts", "2026年1月5日 9时")
    )
    assert [(row["log"], row["through_at"]) for row in rows] == [
        ("tickets", datetime(2026, 1, 5, 23, 59, 59)),
        ("parts", datetime(2026, 1, 5, 9)),
    ]
    result, _ = checked("coverage", ("台账", "截止时间"), ("天气", "2026-01-05"))
    assert result.rejects[0].problems[0].code == "not_a_id"


FULL = ("工单编号", "合同编号", "服务类型", "报修时间", "响应时间", "到场时间", "离场时间",
        "解决时间", "关闭时间", "备机提供时间", "备机归还时间")  # fmt: skip


@pytest.mark.parametrize(
    ("instants", "column"),
    [
        (("1", "·", "·", "·", "·", "·", "·"), "responded_at"),
        (("·", "1", "·", "·", "·", "·", "·"), "onsite_at"),
        (("·", "·", "·", "1", "·", "·", "·"), "resolved_at"),
        (("·", "·", "·", "·", "1", "·", "·"), "closed_at"),
        (("·", "·", "·", "4", "3", "·", "·"), "closed_at"),
        (("·", "4", "3", "·", "·", "·", "·"), "left_site_at"),
        (("·", "·", "·", "·", "·", "4", "3"), "loaner_returned_at"),
    ],
)
def test_a_row_that_contradicts_itself_is_rejected(instants: tuple[str, ...], column: str) -> None:
    days = ["" if day == "·" else f"2026-01-0{day}" for day in instants]
    result, rows = checked("tickets", FULL, ("T", "C", "咨询", "2026-01-02", *days))
    assert not rows
    assert [(p.column, p.code) for p in result.rejects[0].problems] == [(column, "before")]


def test_equal_instants_contradict_nothing() -> None:
    result, rows = checked("tickets", FULL, ("T", "C", "咨询", *["2026-01-02"] * 8))
    assert rows
    assert not result.rejects


def test_a_reject_names_row_column_value_and_reason_in_both_languages() -> None:
    result, _ = checked(
        "tickets",
        TICKET,
        ("A", "C", "咨询", "2026-01-05"),
        ("B", "C", "咨询", "2026-02-31"),
        ("", "C", "修理", "2026-01-05"),
    )
    first, second = result.rejects
    assert (first.source_row, first.key, first.contract_id) == (3, ("B",), "C")
    assert first.problems[0].text(result.match.log, "zh") == "「报修时间」的“2026-02-31”不是时间"
    assert (
        first.problems[0].text(result.match.log, "en")
        == "Reported at “2026-02-31” is not a date and time"
    )
    assert [problem.code for problem in second.problems] == ["required", "not_a_choice"]


def test_the_contract_may_be_left_out_only_beside_a_unit() -> None:
    header = ("工单编号", "设备编号", "服务类型", "报修时间")
    result, rows = checked(
        "tickets", header, ("A", "U", "咨询", "2026-01-05"), ("B", "", "咨询", "2026-01-05")
    )
    assert [row["ticket_id"] for row in rows] == ["A"]
    assert result.rejects[0].problems[0].code == "required_unless"


def test_quantities_may_be_negative_only_in_adjustments() -> None:
    header = ("流水号", "合同编号", "备件编号", "出入库时间", "类型", "数量")
    result, rows = checked(
        "parts",
        header,
        ("1", "C", "P", "2026-01-05", "调整", "-2"),
        ("2", "C", "P", "2026-01-05", "出库", "-2"),
    )
    assert rows[0]["quantity"] == Decimal(-2)
    assert [problem.code for problem in result.rejects[0].problems] == ["too_small"]


@pytest.mark.parametrize(
    ("term", "value", "code"),
    [
        ("response_minutes", "7.5", None),
        ("sla.response.target", "0.95", None),
        ("failed_repairs", "2.5", "term_not_whole"),
        ("repair_days", "1.5", "term_not_whole"),
        ("window_first_day", "29", "term_not_a_day"),
        ("window_last_day", "0", "term_not_a_day"),
        ("response_minutes", "-1", "too_small"),
        ("response_minutes", "50%", "term_not_a_share"),
        ("response_minutes", "1000000000", "term_too_large"),
        ("sla.response.target", "95%", None),
        ("sla.response.target", "95", "term_too_large"),
        ("reponse_minutes", "30", "no_such_term"),
    ],
)
def test_terms(term: str, value: str, code: str | None) -> None:
    result, _ = checked("terms", ("合同编号", "参数", "取值"), ("C", term, value))
    assert [p.code for r in result.rejects for p in r.problems] == ([code] if code else [])


def test_a_totals_row_is_no_data_and_no_reject() -> None:
    result, rows = checked(
        "contracts", CONTRACT, ("HT-1", "100"), (" 合 计：", "100"), ("小计", ""), ("总计划", "")
    )
    assert result.totals == 2
    assert [row["contract_id"] for row in rows] == ["HT-1"]
    assert [reject.key for reject in result.rejects] == [("总计划",)]


def test_rounds_default_to_the_first() -> None:
    header = ("投诉编号", "轮次", "合同编号", "受理时间")
    result, rows = checked(
        "complaints", header, ("A", "", "C", "2026-01-05"), ("A", "0", "C", "2026-01-05"),
        ("A", "2.0", "C", "2026-01-05"), ("A", "1.5", "C", "2026-01-05"),
    )  # fmt: skip
    assert [row["round"] for row in rows] == [1, 2]
    assert [r.problems[0].code for r in result.rejects] == ["too_small", "not_a_integer"]


@pytest.mark.parametrize("text", ["#N/A", "#REF!", "1.2E+19"])
def test_what_a_spreadsheet_has_lost_is_no_id(text: str) -> None:
    result, _ = checked("tickets", TICKET, (text, "C", "咨询", "2026-01-05"))
    assert result.rejects[0].problems[0].code == "not_a_id"


@pytest.mark.parametrize(
    "word", ["合计", "合 计：", "合计（元）", "合计(1份)", "本页合计", "合计金额", "累计",
             "【合计】", "Totals", "Grand Total", "Ｔｏｔａｌ:"],
)  # fmt: skip
def test_the_ways_to_write_totals(word: str) -> None:
    result, rows = checked("contracts", CONTRACT, (word, "100"))
    assert (result.totals, rows, result.rejects) == (1, [], ())


def test_a_header_in_the_middle_is_no_data() -> None:
    result, rows = checked(
        "personnel", ("工程师编号", "姓名"), ("P1", "甲"), ("工程师编号", "姓名")
    )
    assert [row["engineer_id"] for row in rows] == ["P1"]
    assert result.rejects[0].problems[0].code == "header_repeated"


def test_units_in_a_header() -> None:
    _, rows = checked(
        "equipment",
        ("设备编号", "合同编号", "使用部门", "厂家质保(年)", "送货安装费(元)"),
        ("U", "C", "内科", "3", "5"),
    )
    assert (rows[0]["manufacturer_warranty_months"], rows[0]["delivery_charge"]) == (36, Decimal(5))
    result, _ = checked("contracts", ("合同编号", "合同总价(万元)"), ("HT-1", "500000元"))
    assert result.rejects[0].problems[0].code == "not_a_money"


@pytest.mark.parametrize(
    ("log", "headers"),
    [
        ("contracts", ("合同编号", "合同总价(千元)")),
        ("contracts", ("合同编号", "合同总价(百万元)")),
        ("contracts", ("合同编号", "Amount (thousand)")),
        ("contracts", ("合同编号", "合同总价(USD)")),
        ("equipment", ("设备编号", "合同编号", "使用部门", "厂家质保(天)")),
    ],
)
def test_a_unit_that_is_not_known_is_not_guessed(log: str, headers: tuple[str, ...]) -> None:
    with pytest.raises(KeptError, match="unit_unknown"):
        recognise([TextTable("file.csv", None, [list(headers)], [1])], log)


def test_a_duration_is_no_instant_and_a_precision_is_no_unit() -> None:
    def columns(header: str) -> set[str]:
        match = recognise([TextTable("f", None, [[*TICKET, header]], [1])], "tickets")
        assert match is not None
        return set(match.columns)

    assert "responded_at" not in columns("响应时间(分钟)")
    assert "responded_at" not in columns("响应时间(s)")
    assert "responded_at" in columns("响应时间(精确到分钟)")
    assert "responded_at" in columns("响应时间(必填)")


def test_the_topmost_complete_header_holds() -> None:
    top = [
        ["合同编号", "合同总价"],
        ["C1", "1"],
        ["合同编号", "合同总价", "合同名称"],
        ["C3", "3", "x"],
    ]
    match = recognise([TextTable("f", None, top, [1, 2, 3, 4])])
    assert match is not None
    assert match.header_index == 0


def test_a_header_merged_over_two_rows() -> None:
    top = [
        ["工单编号", "合同编号", "服务类型", "报修时间", "时间", ""],
        ["", "", "", "", "响应时间", "解决时间"],
        ["T", "C", "咨询", "2026-01-05", "", ""],
    ]
    match = recognise([TextTable("f", None, top, [1, 2, 3])])
    assert match is not None
    assert (match.header_index, match.columns["responded_at"]) == (1, 4)


def test_a_date_cell_of_a_workbook_is_a_day_through_its_end() -> None:
    con = duckdb.connect()
    match = recognise([TextTable("f.xlsx", "Sheet", [["台账", "截止时间"]], [1])])
    assert match is not None
    con.execute(
        "create table staged as select 2 as source_row, 'tickets' as c0, "
        "'2026-01-05 00:00:00' as c1, null::varchar as cells_extra, 0 as cells_missing"
    )
    check(con, "staged", match, "Asia/Shanghai", "typed", NOW)
    assert con.execute("select through_at from typed").fetchall() == [
        (datetime(2026, 1, 5, 23, 59, 59),)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("46027", datetime(2026, 1, 5, 23, 59, 59)),
        ("46027.5", datetime(2026, 1, 5, 12)),
        ("20260105", datetime(2026, 1, 5, 23, 59, 59)),
        ("2026年1月5日", datetime(2026, 1, 5, 23, 59, 59)),
        ("2026-01-05 00:00:00", datetime(2026, 1, 5)),
    ],
)
def test_through_at(text: str, expected: datetime) -> None:
    _, rows = checked("coverage", ("台账", "截止时间"), ("工单", text))
    assert rows[0]["through_at"] == expected


# What a mapping says of values


def mapped(
    text: str, header: Sequence[str], *rows: Sequence[str | None]
) -> tuple[Checked, list[dict[str, object]]]:
    """Checks tickets with a mapping laid over what is found."""
    mapping = ColumnMapping.from_toml(f'log = "tickets"\n{text}')
    return checked("tickets", header, *rows, mappings=[mapping])


def test_translations_come_before_all_words() -> None:
    text = """
        [columns]
        service_type = "类别"
        [translations.service_type]
        "软 件" = "software_fault"
        "无" = "consultation"
        "*" = "hardware_fault"
        "" = "upgrade"
    """
    header = ("工单编号", "合同编号", "类别", "报修时间")
    said = ("软件", " 软 件 ", "无", "打印机", "-", "", "咨询")
    _, rows = mapped(text, header, *[(f"{n}", "C", s, "2026-01-05") for n, s in enumerate(said)])
    assert [row["service_type"] for row in rows] == [
        "software_fault",
        "software_fault",
        "consultation",
        "hardware_fault",
        "upgrade",
        "upgrade",
        "hardware_fault",
    ]


def test_a_value_without_a_translation_keeps_its_own_meaning() -> None:
    text = '[columns]\nservice_type = "类别"\n[translations.service_type]\nSoft = "upgrade"\n'
    header = ("工单编号", "合同编号", "类别", "报修时间")
    result, rows = mapped(text, header, ("A", "C", "SOFT", "2026-01-05"),
                          ("B", "C", "咨询", "2026-01-05"),
                          ("D", "C", "Hard", "2026-01-05"))  # fmt: skip
    assert [row["service_type"] for row in rows] == ["upgrade", "consultation"]
    assert [(p.value, p.code) for p in result.rejects[0].problems] == [("Hard", "not_a_choice")]


def test_a_value_may_be_translated_to_nothing() -> None:
    text = (
        '[columns]\nresolved_at = "解决"\n[translations.resolved_at]\n"0000-00-00 00:00:00" = ""\n'
    )
    _, rows = mapped(
        text, (*TICKET, "解决"), ("A", "C", "咨询", "2026-01-05", "0000-00-00 00:00:00")
    )
    assert rows[0]["resolved_at"] is None


def test_a_constant_is_typed_like_any_cell() -> None:
    text = '[constants]\ncontract_id = " ＨＴ－1 "\nreported_at = "2026/1/5"\nservice_type = "{}"\n'
    _, rows = mapped(text.format("咨询"), ("工单编号",), ("A",))
    assert (rows[0]["contract_id"], rows[0]["reported_at"]) == ("HT-1", datetime(2026, 1, 5))
    result, _ = mapped(text.format("修理"), ("工单编号",), ("A",))
    assert [problem.code for problem in result.rejects[0].problems] == ["not_a_choice"]
    assert result.rejects[0].cells == ("A",)


@pytest.mark.parametrize(
    ("unit", "text", "seconds"),
    [
        ("minutes", "30", 1_800),
        ("minutes", "0", 0),
        ("hours", "0.17", 612),
        ("hours", "1:30", 5_400),
        ("hours", "00:45:30", 2_730),
        ("days", "1.5", 129_600),
        ("seconds", "90", 90),
        ("minutes", "1小时30分钟", 5_400),
        (None, "6小时30分", 23_400),
        (None, "1天2小时", 93_600),
        (None, "2d 3h 20m", 184_800),
        (None, "45 min", 2_700),
        (None, "90秒", 90),
        (None, "100:00:00", 360_000),
        (None, "1900-01-01 12:05:00", 129_900),
        (None, "30", None),
        (None, "12:30", None),
        ("minutes", "12:30", None),
        ("minutes", "-5", None),
        ("minutes", "半小时", None),
        ("minutes", "1,5", None),
        ("minutes", "1h 2h", None),
    ],
)
def test_spans(unit: str | None, text: str, seconds: int | None) -> None:
    said = f', unit = "{unit}"' if unit else ""
    toml = f'[durations]\nresponded_at = {{ header = "首响", from = "reported_at"{said} }}\n'
    row = ("A", "C", "咨询", "2026-01-05 09:00", text)
    result, rows = mapped(toml, (*TICKET, "首响"), row)
    if seconds is None:
        assert [(p.column, p.value, p.code) for p in result.rejects[0].problems] == [
            ("responded_at", text, "not_a_duration")
        ]
    else:
        assert rows[0]["responded_at"] == datetime(2026, 1, 5, 9) + timedelta(seconds=seconds)


def test_an_empty_span_is_no_instant_and_one_without_a_start_no_span() -> None:
    toml = '[durations]\nleft_site_at = { header = "在场", from = "onsite_at", unit = "hours" }\n'
    header = (*TICKET, "到场时间", "在场")
    result, rows = mapped(
        toml,
        header,
        ("A", "C", "咨询", "2026-01-05", "2026-01-05 10:00", "-"),
        ("B", "C", "咨询", "2026-01-05", "", "2"),
    )
    assert rows[0]["left_site_at"] is None
    assert [problem.code for problem in result.rejects[0].problems] == ["not_a_duration"]


# What whole columns leave open


def asked(code: str, values: Sequence[str], column: str = "响应时间") -> None:
    rows = [(f"{n}", "C", "咨询", "2026-01-05", v) for n, v in enumerate(values)]
    with pytest.raises(KeptError) as caught:
        checked("tickets", (*TICKET, column), *rows)
    assert (caught.value.code, caught.value.values["column"]) == (code, column)


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("holds_durations", ("00:12:30", "-", "1:05:00")),
        ("holds_durations", ("0:45", "1小时")),
        ("holds_numbers", ("12", "45.5")),
        ("holds_numbers", ("30000", "12")),
        ("holds_flags", ("是", "否", "")),
        ("dates_ambiguous", ("05/01/2026", "06/01/2026")),
        ("dates_swapped", ("2026-05-01 09:00:00", "13/06/2026")),
        ("dates_swapped", ("2026/5/1", "06/13/2026")),
    ],
)
def test_what_a_column_holds_is_asked(code: str, values: tuple[str, ...]) -> None:
    asked(code, values)


def test_worded_spans_are_counted_from_the_report() -> None:
    result, rows = checked(
        "tickets", (*TICKET, "响应时间"), ("A", "C", "咨询", "2026-01-05 9:00", "6小时30分钟"),
        ("B", "C", "咨询", "2026-01-05 9:00", "-"),
    )  # fmt: skip
    assert [row["responded_at"] for row in rows] == [datetime(2026, 1, 5, 15, 30), None]
    assert [note.code for note in result.match.notes] == ["note_duration"]
    assert result.match.given == {"ticket_id", "contract_id", "service_type", "reported_at",
                                  "responded_at"}  # fmt: skip


def test_one_instant_among_spans_makes_the_spans_wrong_not_the_column() -> None:
    result, rows = checked(
        "tickets", (*TICKET, "响应时间"), ("A", "C", "咨询", "2026-01-05", "2026-01-05 10:00"),
        ("B", "C", "咨询", "2026-01-05", "00:30:00"),
    )  # fmt: skip
    assert [row["ticket_id"] for row in rows] == ["A"]
    assert [p.code for p in result.rejects[0].problems] == ["not_a_instant"]


def test_days_past_the_twelfth_beside_texts_show_that_nothing_was_swapped() -> None:
    _, rows = checked(
        "tickets", TICKET, ("A", "C", "咨询", "2026-01-05"), ("B", "C", "咨询", "2026-01-25"),
        ("D", "C", "咨询", "13/01/2026"),
    )  # fmt: skip
    assert [row["reported_at"] for row in rows] == [
        datetime(2026, 1, 5), datetime(2026, 1, 25), datetime(2026, 1, 13),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("[day_first]\nreported_at = true", datetime(2026, 1, 5)),
        ("[day_first]\nreported_at = false", datetime(2026, 5, 1)),
    ],
)
def test_an_answer_decides_the_order_of_a_column(answer: str, expected: datetime) -> None:
    text = f'headers = ["工单编号"]\n{answer}\n'
    result, rows = mapped(
        text, TICKET, ("A", "C", "咨询", "05/01/2026"), ("B", "C", "咨询", "31/31/2026")
    )
    assert rows[0]["reported_at"] == expected
    assert [p.code for p in result.rejects[0].problems] == ["not_a_instant"]


@pytest.mark.parametrize(
    ("swapped", "expected"), [("true", datetime(2026, 1, 5, 9)), ("false", datetime(2026, 5, 1, 9))]
)
def test_an_answer_swaps_day_and_month_back(swapped: str, expected: datetime) -> None:
    text = f'headers = ["工单编号"]\n[swapped]\nreported_at = {swapped}\n'
    _, rows = mapped(
        text, TICKET, ("A", "C", "咨询", "2026-05-01 09:00:00"), ("B", "C", "咨询", "13/01/2026")
    )
    assert [row["reported_at"] for row in rows] == [expected, datetime(2026, 1, 13)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12/Mar/24 9:41 AM", datetime(2024, 3, 12, 9, 41)),
        ("1/Sept/24 12:41 AM", datetime(2024, 9, 1, 0, 41)),
        ("12-MAR-2024 21:41:07", datetime(2024, 3, 12, 21, 41, 7)),
        ("12 March 2024", datetime(2024, 3, 12)),
        ("Mar 12, 2024 9:41 PM", datetime(2024, 3, 12, 21, 41)),
        ("Tue, 12 Mar 2024 09:41:00", datetime(2024, 3, 12, 9, 41)),
        ("2024-Mar-12", datetime(2024, 3, 12)),
        ("31/Feb/24", "not_a_instant"),
        ("12/Mai/24", "not_a_instant"),
        ("Mar 2024", "not_a_instant"),
    ],
)
def test_months_by_name(text: str, expected: object) -> None:
    assert instant(text) == expected


def test_questions_name_the_values_they_are_about() -> None:
    con = duckdb.connect()
    header = [*TICKET, "响应时间"]
    match = recognise([TextTable("f", None, [header], [1])])
    assert match is not None
    con.execute(
        "create table staged as select n as source_row, 'T' || n as c0, 'C' as c1, "
        "['Soft', 'Soft', '咨询'][n] as c2, ['13/01/2026', '14/01/2026', '15/01/2026'][n] as c3, "
        "['00:30:00', '00:30:00', '1:00:00'][n] as c4, null::varchar as cells_extra, "
        "0 as cells_missing from range(1, 4) as numbers(n)"
    )
    assert questions(con, "staged", match, "Asia/Shanghai") == (
        Question("holds_durations", "responded_at", "响应时间", True,
                 {"00:30:00": 2, "1:00:00": 1}),
        Question("values_unknown", "service_type", "服务类型", False, {"Soft": 2}),
    )  # fmt: skip
    for question in questions(con, "staged", match, "Asia/Shanghai"):
        for language in ("zh", "en"):
            sentence = catalogue().sentence(refusal(match, question), language)
            assert next(iter(question.values)) in sentence


@pytest.mark.parametrize("word", ["'Opening'", "Opening Balance", "期初余额", "承前页", "上期结转"])
def test_an_opening_balance_is_no_data(word: str) -> None:
    result, rows = checked("contracts", CONTRACT, (word, "100"), ("HT-1", "5"))
    assert (result.totals, len(rows), result.rejects) == (1, 1, ())


def test_a_formula_without_a_value_says_so() -> None:
    result, _ = checked("contracts", CONTRACT, ("HT-1", "#UNCALCULATED!"), ("#UNCALCULATED!", "5"))
    assert [r.problems[0].code for r in result.rejects] == ["not_calculated", "not_calculated"]


def test_rows_of_a_table_beside_are_no_data_of_this_one() -> None:
    result, rows = checked(
        "tickets", (*TICKET, "", "部门", "件数"), ("A", "C", "咨询", "2026-01-05", "", "内科", "5"),
        ("", "", "", "", "", "外科", "7"), ("", "C", "", "", "", "外科", "7"),
    )  # fmt: skip
    assert (len(rows), result.totals, [r.source_row for r in result.rejects]) == (1, 1, [4])
    # Without a gap between them the other columns belong to the same table.
    result, _ = checked("tickets", (*TICKET, "备注"), ("", "", "", "", "外科"))
    assert (result.totals, len(result.rejects)) == (0, 1)
