"""What a running attempt may write: every verb begins with the guard.

The guard is an UPDATE of the shop_sync row `WHERE fence = mine AND status = 'IN_PROGRESS'`. It is
that row and it comes first: a condition inside the data's own statement locks nothing, and a stale
page was committed after the newer claim had completed (tried on PostgreSQL).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, bindparam, update
from sqlalchemy.orm import Session

from sync_core import crash
from sync_core.config import Settings
from sync_core.errors import Held, NotFound, SecurityRejected, ShopifyError, Stalled
from sync_core.lifecycle import moments
from sync_core.lifecycle.causes import Cause, cause_of
from sync_core.lifecycle.claims import Claim
from sync_core.lifecycle.requests import MANY_FAILURES, Ask, insert_request
from sync_core.lifecycle.rows import Event, Standing, book, change, end_attempt, locked, standing, write
from sync_core.models import Install, ShopSync, SyncAttempt
from sync_core.prepared import Prepared, at_once
from sync_core.states import Hold, Outcome, Priority, Status


@dataclass
class Usage:
    """What an attempt has cost so far."""

    requests: int = 0
    points: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Failed:
    """How a failure was booked: its cause, the hold it set, and the next try."""

    cause: Cause
    hold: Hold | None
    next_at: datetime | None


def checkpoint(
    session: Session,
    claim: Claim,
    *,
    cursor: dict[str, Any],
    progress: dict[str, Any],
    usage: Usage,
    now: datetime,
    settings: Settings,
    plan: str | None = None,
) -> None:
    """The guard of a page: cursor, lease and progress in one UPDATE, before the page's rows.

    Errors: StaleClaim when this claim is over; the caller rolls back and stops.
    """
    due = moments.paired(moments.lease_end(now, settings), settings)
    guard(session, claim, cursor=cursor, progress_at=now, **due)
    book(session, claim.attempt_id, **_spent(progress, usage), **({"plan": plan} if plan else {}))


def renew(session: Session, claim: Claim, *, progressed_at: datetime, now: datetime, settings: Settings) -> None:
    """Prolong the lease of a run that makes progress.

    Errors: StaleClaim; Stalled when the last progress is older than STALL_SECONDS.
    """
    due = moments.paired(moments.lease_end(now, settings), settings)
    guard(session, claim, progress_at=progressed_at, **due)
    if now - progressed_at > timedelta(seconds=settings.stall_seconds):
        raise Stalled(f"No progress for {settings.stall_seconds:.0f} s")


def complete(
    session: Session,
    claim: Claim,
    *,
    cursor: dict[str, Any],
    progress: dict[str, Any],
    held: dict[str, Any],
    usage: Usage,
    now: datetime,
    settings: Settings,
) -> None:
    """All is stored: COMPLETED, the hold and the failures gone. Errors: StaleClaim."""
    values: dict[str, Any] = {"status": Status.COMPLETED, "hold": None, "priority": Priority.LOW, "held": held}
    values |= {"last_synced_at": now, "cursor": cursor} | ({"first_synced_at": now} if claim.first else {})
    due = moments.paired(moments.refresh(now, settings), settings)
    change(session, [_stands(session, claim)], Event("completed", now, claim.owner), **values, **unfailed(), **due)
    with at_once(session):
        end_attempt(session, claim.attempt_id, Outcome.COMPLETED, now=now, **_spent(progress, usage))
        if claim.first:
            _SYNCED.run(session, {"at": now, "its_id": claim.shop_id, "episode": claim.generation})


def fail(session: Session, claim: Claim, *, error: BaseException, now: datetime, settings: Settings) -> Failed:
    """Book a failure: a retry by back-off, or a hold that only an outside event clears.

    A hold is set only for the token that the run used: a 401 of an old token must not block a
    fresh one. Errors: StaleClaim.
    """
    guard(session, claim)
    shop = locked(session, claim.shop_id)
    cause = cause_of(error)
    failed = _judge(shop, claim, cause, error=error, now=now, settings=settings)
    details = {"error_class": cause.name, "error_message": cause.message}
    end_attempt(session, claim.attempt_id, Outcome.FAILED, now=now, **details, **_answer(error))
    crash.point("in_fail")
    event = Event("failed", now, claim.owner, cause.name)
    values = {"status": Status.FAILED, "hold": failed.hold, **details, **_counts(shop, error, now)}
    values["priority"] = _priority(failed.hold, shop.failures + 1)
    change(session, [standing(shop)], event, **values, **moments.paired(failed.next_at, settings))
    return failed


def release(session: Session, claim: Claim, *, now: datetime) -> None:
    """Give the claim back (this process ends): no failure, a successor is requested at once.

    Errors: StaleClaim.
    """
    guard(session, claim)
    shop = locked(session, claim.shop_id)
    end_attempt(session, claim.attempt_id, Outcome.RELEASED, now=now)
    crash.point("in_release")
    attempt = session.get_one(SyncAttempt, claim.attempt_id)
    insert_request(session, shop, Ask(claim.trigger, claim.mode, attempt.actor, attempt.reason), now)
    status = Status.FAILED if shop.hold else Status.PENDING
    event = Event("released", now, claim.owner)
    change(session, [standing(shop)], event, bump=True, status=status, **moments.both(now))


def guard(session: Session, claim: Claim, **values: Any) -> None:
    """Lock the shop's row for this claim, or raise StaleClaim: this run writes nothing any more."""
    write(session, [mine(claim)], **values)


