"""The engine's queue: one waiting job for each shop that is awake, written in the caller's transaction.

A job carries a shop's id and decides nothing: whoever gets it asks the database for the claim. So a
job too many is a no-op, and a lost one is offered again at the next look.

The rows are written by INSERT … ON CONFLICT, not by the engine's defer(): that raises AlreadyEnqueued,
which ends the caller's transaction unless a SAVEPOINT was sent just before, and Session.begin_nested()
sends its SAVEPOINT late. DO UPDATE rather than DO NOTHING: it locks the waiting row, so that no worker
can take it, find nothing to claim, and drop it before the caller has committed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    case,
    delete,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert
from sqlalchemy.orm import Session

from sync_core.config import Dispatch, Settings
from sync_core.models import SYNC_SCHEMA, ShopSync
from sync_core.states import Priority, Status

TASK = "sync_shop"
URGENT, REST = "urgent", "rest"
"""Queues: rescues, first syncs and what people ask for; all the rest."""
RESCUE = 1
"""The engine's priority of a shop whose worker died, before all others: the rest is minus the shop's own."""
BACKLOG = 1_000
"""Jobs that wait at most, of each priority: more would only have to be kept in order twice."""
OFFER_LOCK = 5_468_732
"""Key of the advisory lock that lets one process at a time offer."""
SILENT = timedelta(seconds=60)
"""An engine's worker that was silent for so long is gone, and so is its job."""

_engine = MetaData(schema=SYNC_SCHEMA)
JOBS = Table(
    "procrastinate_jobs",
    _engine,
    Column("id", BigInteger, primary_key=True),
    Column("queue_name", Text),
    Column("task_name", Text),
    Column("priority", Integer),
    Column("queueing_lock", Text),
    Column("args", JSONB),
    Column("worker_id", BigInteger),
    Column("status", Text),
)
WORKERS = Table(
    "procrastinate_workers",
    _engine,
    Column("id", BigInteger, primary_key=True),
    Column("last_heartbeat", DateTime(timezone=True)),
)
WAITING = JOBS.c.status == literal_column("'todo'")
_LOCK = func.concat("shop:", ShopSync.shop_id)
_RUNNING = ShopSync.status == Status.IN_PROGRESS
_RANKS = {RESCUE: _RUNNING} | {
    -priority: and_(~_RUNNING, ShopSync.priority == priority)
    for priority in (Priority.FIRST, Priority.FAILING, Priority.LOW)
}
"""The engine's priority → which shops. One at a time: an index answers each without reading those that sleep."""
_COLUMNS = ["queue_name", "task_name", "priority", "queueing_lock", "args"]


def announce(session: Session, shop_id: str, *, now: datetime, settings: Settings) -> None:
    """Tell the engine that this shop may be awake; nothing to do for the pool, which looks each second.

    In the transaction of whoever woke it: both are committed or neither. A shop that sleeps, runs or is
    held gets no job; one that has a job waiting keeps it and may only become more urgent.
    """
    if settings.dispatch is Dispatch.PROCRASTINATE:
        session.execute(_offer(_awake(now).where(ShopSync.shop_id == shop_id)))


def offer_awake(session: Session, *, now: datetime) -> int:
    """Give each awake shop that has none a waiting job: rescues, then the most urgent, then the longest waiting.

    A job left over from before its shop was orphaned moves up: at its old place it would wait for all others.
    Returns: how many; 0 while another process is doing the same.
    """
    if not session.execute(select(func.pg_try_advisory_xact_lock(OFFER_LOCK))).scalar_one():
        return 0
    counted = session.execute(select(JOBS.c.priority, func.count()).where(WAITING).group_by(JOBS.c.priority))
    waiting: dict[int, int] = dict(list(counted))
    offered = 0
    for rank, of_rank in _RANKS.items():
        lacking = ~exists().where(WAITING, JOBS.c.queueing_lock == _LOCK, JOBS.c.priority >= rank)
        shops = _awake(now).where(of_rank, lacking).order_by(ShopSync.wake_at, ShopSync.shop_id)
        offer = _offer(shops.limit(max(0, BACKLOG - waiting.get(rank, 0))))
        offered += len(session.execute(offer.returning(JOBS.c.id)).all())
    return offered


def tidy(session: Session, *, now: datetime) -> int:
    """Remove the jobs of the engine's workers that are gone; how many. Their shops are awake or asleep regardless."""
    session.execute(delete(WORKERS).where(WORKERS.c.last_heartbeat < now - SILENT))
    gone = session.execute(delete(JOBS).where(~WAITING, JOBS.c.worker_id.is_(None)))
    removed: int = gone.rowcount  # type: ignore[attr-defined]
    return removed


def _awake(now: datetime) -> Select[Any]:
    queue = case((or_(_RUNNING, ShopSync.priority == Priority.FIRST), URGENT), else_=REST)
    rank = case((_RUNNING, RESCUE), else_=-ShopSync.priority)
    arguments = func.jsonb_build_object(literal_column("'shop_id'"), ShopSync.shop_id)
    columns = (queue, literal(TASK, Text), rank, _LOCK, arguments)
    return select(*columns).where(ShopSync.wake_at <= now)


def _offer(shops: Select[Any]) -> Insert:
    """At most one job of a shop waits (the engine's own partial unique index); it may only become more urgent."""
    offer = insert(JOBS).from_select(_COLUMNS, shops)
    return offer.on_conflict_do_update(
        index_elements=[JOBS.c.queueing_lock],
        index_where=WAITING,
        set_={"priority": offer.excluded.priority, "queue_name": offer.excluded.queue_name},
        where=JOBS.c.priority < offer.excluded.priority,
    )
