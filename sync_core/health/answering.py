"""Whether Shopify answers: what the attempts that ended in the last 15 minutes say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sync_core.models import ShopSync, SyncAttempt
from sync_core.states import Outcome

RECENTLY = timedelta(minutes=15)
NEWEST = 5_000
"""Attempts that are looked at: enough to judge, however large the fleet."""
FEW = 3
"""Fewer failing shops than this say nothing about Shopify."""


class Answering(StrEnum):
    """What the attempts of the last 15 minutes say of Shopify."""

    WELL = "answering"
    FAILING = "failing"
    NOT_ASKED = "not asked yet"


@dataclass(frozen=True)
class ShopifyState:
    """`failing` of `asked` shops got no answer; `since`: from when more than half of them did not."""

    kind: Answering
    failing: int
    asked: int
    since: datetime | None


def shopify_state(session: Session, *, now: datetime) -> ShopifyState:
    """Failing when more than half of the asked shops, and at least three, got no answer at their last try."""
    last = _last_answers(session, now)
    silent = [shop_id for shop_id, error in last.items() if error == "unavailable"]
    if not last:
        return ShopifyState(Answering.NOT_ASKED, 0, 0, None)
    if len(silent) < FEW or 2 * len(silent) <= len(last):
        return ShopifyState(Answering.WELL, len(silent), len(last), None)
    return ShopifyState(Answering.FAILING, len(silent), len(last), _since(session, silent, asked=len(last)))


def _last_answers(session: Session, now: datetime) -> dict[str, str | None]:
    """Shop → error class of its newest attempt, None when it went well."""
    ended = select(SyncAttempt.shop_id, SyncAttempt.error_class)
    ended = ended.where(SyncAttempt.ended_at > now - RECENTLY, SyncAttempt.ended_at <= now)
    ended = ended.where(SyncAttempt.outcome.in_([Outcome.COMPLETED.value, Outcome.FAILED.value]))
    newest = session.execute(ended.order_by(SyncAttempt.ended_at.desc()).limit(NEWEST)).all()
    return {row.shop_id: row.error_class for row in reversed(newest)}


def _since(session: Session, silent: list[str], *, asked: int) -> datetime | None:
    """From when more than half of the asked shops were failing: one shop that fails for days does not count."""
    half = asked // 2
    began = func.coalesce(ShopSync.failing_since, ShopSync.since)
    query = select(began).where(ShopSync.shop_id.in_(silent)).order_by(began).offset(half).limit(1)
    return session.execute(query).scalar_one_or_none()
