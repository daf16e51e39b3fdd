"""Tokens that nobody uses, refreshed about monthly: a refresh token left alone for 90 days dies.

A shop that is synced needs none of this, its runs refresh. Nothing here writes a status: when Shopify
refuses, a sync is asked for, and its run finds out what that means.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import select

from sync_core import credentials, dispatch, lifecycle, token_refresh
from sync_core.errors import ShopifyError, Unavailable, UnknownApp
from sync_core.models import ShopSync, Token
from sync_core.runner import Tools
from sync_core.states import Hold, Status, Trigger
from sync_core.token_refresh import TokenRefresh
from sync_core.vault import Unreadable

LIMIT = 20
NO_ANSWER_AGAIN = timedelta(hours=1)
REFUSED_AGAIN = timedelta(days=1)

log = structlog.get_logger()


@dataclass
class Kept:
    """What one look did: tokens refreshed, left for later, refused."""

    refreshed: int = 0
    later: int = 0
    refused: int = 0


def keep_alive(tools: Tools, stopping: threading.Event, *, limit: int = LIMIT) -> Kept:
    """Refresh the tokens that are due, the longest due first. Errors: those of a database that does not answer."""
    kept = Kept()
    if tools.settings.shopify_api_key is None or tools.settings.shopify_api_secret is None:
        return kept
    for shop_id, domain in _due(tools, limit):
        if stopping.is_set():
            break
        _keep(tools, shop_id, domain, kept)
    if kept != Kept():
        log.info("tokens.kept", **vars(kept))
    return kept


def _due(tools: Tools, limit: int) -> list[tuple[str, str]]:
    """(shop id, domain). Shops at rest, and those that staff stopped; any other is tried by its own runs."""
    at_rest = (ShopSync.status == Status.COMPLETED.value) & ShopSync.hold.is_(None)
    stopped = ShopSync.hold == Hold.STOPPED.value
    with tools.database.read() as session:
        due = Token.renew_at <= tools.database.now(session)
        query = select(ShopSync.shop_id, ShopSync.shop_domain).join(Token, Token.shop_id == ShopSync.shop_id)
        query = query.where(due, at_rest | stopped).order_by(Token.renew_at).limit(limit)
        return [(shop_id, domain) for shop_id, domain in session.execute(query)]


def _keep(tools: Tools, shop_id: str, domain: str, kept: Kept) -> None:
    """One shop is the edge: what is wrong with it stops no other."""
    try:
        kept.refreshed += _refreshed(tools, shop_id, domain)
    except (Unavailable, Unreadable, UnknownApp) as error:
        # A wrong secret of ours looks the same for every shop: it must not wake them all.
        wait = NO_ANSWER_AGAIN if isinstance(error, Unavailable) else REFUSED_AGAIN
        log.warning("tokens.later", shop=domain, error=str(error))
        _put_off(tools, shop_id, wait)
        kept.later += 1
    except ShopifyError as error:
        log.warning("tokens.refused", shop=domain, error=str(error))
        _ask_for_a_sync(tools, shop_id)
        kept.refused += 1


def _refreshed(tools: Tools, shop_id: str, domain: str) -> bool:
    """False when somebody else is doing it."""
    lock = partial(lifecycle.locked, shop_id=shop_id)
    refresh = TokenRefresh(shop_id, domain, tools.database, tools.vault, tools.settings, tools.http, lock)
    with tools.database.read() as session:
        used = token_refresh.load(session, shop_id, tools.vault)
    return refresh.once(used).version != used.version


def _put_off(tools: Tools, shop_id: str, wait: timedelta) -> None:
    with tools.database.write() as session:
        credentials.put_off(session, shop_id, until=tools.database.now(session) + wait)


def _ask_for_a_sync(tools: Tools, shop_id: str) -> None:
    """Its run refreshes too, and books the refusal. What staff stopped is not asked for: a probe would end that."""
    with tools.database.write() as session:
        shop, now = lifecycle.locked(session, shop_id), tools.database.now(session)
        if shop.hold is None:
            why = "Shopify refused to refresh its token"
            lifecycle.request(session, shop_id, trigger=Trigger.REFRESH, now=now, reason=why)
            dispatch.announce(session, shop_id, now=now, settings=tools.settings)
        credentials.put_off(session, shop_id, until=now + REFUSED_AGAIN)
