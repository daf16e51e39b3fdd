"""Claim: one worker's exclusive right to run a shop's attempt.

A claim is decided by one conditional UPDATE over rows that the same transaction has locked
(FOR UPDATE SKIP LOCKED on PostgreSQL, BEGIN IMMEDIATE on SQLite). The rows are read first because
the transition needs the status that was left, which RETURNING cannot give on SQLite.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, cast

import orjson
from sqlalchemy import BindParameter, Integer, Select, Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from sync_core.columns import new_id
from sync_core.config import Settings
from sync_core.lifecycle import moments
from sync_core.lifecycle.rows import Event, Standing, change, end_attempt
from sync_core.models import Install, ShopSync, SyncAttempt
from sync_core.prepared import Prepared, at_once
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
    rescues: int = 0,
    oldest: int = 0,
    reserve: int = 0,
) -> list[Claim]:
    """Take up to `limit` shops that are awake: up to `rescues` whose lease ended, `oldest` by waiting time alone.

    The rest by priority, then waiting time; `reserve` places are for the most urgent only, so that shops
    that fail again and again never hold every worker. An open request is taken; a run whose lease ended
    is booked `orphaned` and its successor goes on under the same trigger, actor, reason and mode.
    """
    shops = _orphaned(session, rescues, now) if rescues else []
    if oldest and len(shops) < limit:
        shops += _others(_longest_waiting(session, oldest + len(shops), now), shops)[: min(oldest, limit - len(shops))]
    for priority in (Priority.FIRST, Priority.FAILING, Priority.LOW):
        places = (limit if priority == Priority.FIRST else limit - reserve) - len(shops)
        if places > 0:
            shops += _others(_awake(session, now, priority, places + len(shops)), shops)[:places]
    return _take(session, shops, owner=owner, now=now, settings=settings) if shops else []


def claim_shop(session: Session, shop_id: str, *, owner: str, now: datetime, settings: Settings) -> Claim | None:
    """Take this shop if it is awake; None when it is not, or another worker has it."""
    shops = [Awake(*row) for row in _ONE.fetch(session, {"its_id": shop_id, "at": now})]
    return next(iter(_take(session, shops, owner=owner, now=now, settings=settings)), None) if shops else None


class Awake(NamedTuple):
    """A shop that may be claimed, as the driver gives its row: moments and JSON are not read yet."""

    shop_id: str
    shop_domain: str
    status: str
    hold: str | None
    generation: int
    fence: int
    failures: int
    token_version: int
    first_synced_at: Any
    wake_at: Any
    cursor: Any

    @property
    def standing(self) -> Standing:
        return Standing(self.shop_id, self.status, self.hold, self.generation, self.fence)


class Opened(NamedTuple):
    """A shop's open attempt: a request, or a run whose lease ended."""

    id: str
    shop_id: str
    claimed_at: Any
    trigger: str
    mode: str
    actor: str | None
    reason: str | None


def _awake(session: Session, now: datetime, priority: int, limit: int) -> list[Awake]:
    """One priority at a time: the index answers it without reading those that still sleep."""
    rows = _AWAKE.fetch(session, {"its_priority": priority, "at": now, "places": limit})
    return [Awake(*row) for row in rows]


def _orphaned(session: Session, limit: int, now: datetime) -> list[Awake]:
    """Before whoever waits: at its place by waiting time a shop whose worker died would wait for all of them."""
    return [Awake(*row) for row in _ORPHANED.fetch(session, {"at": now, "places": limit})]


def _others(found: list[Awake], taken: list[Awake]) -> list[Awake]:
    known = {shop.shop_id for shop in taken}
    return [shop for shop in found if shop.shop_id not in known]


def _longest_waiting(session: Session, limit: int, now: datetime) -> list[Awake]:
    """Whatever their priority: nothing starves behind a stream of more urgent work."""
    priorities = (Priority.FIRST, Priority.FAILING, Priority.LOW)
    found = [shop for priority in priorities for shop in _awake(session, now, priority, limit)]
    return sorted(found, key=lambda shop: (shop.wake_at, shop.shop_id))[:limit]


def _take(session: Session, shops: list[Awake], *, owner: str, now: datetime, settings: Settings) -> list[Claim]:
    attempts = _open_attempts(session, shops)
    due = moments.paired(moments.lease_end(now, settings), settings)
    values = {"status": Status.IN_PROGRESS, "lease_owner": owner, "progress_at": now}
    change(session, [shop.standing for shop in shops], Event("claimed", now, owner), bump=True, **values, **due)
    with at_once(session):
        claims = [_claim(session, shop, attempts.get(shop.shop_id), owner, now) for shop in shops]
        _book(session, claims, attempts)
        _first_pickups(session, claims)
    return claims


def _open_attempts(session: Session, shops: list[Awake]) -> dict[str, Opened]:
    """Read after the shops are locked: what was seen before may have ended since."""
    names = {f"shop_{nth}": shop.shop_id for nth, shop in enumerate(shops)}
    found = _open_of(len(shops)).fetch(session, names)
    return {row[1]: Opened(*row) for row in found}


