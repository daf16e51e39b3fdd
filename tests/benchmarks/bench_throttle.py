"""A sync held up by its shop's bucket: how long it takes against the least that its points allow.

The smallest plan: 2,000 points, of which 100 come back a second. BENCH_THROTTLED names another number of products.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from rich.console import Console
from rich.table import Table

from sync_core.config import Settings
from sync_core.db import Database
from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.running import Running, running
from tests.benchmarks.bench_sync import DOMAIN, opened
from tests.conftest import Clock, MakeSettings

PRODUCTS = int(os.environ.get("BENCH_THROTTLED", "10000"))
BUCKET, A_SECOND = 2_000, 100
FIRST = 10
"""Requests after which nothing may be refused any more: by then each document's price is known."""


@pytest.fixture
def sandbox() -> Iterator[Running]:
    config = SandboxConfig(
        client_id="test-key", client_secret="test-secret", bucket=BUCKET, restore_per_second=A_SECOND
    )
    with running(config) as found:
        yield found


@pytest.fixture
def settings(sandbox: Running, make_settings: MakeSettings) -> Settings:
    return make_settings(shopify_base_url=sandbox.base_url, log_level="error", bulk_objects=0)


@pytest.mark.timeout(3_600)
def test_a_throttled_sync(
    sqlite_database: Database, sandbox: Running, settings: Settings, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.control.put_shop(DOMAIN, products=PRODUCTS, variants=5, customers=1_000, orders=1_000)
    with opened(sqlite_database, sandbox, settings, clock) as shop:
        begun = time.perf_counter()
        shop.ours()
        took, points = time.perf_counter() - begun, shop.attempt().points
    asked = sandbox.control.log(DOMAIN)
    refused = [nth for nth, line in enumerate(asked) if line.get("error") == "THROTTLED"]
    least = (points - BUCKET) / A_SECOND

    table = Table("points", "least s", "took s", "took / least", "requests", f"THROTTLED after the first {FIRST}")
    late = str(sum(nth >= FIRST for nth in refused))
    table.add_row(f"{points:,}", f"{least:.1f}", f"{took:.1f}", f"{took / least:.2f}", str(len(asked)), late)
    with capsys.disabled():
        Console(width=110).print(table)
