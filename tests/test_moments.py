"""Days and instants, dates that nobody meant, clocks that were changed."""

from datetime import date, datetime

import pytest

from etl.catalogue import catalogue
from etl.intake.zones import shifts
from tests.checking import TICKET, checked, codes, mapped

RESPONDED = (*TICKET, "响应时间")


def days(*texts: str, timezone: str = "Asia/Shanghai") -> list[tuple[object, object]]:
    """Responses as they are read, and the days of each row; all reported at 09:03."""
    rows = [(f"T{n}", "C", "咨询", "2025-01-01 09:03", text) for n, text in enumerate(texts)]
    _, found = checked("tickets", RESPONDED, *rows, timezone=timezone)
    return [(row["responded_at"], row["days"]) for row in found]


DAY = ";responded_at;"
SPAN = '[durations]\nresolved_at = { header = "历时", from = "reported_at", unit = "hours" }\n'
JAN_5 = datetime(2026, 1, 5)


# Which values are days


@pytest.mark.parametrize(
    "text",
    ["2026-01-05", "2026/1/5", "2026.1.5", "2026年1月5日", "2026年1月5日 星期一", "20260105",
     "46027", "5 Jan 2026", "Mon, 5 Jan 2026", "民国115年1月5日", "中华民国115年1月5日",
     "2026-01-05 00:00:00", "2026-01-05T00:00", "2026-1-5 0:00", "2026年1月5日 0时0分",
     "2026-01-05 12:00 AM", "2026-01-05 上午12:00", "46027.0"],
)  # fmt: skip
def test_where_no_cell_has_another_time_each_is_a_day(text: str) -> None:
    assert days(text, "", "2026-01-07") == [
        (JAN_5, DAY),
        (None, None),
        (datetime(2026, 1, 7), DAY),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-01-05", (JAN_5, DAY)),
        ("2026年1月5日", (JAN_5, DAY)),
        ("46027", (JAN_5, DAY)),
        ("2026-01-05 00:00", (JAN_5, None)),
        ("2026-01-05 00:00:00", (JAN_5, None)),
        ("2026-01-05 12:00 AM", (JAN_5, None)),
        ("2026年1月5日 0时", (JAN_5, None)),
        ("2026-01-05T00:00:00+08:00", (JAN_5, None)),
        ("2026-01-04T16:00:00Z", (JAN_5, None)),
    ],
)
def test_beside_another_time_only_a_date_alone_is_a_day(
    text: str, found: tuple[object, object]
) -> None:
    assert days(text, "2026-01-06 09:03") == [found, (datetime(2026, 1, 6, 9, 3), None)]


@pytest.mark.parametrize(
    "text", ["2026-01-04 24:00", "2026-01-04 24:00:00", "2026年1月4日 24:00", "46027.5"]
)
def test_the_end_of_a_day_and_a_fraction_are_other_times(text: str) -> None:
    assert days(text, "2026-01-05")[1] == (JAN_5, DAY)
    assert days(text, "2026-01-05")[0][1] is None


def test_a_date_with_an_offset_is_the_date_that_is_written() -> None:
    """A tool that keeps dates as midnights of UTC."""
    found = days("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z")
    assert found == [(JAN_5, DAY), (datetime(2026, 1, 6), DAY)]
    found = days("2026-01-05T00:00:00Z", timezone="America/New_York")
    assert found == [(JAN_5, DAY)]
    # One other time, and they are instants.
    found = days("2026-01-05T00:00:00Z", "2026-01-05T01:00:00Z")
    assert found == [(datetime(2026, 1, 5, 8), None), (datetime(2026, 1, 5, 9), None)]


def test_a_day_with_an_offset_is_compared_as_a_day() -> None:
    header = (*TICKET, "响应时间", "历时")
    row = ("A", "C", "咨询", "2026-01-05T00:00:00Z", "2026-01-05 03:00", "48")
    result, rows = mapped(SPAN, header, row)
    assert not result.rejects
    assert (rows[0]["reported_at"], rows[0]["resolved_at"]) == (JAN_5, datetime(2026, 1, 7))
    assert rows[0]["days"] == ";reported_at;resolved_at;"


