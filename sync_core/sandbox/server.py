"""The sandbox as a web application, and as a process."""

from __future__ import annotations

import sys
import time

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from sync_core.sandbox.admin import graphql
from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.control_api import control_routes
from sync_core.sandbox.moments import Clock
from sync_core.sandbox.oauth import access_token, authorize
from sync_core.sandbox.storage import download
from sync_core.sandbox.world import World

FILES = Route("/_storage/{name}", download, methods=["GET"])


def shop_routes(prefix: str) -> list[BaseRoute]:
    """The routes of one shop, below `/{domain}` or, chosen by Host, at the top."""
    return [
        Route(f"{prefix}/admin/oauth/authorize", authorize, methods=["GET", "POST"]),
        Route(f"{prefix}/admin/oauth/access_token", access_token, methods=["POST"]),
        Route(f"{prefix}/admin/api/{{version}}/graphql.json", graphql, methods=["POST"]),
    ]


def create_app(config: SandboxConfig, *, clock: Clock = time.time) -> Starlette:
    """The application; `app.state.world` holds everything. `clock`: seconds since 1970."""
    app = Starlette(routes=[*control_routes(), FILES, *shop_routes(""), *shop_routes("/{domain}")])
    app.state.world = World(config, clock)
    return app


def server_of(config: SandboxConfig, port: int, *, clock: Clock = time.time) -> uvicorn.Server:
    """A uvicorn server, not yet started. Its `config.app` is the application."""
    settings = uvicorn.Config(
        create_app(config, clock=clock),
        host=config.host,
        port=port,
        http="h11",
        ws="none",
        lifespan="off",
        # A forwarded address would let a far caller pass for a loopback one.
        proxy_headers=False,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )
    return uvicorn.Server(settings)


class _Announcing(uvicorn.Server):
    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            sys.stdout.write(f"sandbox ready on http://{self.config.host}:{self.config.port}\n")
            sys.stdout.flush()


def serve(config: SandboxConfig, port: int = 9292) -> None:
    """Serves until SIGTERM or Ctrl-C; prints one ready line."""
    _Announcing(server_of(config, port).config).run()
