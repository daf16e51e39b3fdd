"""The look at the database that alerts are judged by: few small queries, each by an index and bounded."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from sync_core.alerts.judge import MANY, SHARE, SHOPIFY, WITHIN
from sync_core.alerts.mends import MENDS
from sync_core.alerts.snapshot import CAP, Clock, Facts, Hit, ShopifyFails
from sync_core.config import Settings
from sync_core.health.answering import Answering, shopify_state
from sync_core.health.conditions import HELD, MERCHANT_SIDE, TROUBLED, alive, capped_count, is_overdue
from sync_core.health.failing_checks import WELL, failed_since
from sync_core.maintenance import heard_at, within
from sync_core.models import Alert, Heartbeat, Install, ShopSync, Sweep, SyncAttempt
from sync_core.states import Hold, Outcome, Status

LISTED = 20

LEASE_PAST = timedelta(minutes=2)
NO_PROGRESS_SECONDS = 600.0
NEWLY = timedelta(hours=24)

began_at = func.coalesce(ShopSync.failing_since, ShopSync.since)
held_at = func.coalesce(ShopSync.held_since, ShopSync.since)
ORPHANED = Outcome.ORPHANED.value
DEATHS = 3
"""So many workers that died in one shop within an hour are no accident of theirs."""
CLASSES = sorted(set(MENDS) - {hold.value for hold in MERCHANT_SIDE} - {ORPHANED})


def look(session: Session, *, now: datetime, settings: Settings) -> Facts:
    """The facts at `now`. Source: shop_sync, heartbeat, sweep, sync_attempt, install by their indexes."""
    waiting_n = capped_count(session, _waiting(now), cap=CAP)
    leases = _hits(session, _lease_past(now), began=ShopSync.due_at, limit=CAP + 1)
    return Facts(
        at=now,
        period=timedelta(seconds=settings.sweep_period_seconds),
        anybody=_anybody(session),
        installed=_installed_as_far_as_needed(session, max(waiting_n, len(leases))),
        waiting=_hits(session, _waiting(now), began=ShopSync.due_at, limit=LISTED),
        waiting_n=waiting_n,
        leases=leases,
        stuck=_hits(session, _stuck(now, settings), began=ShopSync.progress_at, limit=CAP + 1),
        failing={
            **{cause: _hits(session, _fails_with(cause), limit=CAP + 1) for cause in CLASSES},
            ORPHANED: _dying(session, now),
        },
        blocked={hold.value: _blocked(session, hold, now) for hold in MERCHANT_SIDE},
        blocked_n={hold.value: capped_count(session, HELD, _held_by(hold), cap=CAP) for hold in MERCHANT_SIDE},
        shopify=_shopify(session, now),
        shopify_over_at=_shopify_over(session),
        answered_at=_answered(session, now),
        backwards=_backwards(session, now),
        cap=CAP,
        **_checks(session, now, timedelta(seconds=settings.sweep_period_seconds)),
        **_processes(session, now),
    )


def _hits(
    session: Session,
    *conditions: ColumnElement[bool],
    limit: int,
    began: Any = None,
    since: ColumnElement[Any] = began_at,
    changed: Any = ShopSync.since,
) -> tuple[Hit, ...]:
    """Shops that meet the conditions; `began` is the column of since when, and then the order."""
    lasts = since if began is None else func.coalesce(began, ShopSync.since)
    query = select(ShopSync.shop_domain, lasts, changed, ShopSync.attention, ShopSync.error_message)
    query = query.where(*conditions).limit(limit)
    if began is not None:
        query = query.order_by(began)
    return tuple(Hit(*row) for row in session.execute(query))


def _installed() -> ColumnElement[bool]:
    return or_(ShopSync.hold.is_(None), ShopSync.hold != Hold.UNINSTALLED.value)


def _installed_as_far_as_needed(session: Session, late_n: int) -> int:
    """How many shops there are, counted no further than the judgement of `late_n` asks for."""
    return 0 if late_n <= MANY else capped_count(session, _installed(), cap=SHARE * late_n)


def _waiting(now: datetime) -> ColumnElement[bool]:
    return and_(is_overdue(now), ShopSync.status != Status.IN_PROGRESS.value)


def _lease_past(now: datetime) -> ColumnElement[bool]:
    late = and_(ShopSync.due_at.is_not(None), ShopSync.due_at < now - LEASE_PAST)
    return and_(late, ShopSync.status == Status.IN_PROGRESS.value)


def _stuck(now: datetime, settings: Settings) -> ColumnElement[bool]:
    """Alive without progress: a worker ends such a run by itself, so a look later than that one is meant."""
    longest = timedelta(seconds=max(NO_PROGRESS_SECONDS, settings.stall_seconds) + settings.lease_seconds)
    moved = func.coalesce(ShopSync.progress_at, ShopSync.since)
    running = and_(ShopSync.status == Status.IN_PROGRESS.value, ShopSync.due_at >= now - LEASE_PAST)
    return and_(running, moved < now - longest)


def _fails_with(cause: str) -> ColumnElement[bool]:
    return and_(TROUBLED, ShopSync.hold.is_(None), ShopSync.error_class == cause)


def _dying(session: Session, now: datetime) -> tuple[Hit, ...]:
    """Shops in which worker after worker dies: no run of theirs fails, so the shop's own row tells nothing of it."""
    first, last = func.min(SyncAttempt.ended_at), func.max(SyncAttempt.ended_at)
    query = select(ShopSync.shop_domain, first, last).join(SyncAttempt, SyncAttempt.shop_id == ShopSync.shop_id)
    query = query.where(SyncAttempt.outcome == ORPHANED, SyncAttempt.ended_at > now - WITHIN, ShopSync.hold.is_(None))
    again = query.group_by(ShopSync.shop_domain).having(func.count() >= DEATHS).limit(CAP + 1)
    rows = session.execute(again)
    return tuple(Hit(domain, since, changed) for domain, since, changed in rows if since and changed)