def test_the_days_of_a_row_are_named_in_the_order_of_the_log() -> None:
    header = (*TICKET, "解决时间", "响应时间", "关闭时间")
    _, rows = checked(
        "tickets",
        header,
        ("A", "C", "咨询", "2026-01-05", "2026-01-06", "2026-01-05 00:00", "2026-01-07 10:00"),
        ("B", "C", "咨询", "2026-01-05", "", "", "2026-01-07"),
    )
    assert [row["days"] for row in rows] == [
        ";reported_at;responded_at;resolved_at;",
        ";reported_at;closed_at;",
    ]


def test_a_date_column_and_the_end_of_an_export_have_no_days() -> None:
    _, rows = checked("contracts", ("合同编号", "合同总价", "验收日期"), ("C", "1", "2026-01-05"))
    assert rows[0]["days"] is None
    _, rows = checked("coverage", ("台账", "截止时间"), ("工单", "2026-01-05"))
    assert (rows[0]["through_at"], rows[0]["days"]) == (datetime(2026, 1, 5, 23, 59, 59), None)
    _, rows = checked("coverage", ("台账", "截止时间"), ("工单", "民国115年12月15日"))
    assert rows[0]["through_at"] == datetime(2026, 12, 15, 23, 59, 59)


def test_a_cell_of_a_rejected_row_has_a_time_as_well() -> None:
    rows = [("A", "C", "咨询", "2026-01-05 00:00"), ("", "C", "咨询", "2026-01-05 09:00")]
    _, found = checked("tickets", TICKET, *rows)
    assert found[0]["days"] is None


def test_a_constant_without_a_time_is_a_day() -> None:
    text = '[constants]\nreported_at = "2026/1/5"\n'
    _, rows = mapped(text, ("工单编号", "合同编号", "服务类型"), ("A", "C", "咨询"))
    assert rows[0]["days"] == ";reported_at;"


def test_a_date_and_a_time_joined_count_as_one() -> None:
    text = '[columns]\nreported_at = ["日期", "时刻"]\n'
    header = ("工单编号", "合同编号", "服务类型", "日期", "时刻")
    _, rows = mapped(
        text,
        header,
        ("A", "C", "咨询", "2026-01-05 00:00:00", "09:03"),
        ("B", "C", "咨询", "2026-01-05 00:00:00", ""),
        ("D", "C", "咨询", "2026-01-05 00:00:00", "00:00"),
    )
    assert [row["days"] for row in rows] == [None, ";reported_at;", None]
    _, rows = mapped(text, header, ("A", "C", "咨询", "2026-01-05", "00:00:00"))
    assert rows[0]["days"] == ";reported_at;"


# Spans from a day


def test_a_span_from_a_day_ends_on_a_day_only_after_whole_days() -> None:
    header = (*TICKET, "历时")
    result, rows = mapped(
        SPAN,
        header,
        ("A", "C", "咨询", "2026-01-05", "48"),
        ("B", "C", "咨询", "2026-01-05", "0"),
        ("D", "C", "咨询", "2026-01-05", ""),
        ("E", "C", "咨询", "2026-01-05", "1.5"),
    )
    assert [(row["resolved_at"], row["days"]) for row in rows] == [
        (datetime(2026, 1, 7), ";reported_at;resolved_at;"),
        (JAN_5, ";reported_at;resolved_at;"),
        (None, ";reported_at;"),
    ]
    assert codes(result) == [[("resolved_at", "span_from_day")]]


def test_a_span_from_an_instant_is_exact_also_at_midnight() -> None:
    _, rows = mapped(
        SPAN, (*TICKET, "历时"), ("A", "C", "咨询", "2026-01-05 09:00", "15"),
        ("B", "C", "咨询", "2026-01-05", "24"),
    )  # fmt: skip
    assert [(row["resolved_at"], row["days"]) for row in rows] == [
        (datetime(2026, 1, 6), None),
        (datetime(2026, 1, 6), ";reported_at;resolved_at;"),
    ]


