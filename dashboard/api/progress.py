"""How far a shop's sync is, in a merchant's words; read from the rows that the run itself writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.api.answers import stamp
from sync_core.heartbeat import SILENT_SECONDS
from sync_core.models import Heartbeat, ShopSync, SyncAttempt
from sync_core.states import Hold, Status

HELD = {
    Hold.FROZEN: "Shopify has frozen this store. The sync goes on by itself when its bill is paid.",
    Hold.LOCKED: "Shopify has locked this store. The sync goes on by itself when it is open again.",
    Hold.SCOPE: "The app lacks a permission. Open the app from your Shopify admin and approve it.",
    Hold.REAUTHORISE: "Shopify asks you to approve the app again. Open it from your Shopify admin.",
    Hold.GONE: "Shopify does not know this store any more. The sync goes on by itself when it is back.",
    Hold.STOPPED: "Our support has stopped this sync. Please write to us.",
}


def standing_of(session: Session, shop: ShopSync, *, now: datetime) -> dict[str, Any]:
    """The answer of /api/sync/status.

    Source: shop_sync, the shop's newest attempt, heartbeats of processes that carry syncs.
    """
    return {
        "syncStatus": shop.status,
        "lastSyncAt": stamp(shop.last_synced_at),
        "progress": progress_of(_by_resource(session, shop), done=shop.status == Status.COMPLETED),
        "error": _error(shop),
        "nextAttemptAt": stamp(_next_attempt(shop)),
        "worker": worker(session, now=now),
    }


def progress_of(resources: Mapping[str, Mapping[str, Any]], *, done: bool) -> dict[str, Any]:
    """Sums over the resources, and each of them; `percent` is null while a total is unknown, 100 only when done.

    `resources`: {name: {"done", "total", "skipped", "ended"}} in the order in which they are read.
    """
    read = {name: one for name, one in resources.items() if not one.get("skipped")}
    counted = sum(one.get("done") or 0 for one in read.values())
    totals = [one.get("total") for one in read.values()]
    total = (
        None if not totals or None in totals else sum(max(one["total"], one.get("done") or 0) for one in read.values())
    )
    running = next((name for name, one in read.items() if not one.get("ended")), None)
    return {
        "done": counted,
        "total": counted if done else total,
        "resource": None if done else running,
        "percent": 100 if done else _percent(counted, total),
        "resources": [_line(name, one) for name, one in resources.items()],
    }


def worker(session: Session, *, now: datetime) -> str:
    """`alive` when any process that carries syncs gave a sign of life of late, else since when none did."""
    carries = Heartbeat.workers > 0
    alive = select(func.max(Heartbeat.seen_at)).where(carries, Heartbeat.stopped_at.is_(None))
    seen = session.execute(alive).scalar_one()
    if seen is not None and now - seen <= timedelta(seconds=SILENT_SECONDS):
        return "alive"
    last = session.execute(select(func.max(Heartbeat.seen_at)).where(carries)).scalar_one()
    return f"silent since {stamp(last)}" if last else "silent since it was installed"


def _by_resource(session: Session, shop: ShopSync) -> Mapping[str, Mapping[str, Any]]:
    """Progress of the newest attempt; before its first page that of the cursor from which it resumes."""
    query = (
        select(SyncAttempt.progress)
        .where(SyncAttempt.shop_id == shop.shop_id, SyncAttempt.generation == shop.generation)
        .order_by(SyncAttempt.requested_at.desc(), SyncAttempt.id.desc())
        .limit(1)
    )
    progress = session.execute(query).scalar_one_or_none()
    return progress or shop.cursor


def _line(name: str, one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "resource": name,
        "done": one.get("done") or 0,
        "total": one.get("total"),
        "skipped": one.get("skipped"),
        "ended": bool(one.get("ended")),
    }


def _percent(done: int, total: int | None) -> int | None:
    if total is None:
        return None
    return min(99, done * 100 // total) if total else 0


def _error(shop: ShopSync) -> str | None:
    if shop.status != Status.FAILED:
        return None
    if shop.hold:
        return HELD.get(Hold(shop.hold), shop.error_message)
    return shop.error_message


def _next_attempt(shop: ShopSync) -> datetime | None:
    if shop.status in (Status.COMPLETED, Status.IN_PROGRESS):
        return None
    return shop.wake_at or shop.due_at
