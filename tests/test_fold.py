"""Which row of a key stands, what is recorded for it, and that an undo leaves no trace."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import openpyxl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from etl import ledger, marts
from etl.catalogue import catalogue
from etl.config import Settings
from etl.intake.headings import LACKS
from etl.intake.load import load, undo
from etl.intake.mapping import ColumnMapping
from etl.marts import open_marts
from etl.names import natural
from etl.store import Warehouse
from etl.tables import create_logs, fold, merge_rows, standing_sql

CONTRACTS = "合同编号,合同总价\nHT-1,100\n"
TICKETS = catalogue().logs["tickets"]
Put = Callable[[str, str], Path]


@pytest.fixture(scope="module", autouse=True)
def one_model() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            marts, "build_marts", partial(ledger.build_marts, wanted=("fact_ticket_lapsed",))
        )
        yield


@pytest.fixture
def settings(tmp_path: Path, put: Put) -> Settings:
    settings = Settings(tmp_path / "warehouse", person="Li")
    load(settings, [put("contracts.csv", CONTRACTS)])
    return settings


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def write(name: str, text: str) -> Path:
        file = tmp_path / "in" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write


def tickets(*rows: str) -> str:
    header = "工单编号,合同编号,服务类型,报修时间,更新时间,故障描述"
    return "\n".join(
        [header, *(f"{row[0]},HT-1,硬件故障,2026-03-02 09:00,{row[2:]}" for row in rows)]
    )


def stands(settings: Settings, columns: str = "ticket_id, description") -> list[Any]:
    with duckdb.connect(open_marts(settings).path, read_only=True) as con:
        return con.execute(f"select {columns} from logs.tickets order by all").fetchall()


def counts(report: Any) -> list[tuple[int, ...]]:
    return [(f.new, f.changed, f.unchanged, f.superseded, f.older) for f in report.files]


# --- newer ---------------------------------------------------------------------------------------


def test_a_log_of_changes_with_its_newest_row_first_gives_the_newest_state(
    settings: Settings, put: Put
) -> None:
    text = tickets(
        "A,2026-03-02 12:00,third", "A,2026-03-02 09:10,second", "A,2026-03-02 09:00,first"
    )
    assert counts(load(settings, [put("t.csv", text)])) == [(1, 0, 0, 0, 2)]
    assert stands(settings) == [("A", "third")]


@pytest.mark.parametrize(
    ("was", "now", "left_out"),
    [
        ("2026-03-02 09:00", "2026-03-02 08:59:59", True),
        ("2026-03-02 09:00", "2026-03-02 09:00", False),
        ("2026-03-02 09:00", "2026-03-02 09:00:01", False),
        ("2026-03-02 09:00", "", False),
        ("", "2026-03-02 08:00", False),
    ],
)
def test_an_earlier_update_replaces_nothing(
    settings: Settings, put: Put, was: str, now: str, left_out: bool
) -> None:
    load(settings, [put("a.csv", tickets(f"A,{was},was"))])
    done = load(settings, [put("b.csv", tickets(f"A,{now},now"))])
    assert done.files[0].older == left_out
    assert (done.files[0].batch is None) == left_out
    assert stands(settings) == [("A", "was" if left_out else "now")]


def test_a_row_that_does_not_say_when_is_taken_and_so_is_the_one_after_it(
    settings: Settings, put: Put
) -> None:
    text = tickets("A,2026-03-02 12:00,first", "A,,second", "A,2026-03-02 09:00,third")
    assert counts(load(settings, [put("t.csv", text)])) == [(1, 0, 0, 2, 0)]
    assert stands(settings) == [("A", "third")]


def test_an_older_export_leaves_newer_rows_and_adds_new_ones(settings: Settings, put: Put) -> None:
    load(settings, [put("b.csv", tickets("A,2026-03-02 12:00,new"))])
    old = tickets("A,2026-03-02 09:00,old", "B,2026-03-02 09:00,old")
    done = load(settings, [put("a.csv", old)])
    assert counts(done) == [(1, 0, 0, 0, 1)]
    assert Warehouse(settings).manifest().batches[-1].older == 1
    assert stands(settings) == [("A", "new"), ("B", "old")]
    assert done.as_json()["files"][0]["older"] == 1  # type: ignore[index]


def test_a_batch_taken_back_lets_an_older_row_of_another_stand(
    settings: Settings, put: Put
) -> None:
    newer = load(settings, [put("b.csv", tickets("A,2026-03-02 12:00,new"))]).files[0].batch
    load(settings, [put("a.csv", tickets("A,2026-03-02 09:00,old", "B,2026-03-02 09:00,old"))])
    assert newer is not None
    undo(settings, newer)
    assert stands(settings) == [("A", "old"), ("B", "old")]


def test_a_batch_between_two_others_decides_which_of_them_stands(
    settings: Settings, put: Put
) -> None:
    load(settings, [put("a.csv", tickets("A,2026-03-02 12:00,first"))])
    between = load(settings, [put("b.csv", tickets("A,,second"))]).files[0].batch
    load(settings, [put("c.csv", tickets("A,2026-03-02 09:00,third"))])
    assert stands(settings) == [("A", "third")]
    assert between is not None
    undo(settings, between)
    assert stands(settings) == [("A", "first")]


def test_files_count_in_the_natural_order_of_their_names(settings: Settings, put: Put) -> None:
    files = [put(f"{month}月.csv", tickets(f"A,,{month}")) for month in (10, 9)]
    load(settings, files)
    assert stands(settings) == [("A", "10")]
    names = [
        "t10.csv",
        "t9.csv",
        "t09.csv",
        "T1.csv",
        "九月.csv",
        "10月.csv",
        "２月.csv",
        "t9a.csv",
    ]
    assert sorted(names, key=natural) == [
        "２月.csv", "10月.csv", "T1.csv", "t09.csv", "t9.csv", "t9a.csv", "t10.csv", "九月.csv",
    ]  # fmt: skip


# --- recorded ------------------------------------------------------------------------------------


def recorded(settings: Settings) -> dict[str, set[str]]:
    """The columns recorded for each ticket."""
    with duckdb.connect(open_marts(settings).path, read_only=True) as con:
        sql = f"select ticket_id, all_recorded from ({standing_sql('logs', TICKETS)})"
        return {key: set(names.strip(";").split(";")) for key, names in con.execute(sql).fetchall()}


BARE = "工单编号,合同编号,服务类型,报修时间\nA,HT-1,硬件故障,2026-03-02 09:00\n"
WIDE = "工单编号,合同编号,服务类型,报修时间,响应时间\nA,HT-1,硬件故障,2026-03-02 09:00,\n"


def test_a_column_is_recorded_where_its_file_has_it_filled_or_not(
    settings: Settings, put: Put
) -> None:
    load(settings, [put("t.csv", BARE)])
    assert recorded(settings) == {"A": {"ticket_id", "contract_id", "service_type", "reported_at"}}
    done = load(settings, [put("t.csv", WIDE)])
    assert counts(done) == [(0, 1, 0, 0, 0)]
    assert "responded_at" in recorded(settings)["A"]
    assert counts(load(settings, [put("t.csv", WIDE)])) == [(0, 0, 1, 0, 0)]
    assert counts(load(settings, [put("t.csv", BARE)])) == [(0, 1, 0, 0, 0)]
    assert "responded_at" not in recorded(settings)["A"]


def test_an_undo_puts_back_what_was_recorded(settings: Settings, put: Put) -> None:
    load(settings, [put("t.csv", BARE)])
    before = recorded(settings)
    batch = load(settings, [put("t.csv", WIDE)]).files[0].batch
    assert batch is not None
    undo(settings, batch)
    assert recorded(settings) == before


def test_joined_headings_durations_and_constants_record_their_columns(
    settings: Settings, put: Put, tmp_path: Path
) -> None:
    text = "编号,日期,时刻,响应用时\nA,2026-03-02,09:00,0:30:00\n"
    mapping = ColumnMapping.from_toml(
        'log = "tickets"\n[columns]\nticket_id = "编号"\nreported_at = ["日期", "时刻"]\n'
        '[constants]\ncontract_id = "HT-1"\nservice_type = "硬件故障"\nchannel = "电话"\n'
        '[durations]\nresponded_at = { header = "响应用时", from = "reported_at" }\n'
    )
    load(settings, [put("t.csv", text)], mappings=[mapping])
    assert recorded(settings)["A"] == {
        "ticket_id", "reported_at", "contract_id", "service_type", "channel", "responded_at",
    }  # fmt: skip


def test_of_an_older_batch_the_columns_that_hold_a_value_are_recorded(
    settings: Settings, put: Put
) -> None:
    load(settings, [put("t.csv", WIDE)])
    warehouse = Warehouse(settings)
    manifest = warehouse.manifest()
    file = warehouse.path("manifests", f"{manifest.number}.json")
    raw = json.loads(file.read_text(encoding="utf-8"))
    for batch in raw["batches"]:
        del batch["columns"], batch["older"]
    file.write_text(json.dumps(raw, ensure_ascii=False), encoding="utf-8")
    warehouse.path("CURRENT").write_text(f"{manifest.number}\n", encoding="utf-8")
    marts.rebuild(settings)
    assert recorded(settings)["A"] == {"ticket_id", "contract_id", "service_type", "reported_at"}


def answer(path: Path, *rows: dict[str, str]) -> Path:
    """A request sheet as it comes back."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "工单 Tickets"
    sheet.append([*(column.label.zh for column in TICKETS.columns.values()), LACKS])
    for row in rows:
        sheet.append([*(row.get(name) for name in TICKETS.columns), "x"])
    book.save(path)
    return path