def test_what_was_rounded_is_noted() -> None:
    result, _ = mapped(
        SPAN, (*TICKET, "历时"), ("A", "C", "咨询", "2026-01-05 09:00", "22.80666666666667"),
        ("B", "C", "咨询", "2026-01-05 09:00", "2.5"),
    )  # fmt: skip
    [note] = [note for note in result.match.notes if note.code == "note_spans_rounded"]
    assert note.values["count"] == 1
    for language in ("zh", "en"):
        assert "1" in catalogue().message(note.code, language, **note.values)


# A row contradicts itself only when it does so under every reading


@pytest.mark.parametrize(
    ("reported", "responded", "holds"),
    [
        ("2026-01-05 10:00", "2026-01-05", True),
        ("2026-01-05 10:00", "2026-01-04", False),
        ("2026-01-05", "2026-01-05 00:30", True),
        ("2026-01-05", "2026-01-04 23:59", False),
        ("2026-01-05", "2026-01-05", True),
        ("2026-01-05", "2026-01-04", False),
        ("2026-01-05 10:00", "2026-01-05 09:59", False),
    ],
)
def test_order(reported: str, responded: str, holds: bool) -> None:
    result, rows = checked(
        "tickets", RESPONDED, ("A", "C", "咨询", reported, responded),
        # Other rows give both columns times, so that the dates alone are read one by one.
        ("B", "C", "咨询", "2025-01-05 10:00", "2025-01-05 10:30"),
    )  # fmt: skip
    assert ("A" in [row["ticket_id"] for row in rows]) == holds
    assert codes(result) == ([] if holds else [[("responded_at", "before")]])


# Dates nobody meant


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1970-01-01 00:00:00", "implausible_date"),
        ("1989-12-31 23:59:59", "implausible_date"),
        ("1990-01-01 00:00:00", None),
        ("0001-01-01", "implausible_date"),
        ("2100-01-01", "implausible_date"),
        ("2126-01-05 09:00", "implausible_date"),
        ("民国元年1月5日", "not_a_instant"),
        ("民国9年1月5日", "implausible_date"),
        ("2030-01-02 00:00:00", None),
        ("2030-01-02 00:00:01", "in_future"),
        ("2062-03-02 12:00", "in_future"),
        ("2099-12-31 23:00", "in_future"),
        ("2030-01-02", None),
        ("2030-01-03", "in_future"),
    ],
)
def test_dates_of_events(text: str, code: str | None) -> None:
    result, _ = checked("tickets", TICKET, ("A", "C", "咨询", text))
    assert codes(result) == ([[("reported_at", code)]] if code else [])


def test_the_moment_of_loading_is_a_local_time() -> None:
    now = datetime(2026, 3, 5, 12)
    rows = [("A", "C", "咨询", "2026-03-06T04:00:00Z"), ("B", "C", "咨询", "2026-03-06T04:01:00Z")]
    result, found = checked("tickets", TICKET, *rows, now=now)
    assert [row["ticket_id"] for row in found] == ["A"]
    assert codes(result) == [[("reported_at", "in_future")]]
    log = result.match.log
    [problem] = result.rejects[0].problems
    assert problem.text(log, "en").startswith("Reported at “2026-03-06T04:01:00Z” is later than")


