"""POST /webhooks/shopify: verify, keep, answer; the work comes later, but for an uninstall."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dashboard.api.answers import answer
from dashboard.api.bodies import raw_body
from dashboard.api.desk import Desk, desk_of
from sync_core import install
from sync_core.db import insert_into
from sync_core.models import WebhookInbox
from sync_core.shopify import webhooks
from sync_core.shopify.oauth import client_secrets
from sync_core.shopify.webhooks import Delivery

log = structlog.get_logger()


def receive(request: Request) -> Response:
    """Keep one delivery; a repeated one changes nothing and is answered 200 too.

    Errors: 401 for a signature that is not Shopify's (looked at before anything else), 400 for its headers.
    """
    desk, raw = desk_of(request), raw_body(request)
    given = request.headers.get("x-shopify-hmac-sha256", "")
    if not webhooks.is_signed(raw, given, client_secrets(desk.settings)):
        raise HTTPException(401, "Unauthorized")
    delivery = webhooks.read_headers(request.headers)
    with desk.database.write() as session:
        now = desk.database.now(session)
        first = _keep(session, delivery, raw, now)
        if first and delivery.topic == webhooks.UNINSTALLED:
            _uninstall(session, delivery, desk, now)
    log.info("webhook", topic=delivery.topic, shop_domain=delivery.shop_domain, first=first)
    return answer({"success": True, "duplicate": not first})


def _keep(session: Session, delivery: Delivery, raw: bytes, now: datetime) -> bool:
    """Whether this delivery is the first with its id."""
    row = insert_into(session, WebhookInbox).values(
        webhook_id=delivery.webhook_id,
        topic=delivery.topic,
        shop_domain=delivery.shop_domain,
        triggered_at=delivery.triggered_at,
        received_at=now,
        body=raw.decode(errors="replace").replace("\x00", "\ufffd"),
    )
    kept = row.on_conflict_do_nothing(index_elements=["webhook_id"]).returning(WebhookInbox.webhook_id)
    return session.execute(kept).scalar_one_or_none() is not None


def _uninstall(session: Session, delivery: Delivery, desk: Desk, now: datetime) -> None:
    """Worked in the transaction that keeps it: the token is dead already, a sync would only fail."""
    took = install.uninstall(
        session,
        domain=delivery.shop_domain,
        triggered_at=delivery.triggered_at or now,
        now=now,
        settings=desk.settings,
        vault=desk.vault,
    )
    row = session.get_one(WebhookInbox, delivery.webhook_id)
    row.handled_at = now
    row.result = "uninstalled" if took else "ignored: not installed, or installed again since"
