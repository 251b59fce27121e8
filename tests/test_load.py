"""Loading: merged by key, idempotent, undoable, all or nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.intake.load import LoadReport, load, undo
from etl.marts import open_marts
from etl.report import export, report, write_rejects
from etl.store import Warehouse

CONTRACTS = "contract_id,amount\nHT-1,100\nHT-2,200\n"
EQUIPMENT = "equipment_id,contract_id,department\nU-1,HT-1,内科\n"
TICKETS = (
    "ticket_id,contract_id,service_type,reported_at,responded_at\n"
    "A,HT-1,软件故障,2025-06-01 08:00,2025-06-01 08:10\n"
    "B,HT-1,软件故障,2025-06-01 09:00,2025-06-01 10:00\n"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "warehouse", person="tester", lock_timeout_seconds=5)


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, text: str, encoding: str = "utf-8") -> Path:
        file = tmp_path / "in" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(text.encode(encoding))
        return file

    return write


@pytest.fixture
def loaded(settings: Settings, put: Callable[..., Path]) -> LoadReport:
    files = [put("c.csv", CONTRACTS), put("e.csv", EQUIPMENT), put("t.csv", TICKETS)]
    return load(settings, files)


def rows(settings: Settings, log: str, columns: str) -> list[tuple[object, ...]]:
    with duckdb.connect(open_marts(settings).path, read_only=True) as con:
        return con.execute(f"select {columns} from logs.{log} order by all").fetchall()


def ledger(settings: Settings) -> str:
    text = export(open_marts(settings), "obligation", None)
    assert text is not None
    return text


def counts(done: LoadReport) -> list[tuple[str, int, int, int, int]]:
    return [(f.log, f.new, f.changed, f.unchanged, f.rejected) for f in done.files]


def everything(settings: Settings) -> dict[str, bytes]:
    return {
        str(file.relative_to(settings.warehouse)): file.read_bytes()
        for file in sorted(settings.warehouse.rglob("*"))
        if file.is_file() and file.name != "lock"
    }


def test_a_first_load_says_what_it_took_the_files_for(loaded: LoadReport) -> None:
    assert counts(loaded) == [
        ("contracts", 2, 0, 0, 0),
        ("equipment", 1, 0, 0, 0),
        ("tickets", 2, 0, 0, 0),
    ]
    assert [file.batch for file in loaded.files] == [
        "00001-contracts",
        "00002-equipment",
        "00003-tickets",
    ]


def test_loading_the_same_again_changes_nothing(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path]
) -> None:
    before = everything(settings)
    again = load(settings, [put("renamed.csv", TICKETS.replace("\n", "\r\n"))])
    assert counts(again) == [("tickets", 0, 0, 2, 0)]
    assert again.files[0].batch is None
    assert everything(settings) == before


def test_a_then_b_then_a_restores_a(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path]
) -> None:
    first = ledger(settings)
    other = TICKETS.replace("08:10", "08:45")
    assert counts(load(settings, [put("t.csv", other)])) == [("tickets", 0, 1, 1, 0)]
    assert ledger(settings) != first
    assert counts(load(settings, [put("t.csv", TICKETS)])) == [("tickets", 0, 1, 1, 0)]
    assert ledger(settings) == first


def test_a_later_row_replaces_the_earlier_one_whole(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path]
) -> None:
    header = TICKETS.splitlines()[0]
    twice = (
        f"{header}\nA,HT-1,硬件故障,2025-06-01 08:00,2025-06-01 08:20\nA,HT-1,咨询,2025-06-02,\n"
    )
    done = load(settings, [put("t.csv", twice)])
    assert counts(done) == [("tickets", 0, 1, 0, 0)]
    assert done.files[0].superseded == 1
    found = rows(settings, "tickets", "ticket_id, service_type, responded_at, source_row")
    assert found[0] == ("A", "consultation", None, 3)


def test_files_of_one_load_count_in_the_order_of_their_names(
    settings: Settings, put: Callable[..., Path]
) -> None:
    late = put("b.csv", "contract_id,amount\nHT-1,2\n")
    early = put("a.csv", "contract_id,amount\nHT-1,1\n")
    load(settings, [late, early])
    assert rows(settings, "contracts", "amount")[0][0] == 2


def test_an_undo_is_exact_in_any_order(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path]
) -> None:
    only_first = ledger(settings)
    header = TICKETS.splitlines()[0]
    second = load(settings, [put("t2.csv", f"{header}\nB,HT-1,咨询,2025-06-02,\n")])
    with_second = ledger(settings)
    third = load(settings, [put("t3.csv", f"{header}\nC,HT-2,软件故障,2025-06-04,\n")])
    undo(settings, str(third.files[0].batch))
    assert ledger(settings) == with_second
    undo(settings, str(second.files[0].batch))
    assert ledger(settings) == only_first
    with pytest.raises(NothingDoneError, match="batch_undone"):
        undo(settings, str(second.files[0].batch))
    with pytest.raises(KeptError, match="batch_unknown"):
        undo(settings, "00099-tickets")


def test_undoing_everything_leaves_nothing_loaded(settings: Settings, loaded: LoadReport) -> None:
    for file in loaded.files:
        undo(settings, str(file.batch))
    with pytest.raises(NothingDoneError, match="warehouse_empty"):
        open_marts(settings)


def test_a_missing_column_empties_nothing_without_a_yes(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path]
) -> None:
    narrow = put(
        "t.csv", "ticket_id,contract_id,service_type,reported_at\nA,HT-1,咨询,2025-06-01\n"
    )
    before = everything(settings)
    with pytest.raises(KeptError, match="columns_would_empty") as refused:
        load(settings, [narrow])
    assert "responded_at" in str(refused.value)
    assert everything(settings) == before
    load(settings, [narrow], replace_missing=True)
    assert rows(settings, "tickets", "ticket_id, responded_at")[0] == ("A", None)


def test_a_missing_column_that_holds_nothing_is_no_matter(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path]
) -> None:
    assert counts(load(settings, [put("c.csv", "合同编号,合同总价\nHT-1,150\n")])) == [
        ("contracts", 0, 1, 0, 0)
    ]


def test_a_dry_run_says_the_same_and_writes_nothing(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path]
) -> None:
    changed = put("t.csv", TICKETS.replace("08:10", "08:45"))
    before = everything(settings)
    dry = load(settings, [changed], dry_run=True)
    assert everything(settings) == before
    assert counts(dry) == counts(load(settings, [changed]))


def test_a_dry_run_makes_no_warehouse(settings: Settings, put: Callable[..., Path]) -> None:
    load(settings, [put("c.csv", CONTRACTS)], dry_run=True)
    assert not settings.warehouse.exists()


def test_rejected_rows_are_kept_counted_and_given_back(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path], tmp_path: Path
) -> None:
    header = TICKETS.splitlines()[0] + ",备注"
    bad = f"{header}\nX,HT-1,软件故障,2025-06-01 08:00,2025-05-01 08:10,=cmd\nY,HT-1,修理,昨天,,\n"
    done = load(settings, [put("bad.csv", bad)])
    assert counts(done) == [("tickets", 0, 0, 0, 2)]
    assert open_marts(settings).rejected_rows == 2
    store = Warehouse(settings)
    text = write_rejects(store, store.manifest().batch(str(done.files[0].batch)), None)
    assert text is not None
    lines = text.splitlines()
    assert lines[0].startswith("ticket_id,contract_id,service_type,reported_at,responded_at,备注,")
    assert lines[1].startswith("X,HT-1,软件故障,2025-06-01 08:00,2025-05-01 08:10,'=cmd,,2,")
    assert "早于" in lines[1]
    assert "is before Reported at" in lines[1]

    again = load(settings, [put("bad.csv", bad)])
    assert again.files[0].batch is None
    assert open_marts(settings).rejected_rows == 2

    corrected = put("fixed.csv", text.replace("2025-05-01 08:10", "2025-06-01 08:10"))
    assert counts(load(settings, [corrected])) == [("tickets", 1, 0, 0, 1)]
    assert open_marts(settings).rejected_rows == 1


def test_a_row_that_did_not_fit_its_header_stays_refused_until_mended(
    settings: Settings, put: Callable[..., Path]
) -> None:
    done = load(settings, [put("c.csv", "contract_id,amount,name\nHT-1,1,a,b,c\nHT-2,2\n")])
    assert counts(done) == [("contracts", 0, 0, 0, 2)]
    store = Warehouse(settings)
    text = write_rejects(store, store.manifest().batch("00001-contracts"), None)
    assert text is not None
    assert 'HT-1,1,a,"b,c",2,' in text
    assert counts(load(settings, [put("r.csv", text)])) == [("contracts", 0, 0, 0, 2)]
    mended = text.replace('"b,c"', "").replace("?", "")
    assert counts(load(settings, [put("r.csv", mended)])) == [("contracts", 2, 0, 0, 0)]
    assert open_marts(settings).rejected_rows == 0


def test_a_rejected_row_is_open_until_its_key_counts(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path]
) -> None:
    header = TICKETS.splitlines()[0]
    bad = put("bad.csv", f"{header}\nX,HT-1,修理,2025-06-01 08:00,\n")
    load(settings, [bad])
    load(settings, [put("waits.csv", f"{header}\nX,HT-9,咨询,2025-06-01 08:00,\n")])
    assert open_marts(settings).rejected_rows == 1
    good = put("good.csv", f"{header}\nX,HT-1,咨询,2025-06-01 08:00,\n")
    load(settings, [good], corrections=True)
    assert open_marts(settings).rejected_rows == 0
    assert load(settings, [bad]).files[0].batch is not None
    assert open_marts(settings).rejected_rows == 1


def test_other_peoples_files_are_left_alone(settings: Settings, put: Callable[..., Path]) -> None:
    contracts = put("c.csv", CONTRACTS)
    (settings.warehouse / "raw").mkdir(parents=True)
    mine = [settings.warehouse / "raw" / "mine.txt", settings.warehouse / ".draft.tmp1"]
    mine[0].write_text("mine")
    load(settings, [contracts])
    assert mine[0].exists()
    other = Settings(contracts.parent)
    with pytest.raises(KeptError, match="warehouse_not_empty"):
        load(other, [contracts])
    assert sorted(file.name for file in contracts.parent.iterdir()) == ["c.csv"]


def test_a_refusal_after_reading_leaves_no_warehouse(
    settings: Settings, put: Callable[..., Path]
) -> None:
    put("1.csv", "contract_id,amount,name\nHT-1,1,a\n")
    folder = put("2.csv", "contract_id,amount\nHT-1,2\n").parent
    refused(settings, folder, "columns_would_empty")


def test_a_rejected_row_replaces_nothing(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path]
) -> None:
    before = ledger(settings)
    load(settings, [put("t.csv", TICKETS.replace("2025-06-01 08:10", "soon"))])
    assert ledger(settings) == before
    assert open_marts(settings).rejected_rows == 1


def test_order_of_loading_never_matters_for_rows_that_wait(
    settings: Settings, put: Callable[..., Path], tmp_path: Path
) -> None:
    tickets = put(
        "t.csv", "ticket_id,equipment_id,service_type,reported_at\nA,U-1,软件故障,2025-06-01\n"
    )
    assert load(settings, [tickets]).waiting == {"tickets": 1}
    assert load(settings, [put("e.csv", EQUIPMENT)]).waiting == {"tickets": 1, "equipment": 1}
    assert ledger(settings).count("\n") == 1
    assert load(settings, [put("c.csv", CONTRACTS)]).waiting == {}
    other = Settings(tmp_path / "other")
    load(other, [put("c.csv", CONTRACTS), put("e.csv", EQUIPMENT), tickets])
    assert ledger(settings) == ledger(other)
    assert ledger(settings).count("HT-1,sla.") == 3


@pytest.mark.parametrize(
    ("log", "text", "waiting"),
    [
        ("tickets", "ticket_id,contract_id,equipment_id,service_type,reported_at\n"
                    "A,HT-2,U-1,咨询,2025-06-01\nB,HT-1,U-1,咨询,2025-06-01\n", 1),
        ("tickets", "ticket_id,contract_id,service_type,reported_at\nA,HT-9,咨询,2025-06-01\n", 1),
        ("equipment", "equipment_id,contract_id,department,replaces_equipment_id\n"
                      "U-2,HT-2,内科,U-1\nU-3,HT-1,内科,U-2\nU-4,HT-1,内科,U-1\n", 2),
        ("complaints", "complaint_id,round,contract_id,received_at\n"
                       "K,1,HT-1,2025-06-01\nK,3,HT-1,2025-06-03\nL,,HT-1,2025-06-01\n"
                       "L,2,HT-2,2025-06-02\nL,3,HT-2,2025-06-03\n", 3),
        ("parts", "movement_id,contract_id,part_no,moved_at,kind,quantity,ticket_id\n"
                  "1,HT-1,P,2025-06-01,出库,1,A\n2,HT-2,P,2025-06-01,出库,1,A\n"
                  "3,HT-1,P,2025-06-01,出库,1,Z\n", 2),
        ("terms", "contract_id,term,value\n"
                  "HT-1,window_first_day,25\nHT-2,window_last_day,25\n", 1),
        ("coverage", "log,contract_id,through_at\n"
                     "tickets,,2025-07-01\ntickets,HT-9,2025-07-01\n", 1),
    ],
)  # fmt: skip
def test_rows_that_name_the_unknown_or_disagree_wait(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path], log: str, text: str,
    waiting: int,
) -> None:  # fmt: skip
    done = load(settings, [put("more.csv", text)], replace_missing=True, corrections=True)
    assert done.waiting == {log: waiting}


def test_both_days_of_a_window_turned_round_wait(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path]
) -> None:
    terms = "contract_id,term,value\nHT-1,window_first_day,15\nHT-1,window_last_day,12\n"
    assert load(settings, [put("terms.csv", terms)]).waiting == {"terms": 2}


def test_through_is_a_coverage_row(settings: Settings, put: Callable[..., Path]) -> None:
    done = load(settings, [put("c.csv", CONTRACTS), put("t.csv", TICKETS)], through="2025-06-30")
    assert [file.log for file in done.files] == ["contracts", "tickets", "coverage"]
    assert [(log, str(at)) for log, at in rows(settings, "coverage", "log, through_at")] == [
        ("contracts", "2025-06-30 23:59:59"),
        ("tickets", "2025-06-30 23:59:59"),
    ]
    with pytest.raises(KeptError, match="instant_unreadable"):
        load(settings, [put("t.csv", TICKETS)], through="soon")


def test_a_header_without_rows_is_loaded(settings: Settings, put: Callable[..., Path]) -> None:
    load(settings, [put("c.csv", CONTRACTS)])
    verdict = "verdict"
    before = report(open_marts(settings))
    assert before["contracts"]["HT-1"]["clauses"]["sla.response"][verdict] == "no_evidence"
    load(settings, [put("t.csv", TICKETS.splitlines()[0] + "\n")])
    after = report(open_marts(settings))
    assert after["contracts"]["HT-1"]["clauses"]["sla.response"][verdict] == "no_activity"


def test_chinese_headers_in_gb18030_with_a_title_and_a_totals_row(
    settings: Settings, put: Callable[..., Path]
) -> None:
    text = (
        "2025年合同台账,,\n,,\n合同编号*,合同总价(元),备注\n"
        'HT-1,"1,234,567.89",〇㐂\n合计,"1,234,567.89",\n'
    )
    done = load(settings, [put("台账.csv", text, "gb18030")])
    assert counts(done) == [("contracts", 1, 0, 0, 0)]
    assert done.files[0].totals_rows == 1
    assert done.files[0].ignored_columns == ("备注",)
    assert rows(settings, "contracts", "contract_id, source_row") == [("HT-1", 4)]


def test_two_readers_may_ask_for_the_same_day_while_a_writer_sweeps(
    settings: Settings, loaded: LoadReport, put: Callable[..., Path]
) -> None:
    day = datetime(2025, 6, 1, 12)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(open_marts, settings, day) for _ in range(3)]
        pool.submit(load, settings, [put("c.csv", CONTRACTS)]).result()
        assert {marts.result().as_of for marts in asked} == {day}


def test_the_time_zone_is_fixed_when_the_warehouse_is_made(
    settings: Settings, loaded: LoadReport
) -> None:
    other = Settings(settings.warehouse, timezone="Europe/Berlin")
    with pytest.raises(KeptError, match="timezone_fixed"):
        open_marts(other)
    assert open_marts(Settings(settings.warehouse, timezone="Asia/Shanghai"))


def refused(settings: Settings, file: Path, code: str) -> None:
    with pytest.raises(KeptError, match=code):
        load(settings, [file])
    assert not settings.warehouse.exists()


def test_bad_files_are_refused_and_nothing_is_written(
    settings: Settings, put: Callable[..., Path]
) -> None:
    refused(settings, put("empty.csv", ""), "file_empty")
    refused(settings, put("other.csv", "a,b\n1,2\n"), "log_unknown")
    refused(settings, put("lacking.csv", "工单编号,服务类型,渠道\n1,咨询,电话\n"), "column_missing")
    twice = "合同编号,合同总价,合同号\nHT-1,1,HT-1\n"
    refused(settings, put("twice.csv", twice), "column_twice")
    wide = ",".join([*CONTRACTS.splitlines()[0].split(","), *(f"x{i}" for i in range(198))])
    refused(settings, put("wide.csv", wide + "\nHT-1,1" + "," * 198 + "\n"), "too_many_columns")
    refused(settings, put("missing.csv", "").with_name("absent.csv"), "file_missing")


def test_one_bad_file_refuses_the_whole_load(settings: Settings, put: Callable[..., Path]) -> None:
    put("c.csv", CONTRACTS)
    folder = put("z.csv", "a,b\n1,2\n").parent
    refused(settings, folder, "log_unknown")


def test_folders_are_searched_for_tables_and_say_what_they_left_out(
    settings: Settings, put: Callable[..., Path]
) -> None:
    put("c.csv", CONTRACTS)
    folder = put("readme.md", "hello").parent
    assert load(settings, [folder]).skipped == ("readme.md",)


def kept(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "etl", *arguments],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "KEPT_WAREHOUSE": str(cwd / "warehouse"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_says_it_in_one_sentence_and_by_its_exit_status(
    tmp_path: Path, put: Callable[..., Path]
) -> None:
    bad = kept("load", str(put("x.csv", "a,b\n1,2\n")), cwd=tmp_path, KEPT_LANGUAGE="en")
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert bad.stderr.startswith("The headers of x.csv match none of the logs.")
    assert bad.stderr.count("\n") == 1
    chinese = kept("load", str(put("x.csv", "a,b\n1,2\n")), cwd=tmp_path, KEPT_LANGUAGE="zh")
    assert chinese.stderr.startswith("x.csv 的表头与任何一种台账都对不上")
    assert kept("report", cwd=tmp_path).returncode == 1
    assert kept("load", "--no-such-option", cwd=tmp_path).returncode == 2
    assert kept("export", "nothing", cwd=tmp_path).returncode in (1, 2)
    done = kept("load", str(put("c.csv", CONTRACTS)), "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout)["files"][0]["new"] == 2
    assert kept("export", "nothing", cwd=tmp_path).returncode == 2
