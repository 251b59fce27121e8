"""Readers while files are loaded and undone, for some seconds; minutes are in benchmarks/."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.endurance import endure
from tests import dashboard_data


def test_readers_see_no_error_while_files_are_loaded_and_undone(tmp_path: Path):
    dashboard_data.write(tmp_path / "exports")

    # In a thread of its own: a browser opened by other tests may have a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        seen = thread.submit(endure, 4, 10.0, tmp_path / "exports", tmp_path).result()

    assert seen.trouble == []
    assert seen.runs >= 8
    assert seen.writes >= 2
    assert seen.elements["metric"] > 0
