"""One attempt against a real local Shopify, on each database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from sync_core import credentials, install, lifecycle, store
from sync_core.app_models import Customer, Order, OrderLineItem, Product, Refund, Shop, SyncState, Variant
from sync_core.config import Settings
from sync_core.credentials import TokenPair
from sync_core.db import Database
from sync_core.lifecycle import Claim
from sync_core.models import ShopProfile, ShopSync, SyncAttempt
from sync_core.runner import Pulse, Tools, run
from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.running import Running, running
from sync_core.shopify.client import open_http
from sync_core.shopify.throttle import Limiters
from sync_core.states import Mode, Outcome, Trigger
from sync_core.vault import open_vault
from tests.conftest import Clock, MakeSettings

DOMAIN = "oak-and-clay.myshopify.com"
ALL_SCOPES = ["read_products", "read_customers", "read_orders"]


class Killed(BaseException):
    """The process dies here: nothing of it is booked."""


@pytest.fixture(scope="session")
def local_shopify() -> Iterator[Running]:
    config = SandboxConfig(
        client_id="test-key", client_secret="test-secret", bucket=100_000, restore_per_second=100_000
    )
    with running(config) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(local_shopify: Running) -> Running:
    """A shop with 40 products of 3 variants, 12 customers and 15 orders; one in each test's own colours."""
    local_shopify.control.put_shop(DOMAIN, products=40, variants=3, customers=12, orders=15)
    local_shopify.control.forget_log()
    return local_shopify


@pytest.fixture
def settings(database_url: str, local_shopify: Running, make_settings: MakeSettings) -> Settings:
    return make_settings(database_url=database_url, shopify_base_url=local_shopify.base_url)


@dataclass
class Bench:
    """A process's tools, one installed shop, and its runs."""

    tools: Tools
    clock: Clock
    shop_id: str
    stopping: threading.Event

    def claim(self, *, mode: Mode = Mode.CHANGES) -> Claim:
        """Ask for a sync and take it."""
        moment = self.clock.advance(seconds=1)
        with self.tools.database.write() as session:
            asked = {"trigger": Trigger.MANUAL, "now": moment, "mode": mode}
            lifecycle.request(session, self.shop_id, **asked)
            claim = lifecycle.claim_shop(session, self.shop_id, owner="test", now=moment, settings=self.tools.settings)
        assert claim is not None
        return claim

    def run(self, claim: Claim | None = None, *, tools: Tools | None = None) -> Outcome | None:
        claim = claim or self.claim()
        return run(claim, tools or self.tools, pulse=Pulse(claim.claimed_at), stopping=self.stopping)

    def count(self, table: Any) -> int:
        with self.tools.database.read() as session:
            return session.execute(select(func.count()).select_from(table)).scalar_one()

    def state(self) -> ShopSync:
        with self.tools.database.read() as session:
            return session.get_one(ShopSync, self.shop_id)

    def attempt(self) -> SyncAttempt:
        """The newest one."""
        with self.tools.database.read() as session:
            query = select(SyncAttempt).order_by(SyncAttempt.requested_at.desc(), SyncAttempt.id.desc()).limit(1)
            return session.execute(query).scalar_one()


@pytest.fixture
def bench(database: Database, settings: Settings, sandbox: Running, clock: Clock) -> Iterator[Bench]:
    with open_http() as http:
        tools = Tools(settings, database, open_vault(settings), http, Limiters())
        yield Bench(tools, clock, _install(tools, sandbox, clock), threading.Event())


def _install(tools: Tools, sandbox: Running, clock: Clock, *, scopes: list[str] | None = None) -> str:
    minted = sandbox.control.mint(DOMAIN, scopes=scopes or ALL_SCOPES)
    moment = clock()
    pair = TokenPair(
        minted["access_token"], minted["refresh_token"], moment + timedelta(hours=1), moment + timedelta(days=90)
    )
    with tools.database.write() as session:
        times = {"authorised_at": moment, "now": moment}
        return install.register(
            session, domain=DOMAIN, pair=pair, **times, settings=tools.settings, vault=tools.vault
        ).shop_id


def test_a_first_sync_stores_everything_and_completes(bench: Bench, sandbox: Running) -> None:
    outcome = bench.run()

    assert outcome is Outcome.COMPLETED
    assert (bench.state().status, bench.attempt().outcome) == ("COMPLETED", "completed")
    assert bench.count(Product) == 40
    assert bench.count(Variant) == 120
    for kind, table in {"customers": Customer, "orders": Order, "line_items": OrderLineItem, "refunds": Refund}.items():
        assert bench.count(table) == len(sandbox.control.rows(DOMAIN, kind)), kind
