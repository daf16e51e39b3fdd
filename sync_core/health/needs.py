"""Who needs a person: shops that only a person can bring back, by cause, the longest waiting first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync_core.explain import Action, Need, Who
from sync_core.explain.blocked import BLOCKS
from sync_core.explain.words import ACTOR_OF_HOLD, ATTENTION, OVERDUE, SHOPIFYS_FAULT
from sync_core.health.conditions import CAP, MERCHANT_SIDE, TROUBLED, capped_count, is_overdue, needs_attention
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


TROUBLE_BEGAN = func.coalesce(ShopSync.failing_since, ShopSync.since)
FIELDS = (
    *(ShopSync.shop_id, ShopSync.shop_domain, ShopSync.status, ShopSync.due_at, ShopSync.failures),
    *(ShopSync.error_class, ShopSync.error_message, ShopSync.first_synced_at),
)


@dataclass(frozen=True)
class Kind:
    """What the shops of one group have in common; `began` is the column of since when they wait."""

    cause: str
    who: Who
    action: Action
    began: ColumnElement[Any] | InstrumentedAttribute[Any]


def groups(session: Session, *, now: datetime, counts: Mapping[str, int], workers_alive: bool) -> tuple[Group, ...]:
    """The Needs-you list: one group a cause and actor, the group with the longest waiting shop first.

    `counts`: how many shops each hold has, and `overdue`; what nobody has is not looked for.
    """
    found = [*_held(session, counts), *_attention(session, now)]
    if counts["overdue"]:
        kind = Kind(OVERDUE, Who.US, Action.SYNC if workers_alive else Action.OFF, ShopSync.due_at)
        found += _group(session, kind, is_overdue(now))
    return tuple(sorted(found, key=lambda group: group.rows[0].since))


def _held(session: Session, counts: Mapping[str, int]) -> list[Group]:
    found = []
    for hold in MERCHANT_SIDE:
        if counts[hold.value]:
            kind = Kind(hold.value, ACTOR_OF_HOLD[hold], BLOCKS[hold].action, TROUBLE_BEGAN)
            found += _group(session, kind, TROUBLED, ShopSync.hold == hold.value)
    return found


def _attention(session: Session, now: datetime) -> list[Group]:
    shopifys = func.coalesce(ShopSync.error_class, "").in_(sorted(SHOPIFYS_FAULT))
    ours = _group(session, Kind(ATTENTION, Who.US, Action.SYNC, TROUBLE_BEGAN), needs_attention(now), ~shopifys)
    theirs = Kind(ATTENTION, Who.SHOPIFY, Action.SYNC, TROUBLE_BEGAN)
    return ours + _group(session, theirs, needs_attention(now), shopifys)


def _group(session: Session, kind: Kind, *conditions: ColumnElement[bool]) -> list[Group]:
    """The names are looked up for the listed ones only."""
    chosen = select(*FIELDS, kind.began.label("since")).where(*conditions)
    listed = chosen.order_by(kind.began, ShopSync.shop_id).limit(LISTED).subquery()
    name = func.coalesce(ShopProfile.name, listed.c.shop_domain).label("name")
    query = select(listed, name).outerjoin(ShopProfile, ShopProfile.shop_id == listed.c.shop_id)
    rows = session.execute(query.order_by(listed.c.since, listed.c.shop_id)).all()
    if not rows:
        return []
    n = len(rows) if len(rows) < LISTED else capped_count(session, *conditions)
    return [Group(kind.cause, kind.who, min(n, CAP), n > CAP, tuple(_need(row, kind) for row in rows))]


def _need(row: Row[Any], kind: Kind) -> Need:
    return Need(
        shop_id=row.shop_id,
        domain=row.shop_domain,
        name=row.name,
        cause=kind.cause,
        who=kind.who,
        action=kind.action,
        since=row.since,
        next_at=row.due_at,
        failures=row.failures,
        error_class=row.error_class,
        error_message=row.error_message,
        status=Status(row.status),
        first_synced_at=row.first_synced_at,
    )
