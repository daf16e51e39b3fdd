"""Many shops, put into the database at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, text

from sync_core.app_models import Shop
from sync_core.db import Database
from sync_core.models import Install, ShopSync

CHUNK = 10_000


def finished(database: Database, now: datetime, shops: int, *, prefix: str = "done") -> None:
    """`shops` that are up to date: what the claim loop must not have to look at."""
    _fill(database, now, shops, prefix, {"status": "COMPLETED", "priority": 2, "first_synced_at": now})


def awake(database: Database, now: datetime, shops: int, *, prefix: str) -> None:
    """`shops` that wait for a worker since a minute or more, each since a moment of its own."""
    _fill(database, now, shops, prefix, {"status": "PENDING", "priority": 0})


def _fill(database: Database, now: datetime, shops: int, prefix: str, state: dict[str, Any]) -> None:
    for first in range(0, shops, CHUNK):
        numbers = range(first, min(first + CHUNK, shops))
        ids = [f"{prefix}-{number:07}" for number in numbers]
        with database.write() as session:
            session.execute(insert(Shop), [_shop(shop_id, now, state) for shop_id in ids])
            session.execute(insert(ShopSync), [_sync(*each, now, state) for each in zip(ids, numbers, strict=True)])
            if state["status"] == "PENDING":
                session.execute(insert(Install), [_install(shop_id, now) for shop_id in ids])
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _shop(shop_id: str, now: datetime, state: dict[str, Any]) -> dict[str, Any]:
    plain = {"id": shop_id, "shop_domain": f"{shop_id}.myshopify.com", "access_token": "", "scopes": ""}
    return plain | {"installed_at": now, "sync_status": state["status"]}


def _sync(shop_id: str, number: int, now: datetime, state: dict[str, Any]) -> dict[str, Any]:
    waits_since = now - timedelta(minutes=1, milliseconds=number) if state["status"] == "PENDING" else None
    plain = {"shop_id": shop_id, "shop_domain": f"{shop_id}.myshopify.com", "since": now, "installed_at": now}
    return plain | {"authorised_at": now, "due_at": waits_since, "wake_at": waits_since} | state


def _install(shop_id: str, now: datetime) -> dict[str, Any]:
    plain = {"shop_id": shop_id, "generation": 1, "installed_at": now}
    return plain | {"pickup_deadline": now + timedelta(minutes=13), "success_deadline": now + timedelta(days=1)}
