"""Whether Shopify tells us of each shop's changes: looked at by its runs, once a day and with each full pass.

What is missing is created again. Nothing here fails a sync: without a message a change is found by the next
pass, and what was deleted by the next comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from sqlalchemy.orm import Session

from sync_core.config import LOOPBACK_HOSTS, Settings, Webhooks
from sync_core.errors import ShopifyError
from sync_core.lifecycle import Claim
from sync_core.models import WebhookCheck
from sync_core.resources.resource import Scopes, grants
from sync_core.shopify import subscriptions
from sync_core.shopify.client import ShopifyClient
from sync_core.shopify.subscriptions import TOPICS
from sync_core.states import Mode

AGAIN_AFTER = timedelta(days=1)
MEND_AFTER = timedelta(hours=1)
"""The same, when something was missing the last time."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Subscribed:
    """What comes to `address`, what does not though it should, and why."""

    address: str
    topics: tuple[str, ...]
    missing: tuple[str, ...] = ()
    problem: str | None = None


def address_of(settings: Settings) -> str | None:
    """Where Shopify is to send messages; None when it could not reach us, or the app's configuration says where."""
    if settings.webhooks is Webhooks.APP:
        return None
    origin = urlsplit(settings.app_url)
    near = settings.sandboxed and origin.hostname in LOOPBACK_HOSTS
    return f"{settings.app_url}/webhooks/shopify" if origin.scheme == "https" or near else None


def address_due(session: Session, claim: Claim, *, now: datetime, settings: Settings) -> str | None:
    """The address when it is time to look, with each pass over everything too; None when it is not."""
    address = address_of(settings)
    last = session.get(WebhookCheck, claim.shop_id)
    full = claim.first or claim.mode is Mode.EVERYTHING
    if address is None or last is None or full or last.address != address:
        return address
    return address if now - last.checked_at >= (MEND_AFTER if last.missing else AGAIN_AFTER) else None


def bring_up(client: ShopifyClient, scopes: Scopes, address: str) -> Subscribed:
    """Look, and create what is missing; two requests at most. Errors: Released; Shopify's are the `problem`."""
    wanted = [topic for topic, scope in TOPICS.items() if scope is None or grants(scopes, scope)]
    found: set[str] = set()
    problem = None
    try:
        found = subscriptions.present(client, address)
        found |= _created(client, address, [topic for topic in wanted if topic not in found])
    except ShopifyError as error:
        problem = str(error)
    missing = tuple(topic for topic in wanted if topic not in found)
    if missing:
        problem = problem or "Shopify refused to create them"
        log.warning("webhooks.missing", topics=missing, why=problem)
    return Subscribed(address, tuple(topic for topic in wanted if topic in found), missing, problem)


def _created(client: ShopifyClient, address: str, missing: list[str]) -> set[str]:
    if not missing:
        return set()
    refused = subscriptions.subscribe(client, address, missing)
    log.info("webhooks.created", topics=[topic for topic in missing if topic not in refused])
    return set(missing) - refused


def note(session: Session, shop_id: str, found: Subscribed, *, now: datetime) -> None:
    """Keep what was found, in place of what was found before; the caller holds the shop's lock."""
    topics, missing = list(found.topics), list(found.missing)
    own = {"address": found.address, "topics": topics, "missing": missing, "problem": found.problem}
    session.merge(WebhookCheck(shop_id=shop_id, checked_at=now, **own))
