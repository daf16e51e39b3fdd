"""Whether Shopify answers: what the attempts that ended in the last 15 minutes say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from sqlalchemy import Integer, Select, Subquery, bindparam, case, func, select
from sqlalchemy.orm import Session

from sync_core.columns import UtcMs
from sync_core.explain.words import SILENT
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
    NOT_ASKED = "not asked lately"


@dataclass(frozen=True)
class ShopifyState:
    """`failing` of `asked` shops got no answer; `since`: from when more than half of them did not."""

    kind: Answering
    failing: int
    asked: int
    since: datetime | None


def shopify_state(session: Session, *, now: datetime) -> ShopifyState:
    """Failing when more than half of the asked shops, and at least three, got no answer at their last try."""
    moments = {"since": now - RECENTLY, "until": now}
    asked, failing = session.execute(_counting(), moments).one()
    if not asked:
        return ShopifyState(Answering.NOT_ASKED, 0, 0, None)
    if failing < FEW or 2 * failing <= asked:
        return ShopifyState(Answering.WELL, failing, asked, None)
    since = session.execute(_since(), {**moments, "half": asked // 2}).scalar_one_or_none()
    return ShopifyState(Answering.FAILING, failing, asked, since)


@cache
def _counting() -> Select[int, int]:
    """(shops that were asked, those without an answer). Parameters: since, until."""
    last = _last_answers()
    return select(func.count(), func.count(case((last.c.silent_at == last.c.ended_at, 1))))


@cache
def _since() -> Select[datetime]:
    """From when more than half of the asked shops were failing: one shop that fails for days does not count.

    Parameters: since, until, half.
    """
    last, began = _last_answers(), func.coalesce(ShopSync.failing_since, ShopSync.since)
    silent = select(last.c.shop_id).where(last.c.silent_at == last.c.ended_at)
    query = select(began).where(ShopSync.shop_id.in_(silent)).order_by(began)
    return query.offset(bindparam("half", type_=Integer)).limit(1)


def _last_answers() -> Subquery:
    """Shop → when its newest attempt ended (`ended_at`), and the newest that got no answer (`silent_at`)."""
    since, until = (bindparam(name, type_=UtcMs()) for name in ("since", "until"))
    ended = select(SyncAttempt.shop_id, SyncAttempt.error_class, SyncAttempt.ended_at)
    ended = ended.where(SyncAttempt.ended_at > since, SyncAttempt.ended_at <= until)
    ended = ended.where(SyncAttempt.outcome.in_([Outcome.COMPLETED.value, Outcome.FAILED.value]))
    newest = ended.order_by(SyncAttempt.ended_at.desc()).limit(NEWEST).subquery()
    silent_at = func.max(case((newest.c.error_class == SILENT, newest.c.ended_at))).label("silent_at")
    last = func.max(newest.c.ended_at).label("ended_at")
    return select(newest.c.shop_id, last, silent_at).group_by(newest.c.shop_id).subquery()
