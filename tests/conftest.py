"""What every test starts from: none of the person's own settings, the same examples each time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure, and CI must judge a change, not the day's luck.
settings.register_profile("kept", deadline=None, derandomize=True)
settings.load_profile("kept")


@pytest.fixture(autouse=True)
def no_settings_of_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("KEPT_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(folder)],
        cwd=root,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def retention_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contracts of tests/retention_data.py, loaded; to read from, or to copy."""
    from tests import retention_data

    return retention_data.make_warehouse(tmp_path_factory.mktemp("retention"))
