"""The three messages that the law is behind: what do you hold of this customer, erase them, erase the shop.

Each leaves an audit row that it was done, with Shopify's ids and counts and no personal data.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from sync_core import credentials, finding, install, lifecycle, removals
from sync_core.inbox.case import Case, number_in
from sync_core.models import Audit, Note, ShopProfile, ShopSync, WebhookInbox
from sync_core.states import Hold, Status, Trigger
from sync_core.store import CUSTOMERS, ORDERS

TOKEN_IS_DEAD = (Hold.REAUTHORISE, Hold.GONE)


def data_request(case: Case) -> str | None:
    """customers/data_request: record what we hold of that customer; the answer is the operator's."""
    body = case.body()
    number = number_in(body.get("customer"), "customer")
    asked = body.get("data_request")
    held = _held(case.session, case.shop.shop_id, number) if case.shop else {}
    _book(case, customer=number, data_request=asked.get("id") if isinstance(asked, dict) else None, held=held)
    return "recorded: the answer to the merchant is the operator's"


def redact_customer(case: Case) -> str | None:
    """customers/redact: the customer's row goes, their orders stay without a name."""
    number = number_in(case.body().get("customer"), "customer")
    if case.shop is None:
        _book(case, customer=number, erased=0)
        return "nothing held"
    erased = removals.remove(case.session, case.shop.shop_id, CUSTOMERS, [number])
    runs = case.shop.status == Status.IN_PROGRESS
    if erased or not runs:
        _book(case, customer=number, erased=erased)
    # A run may store what it fetched before: the message is worked again after it.
    return None if runs else "erased"


def redact_shop(case: Case) -> str | None:
    """shop/redact, 48 hours after an uninstall: every row of the shop goes; our own episodes stay.

    When the uninstall's own message was lost the shop looks alive. A sync finds out: either its token
    is dead, or the shop did install again.
    """
    shop = case.shop
    if shop is None:
        _book(case, erased={})
        return "nothing held"
    if shop.hold in TOKEN_IS_DEAD:
        _uninstall(case)
        shop = lifecycle.locked(case.session, shop.shop_id)
    if shop.hold == Hold.UNINSTALLED:
        _book(case, erased=_erase(case.session, shop))
        return "erased"
    if shop.last_synced_at is not None and shop.last_synced_at > case.row.received_at:
        _book(case, erased=None, kept="installed, and synced since")
        return "kept: installed, and synced since"
    if shop.status == Status.COMPLETED:
        why = f"Shopify told of {case.row.topic}"
        lifecycle.request(
            case.session, shop.shop_id, trigger=Trigger.WEBHOOK, now=case.now, actor="Shopify", reason=why
        )
    return None


def _held(session: Session, shop_id: str, number: str) -> dict[str, int]:
    mine = (CUSTOMERS.c.shopId == shop_id) & (CUSTOMERS.c.shopifyId == number)
    customers = session.execute(select(func.count()).select_from(CUSTOMERS).where(mine)).scalar_one()
    theirs = ORDERS.c.customerId.in_(select(CUSTOMERS.c.id).where(mine))
    orders = session.execute(select(func.count()).select_from(ORDERS).where(theirs)).scalar_one()
    return {"customers": customers, "orders": orders}


def _uninstall(case: Case) -> None:
    moment = case.row.triggered_at or case.row.received_at
    own: dict[str, Any] = {"now": case.now, "settings": case.settings, "vault": case.vault}
    install.uninstall(case.session, domain=case.row.shop_domain, triggered_at=moment, **own)


def _erase(session: Session, shop: ShopSync) -> dict[str, int]:
    erased = removals.remove_all(session, shop.shop_id)
    credentials.erase(session, shop.shop_id)
    session.execute(delete(ShopProfile).where(ShopProfile.shop_id == shop.shop_id))
    finding.know(session, shop.shop_id)
    session.execute(delete(Note).where(Note.shop_id == shop.shop_id))
    unsynced = {"synchronize_session": False}
    session.execute(
        update(ShopSync).where(ShopSync.shop_id == shop.shop_id).values(held={}), execution_options=unsynced
    )
    aside = (WebhookInbox.shop_domain == shop.shop_domain) & WebhookInbox.handled_at.is_not(None)
    session.execute(update(WebhookInbox).where(aside).values(body=""), execution_options=unsynced)
    return erased


def _book(case: Case, **detail: Any) -> None:
    shop_id = case.shop.shop_id if case.shop else None
    detail |= {} if shop_id else {"shop_domain": case.row.shop_domain}
    own: dict[str, Any] = {"actor": "Shopify", "origin": "webhook", "detail": detail}
    case.session.add(Audit(at=case.now, act=case.row.topic, shop_id=shop_id, **own))
