"""A first sync of a whole shop: ours by pages and in bulk, each against its floor, in one run, in turn.

Prints wall and CPU seconds of this process and what Shopify was asked: medians of ROUNDS, five times as many where a
round takes a tenth of a second. BENCH_PRODUCTS names other sizes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from statistics import median

import httpx
import pytest
from rich.console import Console
from rich.table import Table
from sqlalchemy import delete, update

from sync_core import install, lifecycle
from sync_core.config import Settings
from sync_core.credentials import TokenPair
from sync_core.db import Database
from sync_core.models import ShopSync, SyncAttempt
from sync_core.process import configure_logs, spare_the_collector
from sync_core.runner import Pulse, Tools, run
from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.running import Running, running
from sync_core.shopify.client import open_http
from sync_core.shopify.throttle import Limiters
from sync_core.states import Mode, Outcome, Trigger
from sync_core.store import CUSTOMERS, LINE_ITEMS, ORDERS, PRODUCTS, REFUNDS, VARIANTS
from sync_core.vault import open_vault
from tests.benchmarks.floor import Floor
from tests.conftest import Clock, MakeSettings
from tests.journeys.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SETTLE_SECONDS = 2
"""The sandbox is a thread of this process: what it still does after the recording is nobody's CPU, nor is its heap."""
SIZES = [int(size) for size in os.environ.get("BENCH_PRODUCTS", "1000,10000").split(",")]
DOMAIN = "bench.myshopify.com"
TABLES = (LINE_ITEMS, REFUNDS, ORDERS, CUSTOMERS, VARIANTS, PRODUCTS)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running(SandboxConfig(client_id="test-key", client_secret="test-secret", throttle=False)) as found:
        yield found


@contextmanager
def canned(sandbox: Running) -> Iterator[str]:
    """The address of a server that repeats the sandbox's answers from memory."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.canned", str(port), sandbox.url], cwd=ROOT)
    try:
        _await(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _await(url: str) -> None:
    for _ in range(200):
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return


@dataclass
class Workshop:
    """One installed shop, a process's tools, and the requests of its first sync."""

    tools: Tools
    shop_id: str
    clock: Clock
    asked: list[httpx.Request] = field(default_factory=list)

    def record(self) -> None:
        """Run once: the answers are in memory now, and the requests are known."""
        self.asked.clear()
        with open_http() as http:
            http.event_hooks = {"request": [self.asked.append]}
            self._run(replace(self.tools, http=http))
        self.empty()

    def ours(self) -> None:
        self._run(self.tools)

    def floor(self) -> None:
        loop = Floor(self.tools.database, self.shop_id)
        loop.carry(self.tools.http, self.asked)
        loop.close()

    def empty(self) -> None:
        """As before the first sync."""
        with self.tools.database.write() as session:
            for table in TABLES:
                session.execute(delete(table))
            session.execute(update(ShopSync).values(held={}))

    def attempt(self) -> SyncAttempt:
        with self.tools.database.read() as session:
            return session.query(SyncAttempt).order_by(SyncAttempt.requested_at.desc()).first()  # type: ignore[return-value]

    def _run(self, tools: Tools) -> None:
        now = self.clock.advance(seconds=1)
        own = {"now": now, "trigger": Trigger.MANUAL, "mode": Mode.EVERYTHING}
        with tools.database.write() as session:
            lifecycle.request(session, self.shop_id, **own)  # type: ignore[arg-type]
            claim = lifecycle.claim_shop(session, self.shop_id, owner="bench", now=now, settings=tools.settings)
        assert claim is not None
        outcome = run(claim, tools, pulse=Pulse(now), stopping=threading.Event())
        assert outcome is Outcome.COMPLETED


@contextmanager
def opened(database: Database, sandbox: Running, settings: Settings, clock: Clock) -> Iterator[Workshop]:
    """The shop installed, with a token that outlives the benchmark."""
    token = sandbox.control.mint(DOMAIN, scopes=["read_products", "read_customers", "read_orders", "read_all_orders"])
    pair = TokenPair(token["access_token"], token["refresh_token"], clock() + timedelta(days=9))
    with open_http() as http:
        tools = Tools(settings, database, open_vault(settings), http, Limiters())
        own = {"now": clock(), "settings": settings, "vault": tools.vault}
        with database.write() as session:
            made = install.register(session, domain=DOMAIN, pair=pair, authorised_at=clock(), **own)
        yield Workshop(tools, made.shop_id, clock)


def timed(act: Callable[[], None]) -> tuple[float, float]:
    """(wall, CPU) seconds."""
    begun, spent = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - begun, time.process_time() - spent


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("products", SIZES)
@pytest.mark.parametrize(("road", "most"), [("by pages", 0), ("in bulk", 1)])
def test_a_first_sync(
    database: Database,
    database_url: str,
    sandbox: Running,
    make_settings: MakeSettings,
    clock: Clock,
    *,
    products: int,
    engine_name: str,
    road: str,
    most: int,
) -> None:
    """`most`: objects that come by pages."""
    sandbox.control.put_shop(DOMAIN, products=products, variants=5, customers=products // 5, orders=products // 5)
    found: dict[str, list[tuple[float, float]]] = {"floor": [], "ours": []}
    with canned(sandbox) as url:
        settings = make_settings(
            database_url=database_url, shopify_base_url=f"{url}/{{shop}}", log_level="error", bulk_objects=most
        )
        configure_logs(settings)
        with opened(database, sandbox, settings, clock) as shop:
            shop.record()
            time.sleep(SETTLE_SECONDS)
            spare_the_collector()
            for _ in range(ROUNDS if products >= 10_000 else 5 * ROUNDS):
                for name, act in (("floor", shop.floor), ("ours", shop.ours)):
                    found[name].append(timed(act))
                    shop.empty()
            Console(width=110).print(_table(found, shop.attempt(), products, f"{road}, {engine_name}"))


def _table(found: dict[str, list[tuple[float, float]]], attempt: SyncAttempt, products: int, engine: str) -> Table:
    load = os.getloadavg()[0]
    title = f"first sync, {products:,} products of 5 variants, {engine}, load {load:.1f}"
    table = Table(
        "", "wall s", "CPU s", "wall / floor", "CPU / floor", "requests", "points / 1,000 products", title=title
    )
    floor = [median(part) for part in zip(*found["floor"], strict=True)]
    for name, times in found.items():
        wall, cpu = (median(part) for part in zip(*times, strict=True))
        asked = (str(attempt.requests), f"{attempt.points / products * 1000:,.0f}") if name == "ours" else ("", "")
        table.add_row(name, f"{wall:.2f}", f"{cpu:.2f}", f"{wall / floor[0]:.2f}", f"{cpu / floor[1]:.2f}", *asked)
    return table
