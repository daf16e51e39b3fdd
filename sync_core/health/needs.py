"""Who needs a person: shops that only a person can bring back, by cause, the longest waiting first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from sync_core.explain import Action, Need, Who
from sync_core.explain.blocked import BLOCKS
from sync_core.explain.words import ACTOR_OF_HOLD, ATTENTION, OVERDUE, SHOPIFYS_FAULT
from sync_core.health.conditions import CAP, MERCHANT_SIDE, TROUBLED, is_overdue, needs_attention
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


TROUBLE_BEGAN = func.coalesce(ShopSync.failing_since, ShopSync.since)
FIELDS = (
    *(ShopSync.shop_id, ShopSync.shop_domain, ShopSync.status, ShopSync.due_at, ShopSync.failures),
    *(ShopSync.error_class, ShopSync.error_message, ShopSync.first_synced_at),
)


@dataclass(frozen=True)
class Kind:
    """What the shops of one group have in common."""

    cause: str
    who: Who
    action: Action


OURS, THEIRS = "ours", "theirs"
"""Shops that fail again and again, by whose fault."""


def groups(session: Session, *, now: datetime, counts: Mapping[str, int], workers_alive: bool) -> tuple[Group, ...]:
    """The Needs-you list: one group a cause and actor, the group with the longest waiting shop first.

    `counts`: how many shops each hold has, and `overdue`; what nobody has is not looked for.
    """
    kinds = {
        **{hold.value: Kind(hold.value, ACTOR_OF_HOLD[hold], BLOCKS[hold].action) for hold in MERCHANT_SIDE},
        OURS: Kind(ATTENTION, Who.US, Action.SYNC),
        THEIRS: Kind(ATTENTION, Who.SHOPIFY, Action.SYNC),
        OVERDUE: Kind(OVERDUE, Who.US, Action.SYNC if workers_alive else Action.OFF),
    }
    rows = session.execute(_listed(_needy(now, counts))).all()
    found = [_group(kinds[name], tuple(its)) for name, its in groupby(rows, key=lambda row: row.kind)]
    return tuple(sorted(found, key=lambda group: group.rows[0].since))


def _needy(now: datetime, counts: Mapping[str, int]) -> list[Select[Any]]:
    """The shops that need a person, each with the name of its kind and since when it waits; one SELECT an index."""
    held = [hold.value for hold in MERCHANT_SIDE if counts[hold.value]]
    shopifys = func.coalesce(ShopSync.error_class, "").in_(sorted(SHOPIFYS_FAULT))
    fault = case((shopifys, THEIRS), else_=OURS)
    found = [_chosen(fault, TROUBLE_BEGAN, needs_attention(now))]
    if held:
        found.append(_chosen(ShopSync.hold.expression, TROUBLE_BEGAN, and_(TROUBLED, ShopSync.hold.in_(held))))
    if counts["overdue"]:
        found.append(_chosen(literal(OVERDUE), ShopSync.due_at.expression, is_overdue(now)))
    return found


def _chosen(kind: ColumnElement[Any], began: ColumnElement[Any], condition: ColumnElement[bool]) -> Select[Any]:
    return select(ShopSync.shop_id, kind.label("kind"), began.label("since")).where(condition)


def _listed(parts: list[Select[Any]]) -> Select[Any]:
    """Of each kind the longest waiting with their names, and how many there are of it (`n`)."""
    needy = union_all(*parts).subquery()
    order = (needy.c.since, needy.c.shop_id)
    nth = func.row_number().over(partition_by=needy.c.kind, order_by=order).label("nth")
    ranked = select(needy, nth, func.count().over(partition_by=needy.c.kind).label("n")).subquery()
    name = func.coalesce(ShopProfile.name, ShopSync.shop_domain).label("name")
    query = select(*FIELDS, ranked.c.kind, ranked.c.since, ranked.c.n, name)
    query = query.join(ranked, ranked.c.shop_id == ShopSync.shop_id)
    query = query.outerjoin(ShopProfile, ShopProfile.shop_id == ShopSync.shop_id)
    return query.where(ranked.c.nth <= LISTED).order_by(ranked.c.kind, ranked.c.nth)


def _group(kind: Kind, rows: tuple[Row[Any], ...]) -> Group:
    n = rows[0].n
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
        next_at=row.due_at,
        failures=row.failures,
        error_class=row.error_class,
        error_message=row.error_message,
        status=Status(row.status),
        first_synced_at=row.first_synced_at,
    )
