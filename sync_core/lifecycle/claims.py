"""Claim: one worker's exclusive right to run a shop's attempt.

A claim is decided by one conditional UPDATE over rows that the same transaction has locked
(FOR UPDATE SKIP LOCKED on PostgreSQL, BEGIN IMMEDIATE on SQLite). The rows are read first because
the transition needs the status that was left, which RETURNING cannot give on SQLite.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from sync_core.columns import new_id
from sync_core.config import Settings
from sync_core.lifecycle import moments
from sync_core.lifecycle.rows import Event, change, end_attempt
from sync_core.models import Install, ShopSync, SyncAttempt
from sync_core.states import Hold, Mode, Outcome, Priority, Status, Trigger


@dataclass(frozen=True)
class Claim:
    """The right to run one attempt, until the lease ends or the fence moves."""

    shop_id: str
    shop_domain: str
    generation: int
    fence: int
    attempt_id: str
    trigger: Trigger
    mode: Mode
    number: int
    hold: Hold | None
    token_version: int
    owner: str
    claimed_at: datetime
    first: bool
    """This generation has no finished sync yet."""
    cursor: dict[str, Any] = field(repr=False, default_factory=dict)


def claim(
    session: Session,
    *,
    owner: str,
    limit: int,
    now: datetime,
    settings: Settings,
    oldest: int = 0,
    reserve: int = 0,
) -> list[Claim]:
    """Take up to `limit` shops that are awake; `oldest` of them by waiting time alone.

    By priority, then waiting time; `reserve` places are for the most urgent only, so that shops that
    fail again and again never hold every worker. An open request is taken; a run whose lease ended is
    booked `orphaned` and its successor goes on under the same trigger, actor, reason and mode.
    """
    shops = _longest_waiting(session, oldest, now) if oldest else []
    for priority in (Priority.FIRST, Priority.FAILING, Priority.LOW):
        places = limit if priority == Priority.FIRST else limit - reserve
        if len(shops) < places:
            shops += _awake(session, now, [shop.shop_id for shop in shops], priority, places - len(shops))
    return _take(session, shops, owner=owner, now=now, settings=settings) if shops else []


def claim_shop(session: Session, shop_id: str, *, owner: str, now: datetime, settings: Settings) -> Claim | None:
    """Take this shop if it is awake; None when it is not, or another worker has it."""
    query = _locking(select(ShopSync).where(ShopSync.shop_id == shop_id, ShopSync.wake_at <= now))
    shops = list(session.execute(query, execution_options={"populate_existing": True}).scalars())
    return next(iter(_take(session, shops, owner=owner, now=now, settings=settings)), None) if shops else None


def _awake(session: Session, now: datetime, taken: list[str], priority: int, limit: int) -> list[ShopSync]:
    """One priority at a time: the index answers it without reading those that still sleep."""
    query = select(ShopSync).where(ShopSync.priority == priority, ShopSync.wake_at <= now)
    if taken:
        query = query.where(ShopSync.shop_id.not_in(taken))
    query = _locking(query.order_by(ShopSync.wake_at, ShopSync.shop_id).limit(limit))
    return list(session.execute(query, execution_options={"populate_existing": True}).scalars())


def _longest_waiting(session: Session, limit: int, now: datetime) -> list[ShopSync]:
    """Whatever their priority: nothing starves behind a stream of more urgent work."""
    found = [
        shop
        for priority in (Priority.FIRST, Priority.FAILING, Priority.LOW)
        for shop in _awake(session, now, [], priority, limit)
    ]
    return sorted(found, key=lambda shop: (shop.wake_at or now, shop.shop_id))[:limit]


def _locking(query: Select[ShopSync]) -> Select[ShopSync]:
    return query.with_for_update(skip_locked=True)


def _take(session: Session, shops: list[ShopSync], *, owner: str, now: datetime, settings: Settings) -> list[Claim]:
    attempts = _open_attempts(session, shops)
    due = moments.paired(moments.lease_end(now, settings), settings)
    values = {"status": Status.IN_PROGRESS, "fence": ShopSync.fence + 1, "lease_owner": owner, "progress_at": now}
    change(session, shops, Event("claimed", now, owner), **values, **due)
    claims = [_claim(session, shop, attempts.get(shop.shop_id), owner, now) for shop in shops]
    _book(session, claims, attempts)
    _first_pickups(session, claims)
    return claims


def _open_attempts(session: Session, shops: list[ShopSync]) -> dict[str, SyncAttempt]:
    ids = [shop.shop_id for shop in shops]
    query = select(SyncAttempt).where(SyncAttempt.shop_id.in_(ids), SyncAttempt.ended_at.is_(None))
    found = session.execute(query, execution_options={"populate_existing": True}).scalars()
    return {attempt.shop_id: attempt for attempt in found}


def _claim(session: Session, shop: ShopSync, attempt: SyncAttempt | None, owner: str, now: datetime) -> Claim:
    requested = attempt is not None and attempt.claimed_at is None
    if attempt is not None and not requested:
        end_attempt(session, attempt.id, Outcome.ORPHANED, now=now, error_class="orphaned")
    return Claim(
        shop_id=shop.shop_id,
        shop_domain=shop.shop_domain,
        generation=shop.generation,
        fence=shop.fence + 1,
        attempt_id=attempt.id if attempt is not None and requested else new_id(),
        trigger=Trigger(attempt.trigger) if attempt is not None else _own_trigger(shop),
        mode=Mode(attempt.mode) if attempt is not None else Mode.CHANGES,
        number=shop.failures + 1,
        hold=Hold(shop.hold) if shop.hold else None,
        token_version=shop.token_version,
        owner=owner,
        claimed_at=now,
        first=shop.first_synced_at is None,
        cursor=dict(shop.cursor),
    )


def _own_trigger(shop: ShopSync) -> Trigger:
    """Why a shop wakes that nobody asked for."""
    if shop.hold is not None:
        return Trigger.PROBE
    own = {Status.FAILED: Trigger.RETRY, Status.COMPLETED: Trigger.REFRESH}
    return own.get(Status(shop.status), Trigger.WAKE)


def _book(session: Session, claims: list[Claim], attempts: dict[str, SyncAttempt]) -> None:
    """Write each claim into its attempt: the request that it took, or a new row."""
    asked = [claim for claim in claims if _took_request(claim, attempts)]
    own = [claim for claim in claims if not _took_request(claim, attempts)]
    if asked:
        table = cast(Table, SyncAttempt.__table__)
        fields = ("fence", "number", "taken_by", "claimed_at")
        statement = update(table).where(table.c.id == bindparam("attempt")).values({f: bindparam(f) for f in fields})
        session.connection().execute(statement, [{"attempt": claim.attempt_id, **_taken(claim)} for claim in asked])
    if own:
        session.execute(insert(SyncAttempt), [_own_row(claim, attempts.get(claim.shop_id)) for claim in own])


def _took_request(claim: Claim, attempts: dict[str, SyncAttempt]) -> bool:
    attempt = attempts.get(claim.shop_id)
    return attempt is not None and attempt.id == claim.attempt_id


def _taken(claim: Claim) -> dict[str, Any]:
    return {
        "fence": claim.fence,
        "number": claim.number,
        "taken_by": claim.owner,
        "claimed_at": claim.claimed_at,
    }


def _own_row(claim: Claim, orphan: SyncAttempt | None) -> dict[str, Any]:
    return {
        "id": claim.attempt_id,
        "shop_id": claim.shop_id,
        "generation": claim.generation,
        "trigger": claim.trigger.value,
        "mode": claim.mode.value,
        "actor": orphan.actor if orphan is not None else None,
        "reason": orphan.reason if orphan is not None else None,
        "requested_at": claim.claimed_at,
        **_taken(claim),
    }


def _first_pickups(session: Session, claims: list[Claim]) -> None:
    """Stamp the pick-up of each install that had none, once."""
    table = cast(Table, Install.__table__)
    statement = (
        update(table)
        .where(table.c.shop_id == bindparam("shop"), table.c.generation == bindparam("episode"))
        .where(table.c.first_claimed_at.is_(None))
        .values(first_claimed_at=bindparam("at"), path=bindparam("trigger"))
    )
    rows = [
        {"shop": claim.shop_id, "episode": claim.generation, "at": claim.claimed_at, "trigger": claim.trigger.value}
        for claim in claims
        if claim.first
    ]
    if rows:
        session.connection().execute(statement, rows)