def test_what_is_known_in_advance_may_lie_ahead() -> None:
    foreseen = {
        (log.name, column.name)
        for log in catalogue().logs.values()
        for column in log.columns.values()
        if column.foreseen
    }
    assert foreseen >= {
        ("contracts", "accepted_on"), ("equipment", "delivered_on"),
        ("equipment", "commissioned_on"), ("equipment", "accepted_on"),
        ("equipment", "warranty_until"), ("inspections", "planned_on"),
        ("inspections", "plan_approved_on"), ("personnel", "permit_from"),
        ("personnel", "permit_until"), ("special_periods", "starts_at"),
        ("special_periods", "ends_at"), ("coverage", "through_at"),
    }  # fmt: skip
    free = {"updated_at", "guarantee_until", "due_on"}
    events = {name for _, name in foreseen} - free
    assert events <= {"accepted_on", "delivered_on", "commissioned_on", "warranty_until",
                      "planned_on", "plan_approved_on", "permit_from", "permit_until",
                      "starts_at", "ends_at", "through_at"}  # fmt: skip
    header = (
        "巡检编号",
        "合同编号",
        "使用部门",
        "巡检类型",
        "计划日期",
        "计划批准日期",
        "巡检日期",
    )
    row = ("I", "C", "内科", "月度", "2031-01-05", "2031-01-04")
    result, rows = checked("inspections", header, (*row, ""), (*row, "2031-01-05"))
    assert len(rows) == 1
    assert codes(result) == [[("performed_on", "in_future")]]
    header = ("设备编号", "合同编号", "使用部门", "验收日期", "停用日期")
    result, rows = checked(
        "equipment",
        header,
        ("U", "C", "内科", "2031-01-05", ""),
        ("V", "C", "内科", "", "2031-01-05"),
    )
    assert codes(result) == [[("retired_on", "in_future")]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("民国113年1月5日", datetime(2024, 1, 5)),
        ("民國113年01月05日 9:03", datetime(2024, 1, 5, 9, 3)),
        ("中华民国113年12月5日 下午3:03", datetime(2024, 12, 5, 15, 3)),
        ("民国 113/1/5 09:03:07", datetime(2024, 1, 5, 9, 3, 7)),
        ("民国99年2月29日", "not_a_instant"),
        ("113年1月5日", "not_a_instant"),
        ("民国113", "not_a_instant"),
    ],
)
def test_years_of_the_republic(text: str, expected: object) -> None:
    result, rows = checked("tickets", TICKET, ("A", "C", "咨询", text))
    assert (rows[0]["reported_at"] if rows else result.rejects[0].problems[0].code) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[(text, None) for text in ("9999-12-31", "9999/12/31", "2099-12-31", "2099年12月31日",
                                    "2099-12-31 00:00:00", "长期", " 永久 ", "")],
        ("2099-12-30", date(2099, 12, 30)),
        ("9999-12-30", "implausible_date"),
        ("长期有效", "not_a_date"),
    ],
)  # fmt: skip
def test_a_permit_without_an_end(text: str, expected: object) -> None:
    header = ("工程师编号", "上岗证起始", "上岗证截止")
    result, rows = checked("personnel", header, ("P", "2025-01-05", text))
    found = rows[0]["permit_until"] if rows else result.rejects[0].problems[0].code
    assert found == expected


def test_no_end_is_a_word_of_one_column() -> None:
    header = ("设备编号", "合同编号", "使用部门", "质保截止")
    result, _ = checked("equipment", header, ("U", "C", "内科", "9999-12-31"))
    assert codes(result) == [[("warranty_until", "implausible_date")]]
    result, _ = checked("equipment", header, ("U", "C", "内科", "长期"))
    assert codes(result) == [[("warranty_until", "not_a_date")]]


# Zones with summer time


