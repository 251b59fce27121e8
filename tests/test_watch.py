"""The watched folder: what appears is loaded once whole, then moved with the reasons beside it."""

import pytest

from etl.config import Settings
from etl.errors import KeptError
from etl.intake.load import load
from etl.intake.watch import watch
from etl.store import Warehouse

CONTRACTS = "contract_id,name,vendor,amount\nHT-1,Clinic,Acme,100000\n"
EQUIPMENT = "equipment_id,contract_id,department\nE-1,HT-1,Ward\n,HT-1,Ward\n"


class Folder:
    """A watched folder; what happens between two looks is given step by step."""

    def __init__(self, path):
        self.path = path / "in"
        self.path.mkdir()
        self.settings = Settings(path / "warehouse")

    def watch(self, *steps):
        left = list(steps)

        def pause():
            if not left:
                return False
            left.pop(0)()
            return True

        return list(
            watch(self.settings, self.path, lambda file: load(self.settings, [file]), pause=pause)
        )

    def write(self, name, text):
        return lambda: (self.path / name).write_text(text, encoding="utf-8")

    def names(self, place):
        return sorted(file.name for file in (self.path / place).glob("*"))


def nothing():
    pass


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_a_file_is_loaded_when_it_stopped_growing_and_moved(folder):
    growing = folder.write("contracts.csv", CONTRACTS[:20])
    whole = folder.write("contracts.csv", CONTRACTS)

    found = folder.watch(growing, whole, nothing)

    assert [(one.file, one.loaded.files[0].new) for one in found] == [("contracts.csv", 1)]
    assert folder.names(".") == ["done"]
    assert folder.names("done") == ["contracts.csv"]


def test_a_refused_file_lies_in_failed_with_its_reason_in_both_languages(folder):
    [one] = folder.watch(folder.write("odd.csv", "a,b\n1,2\n"), nothing)

    assert one.error.code == "log_unknown"
    assert folder.names("failed") == ["odd.csv", "odd.csv.txt"]
    said = (folder.path / "failed" / "odd.csv.txt").read_text(encoding="utf-8").splitlines()
    assert "odd.csv" in said[0] and "odd.csv" in said[1]
    assert not Warehouse(folder.settings).manifest().batches


def test_rejected_rows_lie_beside_the_loaded_file_ready_to_be_corrected(folder):
    def both():
        folder.write("1.csv", CONTRACTS)()
        folder.write("2.csv", EQUIPMENT)()

    folder.watch(both, nothing)

    assert folder.names("done") == [
        "1.csv", "2.csv", "2.csv.00002-equipment.rejects.csv", "2.csv.txt",
    ]  # fmt: skip
    rejects = folder.path / "done" / "2.csv.00002-equipment.rejects.csv"
    [header, row] = rejects.read_text(encoding="utf-8-sig").splitlines()
    assert header.startswith("equipment_id,contract_id,department")
    assert row.startswith(",HT-1,Ward,")


def test_a_second_file_of_one_name_does_not_replace_the_first(folder):
    folder.watch(
        folder.write("contracts.csv", CONTRACTS), nothing,
        folder.write("contracts.csv", CONTRACTS), nothing,
    )  # fmt: skip

    first, second = folder.names("done")
    assert "contracts.csv" in (first, second)
    assert all(name.startswith("contracts") and name.endswith(".csv") for name in (first, second))


def test_what_is_half_written_or_no_table_is_left_alone(folder):
    def others():
        folder.write("~$open.xlsx", "x")()
        folder.write("half.csv.part", CONTRACTS)()
        folder.write("note.md", "x")()

    assert folder.watch(others, nothing, nothing) == []
    assert folder.names(".") == ["half.csv.part", "note.md", "~$open.xlsx"]


def test_while_another_writer_holds_the_warehouse_the_file_waits_and_is_tried_again(folder):
    folder.settings = Settings(folder.settings.warehouse, lock_timeout_seconds=0.01)
    Warehouse(folder.settings).root.mkdir()
    lock = Warehouse(folder.settings).lock()

    found = folder.watch(
        lambda: (folder.write("contracts.csv", CONTRACTS)(), lock.__enter__()),
        nothing,
        lambda: lock.__exit__(None, None, None),
    )

    assert [one.error and one.error.code for one in found] == ["warehouse_busy", None]
    assert folder.names("done") == ["contracts.csv"]


def test_a_folder_that_is_none_is_said(tmp_path):
    with pytest.raises(KeptError) as error:
        next(watch(Settings(tmp_path), tmp_path / "no", lambda _file: None, pause=lambda: False))

    assert error.value.code == "watch_no_folder"
