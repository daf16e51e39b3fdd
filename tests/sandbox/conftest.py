"""A sandbox whose clock a test sets, and an app that talks to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.running import running
from tests.sandbox.app import App, Hands

MakeApp = Callable[..., App]


@pytest.fixture
def hands() -> Hands:
    """The clock of the sandbox."""
    return Hands()


@pytest.fixture
def make_app(hands: Hands) -> Iterator[MakeApp]:
    """`make_app(products=40)`: a sandbox with these options and an app beside it, not yet installed."""
    with ExitStack() as stack:

        def make(**options: object) -> App:
            sizes: dict[str, object] = {"products": 30, "customers": 12, "orders": 25, "webhook_retry_seconds": 0.001}
            server = stack.enter_context(running(SandboxConfig(**(sizes | options)), clock=hands))  # type: ignore[arg-type]
            client = stack.enter_context(httpx.Client(base_url=server.url, timeout=10, trust_env=False))
            return App(client, server)

        yield make


@pytest.fixture
def app(make_app: MakeApp) -> App:
    """An app installed on one small shop."""
    app = make_app()
    app.install()
    return app
