"""Serves the dashboard: Streamlit with the project's settings, wherever it is started from."""

import os
import signal
import socket
import sys
import threading
import tomllib
import webbrowser
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from streamlit import config

from dashboard.core import CoreRoutes
from dashboard.early_parts import EarlyParts
from dashboard.headers import SafeHeaders
from dashboard.health import healthz
from dashboard.origins import Hosts, OwnPagesOnly, is_every_address, is_loopback
from dashboard.uploads import StreamedUploads
from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError

APP = Path(__file__).with_name("app.py")
PORT = 8501


def serve(
    settings: Settings,
    port: int | None = None,
    host: str = "127.0.0.1",
    open_browser: bool = True,
    open_to_everyone: bool = False,
) -> int:
    """Serve the dashboard on `settings.warehouse` until interrupted; 0 when it ends.

    Port 0 takes any free one. Raises KeptError when the address cannot be listened on, or is
    reached from other machines and `open_to_everyone` does not say that it may be.
    """
    port = PORT if port is None else port
    host = host.strip("[]").lower()
    if not is_loopback(host):
        if not open_to_everyone:
            raise KeptError("host_without_sign_in", host=host)
        print(
            catalogue().message("open_to_everyone", settings.language, host=host), file=sys.stderr
        )
    _refuse_taken(host, port)

    @asynccontextmanager
    async def announce(_app: st.App) -> AsyncIterator[None]:
        shown = "localhost" if is_every_address(host) else f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{config.get_option('server.port')}"
        print(catalogue().message("serving", settings.language, url=url), flush=True)
        threading.Thread(target=_get_ready, args=(settings,), daemon=True).start()
        if open_browser and _has_screen():
            webbrowser.open(url)
        yield

    # The pages run in this process and ask etl.config for their settings, as every command does.
    os.environ["KEPT_WAREHOUSE"] = str(settings.warehouse.absolute())
    os.environ["KEPT_STATE"] = str(settings.state_folder.absolute())
    if settings.timezone is not None:
        os.environ["KEPT_TIMEZONE"] = settings.timezone
    # Streamlit puts the folder of argv[0] on the import path, where etl's modules would shadow
    # others of the same name.
    sys.argv = [str(APP)]
    signal.signal(signal.SIGTERM, _interrupt)
    with suppress(KeyboardInterrupt):
        st.App(
            APP,
            lifespan=announce,
            routes=[healthz(settings)],
            middleware=_middleware(settings, host),
            on_script_error=_failed,
        ).run(
            config={
                **options(),
                "server.address": host,
                "server.allowedHosts": [],  # `OwnPagesOnly` knows them
                "server.port": port,
                # In megabytes; what is larger is refused before it is sent.
                "server.maxUploadSize": max(1, settings.limits.max_file_bytes >> 20),
            }
        )
    return 0


def _middleware(settings: Settings, host: str) -> tuple[Middleware, ...]:
    """What every request passes before Streamlit, outermost first."""
    return (
        Middleware(OwnPagesOnly, hosts=Hosts(host, settings.allowed_hosts)),
        Middleware(SafeHeaders),
        Middleware(CoreRoutes),
        # The bundle that draws charts is 4.7 MB, and a third of that packed.
        Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
        Middleware(EarlyParts),
        Middleware(StreamedUploads, staging=settings.staging),
    )


def _failed(error: Exception) -> bool:
    """A page could not be drawn: says so in the place of Streamlit's own box."""
    from dashboard.components.states import failed  # with all that draws, only where it is needed

    return failed(error)


def _get_ready(settings: Settings) -> None:
    """Do once what the first reader would wait for: find the pages, open what is published."""
    import_module("dashboard.navigation")
    from dashboard import queries

    with suppress(Exception):  # whoever opens the page is told there
        if queries.is_built(settings):
            queries.choices(queries.book(settings))


def options() -> dict[str, Any]:
    """Streamlit's options from the project's config.toml, by dotted name.

    The file is at the root of a checkout and beside app.py in an installed package.
    """
    places = (APP.parent / ".streamlit", APP.parent.parent / ".streamlit")
    file = next(place for place in places if place.is_dir()) / "config.toml"
    return dict(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found


def _refuse_taken(host: str, port: int) -> None:
    """Find out before Streamlit does, which would only log it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise KeptError("address_taken", host=host, port=port) from error


def _has_screen() -> bool:
    """Whether a browser would open in a window; in a bare terminal it would take it over."""
    return sys.platform != "linux" or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