def _claim(session: Session, shop: Awake, attempt: Opened | None, owner: str, now: datetime) -> Claim:
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
        cursor=shop.cursor if isinstance(shop.cursor, dict) else orjson.loads(shop.cursor),
    )


def _own_trigger(shop: Awake) -> Trigger:
    """Why a shop wakes that nobody asked for."""
    if shop.hold is not None:
        return Trigger.PROBE
    own = {Status.FAILED: Trigger.RETRY, Status.COMPLETED: Trigger.REFRESH}
    return own.get(Status(shop.status), Trigger.WAKE)


def _book(session: Session, claims: list[Claim], attempts: dict[str, Opened]) -> None:
    """Write each claim into its attempt: the request that it took, or a new row."""
    asked = [claim for claim in claims if _took_request(claim, attempts)]
    own = [claim for claim in claims if not _took_request(claim, attempts)]
    if asked:
        _TAKEN.run(session, *({"its_id": claim.attempt_id, **_taken(claim)} for claim in asked))
    if own:
        _OWN.run(session, *(_own_row(claim, attempts.get(claim.shop_id)) for claim in own))


def _took_request(claim: Claim, attempts: dict[str, Opened]) -> bool:
    attempt = attempts.get(claim.shop_id)
    return attempt is not None and attempt.id == claim.attempt_id


def _taken(claim: Claim) -> dict[str, Any]:
    return {
        "fence": claim.fence,
        "number": claim.number,
        "taken_by": claim.owner,
        "claimed_at": claim.claimed_at,
    }


def _own_row(claim: Claim, orphan: Opened | None) -> dict[str, Any]:
    return {
        "id": claim.attempt_id,
        "shop_id": claim.shop_id,
        "generation": claim.generation,
        "trigger": claim.trigger,
        "mode": claim.mode,
        "actor": orphan.actor if orphan is not None else None,
        "reason": orphan.reason if orphan is not None else None,
        "requested_at": claim.claimed_at,
        **_taken(claim),
    }


def _first_pickups(session: Session, claims: list[Claim]) -> None:
    """Stamp the pick-up of each install that had none, once."""
    rows = [
        {"its_id": claim.shop_id, "episode": claim.generation, "at": claim.claimed_at, "its_path": claim.trigger}
        for claim in claims
        if claim.first
    ]
    if rows:
        _PICKED_UP.run(session, *rows)


def _select_awake() -> Select[Any]:
    table = cast(Table, ShopSync.__table__)
    return select(*(table.c[name] for name in Awake._fields)).where(table.c.wake_at <= bindparam("at"))


def _next_awake() -> Prepared:
    priority = cast(Table, ShopSync.__table__).c.priority
    return _longest_of(_select_awake().where(priority == bindparam("its_priority")))


def _next_orphaned() -> Prepared:
    """Asked by status, whose index leads to what runs: a few, however many wait."""
    status = cast(Table, ShopSync.__table__).c.status
    return _longest_of(_select_awake().where(status == Status.IN_PROGRESS.value))


def _longest_of(query: Select[Any]) -> Prepared:
    """So many, the longest waiting first; what somebody else has locked is left to them."""
    table = cast(Table, ShopSync.__table__)
    query = query.order_by(table.c.wake_at, table.c.shop_id).limit(bindparam("places", type_=Integer))
    return Prepared(query.with_for_update(skip_locked=True))


def _this_awake() -> Prepared:
    table = cast(Table, ShopSync.__table__)
    return Prepared(_select_awake().where(table.c.shop_id == bindparam("its_id")).with_for_update(skip_locked=True))


@lru_cache(maxsize=1_024)
def _open_of(shops: int) -> Prepared:
    table = cast(Table, SyncAttempt.__table__)
    named: list[BindParameter[Any]] = [bindparam(f"shop_{nth}") for nth in range(shops)]
    query = select(*(table.c[name] for name in Opened._fields))
    return Prepared(query.where(table.c.shop_id.in_(named), table.c.ended_at.is_(None)))


def _take_request() -> Prepared:
    table = cast(Table, SyncAttempt.__table__)
    fields = ("fence", "number", "taken_by", "claimed_at")
    statement = update(table).where(table.c.id == bindparam("its_id"))
    return Prepared(statement.values({name: bindparam(name) for name in fields}))


def _own_attempt() -> Prepared:
    asked = ("id", "shop_id", "generation", "trigger", "mode", "actor", "reason", "requested_at")
    fields = (*asked, "fence", "number", "taken_by", "claimed_at")
    return Prepared(insert(SyncAttempt).values({name: bindparam(name) for name in fields}))


def _pick_up() -> Prepared:
    table = cast(Table, Install.__table__)
    its = (table.c.shop_id == bindparam("its_id")) & (table.c.generation == bindparam("episode"))
    statement = update(table).where(its, table.c.first_claimed_at.is_(None))
    return Prepared(statement.values(first_claimed_at=bindparam("at"), path=bindparam("its_path")))


_AWAKE, _ORPHANED, _ONE = _next_awake(), _next_orphaned(), _this_awake()
_TAKEN, _OWN, _PICKED_UP = _take_request(), _own_attempt(), _pick_up()
