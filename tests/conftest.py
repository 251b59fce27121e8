"""What every test starts from: none of the person's own settings, the same examples each time."""

import os
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
