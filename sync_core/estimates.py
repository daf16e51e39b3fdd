"""Keeping our word: some of the estimated starts are written down, and compared with what then happened.

A sample, however long the line is: a few waits at a time, each written down once. A wait that somebody cut
short by asking, or that ended without a start, says nothing about the estimate.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, and_, func, select, update
from sqlalchemy.orm import Session

from sync_core.columns import new_id
from sync_core.config import Settings
from sync_core.db import Database, insert_into
from sync_core.health.coming import Waiting, coming
from sync_core.models import ShopSync, StartEstimate, SyncAttempt
from sync_core.states import TRIGGERS_OF_PEOPLE, Trigger

MOST_OPEN = 20
"""Estimates that are waited for at once."""
SOON, FAR = timedelta(seconds=2), timedelta(hours=1)
"""What starts at once needs no estimate; later starts are no pick-ups but refreshes and looks at blocked shops."""
ASKED = (*TRIGGERS_OF_PEOPLE, Trigger.ONBOARDING, Trigger.WEBHOOK)
"""Starts that somebody asked for."""


def keep_book(database: Database, settings: Settings) -> tuple[int, int]:
    """Settle what has come about, then write down new estimates. Returns: (settled, written).

    Several processes may do it at once; a look that changes nothing writes nothing.
    Errors: database errors pass through.
    """
    with database.read() as session:
        now = database.now(session)
        over = [each for row in session.execute(_opened()).all() if (each := _settled(row, now))]
        new = _chosen(session, now, settings, also_free=len(over))
    if over or new:
        with database.write() as session:
            _write(session, over, new, now)
    return len(over), len(new)


@cache
def _opened() -> Select[Any]:
    """The open estimates, with the start that followed and where the shop is now."""
    started = and_(SyncAttempt.shop_id == StartEstimate.shop_id, SyncAttempt.fence == StartEstimate.fence + 1)
    facts: tuple[Any, ...] = (SyncAttempt.claimed_at, SyncAttempt.trigger, SyncAttempt.requested_at)
    query: Select[Any] = select(StartEstimate, *facts, ShopSync.fence.label("at_fence"), ShopSync.due_at)
    query = query.outerjoin(SyncAttempt, started)
    query = query.outerjoin(ShopSync, ShopSync.shop_id == StartEstimate.shop_id)
    return query.where(StartEstimate.settled_at.is_(None))


def _settled(row: Row[Any], now: datetime) -> tuple[str, datetime | None] | None:
    """(id, start) of one that was started, cut short, or is late beyond all measure; None while it is waited for."""
    estimate: StartEstimate = row.StartEstimate
    asked = row.trigger in ASKED and row.requested_at > estimate.made_at
    given_up = now if now - estimate.starts_at > FAR else None
    if not (row.claimed_at or given_up or row.at_fence != estimate.fence or row.due_at is None):
        return None
    return estimate.id, None if asked else row.claimed_at or given_up


def _chosen(session: Session, now: datetime, settings: Settings, *, also_free: int) -> list[Waiting]:
    """Waits that are written down now: no more than there is room for, none of them twice."""
    opened = select(func.count()).select_from(StartEstimate).where(StartEstimate.settled_at.is_(None))
    room = MOST_OPEN + also_free - session.execute(opened).scalar_one()
    line = coming(session, now=now, settings=settings).waiting if room > 0 else ()
    some = [each for each in line if _is_ahead(each, now)]
    return _not_yet_known(session, random.sample(some, min(len(some), MOST_OPEN)))[:room] if some else []


def _write(session: Session, over: list[tuple[str, datetime | None]], new: list[Waiting], now: datetime) -> None:
    for its_id, started_at in over:
        this = update(StartEstimate).where(StartEstimate.id == its_id, StartEstimate.settled_at.is_(None))
        session.execute(this.values(started_at=started_at, settled_at=now))
    rows = [
        {"id": new_id(), "shop_id": each.shop_id, "fence": each.fence, "made_at": now, "starts_at": each.starts_at}
        for each in new
    ]
    if rows:
        session.execute(insert_into(session, StartEstimate).on_conflict_do_nothing(), rows)


def _is_ahead(each: Waiting, now: datetime) -> bool:
    return each.starts_at is not None and SOON < each.starts_at - now < FAR


def _not_yet_known(session: Session, some: list[Waiting]) -> list[Waiting]:
    query = select(StartEstimate.shop_id, StartEstimate.fence)
    rows = session.execute(query.where(StartEstimate.shop_id.in_([each.shop_id for each in some])))
    known = {(shop_id, fence) for shop_id, fence in rows}
    return [each for each in some if (each.shop_id, each.fence) not in known]
