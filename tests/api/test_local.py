"""Without sign-in the pages answer this machine's own browser only; the API's routes answer everybody."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard.api import routes
from dashboard.api.local import guards, is_local
from tests.api.client import TestClient
from tests.conftest import MakeSettings

LOCAL = ["127.0.0.1", "127.0.0.1:8501", "localhost", "LOCALHOST:8501", "[::1]", "[::1]:8501"]
FOREIGN = [
    "",
    "evil.example",
    "evil.example:8501",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "localhost@evil.example",
    "evil.example@localhost",
    "127.0.0.2",
    "0.0.0.0",
    "[::1",
    "[::2]",
]


async def page(_request: object) -> PlainTextResponse:
    return PlainTextResponse("page")


async def stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


@pytest.fixture
def pages(make_settings: MakeSettings) -> TestClient:
    own = [*routes, Route("/{rest:path}", page), WebSocketRoute("/_stcore/stream", stream)]
    app = Starlette(routes=own, middleware=guards(make_settings(), open_routes=routes))
    return TestClient(app, base_url="http://127.0.0.1:8501")


@pytest.mark.parametrize("host", LOCAL)
def test_a_browser_on_this_machine_sees_the_pages(pages: TestClient, host: str) -> None:
    assert pages.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/shop", "/_stcore/health", "/auth/login", "/healthz/x", "//healthz"])
@pytest.mark.parametrize("host", FOREIGN)
def test_another_host_sees_no_page(pages: TestClient, path: str, host: str) -> None:
    reply = pages.get(f"http://127.0.0.1:8501{path}", headers={"Host": host})

    assert reply.status_code == 403
    assert "AUTH=oidc" in reply.json()["error"]


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "x-forwarded-proto"])
def test_what_a_proxy_hands_on_sees_no_page(pages: TestClient, name: str) -> None:
    assert pages.get("/", headers={name: "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize("path", ["/healthz", "/onboarding"])
def test_the_api_answers_everybody(pages: TestClient, path: str) -> None:
    reply = pages.get(path, headers={"Host": "sync.example.com", "X-Forwarded-For": "192.0.2.7"})

    assert reply.status_code == 200


def test_a_foreign_host_gets_no_stream(pages: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), pages.websocket_connect("/_stcore/stream", headers={"Host": "evil"}):
        pass


def test_this_machines_browser_gets_its_stream(pages: TestClient) -> None:
    with pages.websocket_connect("/_stcore/stream", headers={"Host": "127.0.0.1:8501"}):
        pass


def test_two_hosts_are_none() -> None:
    assert not is_local([(b"host", b"localhost"), (b"host", b"localhost")])


def test_with_sign_in_no_guard_stands(make_settings: MakeSettings) -> None:
    assert guards(make_settings(auth="oidc"), open_routes=routes) == []
