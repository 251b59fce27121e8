"""What every answer carries: the browser asks no other host and shows the page in no frame.

What the policy allows, and why, is in docs/decisions/11-own-pages-only.md.
"""

import hashlib
import re
from base64 import b64encode
from pathlib import Path

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAGE = Path(st.__file__).parent / "static" / "index.html"


def _inline_scripts() -> str:
    """The scripts that stand in Streamlit's page itself, by their hashes."""
    scripts = re.findall(r"<script>(.*?)</script>", _PAGE.read_text("utf-8"), re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return " ".join(f"'sha256-{b64encode(digest).decode()}'" for digest in digests)


_POLICY = "; ".join(
    (
        "default-src 'self'",
        # The code of Kept's own components reaches the page as data, and runs from a blob.
        f"script-src 'self' blob: {_inline_scripts()}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        # Not every browser takes a websocket to the page's own host for 'self'.
        "connect-src 'self' ws://{host} wss://{host}",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


class SafeHeaders:
    """Adds the policy and its companions to every answer over HTTP.

    The Host goes into the policy as it came: `OwnPagesOnly` has checked it before.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and the answer back with its headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = _POLICY.format(host=Headers(scope=scope).get("host", ""))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(
                    {"content-security-policy": policy, **_HEADERS}
                )
            await send(message)

        await self._app(scope, receive, with_headers)
