"""What every route has in common: secrets, methods, unknown paths, long bodies, errors, and what never leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import anyio
import httpx
import pytest
import structlog
from sqlalchemy import select
from starlette.types import Message

from dashboard.api.app import OWN_ROUTES, create_app
from dashboard.api.bodies import LONGEST_BODY
from dashboard.api.desk import Desk, Door
from sync_core.db import open_database
from sync_core.errors import BadSetting
from sync_core.models import Heartbeat, Token
from sync_core.shopify import webhooks
from tests.api.client import TestClient
from tests.api.conftest import CRON, DOMAIN, INTERNAL, MARKER, ORIGIN, READ, REFRESH_MARKER, SECRET, Shops, client_of
from tests.conftest import MakeSettings

GUARDED = [
    ("POST", "/api/sync/trigger", "internal_api_secret"),
    ("GET", "/api/cron/sync-pending", "cron_secret"),
    ("GET", "/api/health", "read_api_token"),
    ("GET", "/api/shops", "read_api_token"),
    ("GET", f"/api/shops/{DOMAIN}", "read_api_token"),
    ("GET", "/api/sweeps", "read_api_token"),
]
WRONG = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": "Bearer wrong"},
    {"Authorization": "Basic dGVzdA=="},
    {"Authorization": "test-cron-secret"},
    {"Authorization": "Bearer ä".encode("latin-1")},
    {"Cookie": "secret=test-cron-secret"},
]


@pytest.mark.parametrize(("method", "path", "setting"), GUARDED)
@pytest.mark.parametrize("headers", WRONG)
def test_a_wrong_secret_is_unauthorized(
    api: TestClient, method: str, path: str, setting: str, headers: dict[str, Any]
) -> None:
    reply = api.request(method, path, headers=headers)

    assert (reply.status_code, reply.json()) == (401, {"error": "Unauthorized"})


@pytest.mark.parametrize(("method", "path", "setting"), GUARDED)
@pytest.mark.parametrize("value", [None, ""])
def test_an_unset_secret_closes_its_route(
    desk: Desk, make_settings: MakeSettings, *, method: str, path: str, setting: str, value: str | None
) -> None:
    settings = make_settings(**{setting: value}, database_url=desk.settings.database_url)
    api = client_of(replace(desk, settings=settings))

    reply = api.request(method, path, headers={"Authorization": "Bearer "})

    assert (reply.status_code, reply.json()) == (500, {"error": f"{setting.upper()} not configured"})


@pytest.mark.parametrize("headers", [INTERNAL, READ])
def test_one_secret_does_not_open_the_route_of_another(api: TestClient, headers: dict[str, str]) -> None:
    assert api.get("/api/cron/sync-pending", headers=headers).status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/sync/", "/api/../x", "/api/%2e%2e/x"])
def test_an_unknown_path_is_a_json_404(api: TestClient, method: str, path: str) -> None:
    reply = api.request(method, path)

    assert (reply.status_code, reply.json()) == (404, {"error": "Not found"})


@pytest.mark.parametrize("route", OWN_ROUTES, ids=lambda route: str(route.path))
def test_a_wrong_method_is_a_json_405(api: TestClient, route: Any) -> None:
    wrong = "DELETE"

    reply = api.request(wrong, route.path.replace("{domain}", DOMAIN))

    assert (reply.status_code, reply.json()) == (405, {"error": "Method not allowed"})
    assert set(reply.headers["allow"].split(", ")) == route.methods


@pytest.mark.parametrize("path", ["/api/sync/trigger", "/webhooks/shopify", "/api/sync", "/api/nothing"])
def test_two_megabytes_are_too_long(api: TestClient, path: str) -> None:
    reply = api.post(path, content=b"x" * 2_000_000, headers=INTERNAL)

    assert reply.status_code == 413
    assert reply.json() == {"error": "Body is longer than 1000000 bytes"}


@pytest.mark.parametrize(("length", "status"), [(LONGEST_BODY - 1, 401), (LONGEST_BODY, 401), (LONGEST_BODY + 1, 413)])
def test_a_body_may_have_a_million_bytes(api: TestClient, length: int, status: int) -> None:
    assert api.post("/webhooks/shopify", content=b"x" * length).status_code == status


def test_a_long_body_without_a_length_is_refused_while_it_comes(desk: Desk) -> None:
    """Endless chunks of 100 kB: what is over the limit is thrown away, and after 10 MB the door closes."""
    sent: list[Message] = []
    chunks = iter(range(100_000))

    async def receive() -> Message:
        next(chunks)
        return {"type": "http.request", "body": b"x" * 100_000, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/webhooks/shopify", "headers": [], "query_string": b""}
    anyio.run(create_app(Door(lambda: desk)), scope, receive, send)

    assert sent[0]["status"] == 413
    assert next(chunks) == 101


def test_a_body_that_says_it_is_endless_is_refused_unread(desk: Desk) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("the body was read")

    async def send(message: Message) -> None:
        sent.append(message)

    length = [(b"content-length", b"10000001")]
    scope = {"type": "http", "method": "POST", "path": "/api/sync", "headers": length, "query_string": b""}
    anyio.run(create_app(Door(lambda: desk)), scope, receive, send)

    assert sent[0]["status"] == 413


def test_an_unreachable_database_is_told_without_its_address(desk: Desk, make_settings: MakeSettings) -> None:
    nowhere = make_settings(database_url="postgresql://nobody:secret@127.0.0.1:1/none")
    broken = replace(desk, database=open_database(nowhere, host_clock=desk.clock))

    reply = client_of(broken).get("/auth", params={"shop": DOMAIN})

    assert (reply.status_code, reply.json()) == (503, {"error": "Database unavailable"})
    assert reply.headers["retry-after"] == "5"


def test_an_error_of_ours_is_told_without_its_words(desk: Desk) -> None:
    def fall() -> datetime:
        raise RuntimeError(MARKER)

    with structlog.testing.capture_logs() as logs:
        reply = client_of(replace(desk, clock=fall)).get("/api/sync/status", headers={"Cookie": "shopsync_shop=x.y"})

    assert (reply.status_code, reply.json()) == (500, {"error": "Internal error"})
    assert [line["error_class"] for line in logs] == ["RuntimeError"]
    assert MARKER not in str(logs)


def test_wrong_settings_stop_the_start() -> None:
    def wrong() -> Desk:
        raise BadSetting("LEASE_SECONDS is '0': expected more than 0")

    with pytest.raises(BadSetting), TestClient(create_app(Door(wrong))):
        pass


def test_a_serving_process_gives_signs_of_life(desk: Desk) -> None:
    kept = Door(lambda: replace(desk, database=open_database(desk.settings, host_clock=desk.clock)))

    with TestClient(create_app(kept)) as api:
        api.get("/healthz")

    with desk.database.read() as session:
        (beat,) = session.execute(select(Heartbeat)).scalars()
    assert (beat.role, beat.workers) == ("web", 0)
    assert beat.stopped_at is not None


def test_twenty_calls_at_once_leave_the_loop_free(desk: Desk, shops: Shops) -> None:
    """Twenty waiting triggers hold no thread: a probe is answered while all of them wait."""
    shop = shops.install()
    app = create_app(Door(lambda: replace(desk, patience_seconds=60)))

    async def together() -> int:
        transport = httpx.ASGITransport(app)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://test") as api,
            anyio.create_task_group() as group,
        ):
            for _ in range(20):
                body = {"shopId": shop.shop_id}
                group.start_soon(partial(api.post, "/api/sync/trigger?wait=1", json=body, headers=INTERNAL, timeout=30))
            statuses = [(await api.get("/readyz")).status_code for _ in range(5)]
            group.cancel_scope.cancel()
        return max(statuses)

    assert anyio.run(together) == 200


def test_no_answer_and_no_log_ever_holds_a_token(api: TestClient, desk: Desk, shops: Shops) -> None:
    shop = shops.install()
    shops.sign_in(api, shop)
    calls = [(route, method) for route in OWN_ROUTES for method in route.methods or ()]

    with structlog.testing.capture_logs() as logs:
        said = [everything(call(api, route.path, method, headers)) for route, method in calls for headers in KEYS]

    with desk.database.read() as session:
        stored = session.execute(select(Token.access_token, Token.refresh_token)).one()
    for secret in (MARKER, REFRESH_MARKER, SECRET, "test-internal-secret", "test-cron-secret", *stored):
        assert secret not in "\n".join(said)
        assert secret not in str(logs)


KEYS: list[dict[str, str]] = [{}, INTERNAL, CRON, READ, ORIGIN]


def call(api: TestClient, path: str, method: str, headers: dict[str, str]) -> httpx.Response:
    query = {"shop": DOMAIN, "code": MARKER, "state": "x", "wait": "0"}
    body = json.dumps({"shopDomain": DOMAIN}).encode() if method == "POST" else b""
    signature = webhooks.signature(body, SECRET).decode()
    webhook = {"X-Shopify-Hmac-Sha256": signature, "X-Shopify-Topic": "shop/update", "X-Shopify-Webhook-Id": "w"}
    url = path.replace("{domain}", DOMAIN)
    return api.request(method, url, params=query, content=body, headers={**headers, **webhook})


def everything(reply: httpx.Response) -> str:
    return f"{reply.status_code} {reply.headers} {reply.text}"
