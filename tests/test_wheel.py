"""The wheel in a place of its own: installed without the checkout, it loads, reports and serves."""

import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

import etl
from etl.config import sample_folder
from etl.ledger import computed_clauses, fingerprint

STARTING_SECONDS = 120
Run = Callable[..., str]


@pytest.fixture(scope="module")
def place(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it. Its dependencies are lent by this one, by path alone.

    Lent so, the editable install of the checkout is not: a .pth file counts only in a folder that
    the environment itself calls its own.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    scheme = "nt_venv" if os.name == "nt" else "posix_venv"
    paths = sysconfig.get_paths(scheme, {"base": str(folder), "platbase": str(folder)})
    lent = Path(paths["purelib"]) / "lent.pth"
    lent.write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    python = Path(paths["scripts"]) / Path(sys.executable).name
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check",
         "install", "--quiet", "--no-deps", "--no-index", "--force-reinstall", str(wheel)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return Path(paths["scripts"])


@pytest.fixture(scope="module")
def run(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command of that environment, elsewhere than in the checkout; what it printed."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def ran(*command: str) -> str:
        done = subprocess.run(
            [str(place / command[0]), *command[1:]],
            cwd=elsewhere,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return ran


def environment() -> dict[str, str]:
    """This one's, with nothing in it that leads to the checkout or to a screen."""
    left_out = ("KEPT_", "PYTHON", "VIRTUAL_ENV", "DISPLAY", "WAYLAND_DISPLAY")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


def test_nothing_comes_from_the_checkout(place: Path, root: Path, run: Run) -> None:
    code = (
        "import sys, etl, dashboard; from etl.config import sample_folder; "
        "from etl.ledger import fingerprint; "
        "print(etl.__file__, dashboard.__file__, sample_folder(), fingerprint(), *sys.path)"
    )
    etl_file, dashboard_file, sample, rules, *searched = run("python", "-c", code).split()
    for found in (etl_file, dashboard_file, sample):
        assert Path(found).is_relative_to(place.parent)
    assert str(root) not in searched
    assert rules == fingerprint()
    assert sorted(file.name for file in Path(sample).iterdir()) == sorted(
        file.name for file in sample_folder().iterdir()
    )


def test_it_loads_and_reports(run: Run) -> None:
    assert run("kept", "--version") == f"kept {etl.__version__}\n"
    run("kept", "sample", "exports", "--tickets", "60")
    loaded = json.loads(run("kept", "load", "exports", "--json"))
    counted = sum(file["new"] for file in loaded["files"] if file["log"] == "tickets")
    report = json.loads(run("kept", "report", "--json"))
    assert counted >= 60
    assert report["as_of"].startswith("2026-09-30")
    assert len(report["contracts"]) == 3
    for figures in report["contracts"].values():
        assert list(figures["clauses"]) == list(computed_clauses())


def test_it_serves_its_own_sample(place: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, output = f"http://127.0.0.1:{port}", tmp_path / "said.txt"
    with output.open("wb") as said:
        server = subprocess.Popen(
            [str(place / "kept"), "serve", "--demo", "--port", str(port)],
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            assert answer(f"{address}/_stcore/health", server, output) == "ok"
            page = answer(address, server, output)
            assert '<div id="root"></div>' in page
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=30) == 0, output.read_text(encoding="utf-8")
        finally:
            server.kill()
            server.wait()
    assert [file.name for file in tmp_path.iterdir()] == ["said.txt"]


def answer(url: str, server: subprocess.Popen[bytes], output: Path) -> str:
    """What is at `url`, once the server answers."""
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(url, timeout=5) as response:
                return str(response.read().decode())
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(output.read_text(encoding="utf-8"))
