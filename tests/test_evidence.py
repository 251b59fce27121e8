"""The evidence pack: complete, the same each time, checked with and without Kept."""

import csv
import json
import os
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from random import Random

import duckdb
import openpyxl
import pytest

from etl import pdf
from etl.catalogue import catalogue
from etl.cli import app
from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.evidence.chain import Record, canonical, hash_of
from etl.evidence.decisions import Decision, decide, dossier
from etl.evidence.document import document
from etl.evidence.dossier import Dossier
from etl.evidence.files import Proof, write_files, write_obligations, write_snapshot
from etl.evidence.pack import write_derived, write_pack
from etl.evidence.reproduce import read_snapshot, reproduce
from etl.evidence.statement import statement
from etl.evidence.tables import Table, summary_tables
from etl.evidence.verify import verify
from etl.evidence.workbook import write_workbook
from etl.intake.load import load
from etl.ledger import build_marts
from etl.pdf import chinese_font, compile_pdf
from etl.references import find_waiting
from etl.sample import write_sample
from etl.sql import literal
from etl.store import sha256_of
from tests import evidence_case
from tests.random_logs import any_as_of, built, contracts, merged
from tests.tampering import FORGER, list_anew, sign_again, unsigned

PACKED = {
    "READ-ME.txt", "clauses.csv", "decision.json", "decision.pdf", "evidence.xlsx", "logs.csv",
    "manifest.json", "manifest.sha256", "manifest.sha256.sig", "models.csv",
    "rejected.csv", "rows", "rules", "snapshot", "terms.csv", "verify.py", "waiting.csv",
    "waivers.csv",
}  # fmt: skip


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A small sample of all logs, untidy, with all clauses; one decision on HT-2025-018."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder / "exports", 60)
    settings = Settings(folder / "warehouse")
    with evidence_case.built_only("retention"):
        load(settings, [folder / "exports"])
        decide(settings, "HT-2025-018", Decision("withhold", "王一", "赵二", reasons=("未达标",)))
        yield settings


@pytest.fixture(scope="module")
def font() -> None:
    """Skips where the system has no font that a PDF could be written with."""
    try:
        chinese_font()
    except NothingDoneError as error:
        pytest.skip(catalogue().sentence(error, "en"))