def _blocked(session: Session, hold: Hold, now: datetime) -> tuple[Hit, ...]:
    """Shops that were blocked lately."""
    newly = and_(HELD, _held_by(hold), held_at >= now - NEWLY)
    return _hits(session, newly, limit=CAP + 1, since=held_at, changed=held_at)


def _held_by(hold: Hold) -> ColumnElement[bool]:
    return ShopSync.hold == hold.value


def _checks(session: Session, now: datetime, period: timedelta) -> dict[str, Any]:
    newest = select(Sweep.over_limit).order_by(Sweep.begun_at.desc()).limit(1)
    good = select(Sweep.begun_at).where(WELL)
    last_good_at = session.execute(good.order_by(Sweep.begun_at.desc()).limit(1)).scalar_one_or_none()
    failed = failed_since(session, last_good_at, after=now - 2 * period)
    planned = within(session, last_good_at, now) if last_good_at else ()
    return {
        "excused_until": heard_at(planned, last_good_at, patience=2 * period) if last_good_at else None,
        "last_good_at": last_good_at,
        "check_error": failed.error if failed else None,
        "over_limit": session.execute(newest).scalar_one_or_none() or 0,
    }


def _processes(session: Session, now: datetime) -> dict[str, Any]:
    """A row a process that ever was: retention keeps the table small."""
    living = session.execute(select(Heartbeat).where(alive(now))).scalars().all()
    scheduler = select(func.max(Heartbeat.seen_at)).where(Heartbeat.role == "scheduler")
    return {
        "scheduler_alive": any(row.role == "scheduler" for row in living),
        "scheduler_seen_at": session.execute(scheduler).scalar_one(),
        "workers_alive": any(row.workers for row in living),
        "workers_free": sum(max(0, row.workers - row.running) for row in living),
        "clocks": tuple(Clock(row.host, row.clock_offset) for row in living),
        "watched_since": session.execute(select(func.min(Heartbeat.started_at))).scalar_one(),
    }


def _shopify(session: Session, now: datetime) -> ShopifyFails | None:
    state = shopify_state(session, now=now)
    if state.kind is not Answering.FAILING:
        return None
    return ShopifyFails(state.failing, state.asked, state.since or now)


def _shopify_over(session: Session) -> datetime | None:
    over = select(func.max(Alert.recovered_at)).where(Alert.key == SHOPIFY)
    return session.execute(over).scalar_one()


def _answered(session: Session, now: datetime) -> datetime | None:
    """When a sync last ended well, within the hour of the failures that it is set against."""
    well = select(SyncAttempt.ended_at).where(SyncAttempt.outcome == Outcome.COMPLETED.value)
    newest = well.where(SyncAttempt.ended_at > now - WITHIN).order_by(SyncAttempt.ended_at.desc()).limit(1)
    return session.execute(newest).scalar_one_or_none()


def _backwards(session: Session, now: datetime) -> tuple[Hit, ...]:
    """Installs of the last hour that were claimed or synced before they began."""
    before = or_(Install.first_claimed_at < Install.installed_at, Install.first_synced_at < Install.installed_at)
    query = select(ShopSync.shop_domain, Install.installed_at, Install.installed_at)
    query = query.join(ShopSync, ShopSync.shop_id == Install.shop_id)
    query = query.where(Install.installed_at > now - WITHIN, Install.installed_at <= now, before, Install.watched)
    return tuple(Hit(*row) for row in session.execute(query.limit(LISTED)))


def _anybody(session: Session) -> bool:
    some = select(ShopSync.shop_id).select_from(ShopSync).where(_installed()).limit(1)
    return session.execute(some).first() is not None
