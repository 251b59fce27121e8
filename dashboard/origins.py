"""Who may speak to the dashboard: requests to its own hosts, sent by its own pages.

A browser names the Host it believes it speaks to and, wherever something changes or streams, the
Origin of the page that sends the request; a page can forge neither. A name that somebody points at
this machine (DNS rebinding) is a foreign Host; a page of another port is a foreign Origin.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from etl.catalogue import LANGUAGES, catalogue
from etl.config import AllowedHost

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def is_loopback(address: str) -> bool:
    """Whether `address`, a name or an IP address, is reached from this machine alone."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def is_every_address(address: str) -> bool:
    """Whether to listen on `address` is to listen on every address of this machine."""
    try:
        return ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False


class Hosts:
    """The hosts that pages are served under: loopback, `address` as in `--host`, and `allowed`."""

    def __init__(self, address: str, allowed: Iterable[AllowedHost] = ()) -> None:
        self._address = address
        self._allowed = tuple(allowed)
        self._behind_proxy: dict[str, str] = {}
        for one in self._allowed:
            scheme = one.scheme or "https"
            self._behind_proxy |= _headers(scheme, one.name, one.port or _DEFAULT_PORTS[scheme])
        self._at = lru_cache(64)(self._headers_at)

    def origins(self, host: str, reached: tuple[str, int]) -> tuple[str, ...]:
        """The origins of the pages that may ask `host`, a Host header; none where it is foreign.

        `reached` is the server's own end of the connection. A reverse proxy may put its own
        Host in the place of the public one; the Origin stays what the browser wrote.
        """
        found = self._at(*reached).get(host.lower())
        return () if found is None else (found, *self._behind_proxy.values())

    def _headers_at(self, address: str, port: int) -> dict[str, str]:
        # Served at every address, Kept goes by the one that was asked: no name is rebound to that.
        own = address if is_every_address(self._address) else self._address
        found = dict(self._behind_proxy)
        for name in (*_LOOPBACK, _bracketed(own)):
            found |= _headers("http", name, port)
        for one in self._allowed:
            if one.scheme is None and one.port in (None, port):
                found |= _headers("http", one.name, port)
        return found


def _headers(scheme: str, name: str, port: int) -> dict[str, str]:
    """Host header → origin, for pages at that address; the usual port may be left out."""
    if port == _DEFAULT_PORTS[scheme]:
        origin = f"{scheme}://{name}"
        return {name: origin, f"{name}:{port}": origin}
    return {f"{name}:{port}": f"{scheme}://{name}:{port}"}


def _bracketed(address: str) -> str:
    """An address as it stands in a URL; an IPv4 one that came over IPv6 as itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address.lower()
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped) if found.ipv4_mapped else f"[{found}]"


class OwnPagesOnly:
    """Answers 403 at once to whatever does not come from a page of the dashboard itself.

    Every request needs a Host of `hosts`. A websocket, and every request that is not for reading,
    needs the Origin of a page there; where another request has an Origin it must be such a one.
    Where the browser says that another site's page asks, it is refused unless a person follows a
    link.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        """The message that says why the request is refused; None where it is not."""
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        own = self._hosts.origins(hosts[0], scope["server"]) if len(hosts) == 1 else ()
        if not own:
            return "host_refused"
        if origins:
            return None if len(origins) == 1 and origins[0] in own else "origin_refused"
        if scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS:
            return "origin_refused"
        return "origin_refused" if _is_from_elsewhere(headers) else None


def _is_from_elsewhere(headers: Headers) -> bool:
    """Whether another site's page asks, as the browser says, and not a person by a link there."""
    by_link = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
    return elsewhere and by_link != ("navigate", "document")


async def _refuse(code: str, scope: Scope, receive: Receive, send: Send) -> None:
    sentences = (catalogue().message(code, language) for language in LANGUAGES)
    await PlainTextResponse("\n".join(sentences), 403)(scope, receive, send)