@pytest.fixture(scope="module")
def pack(font: None, sample: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pack(sample, the_record(sample), tmp_path_factory.mktemp("pack"))


@pytest.fixture
def unpacked(pack: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(pack) as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def the_record(settings: Settings) -> Record:
    return Record(json.loads((settings.warehouse / "decisions" / "1.json").read_bytes()))


def codes(settings: Settings, path: Path) -> list[str]:
    return [one.code for one in verify(settings, path).findings]


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_pack_holds_what_it_is_to_hold(sample: Settings, pack: Path, unpacked: Path) -> None:
    record = the_record(sample)

    assert pack.name == "HT-2025-018-decision-1.zip"
    assert {file.name for file in unpacked.iterdir()} == PACKED
    assert (unpacked / "decision.json").read_bytes() == canonical(record.content)
    assert (unpacked / "decision.pdf").read_bytes().startswith(b"%PDF-")
    with zipfile.ZipFile(pack) as archive:
        assert archive.namelist() == sorted(archive.namelist())
    # What the record says of each clause is what its rows say.
    for one in record.content["clauses"]:
        counted = [
            row["state"]
            for row in rows(unpacked / "rows" / f"{one['clause']}.csv")
            if row["counted"] == "true"
        ]
        assert {state: counted.count(state) for state in catalogue().states} == {
            state: one[state] for state in catalogue().states
        }
    listed = {row["log"]: row for row in rows(unpacked / "logs.csv")}
    assert set(listed) == {*catalogue().logs, "rejects", "recorded", "last_events"}
    snapshot = literal(unpacked / "snapshot" / "tickets.parquet")
    with duckdb.connect() as con:
        whose = con.execute(f"select distinct contract_id from {snapshot}").fetchall()
        engineers = con.execute(
            f"select count(*) from {literal(unpacked / 'snapshot' / 'personnel.parquet')}"
        ).fetchone()
    assert set(whose) <= {("HT-2025-018",), (None,)}
    assert engineers is not None
    assert engineers[0] > 0


def test_the_same_decision_gives_the_same_bytes(
    sample: Settings, pack: Path, tmp_path: Path
) -> None:
    """In another folder, another process, another zone, with other hashes, at another second."""
    done = subprocess.run(
        [sys.executable, "-m", "etl", "evidence", "HT-2025-018", "--decision", "1",
         "-o", str(tmp_path / "elsewhere"), "--json"],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "KEPT_WAREHOUSE": str(sample.warehouse), "PYTHONHASHSEED": "7",
             "TZ": "America/Caracas", "LC_ALL": "C", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    assert Path(json.loads(done.stdout)["file"]).read_bytes() == pack.read_bytes()


def test_kept_computes_every_row_anew_from_the_pack_alone(
    pack: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # No warehouse is asked for.
    monkeypatch.setenv("KEPT_WAREHOUSE", "/nowhere")
    status = app(["evidence", "--reproduce", str(pack), "--json"], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)

    assert not status
    assert (found["contract_id"], found["same"], found["same_rules"]) == ("HT-2025-018", True, True)
    assert found["rows"] > 500
    assert found["differences"] == []


def test_without_a_font_all_but_the_pdf_is_compared(
    pack: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "_folders", lambda: iter(()))
    monkeypatch.setenv("KEPT_LANGUAGE", "en")
    chinese_font.cache_clear()
    try:
        status = app(["evidence", "--reproduce", str(pack)], standalone_mode=False)
    finally:
        chinese_font.cache_clear()

    assert not status
    assert "decision.pdf could not be compared" in capsys.readouterr().err


def test_it_does_so_for_any_contract_and_day(font: None, sample: Settings, tmp_path: Path) -> None:
    early = dossier(sample, "HT-2025-067", datetime(2025, 12, 1, 12))
    found = reproduce(laid_out(sample, early, tmp_path))

    # Without a waiver, raw and adjusted are one.
    assert not any(one.excluded for one in early.clauses)
    assert [one.raw_verdict for one in early.clauses] == [one.verdict for one in early.clauses]
    assert [one.raw_unknown for one in early.clauses] == [one.unknown for one in early.clauses]
    assert early.raw_verdict == early.verdict
    assert (found.contract_id, found.differences, found.files) == ("HT-2025-067", (), ())


def laid_out(settings: Settings, found: Dossier, folder: Path) -> Path:
    """The files of a pack, as a folder."""
    pack = folder / "pack"
    pack.mkdir()
    manifest = settings.warehouse / "manifests" / f"{found.manifest}.json"
    content = statement(found, write_files(found, pack), sha256_of(manifest))
    write_derived(pack, content, found, manifest)
    return pack


@pytest.mark.parametrize("seed", [1])
def test_a_snapshot_holds_all_that_a_contract_is_judged_with(seed: int, tmp_path: Path) -> None:
    """Random logs of several contracts, rows that wait among them, one contract taken out."""
    random = Random(seed)
    logs = contracts(random, 4, orderly=False)
    as_of = any_as_of(random)
    whose = str(random.choice(logs["contracts"])["contract_id"])
    with merged(logs.items()) as con, built(con, as_of, "retention") as cursor:
        due_on = due(cursor, whose)
        write_obligations(cursor, whose, due_on, tmp_path / "among")
        write_snapshot(cursor, "logs", whose, tmp_path, parquet=True)
    with duckdb.connect() as alone:
        loaded = read_snapshot(alone, tmp_path / "snapshot", tmp_path / "logs.csv")
        find_waiting(alone, "logs")
        for _ in build_marts(alone, "logs", loaded, as_of, as_of, ("retention",), "last_events"):
            pass
        write_obligations(alone, whose, due(alone, whose), tmp_path / "alone")

    assert {file.name: file.read_text() for file in (tmp_path / "alone").iterdir()} == {
        file.name: file.read_text() for file in (tmp_path / "among").iterdir()
    }


def due(con: duckdb.DuckDBPyConnection, contract: str) -> date | None:
    found = con.execute("select due_on from retention where contract_id = ?", [contract]).fetchone()
    assert found is not None
    due_on: date | None = found[0]
    return due_on


def flip(folder: Path, name: str) -> None:
    file = folder / name
    content = file.read_bytes()
    middle = len(content) // 2
    file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])


@pytest.mark.parametrize(
    "name",
    [
        "decision.pdf", "evidence.xlsx", "clauses.csv", "manifest.json", "verify.py",
        "snapshot/tickets.parquet", "rules/clauses/sla.onsite.sql", "rows/sla.onsite.csv",
        "terms.csv",
    ],
)  # fmt: skip
def test_a_changed_file_of_a_pack_is_named(sample: Settings, unpacked: Path, name: str) -> None:
    flip(unpacked, name)
    found = verify(sample, unpacked)

    assert "pack_file_changed" in [one.code for one in found.findings]
    assert name in found.findings[0].text("zh")


@pytest.mark.parametrize(
    "name", ["rows/sla.onsite.csv", "terms.csv", "rules/clauses/sla.onsite.sql", "logs.csv"]
)
def test_listing_it_anew_does_not_hide_it(sample: Settings, unpacked: Path, name: str) -> None:
    flip(unpacked, name)
    list_anew(unpacked)

    assert "pack_not_of_record" in codes(sample, unpacked)


def test_a_pack_that_is_damaged_anywhere_is_told_and_never_a_traceback(
    sample: Settings, pack: Path, tmp_path: Path
) -> None:
    random, content, nowhere = Random(3), pack.read_bytes(), replace(sample, warehouse=tmp_path)
    broken = tmp_path / "broken.zip"
    told = 0
    for _ in range(40):
        place = random.randrange(len(content))
        broken.write_bytes(content[:place] + random.randbytes(3) + content[place + 3 :])
        try:
            told += not verify(nowhere, broken).sound
        except KeptError as error:
            assert error.code == "pack_unreadable"
            told += 1
    # What a zip says of dates and owners is no content.
    assert told > 30


def test_a_changed_record_a_missing_and_an_added_file_are_named(
    sample: Settings, unpacked: Path
) -> None:
    record = unpacked / "decision.json"
    whole = record.read_bytes()
    (unpacked / "waivers.csv").unlink()
    (unpacked / "more.txt").write_text("x", encoding="utf-8")
    assert codes(sample, unpacked) == ["pack_file_missing", "pack_file_added"]
    (unpacked / "more.txt").unlink()

    record.write_bytes(whole.replace("王一".encode(), "王七".encode()))
    list_anew(unpacked)
    relisted = ["pack_signature_wrong", "pack_not_recorded"]
    assert codes(sample, unpacked) == ["pack_record_changed", *relisted]
    record.write_bytes(whole[:-10])
    list_anew(unpacked)
    assert codes(sample, unpacked) == ["pack_record_unreadable", *relisted[:1]]


def test_a_pack_forged_from_end_to_end_is_told_by_chain_and_checkpoint(
    sample: Settings, unpacked: Path, tmp_path: Path
) -> None:
    file = unpacked / "decision.json"
    honest = the_record(sample)
    content = json.loads(file.read_bytes())
    content["decision"]["approved_by"] = "王五"
    content["hash"] = hash_of(content)
    file.write_bytes(canonical(content))
    list_anew(unpacked)
    nowhere = replace(sample, warehouse=tmp_path / "none")

    signatures = ["pack_signature_wrong"] * 2
    assert codes(sample, unpacked) == [*signatures, "pack_not_in_chain", "pack_not_recorded"]
    assert codes(nowhere, unpacked) == signatures
    # Signed throughout by somebody else: what is on paper tells.
    file.write_bytes(canonical(sign_again(content, FORGER)))
    list_anew(unpacked, FORGER)
    assert codes(nowhere, unpacked) == []
    found = verify(nowhere, unpacked, [honest.checkpoint])
    assert [one.code for one in found.findings] == ["pack_not_of_checkpoint"]
    found = verify(nowhere, unpacked, keys=[str(honest.key)])
    assert [one.code for one in found.findings] == ["pack_other_key"]


def test_a_pack_from_before_packs_were_signed_is_said_to_be_one(
    sample: Settings, unpacked: Path, tmp_path: Path
) -> None:
    file = unpacked / "decision.json"
    file.write_bytes(canonical(unsigned(json.loads(file.read_bytes()))))
    (unpacked / "manifest.sha256.sig").unlink()
    list_anew(unpacked)
    found = verify(replace(sample, warehouse=tmp_path / "none"), unpacked)

    assert found.sound
    assert [one.code for one in found.notes] == ["pack_of_earlier_rules", "no_chain_to_compare"]
    done = script(of=unpacked)
    assert done.returncode == 0
    assert "nothing binds its PDF, workbook and tables" in done.stdout
    assert script("--key", FORGER.public, of=unpacked).returncode == 2


def test_counts_that_do_not_match_the_rows_are_named(sample: Settings, unpacked: Path) -> None:
    file = unpacked / "decision.json"
    content = json.loads(file.read_bytes())
    del content["hash"], content["seq"], content["prev_hash"]
    content["clauses"][0]["met"] += 1
    file.write_bytes(canonical(content))
    list_anew(unpacked)
    found = verify(sample, unpacked)

    assert [one.code for one in found.findings] == ["pack_count_differs", "pack_signature_wrong"]
    assert catalogue().clauses[content["clauses"][0]["clause"]].title.zh in found.findings[0].text(
        "zh"
    )


def test_what_was_changed_comes_out_otherwise(
    unpacked: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row of the ledger, a cell of the snapshot, a rule."""
    file = unpacked / "rows" / "sla.response.csv"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    state = lines[1].split(",")[8]
    changed = lines[1].replace(f",{state},", ",pending,")
    file.write_text("".join([lines[0], changed, *lines[2:]]), encoding="utf-8")
    file = unpacked / "snapshot" / "inspections.parquet"
    with duckdb.connect() as con:
        con.execute(f"create table visits as from {literal(file)}")
        con.execute("update visits set report_delivered_on = performed_on + 400")
        con.execute(f"copy visits to {literal(file)} (format parquet)")
    file = unpacked / "models.csv"
    file.write_text(file.read_text(encoding="utf-8") + "rules/more.sql,0\n", encoding="utf-8")
    monkeypatch.setenv("KEPT_LANGUAGE", "en")
    status = app(["evidence", "--reproduce", str(unpacked)], standalone_mode=False)
    printed = capsys.readouterr()

    assert status == 2
    said = printed.out.splitlines()
    assert said[1].startswith("snapshot/inspections.parquet: the pack says ")
    assert any(line.startswith("rows/inspection.report.csv: the pack says ") for line in said)
    assert (
        f"rows/sla.response.csv: the pack says {changed.strip()}, computed: {lines[1].strip()}"
        in said
    ) or any(line.startswith("and ") for line in said)
    assert "models.csv: not, byte by byte, the file that is made anew" in said
    assert printed.err == "Note: the rules of this Kept are not those in the pack.\n"


def test_what_is_no_pack_is_refused(tmp_path: Path) -> None:
    other = evidence_case.put(tmp_path / "other.zip", "PK")
    for path in (other, tmp_path, tmp_path / "none.zip"):
        with pytest.raises(KeptError, match="pack_unreadable"):
            reproduce(path)


def test_a_decision_whose_ground_has_moved_gets_no_pack(sample: Settings, tmp_path: Path) -> None:
    content = the_record(sample).content
    moved = {**content, "rows": {**content["rows"], "sla.onsite": "0" * 64}}
    with pytest.raises(NothingDoneError) as refused:
        write_pack(sample, Record(moved), tmp_path)
    assert "sla.onsite" in catalogue().sentence(refused.value, "en")
    ruled = {**content, "hashes": {**content["hashes"], "models": "0" * 64}}
    with pytest.raises(NothingDoneError, match="pack_other_rules"):
        write_pack(sample, Record(ruled), tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- the script in the pack ----------------------------------------------------------------------


def script(*arguments: str | Path, of: Path) -> subprocess.CompletedProcess[str]:
    """Runs the pack's own script with nothing but Python."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(of / "verify.py"), *map(str, arguments)],
        cwd=of,
        env={"PATH": "", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_the_script_checks_folder_zip_and_checkpoint(
    sample: Settings, pack: Path, unpacked: Path
) -> None:
    record = the_record(sample)
    # All but the list of them and its signature.
    count = sum(file.is_file() for file in unpacked.rglob("*")) - 2
    for done in (
        script(of=unpacked),
        script(pack, of=unpacked),
        script(unpacked, "--checkpoint", record.checkpoint.text, of=unpacked),
    ):
        assert (done.returncode, done.stderr) == (0, "")
        first, second, *rest = done.stdout.splitlines()
        assert first == f"{count} 个文件均与写出时一致。"
        assert second == f"All {count} files are as they were written."
        assert record.hash in rest[0]

        assert f"Signed with the key {record.key}" in done.stdout

    done = script("--checkpoint", f"1 {'0' * 64}", of=unpacked)
    assert done.returncode == 2
    assert "The record is not the one of the checkpoint" in done.stdout
    assert script("--key", str(record.key), of=unpacked).returncode == 0
    done = script("--key", FORGER.public, of=unpacked)
    assert done.returncode == 2
    assert "which is none of those that may have signed" in done.stdout


def test_the_script_names_what_was_changed(pack: Path, unpacked: Path) -> None:
    flip(unpacked, "rows/sla.onsite.csv")
    done = script(of=unpacked)

    assert done.returncode == 2
    assert "证据包里的 rows/sla.onsite.csv 被改动过。" in done.stdout
    assert "rows/sla.onsite.csv in the pack does not match the hash in the record." in done.stdout
    assert done.stderr == ""
    # And of a zip that is cut off, that it is none.
    pack_cut = unpacked / "cut.zip"
    pack_cut.write_bytes(pack.read_bytes()[:-100])
    done = script(pack_cut, of=unpacked)
    assert (done.returncode, done.stderr) == (2, "")


# --- what people read ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The warehouse of evidence_case."""
    with evidence_case.few_models():
        yield evidence_case.make(tmp_path_factory.mktemp("small"))


def undecided(settings: Settings, contract: str) -> tuple[Dossier, dict[str, object]]:
    found = dossier(settings, contract)
    hashes = Proof(rows={}, logs="0" * 64, terms="1" * 64, models="2" * 64)
    return found, statement(found, hashes, "3" * 64)


def test_the_document_says_verdict_amounts_and_what_speaks_against(small: Settings) -> None:
    _, content = undecided(small, "HT-1")
    shown = document(content)

    assert shown["verdict"] == {"title": {"zh": "存在违约", "en": "Breaches"}, "tone": "bad"}
    amounts = {row["label"]["en"]: row["value"] for row in shown["amounts"]}
    assert amounts["Held"] == "CNY 5,000.00"
    assert amounts["Proposed deduction, without waivers"] == "CNY 500.00"
    assert amounts["Proposed deduction"] == "CNY 333.34"
    against = [entry["title"]["en"] for entry in shown["contrary"]]
    assert against[0] == "Response to a report: 1 breached"
    assert {"Rejected rows: 1", "Waiting rows: 1", "Training: never loaded"} <= set(against)
    assert shown["waivers"] == [["报修响应", "T-3", "停电", "张三", "李四", "2024-07-01", "✓"]]
    assert (shown["decision"], shown["checkpoint"]) == (None, None)
    assert [note["en"] for note in shown["notes"]] == [
        "Not decided: this is what is known, not a decision."
    ]
    bare = document(undecided(small, "HT-2")[1])["notes"]
    assert bare[0]["zh"] == "没有加载该合同的任何履约记录:什么都无从查看。"
    early = document(undecided(small, "HT-3")[1])["notes"]
    assert early[0]["en"] == "Not accepted yet: no due date, and the verdict is provisional."


def test_the_workbook_holds_text_never_a_formula(small: Settings, tmp_path: Path) -> None:
    found, content = undecided(small, "HT-1")
    hostile = Table("rows", "rows/", ("subject",), [["=1+1"], ["+2"], ["@x"], ["a\x01b"], [3]])
    for name in ("one.xlsx", "two.xlsx"):
        tables = [*summary_tables(content, found), hostile]
        write_workbook(content, tables, tmp_path / name)
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()

    book = openpyxl.load_workbook(tmp_path / "one.xlsx")
    assert book.sheetnames == [
        "概要 Summary", "条款 Clauses", "豁免 Waivers", "拒收 Rejected", "等待 Waiting",
        "逐项义务 Obligations",
    ]  # fmt: skip
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert "HT-1 =设备, 采购" in [cell.value for cell in cells]
    assert [cell.value for cell in book.worksheets[5]["A"]] == [
        "对象 subject", "=1+1", "+2", "@x", "a\ufffdb", 3,
    ]  # fmt: skip
    # Decimals came as text; counts are numbers that can be summed.
    clauses = book["条款 Clauses"]
    heading = [cell.value for cell in clauses[1]]
    response = next(row for row in clauses.iter_rows(values_only=True) if row[0] == "sla.response")
    assert response[heading.index("违约 breached")] == 1
    assert response[heading.index("扣款 deduction")] == "333.335"


def test_a_long_table_says_where_it_was_cut(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.evidence.workbook.MOST_ROWS", 2)
    _, content = undecided(small, "HT-2")
    table = Table("rows", "rows/", ("subject",), [["a"], ["b"], ["c"]])
    write_workbook(content, [table], tmp_path / "cut.xlsx")
    column = openpyxl.load_workbook(tmp_path / "cut.xlsx").worksheets[1]["A"]

    assert [cell.value for cell in column][1:3] == ["a", "b"]
    assert "Only the first 2 rows are here; rows/ has them all." in column[3].value


def test_the_pdf_brings_its_chinese_font_and_tells_no_time(unpacked: Path) -> None:
    raw = (unpacked / "decision.pdf").read_bytes()
    parts = [raw]
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", raw, re.DOTALL):
        with suppress(zlib.error):
            parts.append(zlib.decompress(packed))
    whole = b"".join(parts)

    assert b"/FontFile" in whole
    assert chinese_font().family.split()[0].encode() in whole
    for stamp in (b"CreationDate", b"ModDate", b"CreateDate", b"ModifyDate"):
        assert stamp not in whole


def test_text_is_never_taken_for_markup_in_the_pdf(font: None) -> None:
    template = (
        '#let data = json("data.json")\n#set document(date: none)\n'
        "#set text(font: sys.inputs.font)\n#data.text"
    )
    hostile = '#read("/etc/passwd") = $ * _ <a> \\ ` @b'
    made = compile_pdf(template, {"text": hostile})

    assert made.startswith(b"%PDF-")
    assert compile_pdf(template, {"text": hostile}) == made
    assert b"CreationDate" not in made


def test_without_a_font_for_chinese_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pdf, "_folders", lambda: iter(()))
    chinese_font.cache_clear()
    try:
        with pytest.raises(KeptError) as refused:
            compile_pdf("", {})
    finally:
        chinese_font.cache_clear()
    assert "fonts-noto-cjk" in catalogue().sentence(refused.value, "zh")


@pytest.mark.parametrize(
    ("names", "family", "taken"),
    [
        (
            ["NotoSerifCJK-Regular.ttc", "NotoSansCJK-Regular.ttc", "NotoSansCJK-Light.ttc"],
            "Noto Sans CJK SC", ["NotoSansCJK-Regular.ttc"],
        ),
        (["SourceHanSansSC-Bold.otf", "SourceHanSansSC-Regular.otf"], "Source Han Sans SC",
         ["SourceHanSansSC-Bold.otf", "SourceHanSansSC-Regular.otf"]),
        (["wqy-zenhei.ttc", "DejaVuSans.ttf"], "WenQuanYi Zen Hei", ["wqy-zenhei.ttc"]),
    ],
)  # fmt: skip
def test_the_font_is_found_where_the_system_keeps_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    family: str,
    taken: list[str],
) -> None:
    for name in names:
        (tmp_path / "deep").mkdir(exist_ok=True)
        (tmp_path / "deep" / name).touch()
    monkeypatch.setattr(pdf, "_folders", lambda: iter((tmp_path, tmp_path / "none")))
    chinese_font.cache_clear()
    try:
        font = chinese_font()
    finally:
        chinese_font.cache_clear()
    assert (font.family, [file.name for file in font.files]) == (family, taken)
