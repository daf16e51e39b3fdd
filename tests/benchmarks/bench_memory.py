"""Peak memory of the product's own scheduler by the size of the shop that it syncs, by bulk operation and by pages.

BENCH_MEMORY names other sizes. The sandbox is a process of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from rich.console import Console
from rich.table import Table

from sync_core.sandbox.control import SandboxControl
from tests.benchmarks.bench_sync import DOMAIN
from tests.conftest import TEST_KEY
from tests.journeys.merchants import install_shops, statuses
from tests.journeys.processes import Stage, eventually, free_port, stage

SIZES = [int(size) for size in os.environ.get("BENCH_MEMORY", "1000,100000").split(",")]
CLIENT = {"client-id": "test-key", "client-secret": "test-secret"}
PATIENCE_SECONDS = 1_800


@dataclass(frozen=True)
class Elsewhere:
    """A sandbox in another process."""

    url: str
    control: SandboxControl


@contextmanager
def elsewhere(products: int) -> Iterator[Elsewhere]:
    """With shops of so many products with five variants, and nothing else."""
    port = free_port()
    sizes = {"port": port, "products": products, "variants": 5, "customers": 0, "orders": 0}
    options = [word for name, value in (sizes | CLIENT).items() for word in (f"--{name}", str(value))]
    server = subprocess.Popen(
        [sys.executable, "-m", "sync_core.sandbox", "--no-throttle", *options], stdout=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: _answers(url), "the sandbox answers")
        with SandboxControl(url) as control:
            yield Elsewhere(url, control)
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_sandbox/healthz").is_success
    except httpx.TransportError:
        return False


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(("road", "most"), [("in bulk", 1), ("by pages", 0)])
def test_memory_by_size(tmp_path: Path, *, road: str, most: int) -> None:
    """`most`: objects that come by pages."""
    title = f"a scheduler's memory, {road}, sqlite, load {os.getloadavg()[0]:.1f}"
    table = Table("products", "rows", "peak RSS MB", "seconds", title=title)
    for products in SIZES:
        folder = tmp_path / str(products)
        folder.mkdir()
        with elsewhere(products) as sandbox, stage(folder, **_environment(folder, sandbox, most)) as standing:
            peak, seconds = _synced(standing, sandbox)
        table.add_row(f"{products:,}", f"{products * 6:,}", f"{peak:.0f}", f"{seconds:.0f}")
    Console().print(table)


def _environment(folder: Path, sandbox: Elsewhere, most: int) -> dict[str, str]:
    return {
        "DATABASE_URL": f"sqlite:///{folder}/shopsync.db",
        "ENVIRONMENT": "test",
        "TOKEN_KEYS": TEST_KEY,
        "SHOPIFY_API_KEY": CLIENT["client-id"],
        "SHOPIFY_API_SECRET": CLIENT["client-secret"],
        "SHOPIFY_BASE_URL": f"{sandbox.url}/{{shop}}",
        "CRON_SECRET": "test-cron-secret",
        "INTERNAL_API_SECRET": "test-internal-secret",
        "READ_API_TOKEN": "test-read-token",
        "BULK_OBJECTS": str(most),
    }


def _synced(standing: Stage, sandbox: Elsewhere) -> tuple[float, float]:
    """(peak MB of the scheduler, seconds from its start to COMPLETED)."""
    standing.command("init")
    install_shops(standing, sandbox, [DOMAIN], ago=timedelta(minutes=4))
    database, begun = standing.database(), time.monotonic()
    process = standing.scheduler()
    eventually(lambda: statuses(database)["COMPLETED"] == 1, "synced", seconds=PATIENCE_SECONDS)
    seconds = time.monotonic() - begun
    process.send_signal(signal.SIGTERM)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    standing.running.clear()
    return used.ru_maxrss / 1024, seconds
