"""Files whose wrong reading would be plausible: what they hold, and what Kept makes of them.

A value is written as it stands in the file, or, where that is not what it means, as (text,
meaning). Whoever reads a file may leave a text as it stands or give its meaning; anything else is
wrong. `OPEN` is a meaning that the file leaves open: only the text is right.
"""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl

OPEN = object()
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One file.

    rows       what it holds, by heading: the truth, whatever a reader makes of it
    refused    the message code with which Kept refuses the file or asks; None where it reads it
    rejected   of the rows, by index: the code with which Kept rejects it
    left_out   how many rows of totals and the like Kept leaves out
    mapping    the mapping with which Kept reads the file, where it needs one
    timezone   of the deployment that reads it

    A date as a meaning is a day: nothing says at what time of it.
    """

    name: str
    zh: str
    en: str
    file: str
    content: bytes
    rows: Sequence[Row]
    refused: str | None = None
    rejected: Mapping[int, str] = field(default_factory=dict)
    left_out: int = 0
    other_rejects: Sequence[str] = ()
    mapping: str | None = None
    log: str | None = None
    timezone: str = "Asia/Shanghai"


T, C, S, R = "工单编号", "合同编号", "服务类型", "报修时间"
RESPONDED, ONSITE, RESOLVED = "响应时间", "到场时间", "解决时间"
DEPARTMENT, DESCRIPTION, REMOTE, ENGINEER = "报修部门", "故障描述", "远程解决", "工程师编号"
HEADERS = (T, C, S, R)
FAULT = "硬件故障"


def at(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]


def ticket(number: Any, reported: Any, **more: Any) -> dict[str, Any]:
    """A ticket of HT-1 as a row by heading."""
    return {T: number, C: "HT-1", S: (FAULT, "hardware_fault"), R: reported, **more}


def text(value: Any) -> str:
    """A value as it stands in the file."""
    return value[0] if isinstance(value, tuple) else value


def lines(rows: Sequence[Row], delimiter: str = ",", end: str = "\n") -> str:
    """Rows as delimited text, without any quotes."""
    table = [list(rows[0]), *([text(value) for value in row.values()] for row in rows)]
    return "".join(delimiter.join(cells) + end for cells in table)


def book(*sheets: Sequence[Sequence[Any]], names: Sequence[str] = (), **made: Any) -> bytes:
    """A workbook; `made` is done to it before it is saved: hidden, formats, merged."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for number, rows in enumerate(sheets):
        sheet = workbook.create_sheet(names[number] if names else f"Sheet{number + 1}")
        for row in rows:
            sheet.append(list(row))
    for name in made.get("hidden", ()):
        workbook[name].sheet_state = "hidden"
    for place, number_format in made.get("formats", {}).items():
        workbook.worksheets[0][place].number_format = number_format
    for place in made.get("merged", ()):
        workbook.worksheets[0].merge_cells(place)
    if made.get("epoch_1904"):
        workbook.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def zipped(**names: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(name.replace("_", "."), content)
    return out.getvalue()


def instants(raw: str, meaning: datetime | object) -> tuple[str, Any]:
    return raw, meaning


PLAIN = (
    ticket("T-1", ("2026-01-05 09:03", at(2026, 1, 5, 9, 3))),
    ticket("T-2", ("2026-01-06 10:04", at(2026, 1, 6, 10, 4))),
)


def described(words: Sequence[str]) -> list[dict[str, Any]]:
    return [{**row, DESCRIPTION: said} for row, said in zip(PLAIN, words, strict=True)]


def reported(*values: Any, **more: Sequence[Any]) -> list[dict[str, Any]]:
    """Tickets reported at these times; `more` columns by heading."""
    return [
        ticket(f"T-{n}", value, **{name: column[n - 1] for name, column in more.items()})
        for n, value in enumerate(values, start=1)
    ]


def responded(*values: Any) -> list[dict[str, Any]]:
    return [{**row, RESPONDED: value} for row, value in zip(PLAIN, values, strict=True)]


def sheet_rows(rows: Sequence[Row], cells: Callable[[Any], Any] = text) -> list[list[Any]]:
    return [list(rows[0]), *([cells(value) for value in row.values()] for row in rows)]


BODY = lines(PLAIN)
QUOTED = described(["卡纸\n重启后正常", "无声"])
COMMAS = described(["a, b", "c, d"])
SEMICOLONS = described(["断电; 重启", "无声; 更换"])
INCHES = described(['5" 屏碎', "无声"])


def amounts(header: str, *values: Any) -> list[dict[str, Any]]:
    """Contracts of these amounts."""
    return [{C: f"HT-{n}", header: value} for n, value in enumerate(values, start=1)]


def in_english(*said: str) -> list[dict[str, Any]]:
    """Tickets under English headings."""
    return [
        {
            "Ticket ID": f"T-{n}",
            "Contract ID": "HT-1",
            "Service type": "hardware_fault",
            "Reported at": PLAIN[0][R],
            "Description": words,
        }
        for n, words in enumerate(said, start=1)
    ]


def _delimiters_and_encodings() -> list[Case]:
    return [
        Case(
            "semicolon",
            "分号分隔",
            "semicolons between cells",
            "a.csv",
            lines(PLAIN, ";").encode(),
            PLAIN,
        ),
        Case(
            "tab", "制表符分隔", "tabs between cells", "a.csv", lines(PLAIN, "\t").encode(), PLAIN
        ),
        Case("pipe", "竖线分隔", "bars between cells", "a.csv", lines(PLAIN, "|").encode(), PLAIN),
        Case(
            "sep_line",
            "首行为 sep=;",
            "a first line sep=;",
            "a.csv",
            ("sep=;\n" + lines(PLAIN, ";")).encode(),
            PLAIN,
        ),
        Case(
            "semicolons_inside",
            "逗号分隔,描述里每行恰有一个分号",
            "comma-delimited, one semicolon in every description",
            "a.csv",
            lines(SEMICOLONS).encode(),
            SEMICOLONS,
        ),
        Case(
            "commas_inside",
            "分号分隔,描述里每行恰有一个逗号",
            "semicolon-delimited, one comma in every description",
            "a.csv",
            lines(COMMAS, ";").encode(),
            COMMAS,
        ),
        Case("bom", "UTF-8 带 BOM", "UTF-8 with a mark", "a.csv", BODY.encode("utf-8-sig"), PLAIN),
        Case(
            "utf16",
            "Excel 的“Unicode 文本”",
            "Excel's Unicode text",
            "a.txt",
            lines(PLAIN, "\t").encode("utf-16"),
            PLAIN,
        ),
        Case(
            "utf16_without_mark",
            "UTF-16 无 BOM",
            "UTF-16 without a mark",
            "a.csv",
            BODY.encode("utf-16-le"),
            PLAIN,
        ),
        Case("gbk", "GBK 编码", "GBK", "a.csv", BODY.encode("gbk"), PLAIN),
        Case(
            "gb18030",
            "只有 GB18030 才有的字",
            "a character that only GB18030 has",
            "a.csv",
            lines(described(["䶮某报修", "㐂某报修"])).encode("gb18030"),
            described(["䶮某报修", "㐂某报修"]),
        ),
        Case(
            "big5",
            "Big5 编码,表头为英文",
            "Big5 under English headings",
            "a.csv",
            lines(rows := in_english("印表機無法開機請儘速派員維修", "螢幕沒有畫面")).encode(
                "big5"
            ),
            rows,
            "file_encoding_other",
        ),
        Case(
            "windows_1252",
            "西文 Windows-1252 编码",
            "Windows-1252",
            "a.csv",
            lines(rows := in_english("Müller: Gerät läuft", "Pérez señal")).encode("cp1252"),
            rows,
            "file_encoding_other",
        ),
        Case(
            "one_broken_byte",
            "UTF-8 中有一个坏字节",
            "one broken byte in UTF-8",
            "a.csv",
            BODY.encode() * 20 + b"T-9,HT-1,\xe7\xa1,2026-01-07\n",
            [],
            "file_encoding_broken",
        ),
        Case(
            "nul",
            "文件中间有 NUL",
            "a NUL in the midst",
            "a.csv",
            BODY.encode() + b"T-3\0,HT-1,x,2026-01-07\n",
            [],
            "file_not_what_name_says",
        ),
    ]


def _quotes_and_cut_rows() -> list[Case]:
    return [
        Case(
            "line_break_in_cell",
            "单元格内换行",
            "a line break inside a cell",
            "a.csv",
            (
                f"{','.join(QUOTED[0])}\n"
                + "".join(",".join(f'"{text(v)}"' for v in row.values()) + "\n" for row in QUOTED)
            ).encode(),
            QUOTED,
        ),
        Case(
            "stray_quote",
            "描述以引号开头却没有结束,吞掉后面的行",
            "a quote that opens a description and swallows the rows after it",
            "a.csv",
            (
                lines(described(["无声", "无声"]))
                + 'T-3,HT-1,硬件故障,2026-01-07,"屏碎\n'
                + 'T-4,HT-1,硬件故障,2026-01-08,无声\nT-5,HT-1,硬件故障,2026-01-09,"无" 声\n'
            ).encode(),
            [*described(["无声", "无声"]), *({T: f"T-{n}"} for n in (3, 4, 5))],
            "quote_unterminated",
        ),
        Case(
            "quote_in_cell",
            "单元格中间的引号是字符",
            "a quote inside a cell is a character",
            "a.csv",
            lines(INCHES).encode(),
            INCHES,
        ),
        Case(
            "cut_in_quotes",
            "文件在引号中间被截断",
            "the file ends inside quotes",
            "a.csv",
            (lines(described(["无声", "无声"])) + 'T-3,HT-1,硬件故障,2026-01-07,"屏碎了').encode(),
            [],
            "quote_unterminated",
        ),
        Case(
            "carriage_returns",
            "旧式换行(CR)",
            "lines end in a carriage return",
            "a.csv",
            lines(PLAIN, end="\r").encode(),
            PLAIN,
        ),
        Case(
            "mixed_line_ends",
            "换行方式混杂",
            "line ends of two kinds",
            "a.csv",
            BODY.replace("\n", "\r\n", 1).encode(),
            PLAIN,
        ),
        Case(
            "cut_row",
            "最后一行被截断",
            "the last row is cut off",
            "a.csv",
            (BODY + "T-3,HT-1,硬件").encode(),
            [*PLAIN, {T: "T-3", S: ("硬件", OPEN)}],
            rejected={2: "row_cut_off"},
        ),
        Case(
            "comma_too_many",
            "未加引号的逗号使该行多出一格",
            "a comma without quotes makes a row too wide",
            "a.csv",
            (
                lines(described(["无声", "无声"]))
                + "T-3,HT-1,硬件故障,2026-01-07 08:00,断电,已恢复\n"
            ).encode(),
            [*described(["无声", "无声"]), {T: "T-3", DESCRIPTION: "断电,已恢复"}],
            rejected={2: "row_too_wide"},
        ),
        Case(
            "empty_columns",
            "行尾多余的空列",
            "empty columns at the end",
            "a.csv",
            BODY.replace("\n", ",,\n").encode(),
            PLAIN,
        ),
        Case(
            "blank_and_commas",
            "空行,以及只有逗号的最后一行",
            "blank lines, and a last line of commas",
            "a.csv",
            (BODY.replace("\n", "\n\n", 1) + ",,,\n").encode(),
            PLAIN,
        ),
    ]


def _ids() -> list[Case]:
    return [
        Case(
            "leading_zeros",
            "编号以零开头",
            "ids with leading zeros",
            "a.csv",
            lines(rows := [ticket("0012", PLAIN[0][R]), ticket("0013", PLAIN[1][R])]).encode(),
            rows,
        ),
        Case(
            "quoted_zeros",
            "加了引号的 0012",
            "0012 in quotes",
            "a.csv",
            (",".join(HEADERS) + '\n"0012","HT-1","硬件故障","2026-01-05 09:03"\n').encode(),
            [ticket("0012", PLAIN[0][R])],
        ),
        Case(
            "long_ids",
            "二十位数字的编号",
            "ids of twenty digits",
            "a.csv",
            lines(
                rows := [
                    ticket("20260105000000000017", PLAIN[0][R]),
                    ticket("20260105000000000018", PLAIN[1][R]),
                ]
            ).encode(),
            rows,
        ),
        Case(
            "exponent_ids",
            "编号形如 1E5",
            "ids such as 1E5",
            "a.csv",
            lines(rows := [ticket("1E5", PLAIN[0][R]), ticket("2E7", PLAIN[1][R])]).encode(),
            rows,
        ),
        Case(
            "decimal_ids",
            "编号形如 1.10",
            "ids such as 1.10",
            "a.csv",
            lines(rows := [ticket("1.10", PLAIN[0][R]), ticket("1.20", PLAIN[1][R])]).encode(),
            rows,
        ),
        Case(
            "infinite_codes",
            "科室代码为 INF",
            "a department called INF",
            "a.csv",
            lines(rows := [{**row, DEPARTMENT: "INF"} for row in PLAIN]).encode(),
            rows,
        ),
        Case(
            "true_codes",
            "科室代码为 T 与 F",
            "departments called T and F",
            "a.csv",
            lines(rows := [{**PLAIN[0], DEPARTMENT: "T"}, {**PLAIN[1], DEPARTMENT: "F"}]).encode(),
            rows,
        ),
        Case(
            "hash_ids",
            "编号以 # 开头",
            "ids that begin with #",
            "a.csv",
            lines(
                rows := [
                    ticket("#1", PLAIN[0][R]),
                    ticket("#2", PLAIN[1][R]),
                    ticket("T-3", PLAIN[1][R]),
                ]
            ).encode(),
            rows,
        ),
        Case(
            "cut_by_excel",
            "Excel 把编号存成 1.23457E+11",
            "Excel saved an id as 1.23457E+11",
            "a.csv",
            lines([ticket("1.23457E+11", PLAIN[0][R])]).encode(),
            [ticket(("1.23457E+11", OPEN), PLAIN[0][R])],
            rejected={0: "not_a_id"},
        ),
        Case(
            "digits_lost",
            "XLSX 中以数字保存的 18 位编号",
            "an id of 18 digits kept as a number in XLSX",
            "a.xlsx",
            book([HEADERS, (410105199003076612, "HT-1", FAULT, "2026-01-05 09:03")]),
            [ticket("410105199003076612", PLAIN[0][R])],
            rejected={0: "not_a_id"},
        ),
        Case(
            "number_and_text_ids",
            "XLSX 中编号一半是数字、一半是文字",
            "ids half numbers, half texts in XLSX",
            "a.xlsx",
            book(
                [
                    HEADERS,
                    (12, "HT-1", FAULT, "2026-01-05 09:03"),
                    ("0013", "HT-1", FAULT, "2026-01-06 10:04"),
                ]
            ),
            [ticket("12", PLAIN[0][R]), ticket("0013", PLAIN[1][R])],
        ),
        Case(
            "zeros_by_format",
            "XLSX 用格式 00000 显示的编号",
            "ids shown by the format 00000 in XLSX",
            "a.xlsx",
            book([HEADERS, (12, "HT-1", FAULT, "2026-01-05 09:03")], formats={"A2": "00000"}),
            [ticket("00012", PLAIN[0][R])],
        ),
    ]


def _empties_flags_choices() -> list[Case]:
    return [
        Case(
            "empty_words",
            "表示空的各种写法",
            "the ways to say empty",
            "a.csv",
            lines(
                rows := [
                    {**PLAIN[0], RESPONDED: ("-", None), ONSITE: ("N/A", None)},
                    {**PLAIN[1], RESPONDED: ("无", None), ONSITE: ("?", None)},
                ]
            ).encode(),
            rows,
        ),
        Case(
            "none_is_no",
            "是否列中的“无”是否",
            "无 in a flag is no",
            "a.csv",
            lines(
                rows := [{**PLAIN[0], REMOTE: ("无", False)}, {**PLAIN[1], REMOTE: ("有", True)}]
            ).encode(),
            rows,
        ),
        Case(
            "unknown_choice",
            "未知的服务类型",
            "a service type that is not known",
            "a.csv",
            lines([{**PLAIN[0], S: ("修理", OPEN)}]).encode(),
            [{**PLAIN[0], S: ("修理", OPEN)}],
            rejected={0: "not_a_choice"},
        ),
    ]


def _numbers() -> list[Case]:
    return [
        Case(
            "thousands",
            "千分位与货币符号",
            "thousands and currency signs",
            "a.csv",
            (f'{C},合同总价\nHT-1,"¥1,234,567.89"\nHT-2,"1,200"\n').encode(),
            amounts("合同总价", ("¥1,234,567.89", Decimal("1234567.89")), ("1,200", Decimal(1200))),
        ),
        Case(
            "decimal_comma",
            "小数逗号",
            "decimal commas",
            "a.csv",
            f"{C};合同总价\nHT-1;1.234,56\nHT-2;12,5\n".encode(),
            amounts("合同总价", ("1.234,56", Decimal("1234.56")), ("12,5", Decimal("12.5"))),
            rejected={0: "not_a_money", 1: "not_a_money"},
        ),
        Case(
            "ten_thousands",
            "表头注明万元",
            "a heading in units of ten thousand",
            "a.csv",
            f"{C},合同总价(万元)\nHT-1,123.45\n".encode(),
            amounts("合同总价(万元)", ("123.45", Decimal(1234500))),
        ),
        Case(
            "unknown_unit",
            "表头注明千元",
            "a heading in thousands",
            "a.csv",
            f"{C},合同总价(千元)\nHT-1,123.45\n".encode(),
            amounts("合同总价(千元)", ("123.45", OPEN)),
            "unit_unknown",
        ),
        Case(
            "brackets_are_negative",
            "会计格式的负数",
            "a negative amount in brackets",
            "a.csv",
            f'{C},合同总价\nHT-1,"(1,200.00)"\n'.encode(),
            amounts("合同总价", ("(1,200.00)", Decimal(-1200))),
            rejected={0: "not_a_money"},
        ),
        Case(
            "full_width",
            "全角数字与冒号",
            "full-width digits",
            "a.csv",
            lines(
                rows := reported(("２０２６－０１－０５　０９：０３", at(2026, 1, 5, 9, 3)))
            ).encode(),
            rows,
        ),
    ]


def _dates() -> list[Case]:
    return [
        Case(
            "day_first",
            "日在前,由整列可知",
            "day first, as the column shows",
            "a.csv",
            lines(
                rows := reported(
                    ("05/01/2026 09:03", at(2026, 1, 5, 9, 3)),
                    ("13/01/2026 10:00", at(2026, 1, 13, 10)),
                )
            ).encode(),
            rows,
        ),
        Case(
            "month_first",
            "月在前,由整列可知",
            "month first, as the column shows",
            "a.csv",
            lines(
                rows := reported(
                    ("05/01/2026 09:03", at(2026, 5, 1, 9, 3)),
                    ("01/13/2026 10:00", at(2026, 1, 13, 10)),
                )
            ).encode(),
            rows,
        ),
        Case(
            "order_open",
            "日在前还是月在前无从得知",
            "day or month first: nothing tells",
            "a.csv",
            lines(rows := reported(("05/01/2026", OPEN), ("06/02/2026", OPEN))).encode(),
            rows,
            "dates_ambiguous",
        ),
        Case(
            "both_orders",
            "一列中两种顺序都有",
            "both orders in one column",
            "a.csv",
            lines(
                rows := reported(
                    ("13/01/2026", at(2026, 1, 13)),
                    ("01/25/2026", at(2026, 1, 25)),
                    ("05/01/2026", OPEN),
                )
            ).encode(),
            rows,
            "dates_ambiguous",
        ),
        Case(
            "swapped_in_csv",
            "电子表格把 12 日以前的日月弄反",
            "a spreadsheet swapped the days up to the 12th",
            "a.csv",
            lines(reported("2026-05-01 09:03:00", "13/01/2026 10:00")).encode(),
            reported(
                ("2026-05-01 09:03:00", at(2026, 1, 5, 9, 3)),
                ("13/01/2026 10:00", at(2026, 1, 13, 10)),
            ),
            "dates_swapped",
        ),
        Case(
            "swapped_in_xlsx",
            "XLSX 一列里有真日期也有文字",
            "real dates beside texts in one column of XLSX",
            "a.xlsx",
            book(
                [
                    HEADERS,
                    ("T-1", "HT-1", FAULT, at(2026, 5, 1, 9, 3)),
                    ("T-2", "HT-1", FAULT, "13/01/2026 10:00"),
                ]
            ),
            reported(
                ("2026-05-01 09:03:00", at(2026, 1, 5, 9, 3)),
                ("13/01/2026 10:00", at(2026, 1, 13, 10)),
            ),
            "dates_swapped",
        ),
        Case(
            "serial_numbers",
            "Excel 序列号",
            "serial numbers of Excel",
            "a.csv",
            lines(rows := reported(("46027.5", at(2026, 1, 5, 12)))).encode(),
            rows,
        ),
        Case(
            "epoch_1904",
            "1904 日期系统的工作簿",
            "a workbook that counts days from 1904",
            "a.xlsx",
            book([HEADERS, ("T-1", "HT-1", FAULT, at(2026, 1, 5, 9, 3))], epoch_1904=True),
            reported(("2026-01-05 09:03:00", at(2026, 1, 5, 9, 3))),
        ),
        Case(
            "two_digit_year",
            "两位数的年份",
            "years of two digits",
            "a.csv",
            lines(rows := reported(("05/01/26 09:03", OPEN))).encode(),
            rows,
            rejected={0: "not_a_instant"},
        ),
        Case(
            "no_such_day",
            "不存在的日期",
            "a day that does not exist",
            "a.csv",
            lines(rows := reported(("2026-02-31 08:00", OPEN), PLAIN[1][R])).encode(),
            rows,
            rejected={0: "not_a_instant"},
        ),
        Case(
            "offset",
            "带时区偏移的时间",
            "instants with an offset",
            "a.csv",
            lines(
                rows := reported(
                    ("2026-01-05T01:03:07Z", at(2026, 1, 5, 9, 3, 7)),
                    ("2026-01-05T09:03:07+08:00", at(2026, 1, 5, 9, 3, 7)),
                )
            ).encode(),
            rows,
        ),
        Case(
            "half_days",
            "AM/PM 与上午下午",
            "AM, PM, 上午 and 下午",
            "a.csv",
            lines(
                rows := reported(
                    ("2026-01-05 12:03 AM", at(2026, 1, 5, 0, 3)),
                    ("2026-01-05 下午3:03", at(2026, 1, 5, 15, 3)),
                )
            ).encode(),
            rows,
        ),
        Case(
            "end_of_day",
            "24:00 是次日零点",
            "24:00 is the next midnight",
            "a.csv",
            lines(rows := reported(("2026-01-05 24:00:00", at(2026, 1, 6)))).encode(),
            rows,
        ),
        Case(
            "month_names",
            "12/Mar/24 9:41 AM",
            "12/Mar/24 9:41 AM",
            "a.csv",
            lines(
                rows := reported(
                    ("12/Mar/24 9:41 AM", at(2024, 3, 12, 9, 41)),
                    ("1/Apr/24 12:05 AM", at(2024, 4, 1, 0, 5)),
                )
            ).encode(),
            rows,
        ),
        Case(
            "zero_date",
            "数据库的空日期 0000-00-00",
            "0000-00-00, a database's empty date",
            "a.csv",
            lines(rows := [{**PLAIN[0], RESOLVED: ("0000-00-00 00:00:00", OPEN)}]).encode(),
            rows,
            rejected={0: "not_a_instant"},
        ),
        Case(
            "before_1900",
            "电子表格由空日期变成的 1899-12-30",
            "1899-12-30, a spreadsheet's empty date",
            "a.csv",
            lines(rows := [{**PLAIN[0], RESOLVED: ("1899-12-30 00:00:00", OPEN)}]).encode(),
            rows,
            rejected={0: "implausible_date"},
        ),
        Case(
            "closed_before_reported",
            "解决早于报修",
            "resolved before it was reported",
            "a.csv",
            lines(
                rows := [{**PLAIN[0], RESOLVED: ("2026-01-04 09:03", at(2026, 1, 4, 9, 3))}]
            ).encode(),
            rows,
            rejected={0: "before"},
        ),
    ]


def _days() -> list[Case]:
    """Dates without a time, and dates that nobody meant."""
    return [
        Case(
            "dates_alone",
            "只有日期，没有时刻",
            "dates without a time",
            "a.csv",
            lines(
                rows := reported(
                    ("2026-01-05", date(2026, 1, 5)), ("2026-01-25", date(2026, 1, 25))
                )
            ).encode(),
            rows,
        ),
        Case(
            "midnights",
            "整列都是 00:00:00",
            "a column of nothing but midnights",
            "a.csv",
            lines(
                rows := reported(
                    ("2026-01-05 00:00:00", date(2026, 1, 5)),
                    ("2026-01-25 00:00:00", date(2026, 1, 25)),
                )
            ).encode(),
            rows,
        ),
        Case(
            "date_among_instants",
            "时刻之间有一个只写日期",
            "a date alone among instants",
            "a.csv",
            lines(
                rows := reported(
                    ("2026-01-05", date(2026, 1, 5)),
                    ("2026-01-06 00:00", at(2026, 1, 6)),
                    ("2026-01-07 09:03", at(2026, 1, 7, 9, 3)),
                )
            ).encode(),
            rows,
        ),
        Case(
            "days_by_format",
            "XLSX 的日期格式有的带时刻，有的不带",
            "dates of XLSX, some formatted with a time",
            "a.xlsx",
            book(
                [
                    HEADERS,
                    ("T-1", "HT-1", FAULT, at(2026, 1, 5)),
                    ("T-2", "HT-1", FAULT, at(2026, 1, 6)),
                    ("T-3", "HT-1", FAULT, at(2026, 1, 7, 9, 3)),
                ],
                formats={"D2": "yyyy-mm-dd"},
            ),
            reported(
                ("2026-01-05", date(2026, 1, 5)),
                ("2026-01-06 00:00:00", at(2026, 1, 6)),
                ("2026-01-07 09:03:00", at(2026, 1, 7, 9, 3)),
            ),
        ),
        Case(
            "epoch",
            "1970-01-01：没有日期时的零值",
            "1970-01-01, what is zero to a computer",
            "a.csv",
            lines(rows := [{**PLAIN[0], RESOLVED: ("1970-01-01 08:00:00", OPEN)}]).encode(),
            rows,
            rejected={0: "implausible_date"},
        ),
        Case(
            "in_future",
            "把 2026 写成 2062",
            "2062 for 2026",
            "a.csv",
            lines(rows := [{**PLAIN[0], RESOLVED: ("2062-01-06 09:03", OPEN)}]).encode(),
            rows,
            rejected={0: "in_future"},
        ),
        Case(
            "minguo",
            "民国纪年",
            "years of the Republic of China",
            "a.csv",
            lines(
                rows := reported(
                    ("民国115年1月5日 9:03", at(2026, 1, 5, 9, 3)),
                    ("中华民国115年1月6日 10:04", at(2026, 1, 6, 10, 4)),
                )
            ).encode(),
            rows,
        ),
        Case(
            "no_end",
            "上岗证截止为“长期”或 9999-12-31",
            "a permit until 9999-12-31 or 长期",
            "a.csv",
            f"{ENGINEER},上岗证截止\nP-1,长期\nP-2,9999-12-31\nP-3,2027-01-05\n".encode(),
            [
                {ENGINEER: "P-1", "上岗证截止": ("长期", None)},
                {ENGINEER: "P-2", "上岗证截止": ("9999-12-31", None)},
                {ENGINEER: "P-3", "上岗证截止": ("2027-01-05", date(2027, 1, 5))},
            ],
        ),
        Case(
            "hour_there_twice",
            "柏林，夏令时结束那天的 02:30",
            "02:30 in Berlin on the day summer time ends",
            "a.csv",
            lines(
                rows := reported(
                    ("2026-10-25 02:30", OPEN),
                    ("2026-10-25T02:30:00+01:00", at(2026, 10, 25, 2, 30)),
                )
            ).encode(),
            rows,
            rejected={0: "ambiguous_hour"},
            timezone="Europe/Berlin",
        ),
    ]


def _spreadsheets() -> list[Case]:
    """What a spreadsheet does to cells."""
    return [
        Case(
            "formula_for_text",
            '写成 ="00123" 的编号',
            'ids written as ="00123"',
            "a.csv",
            lines(
                rows := [
                    ticket(('="00123"', "00123"), PLAIN[0][R]),
                    ticket(('="00124"', "00124"), PLAIN[1][R]),
                ]
            ).encode(),
            rows,
        ),
        Case(
            "apostrophe",
            "写成 '00123 的编号",
            "ids written as '00123",
            "a.csv",
            lines(
                rows := [
                    ticket(("'00123", "00123"), PLAIN[0][R]),
                    ticket(("'00124", "00124"), PLAIN[1][R]),
                ]
            ).encode(),
            rows,
        ),
        Case(
            "id_became_date",
            "XLSX 中编号 1-2 变成了日期",
            "an id 1-2 that became a date in XLSX",
            "a.xlsx",
            book([HEADERS, (at(2026, 1, 2), "HT-1", FAULT, "2026-01-05 09:03")]),
            [ticket(("1-2", OPEN), PLAIN[0][R])],
            rejected={0: "damaged_id"},
        ),
        Case(
            "id_became_truth",
            "XLSX 中编号变成了 TRUE",
            "an id that became TRUE in XLSX",
            "a.xlsx",
            book([HEADERS, (True, "HT-1", FAULT, "2026-01-05 09:03")]),
            [ticket(("T", OPEN), PLAIN[0][R])],
            rejected={0: "damaged_id"},
        ),
        Case(
            "binary_cents",
            "XLSX 里以二进制小数保存的金额",
            "amounts of XLSX with the noise of binary fractions",
            "a.xlsx",
            book([(C, "合同总价"), ("HT-1", 8659380.130000001), ("HT-2", 99.90000000000001)]),
            amounts(
                "合同总价",
                ("8659380.13", Decimal("8659380.13")),
                ("99.9", Decimal("99.9")),
            ),
        ),
        Case(
            "merged_rows",
            "XLSX 里跨行合并的单元格",
            "cells merged over rows in XLSX",
            "a.xlsx",
            book(
                [
                    (*HEADERS, DEPARTMENT),
                    ("T-1", "HT-1", FAULT, "2026-01-05 09:03", "放射科"),
                    ("T-2", None, FAULT, "2026-01-06 10:04", None),
                ],
                merged=("B2:B3", "E2:E3"),
            ),
            [{**row, DEPARTMENT: "放射科"} for row in PLAIN],
        ),
        Case(
            "merged_amount",
            "XLSX 里跨行合并的金额",
            "an amount merged over rows in XLSX",
            "a.xlsx",
            book(
                [
                    (*HEADERS, "维修费"),
                    ("T-1", "HT-1", FAULT, "2026-01-05 09:03", 300),
                    ("T-2", "HT-1", FAULT, "2026-01-06 10:04", None),
                ],
                merged=("E2:E3",),
            ),
            [{**PLAIN[0], "维修费": ("?", OPEN)}, PLAIN[1]],
            rejected={0: "merged_number", 1: "merged_number"},
        ),
        Case(
            "two_heading_rows",
            "两行表头：上面是分组",
            "two heading rows, a group above its columns",
            "a.csv",
            f"{T},{C},{S},报修,,响应\n,,,时间,部门,时间\n"
            "T-1,HT-1,硬件故障,2026-01-05 09:03,内科,2026-01-05 09:30\n".encode(),
            [
                {
                    **PLAIN[0],
                    DEPARTMENT: "内科",
                    RESPONDED: ("2026-01-05 09:30", at(2026, 1, 5, 9, 30)),
                }
            ],
        ),
        Case(
            "computed_hours",
            "算出来的小时数，小数很多",
            "computed hours with many decimals",
            "a.csv",
            lines(
                rows := [
                    {**PLAIN[0], "响应时间(小时)": ("0.3333333", at(2026, 1, 5, 9, 23))},
                    {
                        **PLAIN[1],
                        "响应时间(小时)": ("22.80666666666667", at(2026, 1, 7, 8, 52, 24)),
                    },
                ]
            ).encode(),
            rows,
        ),
        Case(
            "about_two_hours",
            "时长写成“约2小时”",
            "约2小时 (about two hours) among durations",
            "a.csv",
            lines(
                rows := responded(("PT1H30M", at(2026, 1, 5, 10, 33)), ("约2小时", OPEN))
            ).encode(),
            rows,
            rejected={1: "span_bound"},
        ),
        Case(
            "months_or_years",
            "厂家质保没有写明是月还是年",
            "a warranty of 3, in months or years",
            "a.csv",
            "设备编号,合同编号,使用部门,厂家质保\nU-1,HT-1,内科,3\n".encode(),
            [{"设备编号": "U-1", "厂家质保": ("3", OPEN)}],
            "months_or_years",
        ),
    ]


def _meanings() -> list[Case]:
    return [
        Case(
            "stopwatch",
            "响应时间是秒表",
            "响应时间 as a stopwatch",
            "a.csv",
            lines(rows := responded(("00:12:30", OPEN), ("00:45:00", OPEN))).encode(),
            rows,
            "holds_durations",
        ),
        Case(
            "bare_minutes",
            "响应时间是没有单位的数字",
            "响应时间 as numbers without a unit",
            "a.csv",
            lines(rows := responded(("12", OPEN), ("45", OPEN))).encode(),
            rows,
            "holds_numbers",
        ),
        Case(
            "on_time_flag",
            "响应时间写的是是否及时",
            "响应时间 says whether it was in time",
            "a.csv",
            lines(rows := responded(("是", OPEN), ("否", OPEN))).encode(),
            rows,
            "holds_flags",
        ),
        Case(
            "worded_durations",
            "响应时间是 1小时30分钟",
            "响应时间 as 1小时30分钟",
            "a.csv",
            lines(
                rows := responded(
                    ("1小时30分钟", at(2026, 1, 5, 10, 33)), ("15分钟", at(2026, 1, 6, 10, 19))
                )
            ).encode(),
            rows,
        ),
        Case(
            "minutes_by_heading",
            "表头注明分钟",
            "a heading in minutes",
            "a.csv",
            lines(rows := [{**PLAIN[0], "响应时间(分钟)": ("30", at(2026, 1, 5, 9, 33))}]).encode(),
            rows,
        ),
        Case(
            "overdue_text",
            "“逾期3天”写在时间列里",
            "逾期3天 in a column of instants",
            "a.csv",
            lines(
                rows := [
                    {**PLAIN[0], RESOLVED: ("逾期3天", OPEN)},
                    {**PLAIN[1], RESOLVED: ("-", None)},
                ]
            ).encode(),
            rows,
            rejected={0: "not_a_instant"},
        ),
        Case(
            "opposite_label",
            "iTop 把解决日期译成“开始时间”",
            "iTop calls the day of the solution 开始时间",
            "a.csv",
            (
                "编号,标题,开始日期,需求类型,开始时间,响应时间期限,解决时间期限\n"
                "R-1,卡纸,2026-01-05 09:03:00,事件,2026-01-05 15:00:00,"
                "2026-01-05 10:00:00,2026-01-06 09:00:00\n"
            ).encode(),
            [
                {
                    "编号": "R-1",
                    "开始日期": ("2026-01-05 09:03:00", at(2026, 1, 5, 9, 3)),
                    "开始时间": ("2026-01-05 15:00:00", at(2026, 1, 5, 15)),
                }
            ],
            mapping=(
                'log = "tickets"\n[constants]\ncontract_id = "HT-1"\n'
                'service_type = "hardware_fault"\n'
            ),
        ),
        Case(
            "close_spelling",
            "必填列拼写相近",
            "a required heading that is nearly spelled right",
            "a.csv",
            BODY.replace(R, "报修时闻").encode(),
            [{T: "T-1", "报修时闻": PLAIN[0][R]}, {T: "T-2", "报修时闻": PLAIN[1][R]}],
            "column_missing",
        ),
        Case(
            "column_twice",
            "同一列出现两次,内容不同",
            "one column twice, with other values",
            "a.csv",
            (f"{','.join(HEADERS)},{R}\nT-1,HT-1,硬件故障,2026-01-05,2026-01-07\n").encode(),
            [{T: "T-1", R: ("2026-01-05", at(2026, 1, 5))}],
            "column_twice",
        ),
    ]


def _places() -> list[Case]:
    return [
        Case(
            "title_rows",
            "表头上方有标题行",
            "titles above the header",
            "a.csv",
            ("维修工单月报,,,\n导出时间:2026-02-01,,,\n" + BODY).encode(),
            PLAIN,
        ),
        Case(
            "kpi_block",
            "表头上方有指标块",
            "a block of figures above the header",
            "a.csv",
            ("本月工单,2,,\n解决时间,3小时,,\n,,,\n" + BODY).encode(),
            PLAIN,
        ),
        Case(
            "merged_header",
            "表头合并为两行",
            "a header merged over two rows",
            "a.xlsx",
            book(
                [
                    (T, C, S, "时间", ""),
                    ("", "", "", R, RESPONDED),
                    ("T-1", "HT-1", FAULT, "2026-01-05 09:03", "2026-01-05 09:30"),
                ]
            ),
            [{**PLAIN[0], RESPONDED: ("2026-01-05 09:30", at(2026, 1, 5, 9, 30))}],
        ),
        Case(
            "required_marks",
            "带 * 号与说明的表头",
            "headings with * and notes",
            "a.csv",
            BODY.replace(T, "*工单编号").replace(R, "报修时间(必填)").encode(),
            [{"*工单编号": row[T], "报修时间(必填)": row[R]} for row in PLAIN],
        ),
        Case(
            "totals_row",
            "末尾的合计行",
            "a row of totals at the end",
            "a.csv",
            (f"{C},合同总价\nHT-1,100\nHT-2,200\n合计,300\n").encode(),
            amounts("合同总价", ("100", Decimal(100)), ("200", Decimal(200))),
            left_out=1,
        ),
        Case(
            "opening_row",
            "期初余额行",
            "a row with the opening balance",
            "a.csv",
            "流水号,合同编号,备件编号,出入库时间,类型,数量\n期初余额,,,,,10\nL-1,HT-1,P-1,2026-01-05,入库,5\n".encode(),
            [{"流水号": "L-1", "数量": ("5", Decimal(5))}],
            left_out=1,
        ),
        Case(
            "second_header",
            "每页重复的表头",
            "the header again on every page",
            "a.csv",
            (BODY + ",".join(HEADERS) + "\nT-3,HT-1,硬件故障,2026-01-07 08:00\n").encode(),
            [*PLAIN, ticket("T-3", ("2026-01-07 08:00", at(2026, 1, 7, 8)))],
            other_rejects=("header_repeated",),
        ),
        Case(
            "second_table_beside",
            "旁边还有一张表",
            "a second table beside it",
            "a.xlsx",
            book(
                [
                    (*HEADERS, None, "部门", "件数"),
                    ("T-1", "HT-1", FAULT, "2026-01-05 09:03", None, "内科", 5),
                    ("T-2", "HT-1", FAULT, "2026-01-06 10:04", None, "外科", 7),
                ]
            ),
            PLAIN,
        ),
        Case(
            "empty_log",
            "只有表头",
            "a header and nothing below",
            "a.csv",
            (",".join(HEADERS) + "\n").encode(),
            [],
        ),
        Case(
            "first_row_like_header",
            "第一行数据全是文字",
            "a first row of nothing but words",
            "a.csv",
            "工程师编号,姓名\n甲,张三\n乙,李四\n".encode(),
            [{ENGINEER: "甲", "姓名": "张三"}, {ENGINEER: "乙", "姓名": "李四"}],
        ),
    ]


def _workbooks() -> list[Case]:
    return [
        Case(
            "formula_without_value",
            "从未计算过的公式",
            "a formula that was never computed",
            "a.xlsx",
            book([(*HEADERS, RESOLVED), ("T-1", "HT-1", FAULT, "2026-01-05 09:03", "=D2+1")]),
            [{**PLAIN[0], RESOLVED: ("=D2+1", OPEN)}],
            rejected={0: "not_calculated"},
        ),
        Case(
            "error_cells",
            "#N/A 单元格",
            "cells with #N/A",
            "a.xlsx",
            book([(*HEADERS, RESOLVED), ("T-1", "HT-1", FAULT, "2026-01-05 09:03", "#N/A")]),
            [{**PLAIN[0], RESOLVED: ("#N/A", OPEN)}],
            rejected={0: "not_a_instant"},
        ),
        Case(
            "hidden_sheet",
            "隐藏的工作表里有旧数据",
            "an old table on a hidden sheet",
            "a.xlsx",
            book(
                [HEADERS, ("OLD-1", "HT-1", FAULT, "2020-01-05 09:03")],
                sheet_rows(PLAIN),
                names=("旧", "新"),
                hidden=("旧",),
            ),
            PLAIN,
        ),
        Case(
            "second_sheet",
            "台账在第二张工作表",
            "the log is on the second sheet",
            "a.xlsx",
            book([("说明",), ("请填写第二张表",)], sheet_rows(PLAIN)),
            PLAIN,
        ),
        Case(
            "xlsx_named_xls",
            "扩展名为 .xls 的 XLSX",
            "XLSX called .xls",
            "a.xls",
            book(sheet_rows(PLAIN)),
            PLAIN,
        ),
        Case(
            "sheet_of_dates",
            "XLSX 的真日期",
            "real dates of XLSX",
            "a.xlsx",
            book([HEADERS, ("T-1", "HT-1", FAULT, at(2026, 1, 5, 9, 3))]),
            [ticket("T-1", ("2026-01-05 09:03:00", at(2026, 1, 5, 9, 3)))],
        ),
    ]


def _no_tables() -> list[Case]:
    return [
        Case(
            "zip_named_csv",
            "改名为 .csv 的压缩包",
            "a zip called .csv",
            "a.csv",
            zipped(x_txt=b"1,2\n3,4\n"),
            [],
            "file_not_what_name_says",
        ),
        Case(
            "zipped_csv",
            "压缩的 CSV",
            "a zipped CSV",
            "a.csv.zip",
            zipped(a_csv=BODY.encode()),
            PLAIN,
        ),
        Case(
            "page_named_csv",
            "登录页被存成 .csv",
            "a login page saved as .csv",
            "a.csv",
            b"<!DOCTYPE html><html><body>Please, sign in</body></html>\n",
            [],
            "file_not_what_name_says",
        ),
        Case(
            "answer_named_csv",
            "错误信息(JSON)被存成 .csv",
            "an error in JSON saved as .csv",
            "a.csv",
            b'{"error": "no access", "code": 403}\n',
            [],
            "file_not_what_name_says",
        ),
        Case(
            "page_named_xls",
            "HTML 表格改名为 .xls",
            "an HTML table called .xls",
            "a.xls",
            b"<table><tr><td>1</td></tr></table>",
            [],
            "file_not_what_name_says",
        ),
        Case(
            "words",
            "不是表格的文字",
            "words, no table",
            "a.csv",
            "导出失败,请稍后再试\n".encode(),
            [],
            "log_unknown",
        ),
        Case(
            "only_blanks",
            "只有空白",
            "nothing but blanks",
            "a.csv",
            b"\n,,,\n \n",
            [],
            "file_empty",
        ),
    ]


CASES = [
    case
    for group in (
        _delimiters_and_encodings,
        _quotes_and_cut_rows,
        _ids,
        _empties_flags_choices,
        _numbers,
        _dates,
        _days,
        _spreadsheets,
        _meanings,
        _places,
        _workbooks,
        _no_tables,
    )
    for case in group()
]