def mine(claim: Claim) -> Standing:
    """The shop as it stands while this claim holds."""
    hold = claim.hold.value if claim.hold else None
    return Standing(claim.shop_id, Status.IN_PROGRESS.value, hold, claim.generation, claim.fence)


def unfailed() -> dict[str, Any]:
    """The columns of trouble, as they are without any."""
    return {
        "failures": 0,
        "not_founds": 0,
        "failing_since": None,
        "error_class": None,
        "error_message": None,
        "attention": False,
    }


def _stands(session: Session, claim: Claim) -> Standing:
    """The shop as it stands; a probe's hold may have been cleared while it ran, by a new authorisation."""
    if claim.hold is None:
        return mine(claim)
    guard(session, claim)
    return standing(locked(session, claim.shop_id))


def _spent(progress: dict[str, Any], usage: Usage) -> dict[str, Any]:
    return {"progress": progress, "requests": usage.requests, "points": usage.points, "bytes": usage.bytes}


def _synced() -> Prepared:
    """The first success of an install, stamped once."""
    table = cast(Table, Install.__table__)
    its = (table.c.shop_id == bindparam("its_id")) & (table.c.generation == bindparam("episode"))
    statement = update(table).where(its, table.c.first_synced_at.is_(None))
    return Prepared(statement.values(first_synced_at=bindparam("at")))


_SYNCED = _synced()


def _judge(
    shop: ShopSync, claim: Claim, cause: Cause, *, error: BaseException, now: datetime, settings: Settings
) -> Failed:
    hold = Hold(shop.hold) if shop.hold else None
    fresh = shop.token_version == claim.token_version
    if isinstance(error, Held):
        return Failed(cause, error.hold, moments.probe(error.hold, now)) if fresh else Failed(cause, hold, now)
    if isinstance(error, NotFound):
        return _not_found(shop, cause, hold, fresh=fresh, now=now)
    at_least = getattr(error, "retry_after", None) or 0
    if isinstance(error, SecurityRejected):
        at_least = max(at_least, moments.SECURITY_SECONDS)
    next_at = moments.retry(shop.failures + 1, now=now, settings=settings, at_least=at_least)
    return Failed(cause, hold, next_at)


def _not_found(shop: ShopSync, cause: Cause, hold: Hold | None, *, fresh: bool, now: datetime) -> Failed:
    """A closed or renamed shop may be back: two more looks before it counts as gone."""
    if shop.not_founds < len(moments.NOT_FOUND_AFTER) and hold is not Hold.GONE:
        return Failed(cause, hold, now + moments.NOT_FOUND_AFTER[shop.not_founds])
    return Failed(cause, Hold.GONE, moments.probe(Hold.GONE, now)) if fresh else Failed(cause, hold, now)


def _priority(hold: Hold | None, failures: int) -> int:
    if hold is not None:
        return Priority.LOW
    return Priority.FAILING if failures > MANY_FAILURES else Priority.FIRST


def _counts(shop: ShopSync, error: BaseException, now: datetime) -> dict[str, Any]:
    return {
        "failures": shop.failures + 1,
        "not_founds": shop.not_founds + 1 if isinstance(error, NotFound) else 0,
        "failing_since": shop.failing_since or now,
        "attention": shop.failures + 1 >= moments.ATTENTION_FAILURES,
    }


def _answer(error: BaseException) -> dict[str, Any]:
    if not isinstance(error, ShopifyError):
        return {}
    return {"http_status": error.status, "request_id": error.request_id}
