"""A process that refreshes one shop's token: one of eight in `test_tokens`."""

from __future__ import annotations

from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from typing import Any

from sync_core import lifecycle
from sync_core.config import load_settings
from sync_core.db import open_database
from sync_core.shopify.client import open_http
from sync_core.shopify.patience import Patience
from sync_core.token_refresh import TokenRefresh, load
from sync_core.vault import open_vault

_start: Barrier | None = None


def wait_at(barrier: Barrier) -> None:
    """What each process of the pool does first."""
    global _start  # noqa: PLW0603 - a spawned process is given its barrier once, before its work
    _start = barrier


def refresh(shop_id: str, domain: str, settings: dict[str, Any]) -> tuple[int, str]:
    """(version, access token) of the pair that this process goes on with."""
    read = load_settings(_env_file=None, **settings)
    database, vault = open_database(read, host_clock=lambda: datetime.now(UTC)), open_vault(read)
    with open_http() as http, database.read() as session:
        used = load(session, shop_id, vault)
        session.rollback()
        assert _start is not None
        _start.wait()
        turns = TokenRefresh(shop_id, domain, database, vault, read, http, lambda own: lifecycle.locked(own, shop_id))
        found = turns.newer(used, patience=Patience())
    database.close()
    return found.version, found.pair.access_token
