"""A stage on the test's database, against a sandbox of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.running import Running, running
from tests.conftest import TEST_KEY
from tests.journeys.processes import Stage, stage

MakeSandbox = Callable[..., Running]
MakeStage = Callable[..., Stage]


@pytest.fixture
def make_sandbox() -> Iterator[MakeSandbox]:
    """`make_sandbox(products=20, latency_ms=50)`: a running sandbox."""
    with ExitStack() as open_ones:
        yield lambda **options: open_ones.enter_context(running(SandboxConfig(**options)))


@pytest.fixture
def make_stage(tmp_path: Path, database_url: str) -> Iterator[MakeStage]:
    """`make_stage(sandbox, LEASE_SECONDS="2")`: processes on this test's database."""
    with ExitStack() as open_ones:

        def make(sandbox: Running, **environment: str) -> Stage:
            own = {
                "DATABASE_URL": database_url,
                "ENVIRONMENT": "test",
                "TOKEN_KEYS": TEST_KEY,
                "SHOPIFY_API_KEY": sandbox.config.client_id,
                "SHOPIFY_API_SECRET": sandbox.config.client_secret,
                "SHOPIFY_BASE_URL": sandbox.base_url,
                "CRON_SECRET": "test-cron-secret",
                "INTERNAL_API_SECRET": "test-internal-secret",
                "READ_API_TOKEN": "test-read-token",
            }
            return open_ones.enter_context(stage(tmp_path, **(own | environment)))

        yield make