A = {
    "ticket_id": "A", "contract_id": "HT-1", "service_type": "硬件故障",
    "reported_at": "2026-03-02 09:00",
}  # fmt: skip


def test_a_request_records_what_it_fills_in_beside_what_was_recorded(
    settings: Settings, put: Put, tmp_path: Path
) -> None:
    load(settings, [put("t.csv", BARE)])
    with_channel = {**A, "channel": "电话"}
    done = load(settings, [answer(tmp_path / "r.xlsx", with_channel, {**A, "ticket_id": "B"})])
    assert counts(done) == [(1, 1, 0, 0, 0)]
    asked = {"ticket_id", "contract_id", "service_type", "reported_at"}
    assert recorded(settings) == {"A": {*asked, "channel"}, "B": asked}
    assert counts(load(settings, [tmp_path / "r.xlsx"])) == [(0, 0, 2, 0, 0)]


def test_what_a_request_leaves_empty_stays_as_it_was_recorded(
    settings: Settings, put: Put, tmp_path: Path
) -> None:
    first = load(settings, [put("t.csv", WIDE)]).files[0].batch
    assert counts(load(settings, [answer(tmp_path / "r.xlsx", A)])) == [(0, 0, 1, 0, 0)]
    load(settings, [answer(tmp_path / "r.xlsx", {**A, "channel": "电话"})])
    assert {"responded_at", "channel"} <= recorded(settings)["A"]
    assert first is not None
    undo(settings, first)
    assert recorded(settings)["A"] == {
        "ticket_id", "contract_id", "service_type", "reported_at", "channel",
    }  # fmt: skip


