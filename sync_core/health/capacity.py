"""How much of the workers' time goes to shops that never succeed: what they take, nobody else gets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from sync_core.health.conditions import FAILING, alive
from sync_core.health.spans import HOUR, moment, seconds_between
from sync_core.models import Heartbeat, ShopSync, SyncAttempt

NEVER = and_(FAILING, ShopSync.first_synced_at.is_(None))
"""Tried, failed, and without any data yet."""


@dataclass(frozen=True)
class Capacity:
    """Of the last hour."""

    workers: int
    """How many syncs the living processes run at once."""
    shops: int
    """Shops that never had data and were tried in vain."""
    lost: float
    """Workers that these kept busy, on average."""

    @property
    def left(self) -> float:
        """Workers that were there for the others."""
        return max(0.0, self.workers - self.lost)


def capacity(session: Session, *, now: datetime) -> Capacity:
    """What shops that never succeed cost. Source: attempts of the failing shops, heartbeats."""
    since = now - HOUR
    begun = case((SyncAttempt.claimed_at > since, SyncAttempt.claimed_at), else_=moment(since))
    taken = seconds_between(begun, func.coalesce(SyncAttempt.ended_at, moment(now)))
    lately = or_(SyncAttempt.ended_at.is_(None), SyncAttempt.ended_at > since)
    query = select(func.count(SyncAttempt.shop_id.distinct()), func.coalesce(func.sum(taken), 0))
    query = query.join(ShopSync, ShopSync.shop_id == SyncAttempt.shop_id)
    shops, seconds = session.execute(query.where(NEVER, SyncAttempt.claimed_at.is_not(None), lately)).one()
    workers = session.execute(select(func.coalesce(func.sum(Heartbeat.workers), 0)).where(alive(now))).scalar_one()
    return Capacity(int(workers), int(shops), float(seconds) / HOUR.total_seconds())
