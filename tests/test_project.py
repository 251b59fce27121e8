"""The project's own shape: what is in the repository, in the locks and in the wheel."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import etl

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
# Put together here, so that this file does not hold what it forbids.
ELSEWHERE = re.compile(
    "|".join(
        (
            r"py" + r"pi\.org",
            r"python" + r"hosted\.org",
            r"npm" + r"js\.(org|com)",
            r"deb" + r"\.debian\.org",
            r"--(extra-)?index" + r"-url[ =]",
            r"(?<![\w.])/" + r"work/",
            r"(?<![\w.])/" + r"root/",
            r"(?<![\w.])/" + r"home/\w",
        )
    )
)
NEIGHBOUR = re.compile(r"\.\./" + "shared|" + r"[\"']" + r"shared[\"']")
ADDRESS = re.compile(r"https?://(?!localhost|127\.0\.0\.1|www\.w3\.org/|\{)")


def _files(*patterns: str) -> list[Path]:
    """The files that are in the repository or would be with the next `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = listed.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _pyproject() -> dict[str, object]:
    return tomllib.loads(_text(ROOT / "pyproject.toml"))


def test_no_file_names_a_registry_or_a_machine():
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in _files()
        for match in ELSEWHERE.finditer(_text(file))
    ]

    assert found == []


def test_at_most_one_test_reads_the_letter_beside_the_project():
    found = [file.relative_to(ROOT) for file in _files() if NEIGHBOUR.search(_text(file))]

    assert len(found) <= 1
    assert all(file.parts[0] == "tests" for file in found)


def test_the_dashboard_loads_nothing_from_outside():
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in _files("dashboard", ".streamlit")
        for line in _text(file).splitlines()
        if ADDRESS.search(line)
    ]

    assert found == []


def test_only_the_settings_read_the_environment():
    readers = {
        str(file.relative_to(ROOT))
        for file in _files("etl/*.py", "dashboard/*.py")
        if re.search(r"os\.environ|getenv", _text(file))
    }

    # The server hands the settings on to the pages, and asks whether there is a screen.
    assert readers == {"etl/config.py", "dashboard/server.py"}


@pytest.mark.parametrize(("pattern", "limit"), [("dashboard/app.py", 40), ("dashboard/views", 80)])
def test_pages_stay_short(pattern, limit):
    lengths = {
        str(file.relative_to(ROOT)): len(_text(file).splitlines()) for file in _files(pattern)
    }

    assert {name: length for name, length in lengths.items() if length > limit} == {}


def test_the_command_starts_without_the_browser_side():
    heavy = "{'streamlit', 'plotly', 'dashboard'}"
    code = f"import sys, etl.cli; print(sorted({heavy} & set(sys.modules)))"

    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )

    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_place_and_hashes_everything(name):
    text = _text(ROOT / name)
    entries = re.split(r"\n(?=\S)", text.strip())

    assert "://" not in text
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_the_locks_hold_what_the_project_asks_for():
    asked = _pyproject()
    run = [*asked["project"]["dependencies"], *asked["dependency-groups"]["build"]]
    dev = [*run, *asked["dependency-groups"]["dev"]]

    for name, wanted in zip(LOCKS, (run, dev), strict=True):
        locked = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", _text(ROOT / name), re.MULTILINE))
        unmet = [
            line
            for line in wanted
            if not Requirement(line).specifier.contains(
                locked.get(canonicalize_name(Requirement(line).name), "0")
            )
        ]
        assert unmet == []


def test_both_locks_hold_the_same_versions():
    run, dev = (set(re.findall(r"^[\w.-]+==[^\s;]+", _text(ROOT / name), re.M)) for name in LOCKS)

    assert run <= dev


def test_the_wheel_carries_its_data(wheel):
    with zipfile.ZipFile(wheel) as archive:
        carried = set(archive.namelist())

    wanted = {
        str(file.relative_to(ROOT))
        for file in _files("etl", "dashboard")
        if file.suffix in (".py", ".sql", ".toml", ".typ", ".css", ".svg", ".woff2")
    }
    wanted |= {f"etl/sample_data/{file.name}" for file in _files("data/sample")}
    wanted.add("dashboard/.streamlit/config.toml")
    assert wanted - carried == set()


def test_the_changelog_knows_this_version():
    assert f"## [{etl.__version__}]" in _text(ROOT / "CHANGELOG.md")
