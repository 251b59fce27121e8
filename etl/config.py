"""Settings; the only reader of the environment."""

import getpass
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from etl.errors import KeptError
from etl.intake.read import Limits

DEFAULT_TIMEZONE = "Asia/Shanghai"
_ALLOWED_HOST = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?/?"
)


@dataclass(frozen=True)
class AllowedHost:
    """A host that the pages may be asked under; `scheme` and `port` where they were named."""

    name: str
    scheme: str | None = None
    port: int | None = None


@dataclass(frozen=True)
class Staging:
    """What uploads may take on the disk before they are loaded: of one session, and of all."""

    session_bytes: int = 16 << 30
    all_bytes: int = 32 << 30
    session_files: int = 500


@dataclass(frozen=True)
class Settings:
    """Where the warehouse is, which clock its figures follow, how Kept speaks.

    `timezone` is None where nobody named one: a warehouse then keeps its own. `state` is None for
    the folder beside the warehouse. Decisions are time-stamped where `timestamp_url` names an
    authority (RFC 3161), whose certificates are in the PEM file `timestamp_certificates`.
    """

    warehouse: Path
    timezone: str | None = None
    language: str = "en"
    person: str = "unknown"
    allowed_hosts: tuple[AllowedHost, ...] = ()
    lock_timeout_seconds: float = 600
    limits: Limits = field(default_factory=Limits)
    staging: Staging = field(default_factory=Staging)
    state: Path | None = None
    timestamp_url: str | None = None
    timestamp_certificates: Path | None = None

    @property
    def state_folder(self) -> Path:
        """The folder of the signing key and the last checkpoint, outside the warehouse."""
        return self.state or Path(f"{os.path.abspath(self.warehouse)}.state")

    @classmethod
    def from_environment(
        cls, warehouse: Path | None = None, timezone: str | None = None
    ) -> "Settings":
        """The environment's settings; what the caller names comes first.

        Raises KeptError where the time zone does not exist or a setting cannot be read.
        """
        zone = timezone or os.environ.get("KEPT_TIMEZONE") or None
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise KeptError("timezone_unknown", timezone=zone) from error
        defaults = Limits()
        return cls(
            warehouse=warehouse or Path(os.environ.get("KEPT_WAREHOUSE") or "warehouse"),
            timezone=zone,
            language=cls.language_of_environment(),
            person=_person(),
            allowed_hosts=_allowed_hosts(os.environ.get("KEPT_ALLOWED_HOSTS", "")),
            limits=Limits(
                max_file_bytes=_number("KEPT_MAX_FILE_BYTES", defaults.max_file_bytes),
                max_columns=_number("KEPT_MAX_COLUMNS", defaults.max_columns),
            ),
            staging=Staging(
                session_bytes=_number("KEPT_MAX_SESSION_STAGED_BYTES", Staging.session_bytes),
                all_bytes=_number("KEPT_MAX_STAGED_BYTES", Staging.all_bytes),
            ),
            state=_path("KEPT_STATE"),
            timestamp_url=os.environ.get("KEPT_TIMESTAMP_URL") or None,
            timestamp_certificates=_path("KEPT_TIMESTAMP_CERTIFICATES"),
        )

    @staticmethod
    def language_of_environment() -> str:
        """The language Kept speaks on the command line: zh or en."""
        variables = ("KEPT_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
        named = next((value for name in variables if (value := os.environ.get(name))), "")
        return "zh" if named.lower().startswith(("zh", "chinese")) else "en"

    @staticmethod
    def debugging() -> bool:
        """Whether an unexpected error is to show its traceback."""
        return bool(os.environ.get("KEPT_DEBUG"))


def sample_folder() -> Path:
    """The sample exports: beside the sources, or inside the installed package."""
    installed = Path(__file__).parent / "sample_data"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "data" / "sample"


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _allowed_hosts(text: str) -> tuple[AllowedHost, ...]:
    """The hosts of a list with commas; each `name`, `name:port` or the begin of an address."""
    found = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        parts = _ALLOWED_HOST.fullmatch(entry.lower())
        if parts is None:
            raise KeptError("allowed_host_unreadable", entry=entry)
        port = None if parts["port"] is None else int(parts["port"])
        found.append(AllowedHost(parts["name"], parts["scheme"], port))
    return tuple(found)


def _path(name: str) -> Path | None:
    return Path(text) if (text := os.environ.get(name)) else None


def _number(name: str, default: int) -> int:
    text = os.environ.get(name)
    if not text:
        return default
    if not text.isdecimal():
        raise KeptError("setting_not_a_number", name=name, value=text)
    return int(text)
