"""What a test of a whole run needs: a local Shopify at the test's time, and one installed shop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from sync_core import install, lifecycle
from sync_core.config import Settings
from sync_core.credentials import TokenPair
from sync_core.db import Database
from sync_core.lifecycle import Claim
from sync_core.models import ShopSync, SyncAttempt
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


class Impatient(threading.Event):
    """Like the event, but a wait is over at once."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


class Hands:
    """The sandbox's clock: it shows the time of the test that uses it."""

    def __init__(self) -> None:
        self.clock: Callable[[], datetime] | None = None

    def __call__(self) -> float:
        return self.clock().timestamp() if self.clock else time.time()


HANDS = Hands()


@pytest.fixture(scope="session")
def local_shopify() -> Iterator[Running]:
    config = SandboxConfig(
        client_id="test-key", client_secret="test-secret", bucket=100_000, restore_per_second=100_000
    )
    with running(config, clock=HANDS) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(local_shopify: Running, clock: Clock) -> Running:
    """A shop with 40 products of 3 variants, 12 customers and 15 orders, at the test's time."""
    HANDS.clock = clock
    local_shopify.control.heal(DOMAIN)
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
            lifecycle.request(session, self.shop_id, trigger=Trigger.MANUAL, now=moment, mode=mode)
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
        yield Bench(tools, clock, _install(tools, sandbox, clock), Impatient())


def _install(tools: Tools, sandbox: Running, clock: Clock) -> str:
    minted = sandbox.control.mint(DOMAIN, scopes=ALL_SCOPES)
    moment = clock()
    pair = TokenPair(
        minted["access_token"], minted["refresh_token"], moment + timedelta(hours=1), moment + timedelta(days=90)
    )
    with tools.database.write() as session:
        return install.register(
            session,
            domain=DOMAIN,
            pair=pair,
            authorised_at=moment,
            now=moment,
            settings=tools.settings,
            vault=tools.vault,
        ).shop_id


def rows_stored(bench: Bench, table: Any, columns: Iterable[str]) -> dict[str, list[Any]]:
    """By Shopify's id, the columns that are compared."""
    with bench.tools.database.read() as session:
        rows = session.execute(select(table)).scalars()
        return {row.shopify_id: [getattr(row, name) for name in columns] for row in rows}


def rows_at_shopify(sandbox: Running, kind: str, columns: Mapping[str, str]) -> dict[str, list[Any]]:
    """The same rows as the sandbox has them; `columns`: its name for each of ours."""
    rows = sandbox.control.rows(DOMAIN, kind)
    return {row["id"]: [_moment(name, row[name]) for name in columns.values()] for row in rows}


def _moment(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name.endswith("At") and value else value
