"""One tick of the safety net: book the slot, adopt, open requests for what is due.

A tick never runs a sync: one after another, ten syncs of three minutes would turn "10 per 5
minutes" into 10 per 40.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from sync_core import crash, install, lifecycle
from sync_core.columns import new_id
from sync_core.config import Settings
from sync_core.db import Database, insert_into
from sync_core.errors import BadSetting
from sync_core.lifecycle import Answer
from sync_core.models import ShopSync, Sweep
from sync_core.states import Trigger
from sync_core.vault import Vault

log = structlog.get_logger()


@dataclass
class SweepReport:
    """What one tick did; `shops` is (domain, answer) of each shop that was due."""

    sweep_id: str
    slot: int | None
    due: int = 0
    adopted: int = 0
    opened: int = 0
    joined: int = 0
    over_limit: int = 0
    error: str | None = None
    shops: list[tuple[str, Answer]] = field(default_factory=list)


def slot_of(moment: datetime, period_seconds: float) -> int:
    """The slot that a moment lies in: floor(epoch / period)."""
    return int(moment.timestamp() // period_seconds)


def slot_went_well(session: Session, slot: int) -> bool | None:
    """Whether the tick that booked this slot, of any process, has ended without an error; None: nobody booked it."""
    tick = session.execute(select(Sweep.ended_at, Sweep.error).where(Sweep.slot == slot)).one_or_none()
    return None if tick is None else tick.ended_at is not None and tick.error is None


def tick(database: Database, *, by: str, settings: Settings, vault: Vault) -> SweepReport:
    """Sweep once. An exception is booked on the sweep's row before it leaves.

    A tick that finds its slot booked still sweeps; it is stored with no slot.
    """
    with database.write() as session:
        begun = database.now(session)
        report = _book_slot(session, begun, by, settings)
    crash.point("sweep_booked")
    try:
        _adopt(database, report, settings, vault)
        _open_requests(database, report, begun, settings)
    except Exception as error:
        report.error = report.error or lifecycle.cause_of(error).message
        _end(database, report)
        raise
    _end(database, report)
    log.info("sweep", by=by, slot=report.slot, due=report.due, opened=report.opened, adopted=report.adopted)
    return report


def _book_slot(session: Session, now: datetime, by: str, settings: Settings) -> SweepReport:
    slot = slot_of(now, settings.sweep_period_seconds)
    row = {
        "period_seconds": settings.sweep_period_seconds,
        "profile": settings.sweep_profile.value,
        "by": by,
        "begun_at": now,
    }
    booked = insert_into(session, Sweep).values(id=new_id(), slot=slot, **row)
    sweep_id = session.execute(booked.on_conflict_do_nothing().returning(Sweep.id)).scalar_one_or_none()
    if sweep_id is not None:
        return SweepReport(sweep_id, slot)
    extra = Sweep(id=new_id(), slot=None, **row)
    session.add(extra)
    return SweepReport(extra.id, None)


def _adopt(database: Database, report: SweepReport, settings: Settings, vault: Vault) -> None:
    """Each shop in a transaction of its own: one unreadable token must not stop the others."""
    with database.read() as session:
        ids = install.to_adopt(session)
    for shop_id in ids:
        try:
            with database.write() as session:
                now = database.now(session)
                report.adopted += install.adopt_shop(session, shop_id, now=now, settings=settings, vault=vault)
        except BadSetting as error:
            report.error = str(error)
            log.exception("sweep.adopt_failed", shop_id=shop_id)


def _open_requests(database: Database, report: SweepReport, begun: datetime, settings: Settings) -> None:
    """Oldest due first, each shop once: only what was due when the tick began."""
    with database.read() as session:
        report.due = session.execute(select(func.count()).where(ShopSync.due_at <= begun)).scalar_one()
    last: tuple[datetime, str] | None = None
    while True:
        with database.write() as session:
            batch = _due(session, begun, last, settings.sweep_batch)
            now = database.now(session)
            for _, shop_id in batch:
                _open_request(session, shop_id, report, now)
        if len(batch) < settings.sweep_batch or not settings.prompt:
            break
        last = batch[-1]
    report.over_limit = max(0, report.due - len(report.shops))


def _due(
    session: Session, begun: datetime, last: tuple[datetime, str] | None, limit: int
) -> list[tuple[datetime, str]]:
    """The next (due_at, shop_id) that were due at `begun`, after `last`, locked.

    A request moves due_at beyond `begun`; a joined one keeps it and lies before `last`. A row that
    somebody else has locked is left to the next tick: waiting for it would let one process that
    stands still stop the net, and a shop that completes meanwhile would be requested again.
    """
    key = (ShopSync.due_at, ShopSync.shop_id)
    query = select(*key).where(ShopSync.due_at <= begun).order_by(*key).limit(limit)
    query = query.with_for_update(skip_locked=True)
    if last is not None:
        due_at, shop_id = last
        query = query.where(ShopSync.due_at >= due_at, or_(ShopSync.due_at > due_at, ShopSync.shop_id > shop_id))
    return [(due_at, shop_id) for due_at, shop_id in session.execute(query) if due_at is not None]


def _open_request(session: Session, shop_id: str, report: SweepReport, now: datetime) -> None:
    asked = lifecycle.request(session, shop_id, trigger=Trigger.SWEEP, now=now, actor="safety check")
    report.opened += asked.answer is Answer.OPENED
    report.joined += asked.answer in (Answer.JOINED, Answer.RUNNING)
    report.shops.append((asked.shop_domain, asked.answer))


def _end(database: Database, report: SweepReport) -> None:
    counts = {name: getattr(report, name) for name in ("due", "adopted", "opened", "joined", "over_limit", "error")}
    with database.write() as session:
        session.execute(
            update(Sweep).where(Sweep.id == report.sweep_id).values(ended_at=database.now(session), **counts),
            execution_options={"synchronize_session": False},
        )
