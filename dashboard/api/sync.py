"""POST /api/sync, GET /api/sync/status (a merchant's page), POST /api/sync/trigger (our own programs)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import anyio
from sqlalchemy import exists, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dashboard.api.answers import answer, problem, stamp
from dashboard.api.bodies import json_object, text_field
from dashboard.api.desk import Desk, desk_of
from dashboard.api.progress import standing_of
from dashboard.api.security import require_secret, signed_in
from sync_core import dispatch, install, lifecycle
from sync_core.app_models import Shop
from sync_core.errors import BadInput
from sync_core.lifecycle import Answer, Asked
from sync_core.models import Audit, ShopSync, SyncAttempt
from sync_core.shopify.domains import shop_domain
from sync_core.states import Hold, Mode, Status, Trigger

ACTOR = "api"


@dataclass(frozen=True)
class Order:
    """What the body of a trigger asks for."""

    shop_id: str | None
    domain: str | None
    mode: Mode
    reason: str | None


def begin(request: Request) -> Response:
    """POST /api/sync: open a request for the signed-in shop. Errors: 401, 403; 409 while it is held."""
    desk = desk_of(request)
    with desk.database.write() as session:
        shop = signed_in(request, session, acts=True)
        now = desk.database.now(session)
        asked = lifecycle.request(session, shop.shop_id, trigger=Trigger.ONBOARDING, now=now, actor="merchant")
        dispatch.announce(session, shop.shop_id, now=now, settings=desk.settings)
    return _answered(asked)


def status(request: Request) -> Response:
    """GET /api/sync/status: where the signed-in shop's sync stands, for its merchant. Errors: 401."""
    desk = desk_of(request)
    with desk.database.read() as session:
        shop = signed_in(request, session, acts=False)
        return answer(standing_of(session, shop, now=desk.database.now(session)))


async def trigger(request: Request) -> Response:
    """POST /api/sync/trigger: open a request for any shop; with `?wait=1` answer when its sync has ended.

    Errors: 400 naming the field, 401, 404, 409 while no sync could succeed; with wait 500 and the error.
    """
    asked = await run_in_threadpool(_ordered, request)
    if asked.answer is Answer.REFUSED or request.query_params.get("wait") != "1":
        return _answered(asked, named=True)
    return await _ended(request, asked)


def _ordered(request: Request) -> Asked:
    require_secret(request, "internal_api_secret")
    order, desk = _order(json_object(request)), desk_of(request)
    with desk.database.write() as session:
        now = desk.database.now(session)
        shop_id = _known(session, order, desk)
        asked = lifecycle.request(
            session, shop_id, trigger=Trigger.API, now=now, actor=ACTOR, reason=order.reason, mode=order.mode
        )
        dispatch.announce(session, shop_id, now=now, settings=desk.settings)
        session.add(_audited(order, asked, now))
    return asked


def _audited(order: Order, asked: Asked, now: datetime) -> Audit:
    detail = {"answer": asked.answer.value, "mode": order.mode.value, "attempt": asked.attempt_id}
    return Audit(
        at=now, actor=ACTOR, act="sync", shop_id=asked.shop_id, reason=order.reason, origin="api", detail=detail
    )


def _order(body: dict[str, Any]) -> Order:
    shop_id, domain = text_field(body, "shopId"), text_field(body, "shopDomain")
    if not (shop_id or domain):
        raise BadInput("shopId is required", field="shopId")
    return Order(shop_id, domain and shop_domain(domain), _mode(body), text_field(body, "reason"))


def _mode(body: dict[str, Any]) -> Mode:
    mode = text_field(body, "mode") or Mode.CHANGES.value
    if mode not in set(Mode):
        raise BadInput(f"mode must be one of {', '.join(Mode)}", field="mode")
    return Mode(mode)


def _known(session: Session, order: Order, desk: Desk) -> str:
    """The shop's id, with what the app changed in its own row taken over first. Errors: 404."""
    named = Shop.id == order.shop_id if order.shop_id else Shop.shop_domain == order.domain
    shop_id = session.execute(select(Shop.id).where(named)).scalar_one_or_none()
    if shop_id is None:
        raise HTTPException(404, "Shop not found")
    now = desk.database.now(session)
    install.adopt_shop(session, shop_id, now=now, settings=desk.settings, vault=desk.vault)
    return shop_id


def _answered(asked: Asked, *, named: bool = False) -> Response:
    """The table "the shop is" of the contract. `named`: with the shop's domain, for our own programs."""
    if asked.answer is Answer.REFUSED:
        return _refused(asked)
    content: dict[str, Any] = {"success": True, "message": asked.why}
    if named:
        content["shopDomain"] = asked.shop_domain
    if asked.answer in (Answer.OPENED, Answer.JOINED):
        joined = {"joined": True} if asked.answer is Answer.JOINED else {}
        return answer({**content, "message": "Sync started", "attempt": asked.attempt_id, **joined}, 202)
    return answer({**content, "skipped": True, "attempt": asked.attempt_id})


def _refused(asked: Asked) -> Response:
    if asked.hold is Hold.UNINSTALLED:
        return problem(409, "Shop is uninstalled")
    return problem(409, asked.why, hold=asked.hold, nextAttemptAt=stamp(asked.next_at))


async def _ended(request: Request, asked: Asked) -> Response:
    """The answer once no attempt of the shop is open, or 202 when patience or the caller's connection ends."""
    desk = desk_of(request)
    give_up = time.monotonic() + desk.patience_seconds
    while time.monotonic() < give_up and not await request.is_disconnected():
        outcome = await run_in_threadpool(_outcome, desk, asked)
        if outcome is not None:
            return outcome
        await anyio.sleep(desk.glance_seconds)
    content = {"success": True, "message": "Sync still running", "shopDomain": asked.shop_domain}
    return answer({**content, "attempt": asked.attempt_id}, 202)


def _outcome(desk: Desk, asked: Asked) -> Response | None:
    with desk.database.read() as session:
        is_open = exists().where(SyncAttempt.shop_id == asked.shop_id, SyncAttempt.ended_at.is_(None))
        if session.execute(select(is_open)).scalar_one():
            return None
        shop = session.get_one(ShopSync, asked.shop_id)
    content: dict[str, Any] = {"shopDomain": shop.shop_domain, "attempt": asked.attempt_id}
    if shop.status == Status.COMPLETED:
        return answer({"success": True, "message": "Sync completed", **content})
    return problem(500, shop.error_message or f"Sync ended {shop.status}", hold=shop.hold, **content)