# --- by the words of the rule --------------------------------------------------------------------


@given(seed=st.integers(0, 2**32))
@hypothesis_settings(max_examples=15)
def test_rows_are_folded_one_by_one(seed: int) -> None:
    """Against the rule as one would do it by hand, a row at a time."""
    random = Random(seed)
    with duckdb.connect() as con:
        create_logs(con, "logs")
        log = catalogue().logs["inspections"]
        con.execute("create table given as select * exclude (batch) from logs.inspections")
        standing: dict[str, tuple[int | None, str, str | None]] = {}
        for sequence in range(1, 5):
            con.execute("delete from given")
            expected: dict[int, str] = {}
            last: dict[str, int] = {}
            before = dict(standing)
            for source_row in range(2, 2 + random.randrange(1, 9)):
                key = random.choice(["A", "B", "C"])
                updated = random.choice([None, 1, 2, 3])
                text = random.choice(["x", "y"])
                days = random.choice([None, ";updated_at;"])
                con.execute(
                    "insert into given (inspection_id, department, updated_at, days, source_row) "
                    "values (?, ?, ?, ?, ?)",
                    [key, text, updated and f"2026-01-0{updated}", days, source_row],
                )
                stood = standing.get(key)
                if stood and updated and stood[0] and updated < stood[0]:
                    expected[source_row] = "older"
                    continue
                if key in last:
                    expected[last[key]] = "superseded"
                last[key] = source_row
                standing[key] = (updated, text, days)
            for key, source_row in last.items():
                was = before.get(key)
                changed = "changed" if was != standing[key] else "unchanged"
                expected[source_row] = "new" if was is None else changed
            fold(con, "logs", log, "given", tuple(log.columns), "kinds")
            kinds = dict(con.execute("select source_row, kind from kinds").fetchall())
            assert kinds == expected
            merge_rows(con, "logs", log, "given", sequence, tuple(log.columns))
            found = con.execute(
                "select inspection_id, day(updated_at), department, days from logs.inspections"
            ).fetchall()
            assert {key: tuple(row) for key, *row in found} == standing
