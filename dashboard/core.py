"""Streamlit's own routes below /_stcore: those that its pages ask for, and what they are told."""

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_CORE = "/_stcore/"
_USED = ("health", "stream", "upload_file/", "bidi-components/")
_HOST_CONFIG = {
    "allowedOrigins": [],  # of pages that may send messages to ours: none
    "useExternalAuthToken": False,
    "enableCustomParentMessages": False,
    "enforceDownloadInNewTab": False,
    "metricsUrl": "",
    "blockErrorDialogs": True,  # Kept says in its own words what is wrong
    "resourceCrossOriginMode": None,
}


class CoreRoutes:
    """Tells pages that nobody outside talks to them; metrics and the like are not there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers itself what Streamlit is not to answer."""
        path = scope.get("path", "")
        if not path.startswith(_CORE) or path.removeprefix(_CORE).startswith(_USED):
            await self._app(scope, receive, send)
        elif path == f"{_CORE}host-config":
            await JSONResponse(_HOST_CONFIG)(scope, receive, send)
        else:
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
