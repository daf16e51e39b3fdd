"""Who needs a person: shops that only a person can bring back, by cause, the longest waiting first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, select, union_all
from sqlalchemy.orm import Session

from sync_core.explain import Action, Need, Who
from sync_core.explain.blocked import BLOCKS
from sync_core.explain.words import ACTOR_OF_HOLD, ATTENTION, OVERDUE, SHOPIFYS_FAULT
from sync_core.health.conditions import CAP, HELD, MERCHANT_SIDE, is_overdue, late_at, needs_attention
from sync_core.models import ShopProfile, ShopSync
from sync_core.states import Status

LISTED = 6
"""Rows of one cause that are read: as many as there is room for; the rest is counted."""


@dataclass(frozen=True)
class Group:
    """Shops that need a person for one cause: all of them counted, the longest waiting listed."""

    cause: str
    who: Who
    n: int
    capped: bool
    rows: tuple[Need, ...]


FIELDS = (
    *(ShopSync.shop_id, ShopSync.shop_domain, ShopSync.status, ShopSync.due_at, ShopSync.failures),
    *(ShopSync.held_since, ShopSync.error_class, ShopSync.error_message, ShopSync.first_synced_at),
)


@dataclass(frozen=True)
class Kind:
    """What the shops of one group have in common."""

    cause: str
    who: Who
    action: Action


OURS, THEIRS = "ours", "theirs"
"""Shops that fail again and again, by whose fault."""
SHOPIFYS = func.coalesce(ShopSync.error_class, "").in_(sorted(SHOPIFYS_FAULT))


def attention() -> dict[str, ColumnElement[bool]]:
    """Name → the shops that fail again and again. Parameters: `late_at`."""
    again = needs_attention(None)
    return {OURS: and_(again, ~SHOPIFYS), THEIRS: and_(again, SHOPIFYS)}


def groups(session: Session, *, now: datetime, counts: Mapping[str, int], workers_alive: bool) -> tuple[Group, ...]:
    """The Needs-you list: one group a cause and actor, the group with the longest waiting shop first.

    `counts`: how many shops each hold has, each of `attention`, and `overdue`; what nobody has is not looked for.
    """
    kinds = {
        **{hold.value: Kind(hold.value, ACTOR_OF_HOLD[hold], BLOCKS[hold].action) for hold in MERCHANT_SIDE},
        OURS: Kind(ATTENTION, Who.US, Action.SYNC),
        THEIRS: Kind(ATTENTION, Who.SHOPIFY, Action.SYNC),
        OVERDUE: Kind(OVERDUE, Who.US, Action.SYNC if workers_alive else Action.OFF),
    }
    names = tuple(name for name in kinds if counts[name])
    rows = session.execute(_listed(names), late_at(now)).all() if names else []
    its = groupby(rows, key=lambda row: row.kind)
    found = [_group(kinds[name], counts[name], tuple(rows)) for name, rows in its]
    return tuple(sorted(found, key=lambda group: group.rows[0].since))


def _part(name: str) -> Select[Any]:
    """The longest waiting of a kind, in the order of its index; a shop that a merchant holds has failed first."""
    if name == OVERDUE:
        condition, order = is_overdue(None), ShopSync.due_at.expression
    else:
        held = and_(HELD, ShopSync.hold == name)
        condition, order = attention().get(name, held), ShopSync.failing_since.expression
    since = func.coalesce(order, ShopSync.since).label("since")
    query = select(*FIELDS, literal(name).label("kind"), since).where(condition)
    return select(query.order_by(order, ShopSync.shop_id).limit(LISTED).subquery())


@cache
def _listed(names: tuple[str, ...]) -> Select[Any]:
    """The kinds of these names, with their shops' names. Parameters: `late_at`."""
    needy = union_all(*(_part(name) for name in names)).subquery()
    name = func.coalesce(ShopProfile.name, needy.c.shop_domain).label("name")
    query = select(needy, name).outerjoin(ShopProfile, ShopProfile.shop_id == needy.c.shop_id)
    return query.order_by(needy.c.kind, needy.c.since, needy.c.shop_id)


def _group(kind: Kind, n: int, rows: tuple[Row[Any], ...]) -> Group:
    return Group(kind.cause, kind.who, min(n, CAP), n > CAP, tuple(_need(row, kind) for row in rows))


def _need(row: Row[Any], kind: Kind) -> Need:
    return Need(
        shop_id=row.shop_id,
        domain=row.shop_domain,
        name=row.name,
        cause=kind.cause,
        who=kind.who,
        action=kind.action,
        since=row.since,
        held_since=row.held_since,
        next_at=row.due_at,
        failures=row.failures,
        error_class=row.error_class,
        error_message=row.error_message,
        status=Status(row.status),
        first_synced_at=row.first_synced_at,
    )
