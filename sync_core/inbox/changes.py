"""Messages that say "this changed": a pass that begins after the message reads it, and then it is done.

The ordinary pass of changes finds what changed by its time, so ids are not even looked at, and any
number of messages are one request. A message stays open until a pass of its resource that began after
it came has completed; whatever happens to the attempt between, nothing is forgotten.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, func, or_, select, update
from sqlalchemy.orm import Session

from sync_core import lifecycle
from sync_core.app_models import Shop
from sync_core.inbox.case import Case
from sync_core.lifecycle import Answer
from sync_core.models import ShopSync, WebhookInbox
from sync_core.states import Hold, Status, Trigger

QUIET = timedelta(seconds=5)
"""A shop is not asked for again sooner after its last sync: a busy shop is one sync after another, not a thousand."""

NOT_CHANGES = frozenset(
    {"products/delete", "customers/delete", "orders/delete", "customers/data_request", "customers/redact"}
)
TOPICS: dict[str, ColumnElement[bool]] = {
    name: WebhookInbox.topic.like(f"{name}/%") & WebhookInbox.topic.not_in(NOT_CHANGES)
    for name in ("products", "customers", "orders")
} | {"shop": WebhookInbox.topic == "shop/update"}
"""Which messages each resource's pass answers."""

IS_CHANGE = or_(*TOPICS.values())
OPEN = WebhookInbox.handled_at.is_(None)


def waiting(session: Session, now: datetime, limit: int) -> list[str]:
    """Shops whose messages may be settled or asked for now, the one waiting longest first.

    Only shops at rest: one that waits, runs, or failed reads by itself what it was told meanwhile.
    """
    rested = or_(ShopSync.last_synced_at.is_(None), ShopSync.last_synced_at <= now - QUIET)
    query = select(ShopSync.shop_id).join(WebhookInbox, WebhookInbox.shop_domain == ShopSync.shop_domain)
    query = query.where(OPEN, IS_CHANGE, rested, ShopSync.status == Status.COMPLETED.value, ShopSync.hold.is_(None))
    query = query.group_by(ShopSync.shop_id).order_by(func.min(WebhookInbox.received_at), ShopSync.shop_id)
    return list(session.execute(query.limit(limit)).scalars())


def settle(session: Session, shop_id: str, now: datetime) -> tuple[int, Answer | None]:
    """(messages that a finished pass has answered, what came of asking for the rest). Errors: UnknownShop."""
    shop = lifecycle.locked(session, shop_id)
    mine = WebhookInbox.shop_domain == shop.shop_domain
    done = sum(_answered(session, shop, name, mine, now) for name in TOPICS)
    left = session.execute(select(WebhookInbox.topic).where(OPEN, IS_CHANGE, mine).distinct()).scalars()
    topics = ", ".join(sorted(left))
    if not topics:
        return done, None
    asked = lifecycle.request(
        session, shop_id, trigger=Trigger.WEBHOOK, now=now, actor="Shopify", reason=f"Shopify told of {topics}"
    )
    return done, asked.answer


def of_no_shop() -> ColumnElement[bool]:
    """Messages of shops that have not installed the app (any more)."""
    installed = select(Shop.shop_domain).where(Shop.uninstalled_at.is_(None))
    return OPEN & IS_CHANGE & WebhookInbox.shop_domain.not_in(installed)


def drop(session: Session, now: datetime) -> int:
    """Done with the messages of shops that are not installed."""
    return close(session, of_no_shop(), "ignored: not installed", now)


def close(session: Session, which: ColumnElement[bool], result: str, now: datetime) -> int:
    """Book messages as worked and empty them: they may hold personal data."""
    done = session.execute(
        update(WebhookInbox).where(which).values(handled_at=now, result=result, body=""),
        execution_options={"synchronize_session": False},
    )
    return cast(CursorResult[Any], done).rowcount


def rescoped(case: Case) -> str | None:
    """app/scopes_update: a shop held for a scope is probed, any other reads again what was left out."""
    shop = case.shop
    if shop is None or not case.installed:
        return "ignored: not installed"
    if shop.status == Status.IN_PROGRESS:
        return None  # it may have read its scopes before
    held = shop.hold == Hold.SCOPE
    if not held and (shop.hold or shop.status != Status.COMPLETED):
        return "left to the shop's next sync"
    # The sweep's own request: for a held shop it opens a probe, whose success clears the hold.
    trigger = Trigger.SWEEP if held else Trigger.WEBHOOK
    why = f"Shopify told of {case.row.topic}"
    asked = lifecycle.request(case.session, shop.shop_id, trigger=trigger, now=case.now, actor="Shopify", reason=why)
    return f"{'probe' if held else 'sync'} {asked.answer}"


def _answered(session: Session, shop: ShopSync, name: str, mine: ColumnElement[bool], now: datetime) -> int:
    until, result = _read_until(shop, name)
    if until is None:
        return 0
    return close(session, OPEN & mine & TOPICS[name] & (WebhookInbox.received_at <= until), result, now)


def _read_until(shop: ShopSync, name: str) -> tuple[datetime | None, str]:
    """(until when messages of this resource need no other sync, what became of them); None: none of them yet."""
    found = shop.held.get(name)
    if found is None:
        # A sync of ours that held other resources was told to leave this one out: asking again changes nothing.
        return (shop.last_synced_at if shop.held else None), "not read: SYNC_RESOURCES leaves it out"
    if found["skipped"]:
        return shop.last_synced_at, f"not read: {found['skipped']}"
    return datetime.fromisoformat(found["as_of"]), "read"
