"""Who needs a person: shops that only a person can bring back, by cause, the longest waiting first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync_core.explain import Action, Need, Who
from sync_core.explain.blocked import BLOCKS
from sync_core.explain.words import ACTOR_OF_HOLD, ATTENTION, OVERDUE, SHOPIFYS_FAULT
from sync_core.health.conditions import CAP, MERCHANT_SIDE, NAME, capped_count, is_overdue, needs_attention
from sync_core.models import ShopProfile, ShopSync
from sync_core.states import Status

LISTED = 50
"""Rows of one cause that are read; the rest is counted."""


@dataclass(frozen=True)
class Group:
    """Shops that need a person for one cause: all of them counted, the longest waiting listed."""

    cause: str
    who: Who
    n: int
    capped: bool
    rows: tuple[Need, ...]


def groups(session: Session, *, now: datetime, workers_alive: bool) -> tuple[Group, ...]:
    """The Needs-you list: one group a cause and actor, the group with the longest waiting shop first."""
    found = [*_held(session), *_attention(session, now), *_overdue(session, now, workers_alive=workers_alive)]
    return tuple(sorted(found, key=lambda group: group.rows[0].since))


TROUBLE_BEGAN = func.coalesce(ShopSync.failing_since, ShopSync.since)


def _held(session: Session) -> list[Group]:
    found = []
    for hold in MERCHANT_SIDE:
        kind = Kind(hold.value, ACTOR_OF_HOLD[hold], BLOCKS[hold].action, TROUBLE_BEGAN)
        found += _group(session, kind, ShopSync.hold == hold.value)
    return found


def _attention(session: Session, now: datetime) -> list[Group]:
    shopifys = func.coalesce(ShopSync.error_class, "").in_(sorted(SHOPIFYS_FAULT))
    ours = _group(session, Kind(ATTENTION, Who.US, Action.SYNC, TROUBLE_BEGAN), needs_attention(now), ~shopifys)
    theirs = Kind(ATTENTION, Who.SHOPIFY, Action.SYNC, TROUBLE_BEGAN)
    return ours + _group(session, theirs, needs_attention(now), shopifys)


def _overdue(session: Session, now: datetime, *, workers_alive: bool) -> list[Group]:
    action = Action.SYNC if workers_alive else Action.OFF
    return _group(session, Kind(OVERDUE, Who.US, action, ShopSync.due_at), is_overdue(now))


@dataclass(frozen=True)
class Kind:
    """What the shops of one group have in common; `began` is the column of since when they wait."""

    cause: str
    who: Who
    action: Action
    began: ColumnElement[Any] | InstrumentedAttribute[Any]


def _group(session: Session, kind: Kind, *conditions: ColumnElement[bool]) -> list[Group]:
    query = select(ShopSync, NAME, kind.began).outerjoin(ShopProfile, ShopProfile.shop_id == ShopSync.shop_id)
    rows = session.execute(query.where(*conditions).order_by(kind.began, ShopSync.shop_id).limit(LISTED)).all()
    if not rows:
        return []
    n = len(rows) if len(rows) < LISTED else capped_count(session, *conditions)
    needs = tuple(_need(shop, name, since, kind) for shop, name, since in rows)
    return [Group(kind.cause, kind.who, min(n, CAP), n > CAP, needs)]


def _need(shop: ShopSync, name: str, since: datetime, kind: Kind) -> Need:
    return Need(
        shop_id=shop.shop_id,
        domain=shop.shop_domain,
        name=name,
        cause=kind.cause,
        who=kind.who,
        action=kind.action,
        since=since,
        next_at=shop.due_at,
        failures=shop.failures,
        error_class=shop.error_class,
        error_message=shop.error_message,
        status=Status(shop.status),
        first_synced_at=shop.first_synced_at,
    )
