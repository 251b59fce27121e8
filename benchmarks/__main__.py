"""Measures Kept, prints a table and writes build/bench/results.json; see README.md."""

import argparse
import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
from openpyxl import Workbook
from rich.console import Console
from rich.table import Table

import etl

ROOT = Path(__file__).parent.parent
KEPT = (sys.executable, "-m", "etl")
ENOUGH_SECONDS = 120
SLOWEST = 10
SESSIONS = (1, 5, 20)
_BYTES = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Run:
    """One process: how long it took, how much memory it held at most, what it printed."""

    seconds: float
    peak_bytes: int
    said: Any

    def part(self, *path: str) -> "Run":
        """What it says that a part of it took."""
        said = self.said
        for name in path:
            said = said[name]
        return replace(self, seconds=said["seconds"], said=said)


@dataclass(frozen=True)
class Measure:
    """Medians of something and of what it is measured against."""

    name: str
    against: str
    seconds: float
    against_seconds: float
    peak_bytes: int
    against_peak_bytes: int
    runs: int

    @property
    def ratio(self) -> float:
        """How many times as long as the other it took."""
        return self.seconds / self.against_seconds


def main() -> None:
    """Measures every size that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--tickets", default="100000,1000000", help="sizes, commas between")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side, at most")
    parser.add_argument("--sheet", type=int, default=0, metavar="ROWS", help="a large XLSX as well")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench")
    asked = parser.parse_args()
    results: dict[str, Any] = {"machine": machine(), "sizes": {}}
    for tickets in map(int, asked.tickets.split(",")):
        folder = asked.folder / str(tickets)
        results["sizes"][tickets] = measure_size(folder, tickets, asked.repeats)
    if asked.sheet:
        results["sheet"] = measure_sheet(asked.folder, asked.sheet, asked.repeats)
    target = asked.folder / "results.json"
    target.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(target)


def machine() -> dict[str, object]:
    """What it was measured on."""
    return {
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.system(),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "kept": etl.__version__,
    }


def measure_size(folder: Path, tickets: int, repeats: int) -> dict[str, Any]:
    """All that is measured with so many tickets; makes the exports where they are not there."""
    exports, text, warehouse = folder / "exports", folder / "text", folder / "warehouse"
    if not text.exists():
        run(*KEPT, "sample", exports, "--tickets", tickets)
        write_as_text(exports, text)

    def load() -> Run:
        shutil.rmtree(warehouse, ignore_errors=True)
        return run(*KEPT, "load", exports, "--warehouse", warehouse, "--json")

    loads, reads = alternate(load, lambda: side("read_csv", text), repeats)
    builds, services = alternate(
        lambda: side("build", warehouse, "all").part(),
        lambda: side("build", warehouse, "service").part(),
        repeats,
    )
    pages, views = alternate(
        lambda: side("pages", warehouse, "marts"),
        lambda: side("pages", warehouse, "views"),
        repeats,
    )
    measures = [
        compare("kept load", "read_csv", loads, reads),
        compare("all models", "those of service alone", builds, services),
    ]
    for page, asked in pages[0].said.items():
        if not asked["statements"]:
            continue
        one, other = ([run.part(page) for run in runs] for runs in (pages, views))
        assert {run.said["rows"] for run in one} == {run.said["rows"] for run in other}, page
        name = f"page {page} ({asked['statements']} queries)"
        measures.append(compare(name, "computed when asked", one, other))
    readers = [
        run(sys.executable, "-m", "benchmarks.sessions", warehouse, count).said
        for count in SESSIONS
    ]
    counts: Counter[str] = Counter()
    for file in loads[-1].said["files"]:
        counts[file["log"]] += file["new"]
    models = {
        name: median(run.said["models"][name] for run in builds)
        for name in builds[0].said["models"]
    }
    show(f"{tickets:,} tickets", counts, measures)
    show_readers(readers)
    show_slowest(models)
    return {
        "rows": counts,
        "exports_bytes": size_of(exports),
        "warehouse_bytes": size_of(warehouse),
        "measures": [{**asdict(one), "ratio": one.ratio} for one in measures],
        "models": models,
        "readers": readers,
    }


def measure_sheet(folder: Path, rows: int, repeats: int) -> dict[str, Any]:
    """Reading one large sheet of tickets."""
    workbook = folder / f"{rows}.xlsx"
    if not workbook.exists():
        write_sheet(next(folder.glob("*/text/*教育局*.csv")), workbook, rows)
    kept, other = alternate(
        lambda: side("sheet", workbook, "kept"),
        lambda: side("sheet", workbook, "openpyxl"),
        repeats,
    )
    measure = compare(f"XLSX, {rows:,} rows", "openpyxl, read only", kept, other)
    show("A large sheet", {}, [measure])
    return {**asdict(measure), "ratio": measure.ratio}


def side(name: str, *arguments: object) -> Run:
    """Runs one of sides.py."""
    return run(sys.executable, "-m", "benchmarks.sides", name, *arguments)


def run(*command: object) -> Run:
    """Runs a command to its end."""
    environment = {name: value for name, value in os.environ.items() if name[:5] != "KEPT_"}
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [str(word) for word in command], cwd=ROOT, env=environment, stdout=out, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            raise SystemExit(errors.read().decode()[-2000:])
        said = out.read()
    printed = json.loads(said) if said.startswith((b"{", b"n")) else None
    return Run(seconds, used.ru_maxrss * _BYTES, printed)


def alternate(
    one: Callable[[], Run], other: Callable[[], Run], repeats: int
) -> tuple[list[Run], list[Run]]:
    """Runs both in turn, `repeats` times or until that has taken long enough."""
    runs: tuple[list[Run], list[Run]] = ([], [])
    began = time.perf_counter()
    for _ in range(repeats):
        runs[0].append(one())
        runs[1].append(other())
        if time.perf_counter() - began > ENOUGH_SECONDS:
            break
    return runs


def compare(name: str, against: str, runs: Sequence[Run], others: Sequence[Run]) -> Measure:
    """The medians of both."""
    return Measure(
        name,
        against,
        median(run.seconds for run in runs),
        median(run.seconds for run in others),
        round(median(run.peak_bytes for run in runs)),
        round(median(run.peak_bytes for run in others)),
        len(runs),
    )


def show(title: str, counts: dict[str, int], measures: Sequence[Measure]) -> None:
    """Prints what was measured."""
    table = Table("", "seconds", "GB", "against", "seconds", "GB", "times", "runs", title=title)
    for column in table.columns:
        column.justify = "left" if column.header in ("", "against") else "right"
    for one in measures:
        times = f"{one.ratio:.2f}" if one.ratio >= 0.1 else f"1/{1 / one.ratio:.0f}"
        table.add_row(
            one.name, f"{one.seconds:.3f}", f"{one.peak_bytes / 1e9:.2f}",
            one.against, f"{one.against_seconds:.3f}", f"{one.against_peak_bytes / 1e9:.2f}",
            times, str(one.runs),
        )  # fmt: skip
    console = Console(width=120)
    console.print(table)
    if counts:
        console.print("Rows: " + ", ".join(f"{log} {rows:,}" for log, rows in counts.items()))


def show_readers(readers: Sequence[dict[str, Any]]) -> None:
    """Prints how the overview did with so many readers at once, and drawn in a browser."""
    table = Table(
        "readers", "first drawn", "opened", "changed", "p95", "most KB", "server GB",
        title="The overview, seconds as told by the server",
    )  # fmt: skip
    for one in readers:
        seconds = ("first_seconds", "opened_seconds", "changed_seconds", "changed_p95_seconds")
        table.add_row(
            str(one["sessions"]),
            *(f"{one[name]:.2f}" for name in seconds),
            f"{one['most_bytes'] / 1e3:.0f}",
            f"{(one['server_peak_bytes'] or 0) / 1e9:.2f}",
        )
    console = Console(width=120)
    console.print(table)
    for drawn in (one["drawn"] for one in readers if one["drawn"]):
        said = ", ".join(f"{name.split('_')[0]} {value:.2f} s" for name, value in drawn.items())
        console.print(f"In a browser: {said}")


def show_slowest(models: dict[str, float]) -> None:
    """Prints the models that take longest to build."""
    table = Table("model", "seconds", title="The slowest models")
    for name in sorted(models, key=models.__getitem__, reverse=True)[:SLOWEST]:
        table.add_row(name, f"{models[name]:.3f}")
    Console(width=120).print(table)


def write_as_text(exports: Path, target: Path) -> None:
    """The text files of `exports` as any reader of CSV takes them: in UTF-8, the header first."""
    partial = target.with_name("text.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for file in exports.glob("*.csv"):
        try:
            content = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            content = file.read_text(encoding="gb18030")
        if content.startswith("sep="):
            content = content.split("\n", 1)[1]
        (partial / file.name).write_text(content, encoding="utf-8")
    partial.rename(target)


def write_sheet(text: Path, target: Path, rows: int) -> None:
    """A workbook with the rows of a CSV file, over and over, until there are enough."""
    with text.open(encoding="utf-8", newline="") as file:
        header, *body = csv.reader(file)
    book = Workbook(write_only=True)
    page = book.create_sheet()
    page.append(header)
    for number in range(rows):
        page.append([f"{number}-{body[number % len(body)][0]}", *body[number % len(body)][1:]])
    book.save(target)


def size_of(folder: Path) -> int:
    """The bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    main()
