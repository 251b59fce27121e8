"""The style sheet in the page itself: Streamlit puts it in only after the first things are drawn.

Without it they would move once it comes; where the pages are served by another server, they do.
"""

from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SHEET = Path(__file__).parent / "static" / "kept.css"
_BEFORE = b"</head>"


class EarlyStyle:
    """Puts kept.css into the head of every page that is answered whole."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._style = b"<style>" + _SHEET.read_bytes() + b"</style>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; an answer in HTML is held back until it is whole."""
        start: Message | None = None
        body = b""

        async def with_style(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
                return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = body.replace(_BEFORE, self._style + _BEFORE, 1)
            MutableHeaders(scope=start)["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        is_read = scope["type"] == "http" and scope["method"] == "GET"
        await self._app(scope, receive, with_style if is_read else send)


def _is_page(start: Message) -> bool:
    said = MutableHeaders(scope=start)
    return start["status"] == 200 and said.get("content-type", "").startswith("text/html")
