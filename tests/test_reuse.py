"""One number, two things: refused, unless they are corrections or the numbers get a prefix."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl import ledger, marts
from etl.catalogue import LANGUAGES, catalogue
from etl.config import Settings
from etl.errors import KeptError
from etl.intake.load import load
from etl.intake.mapping import ColumnMapping
from etl.intake.remembered import remember
from etl.marts import open_marts
from etl.report import write_rejects
from etl.store import Warehouse

CONTRACTS = "合同编号,合同总价\nC-1,100\nC-2,200\n"
EQUIPMENT = "设备编号,合同编号,使用部门\nE-1,C-1,内科\nE-2,C-2,外科\n"
HEADER = "工单编号,合同编号,设备编号,服务类型,报修时间"
Put = Callable[[str, str], Path]


@pytest.fixture(scope="module", autouse=True)
def one_model() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            marts, "build_marts", partial(ledger.build_marts, wanted=("fact_ticket_lapsed",))
        )
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
    load(settings, [put("c.csv", CONTRACTS), put("e.csv", EQUIPMENT)])
    return settings


def ticket(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


def ids(settings: Settings, log: str = "tickets", column: str = "ticket_id") -> list[Any]:
    with duckdb.connect(open_marts(settings).path, read_only=True) as con:
        rows = con.execute(f"select {column} from logs.{log} order by all").fetchall()
    return [row[0] for row in rows]


def refused(settings: Settings, *files: Path, **options: Any) -> KeptError:
    before = Warehouse(settings).manifest().number
    with pytest.raises(KeptError) as error:
        load(settings, files, **options)
    assert error.value.code == "key_reused"
    assert Warehouse(settings).manifest().number == before
    return error.value


def test_two_vendors_who_both_number_from_1_are_told_apart(settings: Settings, put: Put) -> None:
    one = [f"000{n},C-1,,硬件故障,2026-03-0{n} 09:00" for n in (1, 2, 3, 4)]
    other = [f"000{n},C-2,,硬件故障,2026-03-0{n} 11:00" for n in (1, 2, 3, 4)]
    load(settings, [put("a.csv", ticket(*one))])
    error = refused(settings, put("b.csv", ticket(*other)))
    said = [catalogue().sentence(error, language) for language in LANGUAGES]
    for sentence in said:
        assert "b.csv" in sentence
        assert "0001" in sentence and "0003" in sentence and "0004" not in sentence
        assert "C-1 → C-2" in sentence and " 4 " in sentence
        assert "--corrections" in sentence and "key_prefix" in sentence
    refused(settings, put("b.csv", ticket(*other)), dry_run=True)
    assert load(settings, [put("b.csv", ticket(*other))], corrections=True).files[0].changed == 4
    refused(settings, put("a.csv", ticket(*one)))


@pytest.mark.parametrize(
    ("was", "now", "is_reused"),
    [
        ("C-1,,硬件故障,2026-03-01 09:00", "C-1,,硬件故障,2026-03-02 09:00", False),
        ("C-1,,硬件故障,2026-03-01 09:00", "C-1,,硬件故障,2026-03-02 09:00:01", True),
        ("C-1,,硬件故障,2026-03-02 09:00:01", "C-1,,硬件故障,2026-03-01 09:00", True),
        (",E-1,硬件故障,2026-03-01 09:00", "C-2,,硬件故障,2026-03-01 09:00", True),
        (",E-1,硬件故障,2026-03-01 09:00", ",E-2,硬件故障,2026-03-01 09:00", True),
        (",E-1,硬件故障,2026-03-01 09:00", "C-1,,硬件故障,2026-03-01 09:00", False),
        (",E-1,硬件故障,2026-03-01 09:00", ",E-9,硬件故障,2026-03-01 09:00", False),
    ],
)
def test_a_ticket_is_another_by_its_contract_or_more_than_a_day_apart(
    settings: Settings, put: Put, was: str, now: str, is_reused: bool
) -> None:
    load(settings, [put("a.csv", ticket(f"1,{was}"))])
    again = put("b.csv", ticket(f"1,{now}"))
    if is_reused:
        refused(settings, again)
    else:
        load(settings, [again])


def test_rows_of_one_load_are_told_apart_too(settings: Settings, put: Put) -> None:
    one, other = "1,C-1,,硬件故障,2026-03-01 09:00", "1,C-2,,硬件故障,2026-03-01 09:00"
    refused(settings, put("t.csv", ticket(one, other)))
    refused(settings, put("a.csv", ticket(one)), put("b.csv", ticket(other)))


def test_the_unit_may_come_in_a_later_file_of_the_load(settings: Settings, put: Put) -> None:
    load(settings, [put("a.csv", ticket("1,C-1,,硬件故障,2026-03-01 09:00"))])
    units = put("z.csv", "设备编号,合同编号,使用部门\nE-9,C-2,外科\n")
    refused(settings, put("b.csv", ticket("1,,E-9,硬件故障,2026-03-01 09:00")), units)


def test_an_older_row_of_the_same_contract_replaces_nothing(settings: Settings, put: Put) -> None:
    header = f"{HEADER},更新时间\n"
    load(settings, [put("a.csv", f"{header}1,C-1,,硬件故障,2026-03-05 09:00,2026-03-06\n")])
    old = put("b.csv", f"{header}1,C-1,,硬件故障,2026-03-01 09:00,2026-03-01 09:00\n")
    assert load(settings, [old]).files[0].older == 1
    refused(settings, put("b.csv", f"{header}1,C-2,,硬件故障,2026-03-01 09:00,2026-03-01 09:00\n"))


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [
        ("设备编号,合同编号,使用部门", "E-1,C-1,内科", "E-1,C-2,内科"),
        (
            "巡检编号,合同编号,使用部门,巡检类型,巡检日期",
            "X,C-1,内科,月度,2026-03-01",
            "X,C-2,内科,月度,2026-03-01",
        ),
        (
            "流水号,合同编号,备件编号,出入库时间,类型,数量",
            "M,C-1,P,2026-03-01 09:00,入库,1",
            "M,C-1,P,2026-03-02 09:01,入库,1",
        ),
        (
            "投诉编号,轮次,合同编号,受理时间",
            "K,1,C-1,2026-03-01 09:00",
            "K,1,C-1,2026-03-03 09:00",
        ),
        ("工程师编号,姓名", "G,王敏", "G,李强"),
    ],
)
def test_of_every_log(settings: Settings, put: Put, name: str, was: str, now: str) -> None:
    load(settings, [put("a.csv", f"{name}\n{was}\n")])
    refused(settings, put("b.csv", f"{name}\n{now}\n"))
    load(settings, [put("b.csv", f"{name}\n{now}\n")], corrections=True)


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [
        ("投诉编号,轮次,合同编号,受理时间", "K,1,C-1,2026-03-01", "K,2,C-1,2026-03-09"),
        ("工程师编号,姓名", "G,Wang Min", "G,wangmin"),
        ("工程师编号,姓名,上岗证号", "G,,N", "G,王敏,N"),
        (
            "巡检编号,合同编号,使用部门,巡检类型,巡检日期",
            "X,C-1,内科,月度,2026-03-01",
            "X,C-1,内科,月度,2026-03-20",
        ),
        ("合同编号,条款,对象,理由", "C-1,sla.response,1,停电", "C-2,sla.response,1,停电"),
    ],
)
def test_what_is_no_other_thing(
    settings: Settings, put: Put, name: str, was: str, now: str
) -> None:
    load(settings, [put("a.csv", f"{name}\n{was}\n")])
    load(settings, [put("b.csv", f"{name}\n{now}\n")])


# --- a prefix ------------------------------------------------------------------------------------


def mapped(log: str, text: str) -> ColumnMapping:
    return ColumnMapping.from_toml(f'log = "{log}"\n{text}\n')


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('key_prefix = "contract_id"', ["C-1/1", "C-2/1"]),
        ('key_prefix = "year"', ["2025/1", "2026/1"]),
        ('key_prefix = "华信"', ["华信/1", "华信/2"]),
        ('[key_prefix]\nticket_id = "A"\nequipment_id = "B"', ["A/1", "A/2"]),
    ],
)
def test_numbers_get_a_prefix(settings: Settings, put: Put, said: str, expected: list[str]) -> None:
    other = "2" if "1" not in expected[1][-1] else "1"
    text = ticket("1,C-1,,硬件故障,2025-12-31 09:00", f"{other},C-2,,硬件故障,2026-01-01 09:00")
    mapping = mapped("tickets", said)
    load(settings, [put("t.csv", text)], mappings=[mapping])
    assert ids(settings) == expected
    assert ColumnMapping.from_toml(mapping.to_toml()) == mapping
    done = load(settings, [put("t.csv", text)], mappings=[mapping])
    assert (done.files[0].unchanged, done.files[0].batch) == (2, None)


def test_files_that_name_the_numbers_say_the_prefix_too(settings: Settings, put: Put) -> None:
    rows = ticket("1,C-1,,硬件故障,2026-03-01 09:00", "1,C-2,,硬件故障,2026-03-01 09:00")
    moves = "流水号,合同编号,备件编号,出入库时间,类型,数量,工单编号\n" + "".join(
        f"M,C-{n},P,2026-03-01 10:00,出库,1,1\n" for n in (1, 2)
    )
    prefix = 'key_prefix = "contract_id"'
    mappings = [mapped("tickets", prefix), mapped("parts", prefix)]
    done = load(settings, [put("t.csv", rows), put("p.csv", moves)], mappings=mappings)
    assert done.waiting == {}
    assert ids(settings, "parts", "movement_id || ' ' || ticket_id") == [
        "C-1/M C-1/1",
        "C-2/M C-2/1",
    ]
    only = mapped("parts", '[key_prefix]\nticket_id = "contract_id"')
    load(settings, [put("p2.csv", moves.splitlines()[0] + "\nN,C-1,P,2026-03-01 10:00,出库,1,1\n")],
         mappings=[only])  # fmt: skip
    assert ids(settings, "parts", "movement_id || ' ' || ticket_id")[-1] == "N C-1/1"


def test_a_remembered_prefix_holds_for_later_files_and_their_rejects(
    settings: Settings, put: Put, tmp_path: Path
) -> None:
    headers = tuple(HEADER.split(","))
    mapping = ColumnMapping("tickets", headers=headers, key_prefix={"ticket_id": "contract_id"})
    remember(Warehouse(settings), mapping)
    text = ticket("1,C-1,,硬件故障,2026-03-01 09:00", "2,C-1,,硬件故障,昨天")
    done = load(settings, [put("t.csv", text)])
    assert done.files[0].rejected == 1
    assert [note.code for note in done.files[0].notes] == ["note_prefix_contract_id"]
    warehouse = Warehouse(settings)
    batch = warehouse.manifest().batches[-1]
    write_rejects(warehouse, batch, tmp_path / "r.csv")
    mended = (
        (tmp_path / "r.csv").read_text(encoding="utf-8-sig").replace(",昨天,", ",2026-03-02,", 1)
    )
    load(settings, [put("r.csv", mended)])
    assert ids(settings) == ["C-1/1", "C-1/2"]
    assert open_marts(settings).rejected_rows == 0


def test_a_number_whose_prefix_the_row_does_not_give_is_rejected(
    settings: Settings, put: Put
) -> None:
    text = ticket("1,,E-1,硬件故障,2026-03-01 09:00", "合计,,,,")
    done = load(
        settings, [put("t.csv", text)], mappings=[mapped("tickets", 'key_prefix = "contract_id"')]
    )
    assert (done.files[0].rejected, done.files[0].totals_rows) == (1, 1)


@pytest.mark.parametrize(
    "said",
    [
        'log = "tickets"\nkey_prefix = 3',
        'log = "tickets"\nkey_prefix = " "',
        'log = "tickets"\n[key_prefix]\nchannel = "A"',
        'log = "tickets"\n[key_prefix]\ncontract_id = "A"',
        'log = "waivers"\nkey_prefix = "A"',
        'log = "personnel"\nkey_prefix = "contract_id"',
        'log = "coverage"\nkey_prefix = "A"',
    ],
)
def test_a_prefix_that_cannot_be_is_refused_in_words(said: str) -> None:
    with pytest.raises(KeptError) as error:
        ColumnMapping.from_toml(said, "m.toml")
    assert "m.toml" in catalogue().sentence(error.value, "en")
    assert "m.toml" in catalogue().sentence(error.value, "zh")
