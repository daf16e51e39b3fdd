"""The HTTP API as one application, and the routes by which the dashboard's process serves it too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.api import auth, badge, cron, metrics, onboarding, openapi, probes, read, sync, webhooks
from dashboard.api.access_log import hide_queries
from dashboard.api.answers import problem, problem_for
from dashboard.api.bodies import WholeBody
from dashboard.api.desk import Door
from sync_core.alerts.watch import Watch
from sync_core.errors import BadInput, BadSetting, TooSlow, places
from sync_core.heartbeat import Doing, Heart, Process

log = structlog.get_logger()

OWN_ROUTES: tuple[Route, ...] = (
    Route("/auth", auth.start),
    Route("/auth/callback", auth.callback),
    Route("/onboarding", onboarding.page),
    Route("/api/sync", sync.begin, methods=["POST"]),
    Route("/api/sync/status", sync.status),
    Route("/api/sync/trigger", sync.trigger, methods=["POST"]),
    Route("/api/cron/sync-pending", cron.sweep_now),
    Route("/api/health", read.objectives),
    Route("/api/shops", read.shops),
    Route("/api/shops/{domain}", read.shop),
    Route("/api/sweeps", read.sweeps),
    Route("/api/openapi.json", openapi.document),
    Route("/webhooks/shopify", webhooks.receive, methods=["POST"]),
    Route("/healthz", probes.healthz),
    Route("/readyz", probes.readyz),
    Route("/metrics", metrics.metrics),
    Route("/badge/{objective}.svg", badge.badge),
)

PLACES = (
    "/api",
    "/api/{rest:path}",
    "/auth",
    "/auth/callback",
    "/onboarding",
    "/webhooks/{rest:path}",
    "/healthz",
    "/readyz",
    "/metrics",
    "/badge/{rest:path}",
)
"""Where the dashboard's process hands a request over; Streamlit keeps /auth/login and /auth/logout."""


def create_app(door: Door | None = None) -> Starlette:
    """The API alone. Nothing is opened before the first request or the server's start."""
    app = Starlette(
        routes=list(OWN_ROUTES),
        middleware=[Middleware(Calm), Middleware(WholeBody)],
        exception_handlers={HTTPException: _refused, BadInput: _bad_input, BadSetting: _bad_setting},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.door = door or Door()
    app.state.readings = metrics.Readings()
    return app


def doors_to(app: ASGIApp) -> Sequence[BaseRoute]:
    """Routes that hand over to `app` with path and method untouched, so that 404 and 405 are its own too."""
    return [Route(place, _HandOver(app)) for place in PLACES]


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Wrong settings stop the start; a process that serves beats and judges alerts; the end closes all."""
    hide_queries()
    door: Door = app.state.door
    desk = door.desk()
    heart = Heart(desk.database, Process("web"), lambda: Doing(word="serving"))
    watch = Watch(desk.database, desk.settings)
    heart.start()
    watch.start()
    try:
        yield
    finally:
        await run_in_threadpool(watch.stop)
        await run_in_threadpool(_stop, heart)
        door.close()


def _stop(heart: Heart) -> None:
    try:
        heart.stop()
    except SQLAlchemyError as error:
        log.warning("heartbeat.failed", error=type(error).__name__)


class _HandOver:
    """A Route takes an object for a whole application (any method), a function for an endpoint (GET)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Calm:
    """The edge at which every exception ends: a line in the log, `{"error": …}` outside, never a stack trace."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - the edge of a request: whatever it is, the next one is served
            _record(scope, error)
            if not begun:
                await _apology(error)(scope, receive, send)


def _record(scope: Scope, error: Exception) -> None:
    """Where it happened, not what was in it: an exception's text may hold what a caller sent."""
    log.error("request failed", path=scope.get("path"), error_class=type(error).__name__, at=places(error))


def _apology(error: Exception) -> Response:
    if isinstance(error, OperationalError | InterfaceError):
        return problem(503, "Database unavailable", headers={"Retry-After": "5"})
    if isinstance(error, TooSlow):
        return problem(503, "The database took too long", headers={"Retry-After": "60"})
    return problem(500, "Internal error")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette's handlers are typed for any exception
    words = {404: "Not found", 405: "Method not allowed"}
    default = error.detail in ("Not Found", "Method Not Allowed")
    return problem_for(
        request, error.status_code, words[error.status_code] if default else error.detail, headers=error.headers
    )


async def _bad_input(request: Request, error: Exception) -> Response:
    return problem_for(request, 400, str(error))


async def _bad_setting(request: Request, error: Exception) -> Response:
    log.error("bad setting", path=request.url.path, setting=str(error))
    return problem_for(request, 500, str(error))
