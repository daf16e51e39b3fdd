"""Delete what is old, in small batches: failures are kept ten times longer than successes.

What is rolled up stays rolled up. Nothing goes that a figure still reads from its rows: checks go only once they
are rolled up, and an open attempt, an unhandled message or an install never.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from sync_core.columns import first_id
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.inbox.case import SET_ASIDE
from sync_core.models import Audit, Heartbeat, RollupMark, StartEstimate, Sweep, SyncAttempt, Transition, WebhookInbox
from sync_core.states import Outcome

BATCH = 1_000
FAILURES_TIMES = 10
ESTIMATES_KEPT = timedelta(days=7)
PROCESSES_KEPT = timedelta(days=7)
EDGE = timedelta(days=1)
"""The oldest window that pages show begins inside an hour, and needs the check before it, too."""

WELL = (Outcome.COMPLETED.value, Outcome.RELEASED.value, Outcome.CANCELLED.value)


@dataclass(frozen=True)
class Old:
    """Rows to delete: of one table, those whose `order` is less than `before`; `order` has an index."""

    name: str
    key: InstrumentedAttribute[str]
    order: InstrumentedAttribute[Any]
    before: datetime | str
    also: ColumnElement[bool] | None = None


def kept_failures(settings: Settings) -> timedelta:
    """How long failed attempts and transitions are kept."""
    return timedelta(days=settings.keep_days * FAILURES_TIMES)


def sweep_out(
    database: Database, settings: Settings, *, now: datetime, stopping: threading.Event | None = None
) -> dict[str, int]:
    """Delete what is old as of `now`. Returns: name → rows deleted.

    One transaction a batch; ends early when told to stop. Errors: database errors pass through, earlier batches stay.
    """
    with database.read() as session:
        rules = list(_rules(session, settings, now))
    return {rule.name: _delete(database, rule, stopping or threading.Event()) for rule in rules}


def _rules(session: Session, settings: Settings, now: datetime) -> Iterator[Old]:
    wells, fails = now - timedelta(days=settings.keep_days), now - kept_failures(settings)
    yield Old("attempts", SyncAttempt.id, SyncAttempt.ended_at, wells, SyncAttempt.outcome.in_(WELL))
    yield Old("failed_attempts", SyncAttempt.id, SyncAttempt.ended_at, fails)
    yield Old("transitions", Transition.id, Transition.id, first_id(fails))
    worked = func.coalesce(WebhookInbox.result, "").not_like(f"{SET_ASIDE}%")
    yield Old("webhooks", WebhookInbox.webhook_id, WebhookInbox.handled_at, wells, worked)
    yield Old("failed_webhooks", WebhookInbox.webhook_id, WebhookInbox.handled_at, fails)
    yield Old("audit", Audit.id, Audit.at, now - timedelta(days=settings.keep_audit_days))
    yield Old("processes", Heartbeat.process, Heartbeat.seen_at, now - PROCESSES_KEPT, _not_the_last())
    yield Old("estimates", StartEstimate.id, StartEstimate.settled_at, now - ESTIMATES_KEPT)
    rolled = session.execute(select(RollupMark.until).where(RollupMark.family == "checks")).scalar_one_or_none()
    if rolled is not None:
        yield Old(
            "checks", Sweep.id, Sweep.begun_at, min(now - timedelta(days=settings.keep_checks_days), rolled) - EDGE
        )


def _not_the_last() -> ColumnElement[bool]:
    """Another process of the role was seen later: when the last one was seen is said however long ago that is."""
    later = aliased(Heartbeat)
    return select(later.process).where(later.role == Heartbeat.role, later.seen_at > Heartbeat.seen_at).exists()


def _delete(database: Database, old: Old, stopping: threading.Event) -> int:
    """Batch after batch, each from where the last one ended: what is kept among them is passed once."""
    deleted, last = 0, None
    while not stopping.is_set():
        with database.write() as session:
            rows = _batch(session, old, last)
            if rows:
                session.execute(
                    delete(old.key.class_).where(old.key.in_([key for key, _ in rows])),
                    execution_options={"synchronize_session": False},
                )
        deleted += len(rows)
        if len(rows) < BATCH:
            break
        last = rows[-1][1]
    return deleted


def _batch(session: Session, old: Old, last: Any) -> list[tuple[str, Any]]:
    conditions = [old.order < old.before]
    if old.also is not None:
        conditions.append(old.also)
    if last is not None:
        conditions.append(old.order >= last)
    query = select(old.key, old.order).where(and_(*conditions)).order_by(old.order).limit(BATCH)
    return [(key, order) for key, order in session.execute(query)]