@pytest.mark.parametrize(
    ("timezone", "text", "code"),
    [
        ("Europe/Berlin", "2026-03-29 01:59:59", None),
        ("Europe/Berlin", "2026-03-29 02:00:00", "ambiguous_hour"),
        ("Europe/Berlin", "2026-03-29 02:30", "ambiguous_hour"),
        ("Europe/Berlin", "2026-03-29 03:00:00", None),
        ("Europe/Berlin", "2026-10-25 01:59:59", None),
        ("Europe/Berlin", "2026-10-25 02:30", "ambiguous_hour"),
        ("Europe/Berlin", "25/10/2026 02:30", "ambiguous_hour"),
        ("Europe/Berlin", "2026-10-25 03:00", None),
        ("America/New_York", "2026-03-08 02:30", "ambiguous_hour"),
        ("America/New_York", "2026-03-08 03:00", None),
        ("America/New_York", "2026-11-01 00:59:59", None),
        ("America/New_York", "2026-11-01 01:30", "ambiguous_hour"),
        ("America/New_York", "2026-11-01 02:00", None),
        ("Asia/Shanghai", "2026-03-29 02:30", None),
        # Summer time until 1991: from 02:00 on 14 April, until 02:00 on 15 September.
        ("Asia/Shanghai", "1991-04-14 02:30", "ambiguous_hour"),
        ("Asia/Shanghai", "1991-09-15 01:30", "ambiguous_hour"),
        ("Asia/Shanghai", "1991-09-15 02:30", None),
        ("Asia/Shanghai", "1992-04-12 02:30", None),
        # Midnight itself is not there: a date alone is a day all the same.
        ("America/Havana", "2026-03-08 00:30", "ambiguous_hour"),
        ("America/Havana", "2026-03-08", None),
    ],
)
def test_local_times_that_are_there_twice_or_not_at_all(
    timezone: str, text: str, code: str | None
) -> None:
    result, _ = checked("tickets", TICKET, ("A", "C", "咨询", text), timezone=timezone)
    assert codes(result) == ([[("reported_at", code)]] if code else [])


def test_an_instant_with_an_offset_is_exact_on_both_days() -> None:
    texts = ("2026-10-25T02:30:00+01:00", "2026-10-25T00:30:00Z", "2026-03-29T01:30:00Z")
    rows = [(f"T{n}", "C", "咨询", text) for n, text in enumerate(texts)]
    result, found = checked("tickets", TICKET, *rows, timezone="Europe/Berlin")
    assert not result.rejects
    assert [row["reported_at"] for row in found] == [
        datetime(2026, 10, 25, 2, 30),
        datetime(2026, 10, 25, 2, 30),
        datetime(2026, 3, 29, 3, 30),
    ]


def test_a_span_is_counted_on_the_timeline() -> None:
    header = (*TICKET, "历时")
    rows = [
        ("A", "C", "咨询", "2026-03-28 20:00", "8"),
        ("B", "C", "咨询", "2026-10-24 20:00", "8"),
        ("D", "C", "咨询", "2026-07-01 20:00", "8"),
    ]
    _, found = mapped(SPAN, header, *rows, timezone="Europe/Berlin")
    assert [row["resolved_at"] for row in found] == [
        datetime(2026, 3, 29, 5),
        datetime(2026, 10, 25, 3),
        datetime(2026, 7, 2, 4),
    ]
    _, found = mapped(SPAN, header, *rows)
    assert [row["resolved_at"] for row in found] == [
        datetime(2026, 3, 29, 4),
        datetime(2026, 10, 25, 4),
        datetime(2026, 7, 2, 4),
    ]


def test_the_changes_of_a_zone() -> None:
    assert shifts("Asia/Shanghai") == (
        (datetime(1990, 4, 15, 2), datetime(1990, 4, 15, 3)),
        (datetime(1990, 9, 16, 1), datetime(1990, 9, 16, 2)),
        (datetime(1991, 4, 14, 2), datetime(1991, 4, 14, 3)),
        (datetime(1991, 9, 15, 1), datetime(1991, 9, 15, 2)),
    )
    assert shifts("Asia/Singapore") == shifts("UTC") == ()
    assert (datetime(2026, 3, 29, 2), datetime(2026, 3, 29, 3)) in shifts("Europe/Berlin")
    assert (datetime(2098, 10, 26, 2), datetime(2098, 10, 26, 3)) in shifts("Europe/Berlin")
    # Half an hour, on Lord Howe.
    assert (datetime(2026, 4, 5, 1, 30), datetime(2026, 4, 5, 2)) in shifts("Australia/Lord_Howe")
