"""The guard of AUTH=local: without sign-in the pages are for this machine's own browser only."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.api.answers import problem
from sync_core.config import LOOPBACK_HOSTS, Auth, Settings

WORDS = "Without sign-in the pages are served to this machine only: open http://127.0.0.1, or set AUTH=oidc"


def guards(settings: Settings, *, open_routes: Sequence[BaseRoute]) -> list[Middleware]:
    """What stands before the pages: nothing but the sign-in with AUTH=oidc."""
    return [Middleware(LocalOnly, open_routes=open_routes)] if settings.auth is Auth.LOCAL else []


class LocalOnly:
    """Refuses everything but `open_routes` unless Host is loopback and no proxy stands between.

    A name that a stranger points to 127.0.0.1 (DNS rebinding) is no loopback host, and a proxy on
    this machine makes the world look local: so the header decides, not the peer's address.
    """

    def __init__(self, app: ASGIApp, open_routes: Sequence[BaseRoute]) -> None:
        self.app = app
        self.open_routes = open_routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._is_open(scope) or is_local(scope["headers"]):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await problem(403, WORDS)(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self.open_routes)


def is_local(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether these headers are a browser's on this machine: one loopback Host, nothing forwarded."""
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    forwarded = any(name == b"forwarded" or name.startswith(b"x-forwarded-") for name, _ in headers)
    return len(hosts) == 1 and not forwarded and _name(hosts[0]) in LOOPBACK_HOSTS


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname if "@" not in host else None
    except ValueError:
        return None
