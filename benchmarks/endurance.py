"""Readers for minutes, while files are loaded and taken back: no error, and no growing memory.

    python -m benchmarks.endurance [--readers 20] [--minutes 10] [--tickets 5000]

Serves the dashboard on a sample; each reader opens pages and changes filters every few seconds, one
writer loads a file and undoes it, over and over. Prints JSON; the exit status is 1 where the log
has an error, a page showed Streamlit's own box, or memory grew after the second minute.
"""

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.sessions import PERIODS, connected, run, served

KEPT = (sys.executable, "-m", "etl")
THINK_SECONDS = (1.0, 5.0)
PAUSE_SECONDS = 5.0
MEASURED_SECONDS = 2.0
LEVEL_SECONDS = 60.0
WARM_SECONDS = 120.0
"""When the caches that readers share are full, and memory has its level."""
MOST_GROWTH = 1.1
PAGES = (
    "", "sla", "availability", "warranty", "inspections", "spares", "complaints", "delivery",
    "promises", "retention", "data",
)  # fmt: skip
CONTRACT = "contract_id,name,vendor,amount,accepted_on\nENDURANCE,Readers,Kept,1,2025-01-01\n"
TICKETS = "ticket_id,contract_id,service_type,channel,reported_at,responded_at\n"
_TROUBLE = re.compile(r"Traceback|Error|Exception|CRITICAL", re.IGNORECASE)


@dataclass
class Seen:
    """What happened: runs of pages, changes written, and what went wrong."""

    runs: int = 0
    writes: int = 0
    elements: Counter[str] = field(default_factory=Counter)
    trouble: list[str] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)

    def level(self, since: float, until: float) -> float:
        """The median of the memory in that time, in bytes; seconds from the begin."""
        return median(size for at, size in self.memory if since <= at < until)


def endure(readers: int, seconds: float, exports: Path, folder: Path) -> Seen:
    """Lets that many readers and one writer work on what is in `exports` for so long."""
    warehouse, log = folder / "warehouse", folder / "log.txt"
    _kept("load", str(exports), "--warehouse", str(warehouse))
    seen = Seen()
    with served(warehouse, log) as (port, server):
        asyncio.run(_all(seen, port, server.pid, readers, seconds, warehouse, folder))
        if server.poll() is not None:
            seen.trouble.append(f"the server ended with {server.returncode}")
    if seen.elements["exception"]:
        seen.trouble.append(f"{seen.elements['exception']} of Streamlit's own error boxes")
    seen.trouble += [line for line in log.read_text("utf-8").splitlines() if _TROUBLE.search(line)]
    return seen


async def _all(
    seen: Seen, port: int, pid: int, readers: int, seconds: float, warehouse: Path, folder: Path
) -> None:
    over = threading.Event()
    await asyncio.gather(
        *(_read(seen, port, number, over) for number in range(readers)),
        asyncio.to_thread(_write, seen, warehouse, folder, seconds, over),
        asyncio.to_thread(_measure, seen, pid, over),
    )


async def _read(seen: Seen, port: int, number: int, over: threading.Event) -> None:
    """One reader; the connection must last."""
    chance = random.Random(number)
    async with connected(f"127.0.0.1:{port}") as socket:
        while not over.is_set():
            query = f"lang={chance.choice(('zh', 'en'))}&period={chance.choice(PERIODS)}"
            await run(socket, query, chance.choice(PAGES), seen.elements)
            seen.runs += 1
            await asyncio.sleep(chance.uniform(*THINK_SECONDS))


def _write(
    seen: Seen, warehouse: Path, folder: Path, seconds: float, over: threading.Event
) -> None:
    """Loads a small file and undoes it, once at least and until the time is over."""
    end = time.monotonic() + seconds
    contract, tickets = folder / "contracts.csv", folder / "tickets.csv"
    contract.write_text(CONTRACT, encoding="utf-8")
    try:
        _kept("load", str(contract), "--warehouse", str(warehouse))
        while not seen.writes or time.monotonic() < end:
            row = f"ENDURANCE-{seen.writes},ENDURANCE,software_fault,phone,2026-03-01 08:00,"
            tickets.write_text(f"{TICKETS}{row}2026-03-01 08:10\n", encoding="utf-8")
            done = json.loads(_kept("load", str(tickets), "--warehouse", str(warehouse), "--json"))
            _kept("undo", done["files"][0]["batch"], "--warehouse", str(warehouse))
            seen.writes += 2
            over.wait(min(PAUSE_SECONDS, max(0.0, end - time.monotonic())))
    finally:
        over.set()


def _measure(seen: Seen, pid: int, over: threading.Event) -> None:
    status, began = Path(f"/proc/{pid}/status"), time.monotonic()
    while not over.wait(MEASURED_SECONDS) and status.exists():
        found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text(encoding="utf-8"))
        if found:
            seen.memory.append((time.monotonic() - began, int(found[1]) * 1024))


def _kept(*arguments: str) -> str:
    done = subprocess.run([*KEPT, *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Endures as asked; 1 where something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance", description=__doc__)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--tickets", type=int, default=5000)
    asked = parser.parse_args(arguments)
    seconds = 60 * asked.minutes
    with tempfile.TemporaryDirectory(prefix="endurance-") as made:
        folder = Path(made)
        _kept("sample", str(folder / "exports"), "--tickets", str(asked.tickets))
        seen = endure(asked.readers, seconds, folder / "exports", folder)
    found = {name: value for name, value in asdict(seen).items() if name != "memory"}
    if seen.memory and seconds >= WARM_SECONDS + 2 * LEVEL_SECONDS:
        last = seen.memory[-1][0]
        before = seen.level(WARM_SECONDS, WARM_SECONDS + LEVEL_SECONDS)
        after = seen.level(last - LEVEL_SECONDS, last)
        found["memory_bytes"], found["memory_bytes_at_end"] = before, after
        if after > MOST_GROWTH * before:
            seen.trouble.append(f"memory grew from {before / 1e6:.0f} to {after / 1e6:.0f} MB")
    print(json.dumps(found, ensure_ascii=False, indent=1))
    return 1 if seen.trouble else 0


if __name__ == "__main__":
    sys.exit(main())
