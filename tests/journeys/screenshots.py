"""`make screenshots`: every page of the product as people see it, into docs/images.

Fleets of 0, 12, 155 and 50,000 shops, a dead scheduler, and one shop while it syncs; light and
dark, at a desk and on a phone. Real processes, a real browser.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from cryptography.fernet import Fernet
from playwright.sync_api import Browser, Page, expect

from sync_core import schema
from sync_core.alerts.book import keep
from sync_core.db import Database
from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.running import Running, running
from tests.journeys import fleets
from tests.journeys.browser import chromium, desktop, phone
from tests.journeys.merchants import install_shops
from tests.journeys.processes import Stage, eventually, free_port, stage

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SECONDS = 1000
SETTLE_SECONDS = 4
DRAWN = """() =>
    document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton]')
    && [...document.querySelectorAll('[data-testid=stPlotlyChart]')].every(chart => chart.querySelector('.main-svg'))
"""
"""The script has ended and each chart is there: on a busy machine seconds say nothing."""
DEAD = timedelta(hours=11, minutes=28)
SHOP = "alder-books.myshopify.com"
Fill = Callable[[Database, Stage], None]


def main() -> int:
    """Take them all; 0 when every page came up."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for name, fill, alive in FLEETS:
            with _standing(fill, alive=alive) as address:
                _overview(browser, address, name)
                if name == "full":
                    _lists(browser, address)
                if name == "dead":
                    _alarmed(browser, address)
                if name == "big":
                    _take(desktop(browser), f"{address}/shops", "shops_big_light")
        with _syncing() as address:
            _shop(browser, address)
    return 0


@contextmanager
def _standing(fill: Fill, *, alive: bool) -> Iterator[str]:
    """The dashboard on a filled database, beside a Shopify that answers; its address."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(running(SandboxConfig()))
        standing = stack.enter_context(_stage(SHOPIFY_BASE_URL=sandbox.base_url))
        schema.prepare(standing.settings)
        database = standing.database()
        fill(database, standing)
        if alive:
            stack.enter_context(fleets.living(database))
        keep(database, standing.settings)
        standing.dashboard(int(standing.environment["APP_URL"].rsplit(":", 1)[1]))
        yield standing.environment["APP_URL"]


@contextmanager
def _stage(**environment: str) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        own = {
            "DATABASE_URL": f"sqlite:///{folder}/shopsync.db",
            "ENVIRONMENT": "demo",
            "TOKEN_KEYS": Fernet.generate_key().decode(),
            "APP_URL": f"http://127.0.0.1:{free_port()}",
        }
        secrets = ("SHOPIFY_API_KEY", "SHOPIFY_API_SECRET", "CRON_SECRET", "INTERNAL_API_SECRET", "READ_API_TOKEN")
        own |= dict.fromkeys(secrets, "for-a-picture")
        yield stack.enter_context(stage(Path(folder), **(own | environment)))


def _overview(browser: Browser, address: str, name: str) -> None:
    for theme, dark in (("light", False), ("dark", True)):
        _take(desktop(browser, dark=dark), address, f"overview_{name}_{theme}", whole=name == "full")
        _take(phone(browser, dark=dark), address, f"overview_{name}_phone_{theme}")


def _lists(browser: Browser, address: str) -> None:
    for path, name in (("shops", "shops"), ("sweeps", "checks")):
        _take(desktop(browser), f"{address}/{path}", f"{name}_light")
    _take(phone(browser), f"{address}/shops", "shops_phone_light")
    _take(desktop(browser), f"{address}/alerts", "alerts_light", whole=True)
    _take(phone(browser), f"{address}/alerts", "alerts_phone_light")
    _take(desktop(browser), f"{address}/system", "system_light", whole=True)


def _alarmed(browser: Browser, address: str) -> None:
    _take(desktop(browser, dark=True), f"{address}/alerts", "alerts_dead_dark")
    _take(desktop(browser), f"{address}/system", "system_dead_light", whole=True)


def _shop(browser: Browser, address: str) -> None:
    for theme, dark in (("light", False), ("dark", True)):
        _take(desktop(browser, dark=dark), f"{address}/shop?domain={SHOP}", f"shop_{theme}", whole=True)
    _take(phone(browser), f"{address}/shop?domain={SHOP}", "shop_phone_light")


@contextmanager
def _syncing() -> Iterator[str]:
    """A shop in the middle of a long sync, carried by a real scheduler against a real sandbox."""
    config = SandboxConfig(products=6_000, customers=900, orders=1_200, latency_ms=2_500)
    with running(config) as sandbox, _stage(SHOPIFY_BASE_URL=sandbox.base_url, BULK_OBJECTS="0") as standing:
        schema.prepare(standing.settings)
        database = standing.database()
        fleets.a_month(database, standing.settings, shops=12, troubled=False)
        _start_syncing(standing, sandbox)
        standing.dashboard(int(standing.environment["APP_URL"].rsplit(":", 1)[1]))
        yield standing.environment["APP_URL"]


def _start_syncing(standing: Stage, sandbox: Running) -> None:
    install_shops(standing, sandbox, [SHOP], ago=timedelta(seconds=20))
    standing.scheduler()
    eventually(lambda: len(sandbox.control.log(SHOP, operation="Products")) >= 6, "products on their way")


def _take(page: Page, address: str, name: str, *, whole: bool = False) -> None:
    """One picture, once everything is drawn."""
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60 * SECONDS)
    page.wait_for_function(DRAWN, timeout=60 * SECONDS)
    page.wait_for_timeout(SETTLE_SECONDS * SECONDS)
    if whole:
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": 1440, "height": height})
        page.wait_for_timeout(SECONDS)
    page.screenshot(path=IMAGES / f"{name}.png")
    page.context.close()
    sys.stdout.write(f"{name}.png\n")


def _month(shops: int, *, troubled: bool) -> Fill:
    return lambda database, standing: fleets.a_month(database, standing.settings, shops=shops, troubled=troubled)


def _dead(database: Database, standing: Stage) -> None:
    fleets.a_month(database, standing.settings, shops=150, troubled=False, ago=DEAD)
    fleets.die(database, ago=DEAD)
    fleets.wait_for_nobody(database, standing.settings, shops=7, ago=DEAD)


FLEETS: tuple[tuple[str, Fill, bool], ...] = (
    ("empty", lambda _database, _standing: None, True),
    ("small", _month(12, troubled=False), True),
    ("full", _month(150, troubled=True), True),
    ("dead", _dead, False),
    ("big", lambda database, _standing: fleets.fifty_thousand(database), True),
)

if __name__ == "__main__":
    sys.exit(main())
