"""The log of pauses, the words for channels and states, and terms that are yes or no."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import duckdb
import pytest

from etl import ledger, marts
from etl.catalogue import catalogue
from etl.config import Settings
from etl.intake.load import Loaded, load
from etl.marts import open_marts

TICKETS = (
    "工单编号,合同编号,服务类型,报修时间\n"
    "T1,C-1,硬件故障,2026-03-02 09:00\nT2,C-1,硬件故障,2026-03-02\n"
)
HEADER = "挂起编号,工单编号,挂起时间,恢复时间,原因,申请人,同意人"
Take = Callable[[str, str], Loaded]


@pytest.fixture(scope="module", autouse=True)
def one_model() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        wanted = ("fact_ticket_lapsed",)
        patch.setattr(marts, "build_marts", partial(ledger.build_marts, wanted=wanted))
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "warehouse", person="Li")


@pytest.fixture
def take(settings: Settings, tmp_path: Path) -> Take:
    def taken(name: str, text: str) -> Loaded:
        file = tmp_path / f"{name}.csv"
        file.write_text(text, encoding="utf-8")
        return load(settings, [file]).files[0]

    taken("contracts", "合同编号,合同总价\nC-1,100\n")
    taken("tickets", TICKETS)
    return taken


def column(settings: Settings, sql: str) -> list[object]:
    with duckdb.connect(open_marts(settings).path, read_only=True) as con:
        return [row[0] for row in con.execute(sql).fetchall()]


@pytest.mark.parametrize(
    ("ticket", "paused", "waits"),
    [
        ("T1", "2026-03-02 09:00", None),
        ("T1", "2026-03-02 08:59:59", "waits_report"),
        ("T1", "2026-03-02", None),
        ("T1", "2026-03-01", "waits_report"),
        ("T2", "2026-03-02 00:00:01", None),
        ("T2", "2026-03-02", None),
        ("T2", "2026-03-01 23:59:59", "waits_report"),
        ("T9", "2026-03-02 09:00", "waits_unknown"),
    ],
)
def test_a_pause_waits_for_its_ticket_and_its_report(
    settings: Settings, take: Take, ticket: str, paused: str, waits: str | None
) -> None:
    take("pauses", f"{HEADER}\nP1,{ticket},{paused},,用户原因,甲,乙\n")
    found = column(settings, "select code from logs.waiting")
    assert found == ([] if waits is None else [waits])


@pytest.mark.parametrize(
    ("resumed", "rejected"),
    [("2026-03-02 10:00", 0), ("2026-03-02 09:59:59", 1), ("2026-03-02", 0), ("2026-03-01", 1)],
)
def test_a_pause_that_ends_before_it_begins_is_rejected(
    take: Take, resumed: str, rejected: int
) -> None:
    one = take("pauses", f"{HEADER}\nP1,T1,2026-03-02 10:00,{resumed},用户原因,甲,乙\n")
    assert one.rejected == rejected


def test_words_mean_what_the_catalogue_says(settings: Settings, take: Take) -> None:
    said = [
        "用户原因",
        "等待用户",
        "无法进场",
        "不可抗力",
        "第三方",
        "待件",
        "其他",
        "Force_majeure",
    ]
    rows = "".join(f"P{n},T1,2026-03-02 10:00,,{word},甲,乙\n" for n, word in enumerate(said))
    assert take("pauses", f"{HEADER}\n{rows}").rejected == 0
    assert column(settings, "select reason from logs.pauses order by pause_id") == [
        "customer", "customer", "access", "force_majeure", "third_party", "parts", "other",
        "force_majeure",
    ]  # fmt: skip
    said = ["微信", "企业微信", "公众号", "小程序", "APP", "钉钉", "飞书", "其他", "电话"]
    rows = "".join(f"C{n},C-1,硬件故障,2026-03-02 10:00,{word}\n" for n, word in enumerate(said))
    assert take("more", f"工单编号,合同编号,服务类型,报修时间,渠道\n{rows}").rejected == 0
    channels = "select channel from logs.tickets where channel is not null order by ticket_id"
    assert column(settings, channels) == [*["wechat"] * 3, *["app"] * 4, "other", "phone"]


def test_states_are_read_in_the_words_of_people(settings: Settings, take: Take) -> None:
    words = catalogue().logs["tickets"].columns["status"].choices or {}
    said = [(word, code) for code, some in words.items() for word in (code, *some)]
    said += [("On Hold", "waiting"), (" NEW ", "open"), ("已驳回", "unknown")]
    rows = "".join(
        f"S{n:03},C-1,硬件故障,2026-03-02 10:00,{word}\n" for n, (word, _) in enumerate(said)
    )
    for heading in ("状态", "工单状态", "处理状态", "Status", "state"):
        one = take("more", f"工单编号,合同编号,服务类型,报修时间,{heading}\n{rows}")
        assert (one.rejected, one.ignored_columns) == (0, ())
    found = "select status from logs.tickets where status is not null order by ticket_id"
    assert column(settings, found) == [code for _, code in said]


@pytest.mark.parametrize(
    ("term", "value", "code"),
    [
        ("sla.response.applies", "0", None),
        ("sla.response.applies", "1", None),
        ("sla.response.applies", "1.0", None),
        ("sla.response.applies", "2", "term_not_yes_no"),
        ("spares.ratio.applies", "0.5", "term_not_yes_no"),
        ("pauses_count", "1", None),
        ("pauses_count", "0.5", "term_not_yes_no"),
        ("sla.nothing.applies", "1", "no_such_term"),
    ],
)
def test_a_promise_applies_or_does_not(
    settings: Settings, take: Take, term: str, value: str, code: str | None
) -> None:
    one = take("terms", f"合同编号,参数,取值\nC-1,{term},{value}\n")
    assert one.rejected == (code is not None)
    if code:
        assert column(settings, "select problems from logs.rejects") != []
        [problems] = column(settings, "select problems from logs.rejects")
        assert f'"{code}"' in str(problems)
