"""Mappings: as TOML, remembered by a warehouse, laid over a load."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from typer.testing import CliRunner

from etl.catalogue import catalogue
from etl.cli import app
from etl.config import Settings
from etl.errors import DamagedError, KeptError
from etl.intake.load import Loaded, load
from etl.intake.mapping import ColumnMapping, Duration, read_mapping
from etl.intake.remembered import FOLDER, forget, mapping_of, remember, remembered
from etl.store import Warehouse

Put = Callable[[str, str], Path]

FULL = ColumnMapping(
    log="tickets",
    headers=("单号", "日期", "时刻", "类别", "首响(分)"),
    columns={
        "ticket_id": ("单号",),
        "reported_at": ("日期", "时刻"),
        "service_type": ("类别",),
        "description": (),
    },
    constants={"contract_id": "HT-001"},
    translations={"service_type": {"软 件": "software_fault", "*": "hardware_fault", "": ""}},
    durations={"responded_at": Duration("首响(分)", "reported_at", "minutes")},
    day_first={"reported_at": True},
    swapped={"resolved_at": False},
    profile="jira",
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(warehouse=tmp_path / "warehouse", person="甲")


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_a_mapping_reads_back_as_it_was_written() -> None:
    assert ColumnMapping.from_toml(FULL.to_toml()) == FULL


def test_what_is_written_can_be_read_by_a_person() -> None:
    assert FULL.to_toml() == (
        'log = "tickets"\n'
        'profile = "jira"\n'
        'headers = ["单号", "日期", "时刻", "类别", "首响(分)"]\n'
        "\n[columns]\n"
        'ticket_id = "单号"\n'
        'reported_at = ["日期", "时刻"]\n'
        'service_type = "类别"\n'
        'description = ""\n'
        "\n[constants]\n"
        'contract_id = "HT-001"\n'
        "\n[translations.service_type]\n"
        '"软 件" = "software_fault"\n'
        '"*" = "hardware_fault"\n'
        '"" = ""\n'
        "\n[durations]\n"
        'responded_at = { header = "首响(分)", from = "reported_at", unit = "minutes" }\n'
        "\n[day_first]\n"
        "reported_at = true\n"
        "\n[swapped]\n"
        "resolved_at = false\n"
    )


@examples(max_examples=60)
@given(st.text(min_size=1), st.text(), st.text())
def test_any_words_survive_the_way_through_toml(header: str, word: str, constant: str) -> None:
    mapping = ColumnMapping(
        log="parts",
        headers=(header,),
        columns={"part_no": (header,)},
        constants={"contract_id": constant},
        translations={"kind": {word: "issue"}},
    )
    assert ColumnMapping.from_toml(mapping.to_toml()) == mapping


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("log = ", "mapping_not_toml"),
        ("", "mapping_log_unknown"),
        ('log = "weather"', "mapping_log_unknown"),
        ("log = 3", "mapping_log_unknown"),
        ('log = "tickets"\ncolour = "red"', "mapping_part_unknown"),
        ('log = "tickets"\ncolumns = 3', "mapping_part_wrong"),
        ('log = "tickets"\n[columns]\ncolour = "a"', "mapping_column_unknown"),
        ('log = "tickets"\n[columns]\nticket_id = 3', "mapping_part_wrong"),
        ('log = "tickets"\n[columns]\nticket_id = ["a", 3]', "mapping_part_wrong"),
        ('log = "tickets"\nheaders = [1]', "mapping_part_wrong"),
        ('log = "tickets"\nprofile = 1', "mapping_part_wrong"),
        ('log = "tickets"\n[constants]\ncontract_id = 3', "mapping_part_wrong"),
        (
            'log = "tickets"\n[columns]\ncontract_id = "a"\n[constants]\ncontract_id = "b"',
            "mapping_column_twice",
        ),
        ('log = "tickets"\n[translations]\nservice_type = "a"', "mapping_part_wrong"),
        (
            'log = "tickets"\n[translations.service_type]\nSoftware = "soft"',
            "mapping_code_unknown",
        ),
        ('log = "tickets"\n[durations]\nresponded_at = "a"', "mapping_part_wrong"),
        (
            'log = "tickets"\n[durations]\n'
            'responded_at = { header = "a", from = "ticket_id", unit = "minutes" }',
            "mapping_duration_wrong",
        ),
        (
            'log = "tickets"\n[durations]\n'
            'responded_at = { header = "a", from = "reported_at", unit = "weeks" }',
            "mapping_duration_wrong",
        ),
        (
            'log = "tickets"\n[durations]\nticket_id = { header = "a", from = "reported_at" }',
            "mapping_duration_wrong",
        ),
        ('log = "tickets"\n[day_first]\nreported_at = "yes"', "mapping_part_wrong"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_one_sentence(text: str, code: str) -> None:
    with pytest.raises(KeptError) as caught:
        ColumnMapping.from_toml(text, "m.toml")
    assert caught.value.code == code
    for language in ("zh", "en"):
        assert "m.toml" in catalogue().sentence(caught.value, language)


def test_a_mapping_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(KeptError, match="file_missing"):
        read_mapping(tmp_path / "none.toml")
    with pytest.raises(KeptError, match="file_unreadable"):
        read_mapping(tmp_path)
    (tmp_path / "m.toml").write_bytes(b"\xff")
    with pytest.raises(KeptError, match="mapping_not_toml"):
        read_mapping(tmp_path / "m.toml")


def test_a_header_set_is_known_whatever_its_order_spelling_and_log() -> None:
    other = replace(FULL, headers=(" 首响（分） ", "时刻", "类别", "日期", "*单号", "日期"))
    assert other.identity == FULL.identity
    assert replace(FULL, headers=("单号", "首响(小时)")).identity != FULL.identity
    assert replace(FULL, log="parts").identity != FULL.identity


def test_a_mapping_is_remembered_replaced_and_forgotten(settings: Settings) -> None:
    warehouse = Warehouse(settings)
    assert remembered(warehouse) == ()
    remember(warehouse, FULL)
    again = replace(FULL, constants={"contract_id": "HT-002"})
    remember(warehouse, again)
    assert remembered(warehouse) == (again,)
    assert mapping_of(remembered(warehouse), FULL.identity) == again
    assert [file.name for file in warehouse.path(FOLDER).iterdir()] == [f"{FULL.identity}.toml"]
    assert forget(warehouse, FULL.identity)
    assert not forget(warehouse, FULL.identity)
    assert not forget(warehouse, "../CURRENT")
    assert remembered(warehouse) == ()


def test_a_remembered_mapping_that_is_damaged_is_said(settings: Settings) -> None:
    warehouse = Warehouse(settings)
    remember(warehouse, FULL)
    file = warehouse.path(FOLDER, f"{FULL.identity}.toml")
    text = file.read_text(encoding="utf-8")
    assert FULL.constants or FULL.durations
    for damaged in ("log = ", "", text[: text.rindex("[")], text.replace(FULL.log, "parts")):
        file.write_text(damaged, encoding="utf-8")
        with pytest.raises(DamagedError, match="mapping_damaged"):
            remembered(warehouse)
    # As a person or an earlier version writes it.
    file.write_text(FULL.to_toml(), encoding="utf-8")
    assert remembered(warehouse) == (FULL,)


TOOL = "单号,日期,时刻,类别,首响(分)\nA,2026-01-05,9:03,软件,30\nB,2026-01-06,10:00,别的,5\n"


def rows(settings: Settings) -> list[tuple[object, ...]]:
    warehouse = Warehouse(settings)
    files = [str(file) for file in warehouse.path("batches", "tickets").glob("*.parquet")]
    with duckdb.connect() as con:
        return con.execute(
            "select ticket_id, contract_id, service_type, cast(reported_at as varchar), "
            "cast(responded_at as varchar) from read_parquet(?) order by ticket_id",
            [files],
        ).fetchall()


def test_a_load_with_a_mapping_and_without(settings: Settings, put: Put) -> None:
    mapping = replace(FULL, profile=None, day_first={}, swapped={})
    file = put("export.csv", TOOL)
    with pytest.raises(KeptError) as caught:
        load(settings, [file])
    assert caught.value.code == "log_unknown"

    [done] = load(settings, [file], mappings=[mapping]).files
    assert (done.log, done.new, done.rejected) == ("tickets", 2, 0)
    assert rows(settings) == [
        ("A", "HT-001", "software_fault", "2026-01-05 09:03:00", "2026-01-05 09:33:00"),
        ("B", "HT-001", "hardware_fault", "2026-01-06 10:00:00", "2026-01-06 10:05:00"),
    ]
    assert said(done, "en") == [
        "Contract ID is HT-001 in every row",
        "Responded at is Reported at plus 首响(分)",
        "Reported at is put together from 日期、时刻",
    ]


def test_a_remembered_mapping_is_used_for_its_headers_and_says_so(
    settings: Settings, put: Put
) -> None:
    remember(Warehouse(settings), replace(FULL, profile=None, day_first={}, swapped={}))
    [done] = load(settings, [put("export.csv", TOOL)]).files
    assert done.new == 2
    assert said(done, "zh")[0] == "使用记住的列映射"
    with pytest.raises(KeptError, match="log_unknown"):
        load(settings, [put("other.csv", TOOL.replace("类别", "级别"))])
    assert len(remembered(Warehouse(settings))) == 1


def test_a_mapping_for_no_file_of_the_load_is_said(settings: Settings, put: Put) -> None:
    file = put("t.csv", "工单编号,合同编号,服务类型,报修时间\nA,C,咨询,2026-01-05\n")
    with pytest.raises(KeptError, match="mapping_fits_none"):
        load(settings, [file], mappings=[FULL])
    assert not Warehouse(settings).path("CURRENT").exists()


def test_constants_alone_fill_what_a_file_lacks_and_overrule_nothing(
    settings: Settings, put: Put
) -> None:
    constants = ColumnMapping.from_toml('log = "tickets"\n[constants]\ncontract_id = "HT-9"\n')
    lacking = put("a.csv", "工单编号,服务类型,报修时间\nA,咨询,2026-01-05\n")
    [done] = load(settings, [lacking], mappings=[constants]).files
    assert [row[1] for row in rows(settings)] == ["HT-9"]
    assert said(done, "zh") == ["每行的「合同编号」均为 HT-9"]
    having = put("b.csv", "工单编号,合同编号,服务类型,报修时间\nB,HT-1,咨询,2026-01-05\n")
    with pytest.raises(KeptError, match="mapping_fits_none"):
        load(settings, [having], mappings=[constants])


def test_the_last_row_of_a_key_holds_and_how_many_it_replaced_is_said(
    settings: Settings, put: Put
) -> None:
    file = put(
        "log.csv",
        "工单编号,合同编号,服务类型,报修时间,解决时间\n"
        "A,C,咨询,2026-01-05 08:00,\nA,C,咨询,2026-01-05 08:00,2026-01-05 09:00\n"
        "A,C,咨询,2026-01-05 08:00,2026-01-05 10:00\nB,C,咨询,2026-01-05 08:00,\n",
    )
    [done] = load(settings, [file]).files
    assert (done.new, done.superseded) == (2, 2)


def said(done: Loaded, language: str) -> list[str]:
    return [catalogue().message(note.code, language, **note.values) for note in done.notes]


# The command line


def kept(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=True)
    if isinstance(done.exception, KeptError):
        return done.exception.exit_status, done.exception.code
    assert done.exception is None, done.exception
    return done.exit_code, done.output


def test_a_mapping_is_written_corrected_and_loaded_with(put: Put, tmp_path: Path) -> None:
    warehouse = ("--warehouse", tmp_path / "warehouse")
    header = "Issue key,Issue id,Issue Type,Created,Labels,Labels\n"
    file = put("jira.csv", header + "OPS-1,10,Bug,12/Mar/24 9:41 AM,a,b\n")
    assert kept("load", file, *warehouse) == (2, "column_missing")

    status, text = kept("map", file, *warehouse)
    assert status == 0
    assert text.startswith("# jira.csv\n# recognised as: Jira, export CSV (all fields)\n# Due date")
    assert "\n# ! jira.csv looks like the log Tickets but lacks required columns" in text
    assert ColumnMapping.from_toml(text).columns["reported_at"] == ("Created",)

    target = tmp_path / "jira.toml"
    assert kept("map", file, "-o", target, *warehouse) == (0, "")
    text = target.read_text(encoding="utf-8")
    text = text.replace('service_type = ""', 'service_type = "Issue Type"')
    text += '\n[constants]\ncontract_id = "HT-1"\n'
    text += '\n[translations.service_type]\nBug = "software_fault"\n'
    target.write_text(text, encoding="utf-8")
    status, text = kept("load", file, "--map", target, "--dry-run", *warehouse)
    assert status == 0
    assert "would be 1 new, 0 changed, 0 unchanged, 0 rejected" in text
    assert "recognised as: Jira" in text
    assert "Contract ID is HT-1 in every row" in text

    assert kept("map", target, "--remember", *warehouse) == (
        0,
        "Remembered: files with the same headers load as Tickets by this mapping from now on.\n",
    )
    status, text = kept("load", file, *warehouse)
    assert (status, "with the mapping remembered for these headers" in text) == (0, True)
    assert kept("map", target, "--forget", *warehouse)[0] == 0
    assert kept("map", target, "--forget", *warehouse) == (2, "mapping_not_remembered")


def test_what_cannot_be_mapped_is_said(put: Put, tmp_path: Path) -> None:
    warehouse = ("--warehouse", tmp_path / "warehouse")
    file = put("a.csv", "weather,wind\nfine,3\n")
    assert kept("map", file, *warehouse) == (2, "log_unknown")
    assert kept("map", file, "--log", "weather", *warehouse) == (2, "log_unknown_name")
    status, text = kept("map", file, "--log", "tickets", *warehouse)
    assert (status, ColumnMapping.from_toml(text).headers) == (0, ("weather", "wind"))
    bare = put("m.toml", 'log = "tickets"\n')
    assert kept("map", bare, "--remember", *warehouse) == (2, "mapping_without_headers")
