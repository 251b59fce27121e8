"""What every page is given beforehand: its style sheet, and the code that draws on it.

Streamlit puts the style sheet in only after the first things are drawn, and they would move once it
comes; it asks for the code of a chart or a table only once the first of them is to be drawn.
"""

from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SHEET = Path(__file__).parent / "static" / "kept.css"
_SCRIPTS = Path(st.__file__).parent / "static" / "static" / "js"
_ON_MOST_PAGES = (
    "Html", "ButtonGroup", "Selectbox", "DateInput", "Button", "DownloadButton", "BidiComponent",
    "DataFrame", "PlotlyChart",
)  # fmt: skip


class EarlyParts:
    """Puts kept.css, and where the code of charts and tables is, into every page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        links = "".join(
            f'<link rel="modulepreload" crossorigin href="./static/js/{file.name}">'
            for name in _ON_MOST_PAGES
            for file in sorted(_SCRIPTS.glob(f"{name}.*.js"))
        )
        # At the end of the body: what Streamlit adds to the head as it goes must not outdo it.
        style = f"<style>{_SHEET.read_text('utf-8')}</style>"
        self._added = ((b"</head>", links.encode()), (b"</body>", style.encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; an answer in HTML is held back until it is whole."""
        start: Message | None = None
        body = b""

        async def with_parts(message: Message) -> None:
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
            for before, added in self._added:
                body = body.replace(before, added + before, 1)
            MutableHeaders(scope=start)["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        if scope["type"] != "http" or scope["method"] != "GET" or _is_file(scope["path"]):
            await self._app(scope, receive, send)
            return
        # A page is wanted as it is: it is packed further out, once these are in.
        plain = [(name, said) for name, said in scope["headers"] if name != b"accept-encoding"]
        await self._app({**scope, "headers": plain}, receive, with_parts)


def _is_file(path: str) -> bool:
    return "." in path.rsplit("/", 1)[-1]


def _is_page(start: Message) -> bool:
    said = MutableHeaders(scope=start)
    return start["status"] == 200 and said.get("content-type", "").startswith("text/html")
