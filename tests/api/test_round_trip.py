"""A merchant's whole way in and out, over real sockets, against a Shopify that really listens."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from sqlalchemy import select

from dashboard.api.app import create_app
from dashboard.api.desk import Desk, Door
from sync_core import credentials
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import ShopSync
from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.running import Running, running
from sync_core.vault import open_vault
from tests.api.conftest import DOMAIN, INTERNAL, ORIGIN, SECRET
from tests.conftest import Clock, MakeSettings


@dataclass
class Scene:
    """The API at `url`, Shopify beside it, and a merchant's browser that follows no redirect by itself."""

    desk: Desk
    sandbox: Running
    browser: httpx.Client
    url: str

    def consent(self) -> str:
        """Where Shopify sends a merchant who clicks Install, on our own address."""
        page = self.browser.get(f"{self.url}/auth", params={"shop": DOMAIN}).headers["location"]
        back = urlsplit(self.browser.post(page).headers["location"])
        assert f"{back.scheme}://{back.netloc}" == self.desk.settings.app_url
        return f"{self.url}{back.path}?{back.query}"

    def shop(self) -> ShopSync:
        with self.desk.database.read() as session:
            return session.execute(select(ShopSync)).scalar_one()

    def credential(self) -> credentials.Credential | None:
        with self.desk.database.read() as session:
            return credentials.load(session, self.shop().shop_id, self.desk.vault)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening


@pytest.fixture
def url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def sandbox(url: str, clock: Clock) -> Iterator[Running]:
    credential = {"client_id": "test-key", "client_secret": SECRET}
    config = SandboxConfig(**credential, products=3, customers=1, orders=1, webhook_url=f"{url}/webhooks/shopify")
    with running(config, clock=lambda: clock().timestamp()) as started:
        yield started


@pytest.fixture
def real(settings: Settings, make_settings: MakeSettings, sandbox: Running) -> Settings:
    return make_settings(database_url=settings.database_url, shopify_base_url=sandbox.base_url)


@pytest.fixture
def desk(database: Database, real: Settings, clock: Clock) -> Iterator[Desk]:
    with httpx.Client(trust_env=False) as http:
        yield Desk(real, database, open_vault(real), http, clock)


class Server(uvicorn.Server):
    """Says when it listens."""

    listening = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@pytest.fixture
def scene(desk: Desk, sandbox: Running, listener: socket.socket, url: str) -> Iterator[Scene]:
    app: Any = create_app(Door(lambda: desk))
    server = Server(uvicorn.Config(app, lifespan="off", log_config=None))
    server.listening = Event()
    thread = Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert server.listening.wait(10)
    with httpx.Client(trust_env=False) as browser:
        yield Scene(desk, sandbox, browser, url)
    server.should_exit = True
    thread.join(10)


def test_an_install_leads_to_a_requested_sync(scene: Scene) -> None:
    ended = scene.browser.get(scene.consent())

    asked = scene.browser.post(f"{scene.url}/api/sync", headers=ORIGIN)

    assert ended.headers["location"] == f"/onboarding?shop={DOMAIN}&mode=oauth_complete"
    assert (asked.status_code, asked.json()["message"]) == (202, "Sync started")
    assert scene.browser.get(f"{scene.url}/api/sync/status").json()["syncStatus"] == "PENDING"


def test_the_pair_that_was_exchanged_opens_the_shop(scene: Scene) -> None:
    scene.browser.get(scene.consent())

    stored = scene.credential()

    assert stored is not None
    assert stored.pair.refresh_token is not None
    reply = scene.browser.post(
        scene.sandbox.base_url.format(shop=DOMAIN) + "/admin/api/2026-10/graphql.json",
        json={"query": "{ shop { myshopifyDomain } }"},
        headers={"X-Shopify-Access-Token": stored.pair.access_token},
    )
    assert reply.json()["data"] == {"shop": {"myshopifyDomain": DOMAIN}}


def test_reloading_the_callback_leads_to_the_same_page(scene: Scene) -> None:
    callback = scene.consent()
    scene.browser.get(callback)

    again = scene.browser.get(callback)

    assert again.headers["location"] == f"/onboarding?shop={DOMAIN}&mode=oauth_complete"
    assert scene.shop().token_version == 1


def test_an_uninstall_arrives_as_a_webhook(scene: Scene, clock: Clock) -> None:
    scene.browser.get(scene.consent())
    clock.advance(seconds=1)

    scene.sandbox.control.uninstall(DOMAIN, wait=True)

    assert scene.shop().hold == "uninstalled"
    assert scene.credential() is None
    refused = scene.browser.post(f"{scene.url}/api/sync/trigger", json={"shopDomain": DOMAIN}, headers=INTERNAL)
    assert (refused.status_code, refused.json()) == (409, {"error": "Shop is uninstalled"})


def test_a_merchant_who_comes_back_is_the_next_generation(scene: Scene, clock: Clock) -> None:
    scene.browser.get(scene.consent())
    clock.advance(seconds=1)
    scene.sandbox.control.uninstall(DOMAIN, wait=True)
    clock.advance(seconds=1)

    scene.browser.get(scene.consent())

    shop = scene.shop()
    assert (shop.generation, shop.status, shop.hold) == (2, "PENDING", None)
