"""`/healthz`: whether the dashboard answers and its warehouse can be read; nothing of its data."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from etl.config import Settings
from etl.errors import KeptError
from etl.store import Warehouse

PATIENCE_SECONDS = 5.0
"""A disk that takes longer to read one manifest counts as unreadable."""


def healthz(settings: Settings) -> Route:
    """The route: 200 where the manifest in force can be read, else 503."""

    async def answer(_request: Request) -> JSONResponse:
        try:
            reading = asyncio.to_thread(_is_readable, settings)
            readable = await asyncio.wait_for(reading, PATIENCE_SECONDS)
        except TimeoutError:
            readable = False
        return JSONResponse(
            {"alive": True, "warehouse_readable": readable},
            200 if readable else 503,
            {"cache-control": "no-store"},
        )

    return Route("/healthz", answer)


def _is_readable(settings: Settings) -> bool:
    try:
        Warehouse(settings).manifest()
    except (KeptError, OSError):
        return False
    return True
