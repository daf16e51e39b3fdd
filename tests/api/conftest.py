"""The API over a real database: `api` is its client, `knock` puts a shop into a state, `shopify` answers exchanges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from dashboard.api.app import create_app
from dashboard.api.desk import Desk, Door
from dashboard.api.security import COOKIE, Pass, seal
from sync_core import install, lifecycle
from sync_core.app_models import Shop
from sync_core.config import Settings
from sync_core.credentials import TokenPair
from sync_core.db import Database
from sync_core.install import Registered
from sync_core.models import ShopSync
from sync_core.states import Hold, Status, Trigger
from sync_core.vault import open_vault
from tests.api.client import TestClient
from tests.conftest import Clock, MakeSettings

DOMAIN = "atelier-moreau.myshopify.com"
MARKER = "shpat_marker_that_must_never_leave"
REFRESH_MARKER = "shprt_marker_that_must_never_leave"
SECRET = "a-client-secret-of-more-than-32-bytes"
OLD_SECRET = "an-old-client-secret-of-more-than-32-bytes"
INTERNAL = {"Authorization": "Bearer test-internal-secret"}
CRON = {"Authorization": "Bearer test-cron-secret"}
READ = {"Authorization": "Bearer test-read-token"}
ORIGIN = {"Origin": "http://127.0.0.1:8501"}


@dataclass
class Shopify:
    """Shopify's token endpoint: what it was asked, and how it answers."""

    status: int = 200
    answer: dict[str, Any] = field(
        default_factory=lambda: {
            "access_token": MARKER,
            "refresh_token": REFRESH_MARKER,
            "expires_in": 3600,
            "refresh_token_expires_in": 7_776_000,
            "scope": "read_products,read_orders",
        }
    )
    asked: list[httpx.Request] = field(default_factory=list)
    broken: bool = False
    meanwhile: Callable[[], object] = lambda: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.meanwhile()
        if self.broken:
            raise httpx.ConnectError("nobody there", request=request)
        return httpx.Response(self.status, json=self.answer, headers={"Location": "https://evil.example/"})


@pytest.fixture
def make_settings(make_settings: MakeSettings) -> MakeSettings:
    return lambda **overrides: make_settings(
        **{"shopify_api_secret": SECRET, "shopify_api_secret_old": OLD_SECRET, **overrides}
    )


@pytest.fixture
def shopify() -> Shopify:
    return Shopify()


@pytest.fixture
def desk(database: Database, settings: Settings, clock: Clock, shopify: Shopify) -> Iterator[Desk]:
    with httpx.Client(transport=httpx.MockTransport(shopify)) as http:
        yield Desk(settings, database, open_vault(settings), http, clock, patience_seconds=5, glance_seconds=0.01)


def client_of(desk: Desk) -> TestClient:
    return TestClient(create_app(Door(lambda: desk)), follow_redirects=False, raise_server_exceptions=True)


@pytest.fixture
def api(desk: Desk) -> TestClient:
    """The API; its lifespan is not run, so no heart beats."""
    return client_of(desk)


@dataclass
class Shops:
    """Makes shops through the verbs of the product."""

    desk: Desk

    def install(self, domain: str = DOMAIN) -> Registered:
        now = self.desk.clock()
        with self.desk.database.write() as session:
            return install.register(
                session,
                domain=domain,
                pair=TokenPair(MARKER, REFRESH_MARKER, scopes="read_products"),
                authorised_at=now,
                now=now,
                settings=self.desk.settings,
                vault=self.desk.vault,
            )

    def set(self, shop_id: str, **values: Any) -> None:
        """Columns of shop_sync as a test wants them; the app's row mirrors the status, as in the product."""
        with self.desk.database.write() as session:
            session.execute(update(ShopSync).where(ShopSync.shop_id == shop_id).values(**values))
            if "status" in values:
                session.execute(update(Shop).where(Shop.id == shop_id).values(sync_status=values["status"]))

    def in_state(self, state: str) -> Registered:
        """A shop that is `PENDING`, `FAILED`, `requested`, `IN_PROGRESS`, `COMPLETED` or under a hold."""
        shop = self.install()
        if state in (Status.FAILED, Status.COMPLETED):
            self.set(shop.shop_id, status=state)
        elif state == Hold.UNINSTALLED:
            self.uninstall()
        elif state in set(Hold):
            self.set(shop.shop_id, status="FAILED", hold=state, due_at=None, wake_at=None)
        elif state == "requested":
            self.request(shop.shop_id)
        elif state == Status.IN_PROGRESS:
            self.claim(shop.shop_id)
        return shop

    def uninstall(self, domain: str = DOMAIN) -> None:
        desk, now = self.desk, self.desk.clock()
        later = now + timedelta(seconds=1)
        with desk.database.write() as session:
            assert install.uninstall(
                session, domain=domain, triggered_at=later, now=now, settings=desk.settings, vault=desk.vault
            )

    def request(self, shop_id: str) -> None:
        with self.desk.database.write() as session:
            lifecycle.request(session, shop_id, trigger=Trigger.SWEEP, now=self.desk.clock())

    def claim(self, shop_id: str) -> lifecycle.Claim:
        self.request(shop_id)
        with self.desk.database.write() as session:
            claim = lifecycle.claim_shop(
                session, shop_id, owner="test", now=self.desk.clock(), settings=self.desk.settings
            )
        assert claim is not None
        return claim

    def row(self, shop_id: str) -> ShopSync:
        with self.desk.database.read() as session:
            return session.get_one(ShopSync, shop_id)

    def sign_in(self, api: TestClient, shop: Registered, *, hours: float = 24) -> None:
        expires_at = self.desk.clock().timestamp() + hours * 3600
        issued = Pass(shop.shop_id, shop.generation, expires_at)
        api.cookies.set(COOKIE, seal(issued, self.desk.settings), path="/api/sync")


@pytest.fixture
def shops(desk: Desk) -> Shops:
    return Shops(desk)
