"""Finding shops among a million: by name, domain, e-mail, id, error text, or a pasted address."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from sync_core.errors import BadInput
from sync_core.explain.words import ATTENTION, OVERDUE
from sync_core.health.conditions import CAP, TROUBLED, capped_count, is_overdue, needs_attention, overdue_now
from sync_core.health.hours import Window
from sync_core.health.ledger import in_class
from sync_core.health.meaning import Wanted, meaning
from sync_core.health.spans import moment
from sync_core.health.times import PATH_OF
from sync_core.models import Install, ShopProfile, ShopSync
from sync_core.states import Hold, Status

UNSYNCED = and_(ShopSync.first_synced_at.is_(None), ShopSync.hold.is_distinct_from(Hold.UNINSTALLED.value))


class Sort(StrEnum):
    """Order of the Shops page; each is stable (the shop's id breaks ties)."""

    DOMAIN = "domain"
    WAITING = "waiting"
    NEWEST = "newest"
    OLDEST_DATA = "oldest data"


@dataclass(frozen=True)
class ShopRow:
    """One row of the Shops page."""

    shop_id: str
    domain: str
    name: str
    primary_domain: str | None
    plan: str | None
    status: Status
    hold: Hold | None
    cause: str | None
    """Key of explain.CAUSES, or None while nothing is wrong."""
    attention: bool
    overdue: bool
    failures: int
    since: datetime
    failing_since: datetime | None
    due_at: datetime | None
    installed_at: datetime
    first_synced_at: datetime | None
    last_synced_at: datetime | None
    generation: int
    error_class: str | None
    error_message: str | None


@dataclass(frozen=True)
class Entered:
    """Shops with an install of [since, until) in one class of the ledger."""

    name: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class ShopPage:
    """`total` stops at CAP; `capped`: there are more. `next_after` None: the last page."""

    rows: tuple[ShopRow, ...]
    next_after: str | None
    total: int
    capped: bool


def search(
    session: Session,
    *,
    now: datetime,
    text: str = "",
    status: Status | None = None,
    cause: str | None = None,
    path: str | None = None,
    overdue: bool = False,
    attention: bool = False,
    entered: Entered | None = None,
    sort: Sort = Sort.DOMAIN,
    after: str | None = None,
    limit: int = 50,
) -> ShopPage:
    """One page of the shops that match everything asked.

    `text` is matched against name, both domains, e-mail, id and error text; an address pasted from the admin or the
    storefront is understood. `after` is the `next_after` of the page before, of the same question.
    Errors: BadInput when `after` is not one of ours; database errors pass through.
    """
    asked = _conditions(now, text, status, cause, path, overdue=overdue, attention=attention)
    if entered:
        asked.append(in_class(entered.name, Window(entered.since, entered.until), now=now))
    order = ORDERS[sort]
    query = select(ShopSync, ShopProfile, order.key).outerjoin(ShopProfile, ShopProfile.shop_id == ShopSync.shop_id)
    query = query.where(*asked, *([_beyond(order, after)] if after else [])).limit(limit + 1)
    found = session.execute(query.order_by(*order.columns)).all()
    rows = tuple(_row(shop, profile, now) for shop, profile, _ in found[:limit])
    place = _place(found[limit - 1]) if len(found) > limit else None
    whole = after is None and place is None
    total = len(rows) if whole else capped_count(session, *asked)
    return ShopPage(rows, place, min(total, CAP), capped=total > CAP)


EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Order:
    """A sort: its key, never null, then the shop's id; `down`: the largest of both first, an index read backwards."""

    key: ColumnElement[Any]
    down: bool = False

    @property
    def columns(self) -> tuple[Any, Any]:
        both = (self.key, ShopSync.shop_id)
        return (both[0].desc(), both[1].desc()) if self.down else (both[0].asc(), both[1].asc())


ORDERS = {
    Sort.DOMAIN: Order(ShopSync.shop_domain.expression),
    Sort.WAITING: Order(func.coalesce(ShopSync.failing_since, case((UNSYNCED, ShopSync.installed_at)), moment(LATEST))),
    Sort.NEWEST: Order(ShopSync.installed_at.expression, down=True),
    Sort.OLDEST_DATA: Order(func.coalesce(ShopSync.last_synced_at, moment(EARLIEST))),
}
"""Waiting: failing, or never synced, the longest first; then the rest."""


def _conditions(
    now: datetime,
    text: str,
    status: Status | None,
    cause: str | None,
    path: str | None,
    *,
    overdue: bool,
    attention: bool,
) -> list[ColumnElement[bool]]:
    asked = [*([matches(text)] if text.strip() else [])]
    if status:
        asked.append(ShopSync.status == str(status))
    if cause:
        asked.append(_caused_by(cause, now))
    if path:
        asked.append(_started_by(path))
    if overdue:
        asked.append(is_overdue(now))
    if attention:
        asked.append(and_(TROUBLED, ShopSync.attention))
    return asked


def _caused_by(cause: str, now: datetime) -> ColumnElement[bool]:
    """The shops that a cause key counts: a hold, one of our own keys, or the class of the last failure."""
    if cause == OVERDUE:
        return is_overdue(now)
    if cause == ATTENTION:
        return needs_attention(now)
    if cause in set(Hold):
        return and_(TROUBLED, ShopSync.hold == cause)
    return and_(TROUBLED, ShopSync.hold.is_(None), ShopSync.error_class == cause)


def _started_by(path: str) -> ColumnElement[bool]:
    named = [trigger.value for trigger, its in PATH_OF.items() if its == path]
    others = Install.path.not_in([trigger.value for trigger in PATH_OF])
    this = and_(Install.shop_id == ShopSync.shop_id, Install.generation == ShopSync.generation)
    return exists().where(this, Install.path.in_(named) if path != "wake" else others)


def matches(text: str) -> ColumnElement[bool]:
    """The shops that a text means: an address from the admin or a storefront, else any part of what is known."""
    wanted = meaning(text)
    if wanted.domain:
        return ShopSync.shop_domain == wanted.domain
    profile = _profile_matches(wanted)
    if wanted.host:
        return profile
    error = and_(TROUBLED, func.lower(ShopSync.error_message).contains(wanted.text, autoescape=True))
    domain = ShopSync.shop_domain.contains(wanted.text, autoescape=True)
    return or_(domain, ShopSync.shop_id == text.strip(), error, profile)


def _profile_matches(wanted: Wanted) -> ColumnElement[bool]:
    host = func.lower(ShopProfile.primary_domain)
    known = (ShopProfile.name_folded, host, func.lower(ShopProfile.contact_email))
    parts = [column.contains(wanted.text, autoescape=True) for column in known]
    anywhere = or_(*parts, ShopProfile.shopify_gid == f"gid://shopify/Shop/{wanted.text}")
    found = host.in_([wanted.host, f"www.{wanted.host}"]) if wanted.host else anywhere
    return ShopSync.shop_id.in_(select(ShopProfile.shop_id).where(found))


def _beyond(order: Order, after: str) -> ColumnElement[bool]:
    key, shop_id = _read_place(order, after)
    further = order.key < key if order.down else order.key > key
    not_before = order.key <= key if order.down else order.key >= key  # a range that an index serves; the OR is none
    tie = ShopSync.shop_id < shop_id if order.down else ShopSync.shop_id > shop_id
    return and_(not_before, or_(further, tie))


def _place(row: Any) -> str:
    shop, _, key = row
    return json.dumps([key.isoformat() if isinstance(key, datetime) else key, shop.shop_id])


def _read_place(order: Order, after: str) -> tuple[ColumnElement[Any], str]:
    try:
        key, shop_id = (_storable(part) for part in json.loads(after))
        timed = order is not ORDERS[Sort.DOMAIN]
        return (moment(_aware(key)) if timed else literal(key)), shop_id
    except (ValueError, TypeError, OverflowError):
        raise BadInput("after is not a place in this list", field="after") from None


def _storable(part: object) -> str:
    """A text that both engines take. Errors: TypeError, ValueError (NUL, half a surrogate pair)."""
    if not isinstance(part, str):
        raise TypeError("no text")
    if b"\x00" in part.encode():
        raise ValueError("NUL")
    return part


def _aware(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("no time zone")
    return found.astimezone(UTC)


def _row(shop: ShopSync, profile: ShopProfile | None, now: datetime) -> ShopRow:
    return ShopRow(
        shop_id=shop.shop_id,
        domain=shop.shop_domain,
        name=profile.name if profile else shop.shop_domain,
        primary_domain=profile.primary_domain if profile else None,
        plan=profile.plan if profile else None,
        status=Status(shop.status),
        hold=Hold(shop.hold) if shop.hold else None,
        cause=_cause(shop, now),
        attention=shop.attention,
        overdue=overdue_now(shop, now),
        failures=shop.failures,
        since=shop.since,
        failing_since=shop.failing_since,
        due_at=shop.due_at,
        installed_at=shop.installed_at,
        first_synced_at=shop.first_synced_at,
        last_synced_at=shop.last_synced_at,
        generation=shop.generation,
        error_class=shop.error_class,
        error_message=shop.error_message,
    )


def _cause(shop: ShopSync, now: datetime) -> str | None:
    if shop.hold:
        return shop.hold
    return OVERDUE if overdue_now(shop, now) else shop.error_class
